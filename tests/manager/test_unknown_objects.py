"""Objects that a state which was restored from an older copy does not know: told, and left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manager import gated
from tests.manager.house import House
from tests.manager.test_backups import vault
from tests.manager.test_unknown_activities import restored_after

__all__ = ["vault"]


def told(house: House) -> list[tuple[object, object]]:
    """Backend and detail of what is unknown, without what is the same in all."""
    rows = [one for one in house.run("backend-check", "-f", "json").json if one["check"] == "unknown"]
    assert {one["result"] for one in rows} <= {"ok"}
    return [(one["backend"], str(one["detail"]).partition(";")[0]) for one in rows]


def test_volumes_and_groups_are_told_and_cannot_be_managed(db: House) -> None:
    assert told(db) == []
    with restored_after(db):
        alone = db.make("create", "1M", "--name", "new", "--availability-zone", "nova")
        joined = db.make("create", "1M", "--name", "db-2", "--group-id", "db", "--volume-type", "gold")
        clone = db.make("group-create-from-src", "--source-group", "db", "--name", "copy")
        members = db.rows(f"SELECT id FROM volumes WHERE group_id = '{clone}'")
        taken = db.make("snapshot-create", joined, "--name", "then")
    group = db.show("group-show", "db")["id"]
    words = [f"group {clone}", f"snapshot {taken} of {joined}", f"volume {alone}", f"volume {joined} of {group}"]
    words += [f"volume {one} of {clone}" for (one,) in members]
    assert told(db) == [("alpha", f"this state does not know {', '.join(sorted(words))}")]
    reasons = {one["cinder_id"]: one["reason_not_safe"] for one in db.show("manageable-list", "alpha")}
    unknown = "cgctl made it, and this state does not know it"
    assert {key for key, reason in reasons.items() if reason == unknown} == {
        alone,
        joined,
        *(one for (one,) in members),
    }
    assert "it is managed already" in reasons.values()
    refused = db.run("manage", "alpha", f"cgctl-{alone}")
    assert (refused.code, unknown in refused.err) == (
        db.run("manage", "alpha", f"cgctl-{next(iter(reasons))}").code,
        True,
    )


def test_what_is_made_for_a_while_is_not(vault: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.install(monkeypatch, vault, own_way=False)
    gate: Path = gated.close_for_all(monkeypatch, vault)
    assert gate
    before = {one["cinder_id"] for one in vault.show("manageable-list", "alpha")}
    keys = [vault.make("backup-create", "single", "--name", "b", "--detach")]
    keys.append(vault.make("group-backup-create", "db", "--detach"))
    hidden = [one for one in vault.show("manageable-list", "alpha") if one["cinder_id"] not in before]
    assert {one["reason_not_safe"] for one in hidden} == {"it is managed already"}
    assert told(vault) == []
    for key in keys:
        vault.ok("activity-cancel", key)
    assert told(vault) == []


def test_nor_is_the_clone_of_a_drill_that_is_kept(replicated: House) -> None:
    kept = replicated.show("group-test-failover", "db", "--keep")["id"]
    assert kept in {one.id for one in replicated.objects()}
    assert told(replicated) == []
    replicated.ok("drill-end", str(kept))
    assert told(replicated) == []
