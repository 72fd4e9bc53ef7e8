"""cgctl over real servers: a configuration, a fresh state, and its command line as a function.

The volume types `gold` (iSCSI) and `nfsgold` (NFS) choose between the backends; `cg` is the group type.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from cgctl.cli.app import main
from tests.e2e import slow_btrfs
from tests.e2e.writers import read_counters
from tests.lab import Host, Lab

INITIATOR = "iqn.2026-11.io.test:client"
ISCSI, NFS = "gold", "nfsgold"
FILE = "disk"
"""What a client makes in a volume that is a file system of its own."""
SOAK = os.environ.get("CGCTL_SOAK") == "1"
POOL = Path("/srv/pool")


class Unexpected(AssertionError):
    """A command that a test relies on did not end with the exit code that it should."""


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def value(self) -> str:
        """What `-f value` printed, without the line end."""
        return self.stdout.rstrip("\n")


@dataclass(frozen=True)
class Members:
    """A group with its volumes, in the order of their creation."""

    group_id: str
    volume_ids: tuple[str, ...]
    volume_type: str


@dataclass(frozen=True)
class Attached:
    """One attachment as `attachment-create -f json` prints it.

    reached: the portal as we see it, where that is another one than the server's.
    """

    shown: Mapping[str, Any]
    reached: str | None = None

    @property
    def id(self) -> str:
        return str(self.shown["id"])

    @property
    def secret(self) -> str:
        return str(self.shown["secret"])

    @property
    def iqn(self) -> str:
        return str(self.shown["iqn"])

    @property
    def url(self) -> str:
        """For a Writer."""
        if self.shown["protocol"] == "nfs":
            server, _, path = str(self.shown["path"]).partition(":/")
            return f"nfs://{self.reached or server}/{path}/{self.shown.get('file', FILE)}"
        login = f"{self.shown['username']}%{self.secret}@"
        return f"iscsi://{login}{self.reached or self.shown['portal']}/{self.iqn}/{self.shown['lun']}"


@dataclass(frozen=True)
class Pace:
    """How quick a place is, in seconds, as tests of holds need it.

    bound: of a hold that shall break; patient: of one that shall not; slack: what everything around a hold may take;
    short: well within the bound; for_ever: much longer than the bound, and than most of these tests; ends: how long
    what is slow for ever may go on although the bound is over.
    """

    bound: float = 2
    patient: float = 30
    slack: float = 1.5
    short: float = 0.7
    for_ever: float = 20
    ends: float = 0


class Server(Protocol):
    """What can happen to a server of the lab."""

    def cut(self) -> None: ...
    def join(self) -> None: ...
    def stop_sshd(self) -> None: ...
    def start_sshd(self) -> None: ...


class CommandLine:
    """cgctl with a configuration and a state of its own, in a directory. What it is configured for, a subclass says."""

    name: str
    client_ip: str
    hold_seconds: float = 7.0
    snapshots = 300 if SOAK else 60
    controls = 5
    """How many group snapshots a test of order takes, and how many sets that are none."""
    pace = Pace()

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config.yaml"
        self.state = f"sqlite:///{directory}/state.db"
        self.configure()

    # Configuration

    def configure(self, **more: Any) -> None:
        """Write the configuration; more top-level keys, such as hold_seconds and hooks."""
        given = {"backends": self.backends(), "hold_seconds": self.hold_seconds, **more}
        self.config.write_text(yaml.safe_dump(given))

    def backends(self) -> dict[str, dict[str, Any]]:
        """As the configuration has them, to be changed and given to `configure(backends=…)`."""
        raise NotImplementedError

    def reached(self, volume_type: str) -> str | None:  # noqa: ARG002 (behind a forwarded port it matters)
        """Where clients find the portal, if not where the server says."""
        return None

    def make_types(self) -> None:
        for name, protocol in ((ISCSI, "iscsi"), (NFS, "nfs")):
            self.run("type-create", name)
            self.run("type-key", name, "set", f"export_protocol={protocol}")
        self.run("group-type-create", "cg")
        self.run("group-type-key", "cg", "set", "consistent_group_snapshot_enabled=<is> True")

    # The command line

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CGCTL_", "XDG_"))}
        own = {"CGCTL_CONFIG": str(self.config), "CGCTL_STATE": self.state, "NO_COLOR": "1"}
        return {**kept, **own, "XDG_STATE_HOME": str(self.config.parent / "logs"), **variables}

    def cgctl(self, *argv: str, **variables: str) -> Result:
        """Run a command line in this process; variables go to its environment."""
        stdout, stderr = io.StringIO(), io.StringIO()
        captured = contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr)
        with _environ(self.environment(**variables)), captured[0], captured[1]:
            exit_code = main(argv)
        return Result(exit_code, stdout.getvalue(), stderr.getvalue())

    def run(self, *argv: str, expect: int = 0, **variables: str) -> Result:
        """As cgctl; raises Unexpected unless it ends with this exit code."""
        result = self.cgctl(*argv, **variables)
        if result.exit_code != expect:
            raise Unexpected(
                f"cgctl {' '.join(argv)}: exit code {result.exit_code}, not {expect}\n{result.stdout}{result.stderr}"
            )
        return result

    def cgctl_process(self, *argv: str, **variables: str) -> Result:
        """Run it as scripts do, as a process of its own."""
        process = self.start(*argv, **variables)
        stdout, stderr = process.communicate(timeout=120)
        return Result(process.returncode, stdout, stderr)

    def start(self, *argv: str, **variables: str) -> subprocess.Popen[str]:
        """A process that runs beside the test; whoever starts it waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "cgctl", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**variables),
        )

    def activity(self, key: str) -> Any:
        """As activity-show has it."""
        return self.run("activity-show", key, "-f", "json").json

    def until_activity(self, key: str, so: Callable[[Any], bool]) -> Any:
        """What it shows as soon as it is so."""
        for _ in range(600):
            shown = self.activity(key)
            if so(shown):
                return shown
            time.sleep(0.1)
        raise AssertionError(shown)

    # What tests begin with

    def group(self, name: str, members: int = 4, volume_type: str = ISCSI, size: str = "64M") -> Members:
        """A group NAME with volumes NAME-1, NAME-2, …"""
        group_id = self.run("group-create", "--name", name, "cg", volume_type, "-f", "value", "-c", "id").value
        create = ("create", "--group-id", group_id, "--volume-type", volume_type, size, "-f", "value", "-c", "id")
        ids = [self.run(*create, "--name", f"{name}-{number}").value for number in range(1, members + 1)]
        return Members(group_id, tuple(ids), volume_type)

    def members_of(self, group: str) -> Members:
        """Of an existing group, by name or id."""
        shown = self.run("group-show", group, "--list-volume", "-f", "json").json
        rows = [self.run("show", one, "-f", "json").json for one in shown["volumes"]]
        rows.sort(key=lambda row: str(row["name"]))
        return Members(shown["id"], tuple(row["id"] for row in rows), rows[0]["volume_type"])

    def attach(self, volume: str, volume_type: str = ISCSI, initiator: str = INITIATOR) -> Attached:
        client = ("--initiator", initiator) if volume_type == ISCSI else ("--ip", self.client_ip)
        shown = self.run("attachment-create", volume, *client, "-f", "json").json
        return Attached(shown, self.reached(volume_type))

    def attach_all(self, members: Members, initiator: str = INITIATOR) -> list[Attached]:
        return [self.attach(one, members.volume_type, initiator) for one in members.volume_ids]

    # What is on the servers

    def counters(self, members: Members) -> list[int]:
        """The round in each member's first block."""
        raise NotImplementedError

    def snapshot_counters(self, members: Members, group_snapshot_id: str) -> list[int]:
        """The same of a group snapshot, in the order of the members."""
        raise NotImplementedError

    def digests(self, members: Members) -> list[str]:
        """SHA-256 of each member."""
        raise NotImplementedError

    def snapshot_digests(self, members: Members, group_snapshot_id: str) -> list[str]:
        """The same of a group snapshot, in the order of the members."""
        raise NotImplementedError

    def crash(self, members: Members) -> None:
        """The members' server loses its power, and is up again."""
        raise NotImplementedError

    def server_of(self, members: Members) -> Server:
        raise NotImplementedError

    def slow_snapshots(self, members: Members, seconds: float) -> AbstractContextManager[None]:
        """Within it, the snapshots of a hold begin by sleeping so long."""
        raise NotImplementedError

    def wait_for_snapshot(self, members: Members) -> None:
        """Until a slow snapshot has begun."""
        raise NotImplementedError

    def group_snapshot_objects(self, members: Members) -> list[str]:
        """Of group snapshots, on the server: sets, half-made ones and commit marks."""
        raise NotImplementedError

    def single_snapshot_counters(self, members: Members, snapshot_ids: Sequence[str]) -> list[int]:
        """The same of snapshots of volumes, in their order."""
        raise NotImplementedError


