"""Backups when something is not as it was written: a chunk, a manifest, the volume that shall get the data."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path

import pytest

from tests.manager import faulty, gated
from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.test_backups import MIB, held, hidden, vault

__all__ = ["vault"]


def place(house: House, key: str) -> Path:
    return house.root / "vault" / f"backup-{key}"


def test_whoever_has_a_damaged_chunk_is_nobodys_parent_and_not_restored_before_it_is_mended(vault: House) -> None:
    """Else it would be in the new one, too; and an old backup would be found out when it is needed."""
    first = vault.make("backup-create", "single", "--name", "a")
    vault.write("single", b"FIRST")
    with vault.disk("single").open("r+b") as disk:
        disk.seek(5 * MIB)
        disk.write(b"second chunk")
    second = vault.make("backup-create", "single", "--name", "b", "--incremental")
    vault.ok("backup-create", "single", "--name", "c", "--incremental")
    shared = next(one for one in place(vault, second).glob("chunks/??/*") if one.stat().st_nlink == 2)
    sound = shared.read_bytes()
    shared.write_bytes(b"damaged")
    found = vault.run("backup-verify", "c")
    assert (found.code, second in found.err, first in found.err) == (6, True, False), found
    told = {one["name"]: (one["status"], one["fail_reason"]) for one in vault.show("backup-list")}
    assert told["a"] == ("available", None)
    assert told["b"] == ("error", "1 damaged chunk(s), shared with backup c")
    assert told["c"] == ("error", "1 damaged chunk(s)")
    with vault.unchanged():
        refused = vault.run("backup-restore", "b", "--volume", "single")
        assert (refused.code, "1 damaged chunk(s)" in refused.err) == (5, True), refused
    ran = vault.ok("backup-create", "single", "--name", "d", "--incremental")
    assert vault.show("backup-show", "d")["parent_id"] == first, ran
    vault.execute("DELETE FROM backups WHERE name = 'c'")
    assert [one["status"] for one in vault.show("backup-import", "cgctl", "vault")] == ["error"]
    shared.write_bytes(sound)
    for name in "bc":
        vault.ok("backup-verify", name)
    assert {one["status"] for one in vault.show("backup-list")} == {"available"}
    vault.ok("backup-restore", "b", "--volume", "single")
    assert vault.read("single", 5) == b"FIRST"


def test_who_shares_a_damaged_chunk_is_known_from_the_repository_alone(vault: House) -> None:
    for name in "ab":
        vault.ok("backup-create", "single", "--name", name, "--incremental")
    (chunk, _) = (vault.root / "vault").glob("backup-*/chunks/??/*")
    sound = chunk.read_bytes()
    chunk.write_bytes(b"damaged")
    assert vault.run("backup-verify", "b").code == 6
    vault.execute("DELETE FROM backups")
    imported = {one["name"]: one for one in vault.show("backup-import", "cgctl", "vault")}
    assert {name: one["fail_reason"] for name, one in imported.items()} == dict.fromkeys("ab", "1 damaged chunk(s)")
    chunk.write_bytes(sound)
    vault.ok("backup-verify", "a")
    vault.execute("DELETE FROM backups")
    imported = {one["name"]: one for one in vault.show("backup-import", "cgctl", "vault")}
    assert {name: one["status"] for name, one in imported.items()} == {"a": "available", "b": "error"}


def test_a_restore_into_a_volume_whose_data_are_gone_can_be_cancelled_and_done(
    vault: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    shutil.rmtree(vault.disk("single").parent.parent)
    vault.ok("reset-state", "--state", "error", "single")
    with monkeypatch.context() as waiting:
        waiting.setattr("cgctl.manager.backups.streams._PIPE", "sleep 30")
        vault.ok("activity-cancel", vault.make("backup-restore", "b", "--volume", "single", "--detach"))
    assert (vault.status("show", "single"), hidden(vault)) == ("error", [])
    vault.ok("backup-restore", "b", "--volume", "single")
    assert (vault.status("show", "single"), vault.read("single", 5)) == ("available", b"first")


def test_a_restore_that_reset_state_has_given_up_touches_nothing_however_late_its_server_is_back(vault: House) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    vault.write("single", b"other")
    mark = vault.root / "alpha" / ".cgctl" / "owner"
    key = vault.make("backup-restore", "b", "--volume", "single", "--detach")
    while not any(one.complete for one in vault.objects() if one.id in hidden(vault)):
        time.sleep(0.05)
    mark.rename(mark.with_name("away"))
    assert vault.run("activity-wait", key).code == 6
    mark.with_name("away").rename(mark)
    vault.ok("reset-state", "--state", "available", "single")
    vault.write("single", b"newer")
    vault.ok("recover")
    assert (vault.read("single", 5), vault.status("show", "single"), hidden(vault)) == (b"newer", "available", [])
    export = {"protocol": "iscsi", "server": "tgt", "portal": "127.0.0.1:3260"}
    vault.configure(backends={"alpha": {**vault.configuration["backends"]["alpha"], "export": export}})
    vault.ok("attachment-create", "single", "--initiator", "iqn.2026-11.test:one")
    vault.ok("reset-state", "--state", "error", "single")
    refused = vault.run("backup-restore", "b", "--volume", "single")
    assert (refused.code, "has attachments" in refused.err, vault.read("single", 5)) == (5, True, b"newer"), refused


def test_a_manifest_that_is_damaged_or_lies_does_not_keep_the_others_from_being_found(vault: House) -> None:
    """A server that lost its power may have left any part of one."""
    bad, good = (vault.make("backup-create", "single", "--name", name) for name in ("bad", "good"))
    text = (place(vault, bad) / "manifest").read_text()
    about = json.loads(text.splitlines()[1].removeprefix("about "))
    (member,) = about["members"]
    lying = [
        text.replace(text.splitlines()[1], f"about {json.dumps({**about, key: value})}")
        for key, value in (
            ("created_at", None),
            ("description", {}),
            ("name", "two\nlines"),
            ("members", []),
            ("members", [{"id": bad}]),
            ("members", [{**member, "name": ["x"]}]),
            ("members", [{**member, "metadata": ["x"]}]),
            ("members", [{**member, "metadata": {"pool": 1}}]),
            ("members", [{**member, "metadata": {"two\nlines": "x"}}]),
            ("members", [{**member, "group": "x"}]),
            ("members", [{**member, "group": {"volume_types": "gold"}}]),
            ("members", [{**member, "group": {"metadata": {"a": None}}}]),
        )
    ]
    lying += [
        text.replace(f"image {member['id']} {9 * MIB}", f"image {key} {size}").replace(
            json.dumps(member), json.dumps({**member, "id": key, "size_bytes": size})
        )
        for key, size in ((member["id"], -512), (member["id"], 2**70), (member["id"], 5), ("../../x", 9 * MIB))
    ]
    shutil.copytree(place(vault, good), vault.root / "vault" / "backup-strange")
    for new, is_noticed in [
        (text[:-1], True),
        (text[: text.index("image ") + 20], True),
        *((one, False) for one in lying),
    ]:
        (place(vault, bad) / "manifest").write_text(new)
        if not is_noticed:
            digest = hashlib.sha256(new.encode()).hexdigest()
            (place(vault, bad) / "manifest.sha256").write_text(f"{digest}  manifest\n")
        vault.execute("DELETE FROM backups")
        listed = vault.ok("backup-list", "--repository", "vault", "-f", "value", "-c", "id")
        assert (listed.last, bad in listed.err) == (good, True), new
        assert vault.run("backup-import", "cgctl", f"vault/{bad}").code == 5
        ran = vault.run("backup-import", "cgctl", "vault", "-f", "value", "-c", "id")
        assert (ran.code, ran.last, bad in ran.err, "strange" in ran.err) == (10, good, True, True), ran
        assert [one["id"] for one in vault.show("backup-list")] == [good]
    assert held(vault) == {f"backup-{bad}", f"backup-{good}", "backup-strange"}


def test_what_is_gone_from_its_repository_or_stands_there_half_made_is_told(vault: House) -> None:
    key = vault.make("backup-create", "single", "--name", "b")
    strange = "11111111-1111-4111-8111-111111111111"
    (vault.root / "vault" / f".making-{strange}").mkdir()
    told = vault.ok("backup-list", "--repository", "vault").err
    assert (f"rm -rf {vault.root}/vault/.making-{strange}" in told, "cgctl recover" in told) == (True, False), told
    shutil.rmtree(place(vault, key))
    gone = vault.run("backup-verify", "b")
    assert (gone.code, "it is not there any more" in gone.err) == (6, True), gone
    shown = vault.show("backup-show", "b")
    assert (shown["status"], shown["fail_reason"]) == ("error", "it is not there any more")
    assert "it is not there any more" in vault.run("backup-restore", "b").err
    assert "was not in vault any more" in vault.ok("backup-delete", "b").err


def test_a_whole_backup_stays_although_its_server_has_forgotten_how_it_ended(vault: House) -> None:
    """A server forgets after a month, or with its disks: just then the backup is all that is left."""
    key = vault.make("backup-create", "single", "--name", "b", "--detach")
    while not any(name.startswith("backup-") for name in held(vault)):
        time.sleep(0.05)
    (remembered,) = vault.root.glob(f"*/.cgctl/activities/{key}")
    while not (remembered / "state").read_text().startswith("succeeded"):
        time.sleep(0.05)
    shutil.rmtree(remembered)
    assert vault.show("activity-show", key)["state"] == "succeeded"
    assert [one["status"] for one in vault.show("backup-list")] == ["available"]
    assert (hidden(vault), vault.status("show", "single")) == ([], "available")
    vault.ok("backup-verify", "b")


def test_a_backup_whose_clone_fails_leaves_nothing(vault: House, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = faulty.answers(({"status": "error"}, None), "create_consistencygroup_from_src")
    with monkeypatch.context() as broken:
        faulty.install(broken, failing)
        assert vault.run("group-backup-create", "db").code == 6
    assert (held(vault), hidden(vault), vault.show("group-backup-list")) == (set(), [], [])


def test_a_snapshot_of_another_volume_is_refused_with_a_hint_that_can_be_pasted(vault: House) -> None:
    vault.ok("snapshot-create", "db-0", "--name", "s")
    refused = vault.run("backup-create", "single", "--snapshot-id", "s")
    assert refused.code == 5
    vault.ok(*refused.err.split("hint: cgctl ")[1].split())


def test_what_came_so_far_is_not_forgotten_while_its_pool_is_not_mounted(
    vault: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    gated.wrap(monkeypatch, '"$@"; exec sleep 30')
    key = vault.make("backup-restore", "b", "--name", "again", "--availability-zone", "nova", "--detach")
    while not hidden_or_new(vault, key):
        time.sleep(0.05)
    mark = vault.root / "alpha" / ".cgctl" / "owner"
    mark.rename(mark.with_name("away"))
    assert vault.run("activity-cancel", key).code == 6
    mark.with_name("away").rename(mark)
    vault.ok("recover")
    assert disagreements(vault) == []
    assert "again" not in [one["name"] for one in vault.show("list")]


def hidden_or_new(house: House, key: str) -> bool:
    """Whether what the activity makes is in the pool."""
    made = house.rows("SELECT made_ids FROM activities WHERE id = ?", key)[0][0]
    return made in {one.id for one in house.objects() if one.complete}
