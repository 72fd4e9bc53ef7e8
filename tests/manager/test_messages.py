"""Messages: every failure leaves one for the object and one for each failed member; a refusal leaves none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cgctl.model.tables import Message, utc_now
from cgctl.store import messages
from cgctl.store.database import Store
from drivers.errors import ConnectionLost, PoolFull, ServerFailed, Unreachable
from tests.manager import faulty
from tests.manager.house import House


@pytest.mark.parametrize(
    ("error", "code", "event", "hint"),
    [
        (ServerFailed("alpha: something odd"), 6, "GROUP_SNAPSHOT_CREATE_006", "--verbose"),
        (PoolFull("alpha: no room"), 6, "GROUP_SNAPSHOT_CREATE_006", "get-pools"),
        (Unreachable("alpha: no route"), 8, "GROUP_SNAPSHOT_CREATE_008", "backend-check"),
        (ConnectionLost("alpha: closed"), 6, "GROUP_SNAPSHOT_CREATE_006", "cgctl recover"),
        (KeyboardInterrupt(), 130, "GROUP_SNAPSHOT_CREATE_001", "cgctl recover"),
    ],
)
def test_a_failure_leaves_a_message(
    db: House, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, event: str, hint: str
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(error, "create_cgsnapshot"))
    assert db.run("group-snapshot-create", "db", "--name", "friday").code == code
    (left,) = db.show("message-list")
    assert (left["event_id"], left["resource_type"], left["host"]) == (event, "GROUP_SNAPSHOT", "alpha")
    assert left["resource_name"] == "friday"
    assert left["user_message"].startswith("group snapshot friday: ")
    assert hint in left["hint"]
    assert left["request_id"] == db.rows("SELECT id FROM operations WHERE kind = 'group-snapshot-create'")[0][0]
    assert db.show("message-show", left["id"][:8]) == left


def test_each_member_that_failed_has_a_message_with_its_own_reason(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (row["id"] for row in db.show("list"))
    updates = [{"id": first, "status": "deleted"}, {"id": second, "status": "error", "reason": "is in use"}]
    answer = faulty.answers(({"status": "error"}, updates), "delete_consistencygroup")
    faulty.install(monkeypatch, answer)
    assert db.run("group-delete", "db", "--delete-volumes").code == 6
    whole, member = db.show("message-list")
    assert (whole["resource_type"], member["resource_type"]) == ("GROUP", "VOLUME")
    assert (member["resource_uuid"], member["resource_name"], member["reason"]) == (second, "db-1", "is in use")
    assert whole["request_id"] == member["request_id"]
    assert member["host"] == "alpha"


@pytest.mark.parametrize(
    "words", ["delete db-0", "group-delete db", "extend db-0 1M", "create 1M --group-id db", "show nobody"]
)
def test_a_refusal_leaves_none(db: House, words: str) -> None:
    with db.unchanged():
        assert db.run(*words.split()).code in {2, 4, 5}
    assert db.show("message-list") == []


def test_messages_are_filtered_and_deleted(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: odd")))
    db.run("group-snapshot-create", "db")
    db.run("extend", "db-0", "2M")
    assert len(db.show("message-list", "--level", "error")) == 2
    assert db.show("message-list", "--level", "INFO") == []
    (left,) = db.show("message-list", "--filters", "resource_type=VOLUME")
    with db.unchanged():
        assert "would: " in db.ok("message-delete", left["id"], "--dry-run").out
    assert db.run("message-delete", left["id"], "nothing").code == 10
    assert [one["resource_type"] for one in db.show("message-list")] == ["GROUP_SNAPSHOT"]


def test_messages_go_after_30_days_and_beyond_the_newest_10_000(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "KEPT", 3)
    store, now = Store(db.state), utc_now()
    with store.write() as session:
        for number in range(4):
            made = now - timedelta(hours=number)
            session.add(
                Message(id=f"m{number}", created_at=made, expires_at=made + timedelta(days=30), event="X",
                        resource_kind="volume", resource_id="v", reason="odd")
            )  # fmt: skip
        old = now - timedelta(days=31)
        session.add(Message(id="old", created_at=old, expires_at=now - timedelta(days=1), event="X",
                            resource_kind="volume", resource_id="v", reason="odd"))  # fmt: skip
    store.close()
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: odd")))
    db.run("extend", "db-0", "2M")
    kept = [one["id"] for one in db.show("message-list")]
    assert kept[:2] == ["m1", "m0"]
    assert len(kept) == 3


def test_no_message_holds_a_secret(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: odd"), "ensure_exports"))
    db.add_backend("alpha", export={"protocol": "iscsi", "server": "tgt", "portal": "127.0.0.1:1"})
    monkeypatch.setenv("CGCTL_CHAP_SECRET", "abcdefghijkl")
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(db.root))
    assert db.run("attachment-create", "db-0", "--initiator", "iqn.2026-11.org.example:c1").code == 6
    assert "abcdefghijkl" not in str(db.rows("SELECT * FROM messages"))


@pytest.mark.parametrize(
    ("method", "words", "answer"),
    [
        ("update_consistencygroup", "group-update db --remove-volumes db-1", (None, None, [])),
        ("revert_consistencygroup", "group-revert-to-snapshot friday", (None, [])),
    ],
)
def test_members_of_moves_and_reverts_have_messages_too(
    db: House, monkeypatch: pytest.MonkeyPatch, method: str, words: str, answer: tuple[list[object] | None, ...]
) -> None:
    db.ok("group-snapshot-create", "db", "--name", "friday")
    member = db.show("list", "--name", "db-1")[0]["id"]
    entry = {"id": member, "status": "error", "reason": "is stuck"}
    listed = tuple([entry] if part == [] else part for part in answer)
    faulty.install(monkeypatch, faulty.answers(listed, method))
    assert db.run(*words.split()).code == 6
    of_member = db.show("message-list", "--filters", f"resource_uuid={member}")
    assert [one["reason"] for one in of_member] == ["is stuck"]


def test_a_nameless_volume_that_does_not_come_to_be_is_not_called_by_its_id(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(PoolFull("alpha: no room"), "create_volume"))
    failed = db.run("create", "1M", "--group-id", "db", "--volume-type", "gold")
    assert (failed.code, failed.err.splitlines()[0]) == (6, "error: volume without a name: alpha: no room")
    (left,) = db.show("message-list")
    assert left["user_message"].startswith("volume without a name: ")
    assert db.show("history")[-1]["subject"] == "volume without a name"


def test_a_nameless_volume_that_is_left_in_error_is_called_by_its_id(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: something odd"), "create_volume"))
    failed = db.run("create", "1M", "--group-id", "db", "--volume-type", "gold")
    (left,) = db.show("list", "--status", "error")
    assert failed.err.startswith(f"error: volume {left['id']}: ")