class Cluster(CommandLine):
    """Over the lab's two servers.

    `alpha`: btrfs on stor1 as cgctl with sudo, iSCSI by tgt. `beta`: btrfs on stor2 as root, NFS by ganesha.
    """

    name = "namespaces"

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab = lab
        self.client_ip = lab.client_ip
        super().__init__(directory)

    def backends(self) -> dict[str, dict[str, Any]]:
        key = {"identity_file": str(self.lab.identity_file), "known_hosts": str(self.lab.known_hosts)}
        first, second = self.lab.stor1.ip, self.lab.stor2.ip
        return {
            "alpha": {
                "driver": "btrfs",
                "pool": str(POOL),
                "ssh": {"host": first, "user": "cgctl", "sudo": True, **key},
                "export": {"protocol": "iscsi", "server": "tgt", "portal": f"{first}:3260"},
            },
            "beta": {
                "driver": "btrfs",
                "pool": str(POOL),
                "ssh": {"host": second, "user": "root", **key},
                "export": {"protocol": "nfs", "server": "ganesha", "portal": f"{second}:2049"},
            },
        }

    def host_of(self, members: Members) -> Host:
        return self.lab.stor1 if members.volume_type == ISCSI else self.lab.stor2

    def disks(self, members: Members) -> list[Path]:
        """The members' files, where this machine sees them."""
        place = self.host_of(members).path(POOL) / f"live/cgctl-{members.group_id}"
        return [place / f"cgctl-{one}/disk" for one in members.volume_ids]

    def live_disk(self, members: Members, volume_id: str) -> Path:
        """A volume's file, in the group or alone."""
        (found,) = (self.host_of(members).path(POOL) / "live").glob(f"cgctl-*/cgctl-{volume_id}/disk")
        return found

    def snapshot_disks(self, members: Members, group_snapshot_id: str) -> list[Path]:
        """The files of a group snapshot, in the order of the members."""
        place = self.host_of(members).path(POOL) / f"groupsnap/cgctl-{group_snapshot_id}"
        return [place / f"cgctl-{one}/disk" for one in members.volume_ids]

    def counters(self, members: Members) -> list[int]:
        return read_counters(self.disks(members))

    def snapshot_counters(self, members: Members, group_snapshot_id: str) -> list[int]:
        return read_counters(self.snapshot_disks(members, group_snapshot_id))

    def digests(self, members: Members) -> list[str]:
        return [digest(disk) for disk in self.disks(members)]

    def snapshot_digests(self, members: Members, group_snapshot_id: str) -> list[str]:
        return [digest(disk) for disk in self.snapshot_disks(members, group_snapshot_id)]

    def crash(self, members: Members) -> None:
        self.host_of(members).kill()
        self.host_of(members).start()

    def server_of(self, members: Members) -> Server:
        return self.host_of(members)

    def slow_snapshots(self, members: Members, seconds: float) -> AbstractContextManager[None]:
        return slow_btrfs.slow_btrfs(self.host_of(members), seconds)

    def wait_for_snapshot(self, members: Members) -> None:
        slow_btrfs.wait_for_snapshot(self.host_of(members))

    def group_snapshot_objects(self, members: Members) -> list[str]:
        places = f"{POOL}/groupsnap", f"{POOL}/.cgctl/sets"
        found = self.host_of(members).run(["find", *places, "-mindepth", "1", "-maxdepth", "1"])
        return sorted(Path(line).name for line in found.stdout.splitlines())

    def single_snapshot_counters(self, members: Members, snapshot_ids: Sequence[str]) -> list[int]:
        place = self.host_of(members).path(POOL) / "snap"
        return read_counters([place / f"cgctl-{one}/disk" for one in snapshot_ids])


def digest(disk: Path) -> str:
    with disk.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _environ(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
