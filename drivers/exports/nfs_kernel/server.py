"""NFSv4 by the kernel's server: one export per volume, `SERVER:/run/cgctl/nfs/cgctl-<volume id>`.

A volume's directory is bind-mounted at that place, which derives from its id, and so does the fsid: on another server
it is found under the same path. /etc/exports.d/cgctl.exports is the truth; entries are added and removed one by one
(never `exportfs -r`, which would take away what other hands have exported without a file). After a reboot a unit of
systemd that cgctl installs mounts the places before the server starts; what is not mounted is not offered
(`mountpoint`).

What an entry says, and why:
- `sync,no_wdelay`: an answer means that the server has done it. A volume that is a file is synchronous besides (chattr
  +S), because `sync` lets UNSTABLE writes wait in the page cache, and a snapshot would tear them. A volume that is a
  file system of its own is frozen and flushed by the hold.
- `secure,sec=sys`: who asks comes from a port below 1024 (exports(5)'s default), so that only root of a client can.
- A file: all users of a client, root too, are squashed to a number that no account has, which may write the file and
  nothing else (see nfs_ganesha/server.py); `subtree_check`, because the directory shares its file system with other
  volumes, and their file handles can be guessed.
- A file system: `no_root_squash`: it belongs to the clients alone, as a disk does, and their root sets it up.

Fence: the entry is taken away (from here on every request of these clients is stale), then the NFSv4 state of those
clients that have the volume open is expired; the kernel waits for what they have under way. The place can be unmounted
only when nothing is left. Expiry takes the client's state of other volumes, too: Linux clients open those anew by
themselves, but may lose file locks.
"""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Command, Script, Secret
from drivers.contract import SourceForm
from drivers.exports.nfs import NfsExports, checked_id
from drivers.exports.nfs_kernel import request
from drivers.exports.scripted import Request, perl_script

CONFIG = "/etc/exports.d/cgctl.exports"
PLACES = "/run/cgctl/nfs"


class NfsServerDown(errors.ToolMissing):
    """The kernel's NFS server does not run; nothing was changed."""

    hint = "on the server: systemctl start nfs-server"


@cache
def _script() -> Script:
    return perl_script("drivers.exports.nfs_kernel", "volume.pl", "nfsd.pl", "exports.pl")


class KernelNfsExports(NfsExports):
    """portal: where the server listens, `192.0.2.10:2049`."""

    serves: ClassVar[frozenset[SourceForm]] = frozenset({SourceForm.FILE, SourceForm.FILE_SYSTEM})
    request: ClassVar[Request] = request
    errors: ClassVar[refusals.Table] = ((re.compile(r"^the NFS server is not running: .*$", re.M), NfsServerDown),)

    def place(self, volume_id: str) -> str:
        return f"{PLACES}/cgctl-{checked_id(volume_id)}"

    def command(self, action: str, stdin: str | Secret) -> Command:
        return _script().command(action, CONFIG, PLACES, self.portal.rpartition(":")[2], stdin=stdin)
