"""What a host finds on its disk: a private /etc, /root, /home and /var/lib, kept until the lab goes down."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.lab import keys, users
from tests.lab.command import run

SCRIPTS = ("init.sh", "services.sh", "clean.sh")
DIRECTORIES = ("root", "home", "log", "store", "var-lib/nfs/ganesha", "var-lib/dbus", "var-lib/dpkg")

SSHD_CONFIG = """\
{ports}
ListenAddress {ip}
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
MaxSessions 64
MaxStartups 64
Subsystem sftp internal-sftp
"""

GANESHA_CONFIG = """\
NFS_CORE_PARAM {{
    Protocols = 4;
    NFS_Port = 2049;
    Bind_addr = {ip};
    Enable_NLM = false;
    Enable_RQUOTA = false;
    Enable_UDP = false;
}}
NFSV4 {{
    Graceless = true;
    Minor_Versions = 0, 1, 2;
    RecoveryBackend = fs;
    Only_Numeric_Owners = true;
}}
EXPORT_DEFAULTS {{ Access_Type = None; }}
%include "/etc/ganesha/cgctl-exports.conf"
"""


def make(directory: Path, name: str, ip: str, hosts_file: str, client_key: str) -> None:
    """Fill a new host's directory; init.sh puts each part at its place."""
    for part in DIRECTORIES:
        (directory / part).mkdir(parents=True)
    (directory / "root").chmod(0o700)
    for script in SCRIPTS:
        shutil.copy(Path(__file__).with_name(script), directory / script)
    run(["cp", "--archive", "/etc", str(directory / "etc")])
    _configure(directory / "etc", name, ip, hosts_file)
    _authorize_root(directory / "root", client_key)
    users.add(users.USERS, directory / "etc", directory / "home", client_key)


def _configure(etc: Path, name: str, ip: str, hosts_file: str) -> None:
    ports = "\n".join(f"Port {port}" for port in keys.SSH_PORTS)
    for path, text in (
        ("hostname", f"{name}\n"),
        ("hosts", hosts_file),
        ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"),
        ("ssh/sshd_config", SSHD_CONFIG.format(ip=ip, ports=ports)),
        ("ganesha/ganesha.conf", GANESHA_CONFIG.format(ip=ip)),
        ("ganesha/cgctl-exports.conf", ""),
    ):
        (etc / path).unlink(missing_ok=True)
        (etc / path).write_text(text)
    for old_key in (etc / "ssh").glob("ssh_host_*"):
        old_key.unlink()
    keys.make(etc / "ssh/ssh_host_ed25519_key")


def _authorize_root(root: Path, client_key: str) -> None:
    (root / ".ssh").mkdir(mode=0o700)
    (root / ".ssh/authorized_keys").write_text(client_key)
