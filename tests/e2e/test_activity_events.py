"""Each kind of long work × whatever can happen to it, on real servers: a table, and afterwards one right final state.

    kinds     snapshot-replicate, migrate, group-migrate, backup-create, group-backup-create, backup-restore,
              group-backup-restore, backup-verify, group-verify-replica, group-sync-replication, group-migrate-in-use
    places    `server`: the storage server does it; `here`: a process of this machine carries it
    events    kill: SIGKILL of the cgctl that began it and waits; cancel; cut: its server cannot be reached for a while;
              reboot: all processes of its server die, its disks stay

In CI the work waits at its beginning until the event has happened; CGCTL_SOAK=1 lets it run, with more data, and the
event comes when bytes have moved. Whatever its end, nothing half-made is left, the state knows all that is on the
servers, and everything is usable; what succeeded has the right data.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import INITIATOR, ISCSI, POOL, SOAK, Cluster, digest
from tests.e2e.replicated import attached_group, replicated_group, replicating
from tests.lab import Host
from tests.manager import gated

SIZE_MIB = 384 if SOAK else 8
FILES, VAULT = "/mnt/store/files", "/mnt/store/vault"
CUT_SECONDS = 3.0
PATIENCE_SECONDS = "300"
WAITS = 'while [ ! -e "$CGCTL_ACTIVITY/go" ]; do sleep 0.1; done; exec "$@"'
MOVE = "group-migrate-in-use"
OVER = ("succeeded", "failed", "cancelled", "lost")


@dataclass(frozen=True)
class Kind:
    """Its words, where the server does it (if it ever does) and where this machine carries it; same: what has the data
    of what then."""

    server: tuple[str, ...] | None
    here: tuple[str, ...]
    same: tuple[str, str] | None = None


KINDS: Mapping[str, Kind] = {
    "snapshot-replicate": Kind(("snap", "files", "--name", "copy"), ("snap", "beta", "--name", "copy")),
    "migrate": Kind(("plain", "files"), ("plain", "beta"), ("plain", "plain")),
    "group-migrate": Kind(("db", "files"), ("db", "beta"), ("db-1", "db-1")),
    "backup-create": Kind(("data", "--container", "there"), ("data", "--container", "here")),
    "group-backup-create": Kind(("db", "--container", "there"), ("db", "--container", "here")),
    "backup-restore": Kind(("b-there", "--name", "new"), ("b-here", "--name", "new"), ("new", "data")),
    "group-backup-restore": Kind(("g-there", "--name", "new"), ("g-here", "--name", "new")),
    "backup-verify": Kind(("b-there",), ("b-here",)),
    "group-verify-replica": Kind(None, ("db",)),
    "group-sync-replication": Kind(None, ("db",)),
    MOVE: Kind(None, ("--allow-attached-volume", "db", "beta"), ("db-1", "db-1")),
}
EVENTS = ("kill", "cancel", "cut", "reboot")
IN_CI = {("backup-create", "server", "reboot")}
"""The cheapest that show something that no other test in CI does."""


def table() -> list[Any]:
    """Every combination; what CI leaves out is in the long form."""
    places = {name: ("server", "here") if kind.server else ("here",) for name, kind in KINDS.items()}
    cells = [(kind, where, event) for kind in KINDS for where in places[kind] for event in EVENTS]
    for kind, where in (("migrate", "server"), ("group-sync-replication", "here"), (MOVE, "here")):
        cells.remove((kind, where, "kill"))  # no activity without --detach: tests/manager, kill points
    return [pytest.param(*cell, marks=() if cell in IN_CI else pytest.mark.soak) for cell in cells]


class Scene:
    """alpha, beta: btrfs on two servers; files: a `file` pool on alpha's; repositories on alpha's server and here."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        stor1, stor2 = cluster.lab.stor1, cluster.lab.stor2
        self.pools: Mapping[str, tuple[Host, str]] = {
            "alpha": (stor1, str(POOL)),
            "files": (stor1, FILES),
            "beta": (stor2, str(POOL)),
        }
        stor1.script('rm -rf "$1" "$2"; mkdir -p "$1" "$2"', FILES, VAULT)
        self.vault = cluster.config.parent / "vault"
        self.vault.mkdir()
        self.replicates = False
        self.configure()

    def configure(self, *only: str) -> None:
        """With all backends, or with some only."""
        backends = replicating(self.cluster) if self.replicates else self.cluster.backends()
        files = {"driver": "file", "pool": FILES, "ssh": backends["alpha"]["ssh"]}
        every = {**backends, "files": files}
        self.cluster.configure(
            backends={name: one for name, one in every.items() if not only or name in only},
            backup_repositories={
                "here": {"directory": str(self.vault)},
                "there": {"directory": VAULT, "backend": "alpha"},
            },
        )

    def prepare(self, kind: str) -> None:
        """What this kind of work needs, on alpha."""
        if kind == MOVE:
            self.configure("alpha")
            self.cluster.run("type-create", "replicated")
            self.cluster.run("group-type-create", "rg")
            attached_group(self.cluster, 2, f"{SIZE_MIB}M", ("--initiator", INITIATOR))
            self.fill("db-0")
            self.fill("db-1")
            self.replicates = True
            self.configure()
            return
        if kind in ("group-verify-replica", "group-sync-replication"):
            replicated_group(self.cluster, replicating(self.cluster), 2, f"{SIZE_MIB * 2}M")
            self.detach()
            self.replicates = True
            self.configure()
            self.fill("db-0")
            return
        if kind.endswith("migrate"):  # later, to backends that export otherwise, or not at all
            self.cluster.run("type-key", ISCSI, "unset", "export_protocol")
        self.configure("alpha")
        needs = {"migrate": ("plain",), "snapshot-replicate": ("data",)}
        group = kind.startswith("group-")
        for name in () if group else needs.get(kind, ("data",)):
            self.cluster.run("create", f"{SIZE_MIB}M", "--volume-type", ISCSI, "--name", name)
            self.fill(name)
        if group:
            members = self.cluster.group("db", 2, size=f"{SIZE_MIB // 2}M")
            for number in range(len(members.volume_ids)):
                self.fill(f"db-{number + 1}")
        if kind == "snapshot-replicate":
            self.cluster.run("snapshot-create", "data", "--name", "snap")
        for where in ("here", "there") if "restore" in kind or "verify" in kind else ():
            words = ("group-backup-create", "db") if group else ("backup-create", "data")
            self.cluster.run(*words, "--container", where, "--name", f"{'g' if group else 'b'}-{where}")
        self.configure()

    def detach(self) -> None:
        for one in self.cluster.run("attachment-list", "-f", "json").json:
            self.cluster.run("attachment-delete", one["id"])

    def fill(self, name: str) -> None:
        with self.disk(name).open("r+b") as file:
            for _ in range(max(1, SIZE_MIB // 16)):
                file.write(os.urandom(4 * 1024**2))
            os.fsync(file.fileno())

    def disk(self, name: str) -> Path:
        shown = self.cluster.run("show", name, "-f", "json").json
        host, pool = self.pools[shown["host"]]
        (found,) = host.path(pool).glob(f"live/cgctl-*/cgctl-{shown['id']}/disk")
        return found

    # The activity

    def newest(self) -> Any:
        """The activity that was begun last, once it has been handed over to whoever works on it."""
        for _ in range(600):
            rows = self.cluster.run("activity-list", "--running", "-f", "json").json
            if rows and rows[-1]["state"] == "running":
                return rows[-1]
            time.sleep(0.1)
        raise AssertionError("nothing was begun")

    def until_it_moves(self, key: str) -> None:
        for _ in range(3000):
            shown = self.cluster.run("activity-show", key, "-f", "json").json
            if shown["state"] in OVER or shown["done_bytes"] > 0:
                return
            time.sleep(0.1)
        raise AssertionError("nothing moves")

    def let_go(self, shown: Any) -> None:
        gate = f"{shown['directory']}/{shown['id']}/go"
        if shown["host"] is None:
            Path(gate).touch()
        else:
            self.cluster.lab.stor1.run(["touch", gate])

    # What is left

    def disagreements(self) -> list[str]:
        """Where servers, repositories and state differ, and whatever is in no state of rest."""
        lists = ("list", "group-list", "snapshot-list", "group-snapshot-list", "backup-list", "group-backup-list")
        rows = {one: self.cluster.run(one, "--long", "-f", "json").json for one in lists}
        found = [
            f"{one['id']} is {one['status']}" for of in rows.values() for one in of if one["status"] != "available"
        ]
        for name, (host, pool) in self.pools.items():
            known = {one["id"] for one in rows["list"] if one["host"] == name and not one["group_id"]}
            known |= {one["id"] for one in rows["group-list"] if one["host"] == name}
            found += differing(f"{name} live", host.path(pool) / "live", known)
            found += [str(path) for path in host.path(pool).glob(".cgctl/activities/known-*")]
        backups = rows["backup-list"] + rows["group-backup-list"]
        places = {"here": self.vault, "there": self.cluster.lab.stor1.path(VAULT)}
        for name, path in places.items():
            known = {one["id"] for one in backups if one["container"] == name}
            found += differing(name, path, known, "backup-", ("cgctl-repository",))
        supervisors = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^./supervisor$' || :"
        for host in (self.cluster.lab.stor1, self.cluster.lab.stor2):
            found += [f"{host.name} still works" for line in host.script(supervisors).split() if line != "0"]
        return found


def differing(
    what: str, path: Path, known: set[str], prefix: str = "cgctl-", without: tuple[str, ...] = ()
) -> list[str]:
    names = {one.name for one in path.iterdir()} - set(without) if path.is_dir() else set()
    wanted = {f"{prefix}{one}" for one in known}
    return [f"{what}: {one} is there" for one in sorted(names - wanted)] + [
        f"{what}: {one} is missing" for one in sorted(wanted - names)
    ]


def sum_of(path: Path) -> str:
    return digest(path) if path.exists() else hashlib.sha256().hexdigest()


@pytest.fixture
def scene(cluster: Cluster) -> Scene:
    return Scene(cluster)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, scene: Scene) -> Callable[[str], None]:
    """From then on work waits at its beginning; in the long form it runs."""

    def close(kind: str) -> None:
        scene.prepare(kind)
        if not SOAK:
            gated.wrap(monkeypatch, WAITS)

    return close


def kill_its_command(scene: Scene, words: tuple[str, ...]) -> Any:
    """Begun by a process that waits for its end, and that is killed."""
    child = os.fork()
    if child == 0:
        try:
            scene.cluster.cgctl(*words)
        finally:
            os._exit(0)
    shown = scene.newest()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return shown


@pytest.mark.lab
@pytest.mark.parametrize(("kind", "where", "event"), table())
def test_whatever_happens_meanwhile_there_is_one_right_final_state(
    scene: Scene, gate: Callable[[str], None], kind: str, where: str, event: str
) -> None:
    gate(kind)
    wanted = KINDS[kind]
    words = (kind.removesuffix("-in-use"), *((wanted.server or ()) if where == "server" else wanted.here))
    before = sum_of(scene.disk(wanted.same[1])) if wanted.same else ""
    stor1 = scene.cluster.lab.stor1
    if event == "kill":
        shown = kill_its_command(scene, words)
    else:
        scene.cluster.run(*words, "--detach")
        shown = scene.newest()
    assert (shown["host"] is None) is (where == "here"), shown
    if SOAK:
        scene.until_it_moves(shown["id"])
    if event == "cancel":
        scene.cluster.run("activity-cancel", shown["id"])
    elif event == "reboot":
        stor1.kill()
        stor1.start()
    elif event == "cut":
        stor1.cut()
    if event != "cancel" and not (event == "reboot" and where == "server") and not SOAK:
        scene.let_go(shown)
    if event == "cut":
        time.sleep(CUT_SECONDS)
        stor1.join()
    scene.cluster.cgctl("activity-wait", shown["id"], "--timeout", PATIENCE_SECONDS)
    ended = scene.cluster.run("activity-show", shown["id"], "-f", "json").json
    assert ended["state"] in final_states(where, event), ended
    if kind == MOVE:
        if ended["state"] == "failed":  # it is on its way
            scene.cluster.run(*words)
        scene.detach()
    assert scene.disagreements() == []
    if ended["state"] == "succeeded" and wanted.same:
        assert sum_of(scene.disk(wanted.same[0])) == before
    scene.cluster.run("recover")


def final_states(where: str, event: str) -> tuple[str, ...]:
    """In the long form an event may come too late."""
    late = ("succeeded",) if SOAK else ()
    if event == "kill" or (event == "cut" and where == "server"):
        return ("succeeded",)
    if event == "cancel":
        return ("cancelled", *late)
    if event == "reboot" and where == "server":
        return ("lost", *late)
    return "succeeded", "failed"
