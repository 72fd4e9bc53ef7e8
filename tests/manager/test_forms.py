"""Volumes that are file systems go where volumes are file systems, by images that nobody mounts; disks go to disks.

The `file` driver stands for both: what it says that its volumes are decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from drivers.backends.file.driver import FileDriver
from drivers.contract import SourceForm
from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.test_backups import hidden, with_vault
from tests.manager.test_relocation import DATA, where

Holding = Callable[..., None]


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> Holding:
    """From now on the volumes of these backends are file systems."""

    def say(*hosts: str) -> None:
        forms = {True: SourceForm.FILE_SYSTEM, False: SourceForm.FILE}
        monkeypatch.setattr(FileDriver, "source_form", property(lambda self: forms[self.backend_id in hosts]))

    return say


@pytest.fixture
def nas(db: House, holding: Holding) -> House:
    """The volumes of alpha, where `spare` is, are file systems; those of beta, where `disk` is, are not."""
    with_vault(db)
    db.ok("create", "1M", "--volume-type", "gold", "--name", "disk", "--availability-zone", "elsewhere")
    db.ok("create", "1M", "--volume-type", "gold", "--name", "spare", "--availability-zone", "nova")
    db.write("spare", b"files")
    for host in ("alpha", "beta"):
        db.ok("type-create", f"on-{host}")
        db.ok("type-key", f"on-{host}", "set", f"volume_backend_name={host}")
    holding("alpha")
    return db


def test_what_is_a_file_system_does_not_become_a_disk_nor_a_disk_a_file_system(nas: House) -> None:
    nas.ok("backup-create", "spare", "--name", "b")
    nas.ok("backup-create", "disk", "--name", "d")
    nas.ok("group-backup-create", "db", "--name", "g")
    nas.ok("create", "--source-volid", "spare", "--name", "taken")
    nas.ok("retype", "spare", "on-alpha")
    nas.ok("snapshot-create", "taken", "--name", "then")
    for *words, hint in (
        ("migrate", "spare", "beta", "let a client copy the files"),
        ("migrate", "spare", "beta", "--detach", "let a client copy the files"),
        ("migrate", "disk", "alpha", "let a client copy the files"),
        ("group-migrate", "db", "beta", "let a client copy the files"),
        ("snapshot-replicate", "then", "beta", "let a client copy the files"),
        ("retype", "--migration-policy", "on-demand", "spare", "on-beta", "not file systems"),
        ("backup-restore", "b", "--volume", "disk", "cgctl backup-restore "),
        ("backup-restore", "d", "--volume", "spare", "cgctl backup-restore "),
        ("backup-restore", "b", "--availability-zone", "elsewhere", "not file systems"),
        ("group-backup-restore", "g", "--availability-zone", "elsewhere", "not file systems"),
    ):
        with nas.unchanged():
            refused = nas.run(*words)
        assert (refused.code, hint in refused.err) == (5, True), refused
    assert nas.show("backup-restore", "d", "--name", "again")["availability_zone"] == "elsewhere"
    assert (hidden(nas), disagreements(nas)) == ([], [])


def test_a_file_system_goes_from_like_to_like_by_an_image_that_is_gone_afterwards(nas: House, holding: Holding) -> None:
    holding("alpha", "beta")
    nas.ok("migrate", "spare", "beta")
    assert (nas.show("show", "spare")["host"], nas.read("spare", 5)) == ("beta", b"files")
    nas.ok("retype", "--migration-policy", "on-demand", "spare", "on-alpha")
    row = nas.show("show", "spare")
    assert (row["host"], row["volume_type"], row["status"], nas.read("spare", 5)) == (
        "alpha",
        "on-alpha",
        "available",
        b"files",
    )
    nas.ok("group-migrate", "db", "beta")
    assert where(nas) == ("beta", {"beta"}, DATA)
    assert (hidden(nas), disagreements(nas)) == ([], [])


def test_a_backup_says_its_form_in_its_repository_and_an_old_one_is_of_a_disk(nas: House) -> None:
    for name in ("disk", "spare"):
        nas.ok("backup-create", name, "--name", name)
        nas.ok("delete", name)
    nas.execute("DELETE FROM backups")
    (old,) = (one for one in nas.root.glob("vault/*/manifest") if '"form": "disk"' in one.read_text())
    old.write_text(old.read_text().replace(', "form": "disk"', ""))
    (old.parent / "manifest.sha256").write_text(f"{hashlib.sha256(old.read_bytes()).hexdigest()}  manifest\n")
    nas.ok("backup-import", "cgctl", "vault")
    for name, host in (("disk", "beta"), ("spare", "alpha")):
        assert nas.show("backup-restore", name, "--name", name)["host"] == host
    for name, other in (("disk", "spare"), ("spare", "disk")):
        with nas.unchanged():
            assert nas.run("backup-restore", name, "--volume", other).code == 5
    assert nas.read("spare", 5) == b"files"
