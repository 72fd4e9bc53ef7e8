"""`reset-state`: the operator's word about an object; nothing but the state is changed."""

from __future__ import annotations

import pytest

from cgctl.cli.app import main
from drivers.errors import ServerFailed
from tests.manager import faulty
from tests.manager.house import House


@pytest.fixture(autouse=True)
def _state_by_environment(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--state` behind this command's name is its own; the state store is then named before it, or like this."""
    monkeypatch.setenv("CGCTL_STATE", db.state)


def test_a_failed_update_of_a_group_is_mended_by_reset_state(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group and its volumes in `error` are no reason to delete them."""
    extra = db.make("create", "--name", "extra", "--volume-type", "gold", "--availability-zone", "nova", "1M")

    def fault(name: str, call: faulty.Call) -> object:
        if name == "update_consistencygroup":
            raise ServerFailed("the pool is sulking")
        return call()

    with monkeypatch.context() as broken:
        faulty.install(broken, fault)
        assert db.run("group-update", "db", "--add-volumes", extra).code == 6
    assert db.show("group-show", "db")["status"] == "error"
    files = db.files()
    db.ok("reset-state", "--type", "group", "--state", "available", "db")
    db.ok("reset-state", "--state", "available", extra)
    assert db.files() == files
    db.ok("group-update", "db", "--add-volumes", extra)
    assert extra in db.show("group-show", "db")["volumes"]


@pytest.mark.parametrize("words", [("--state", "creating"), ("--state", "happy"), ("--state", "in-use")])
def test_a_status_that_cannot_be_is_refused(db: House, words: tuple[str, ...]) -> None:
    volume = db.show("group-show", "db")["volumes"][0]
    with db.unchanged():
        assert db.run("reset-state", *words, volume).code in {2, 5}


def test_attachments_say_whether_a_volume_is_attached(db: House) -> None:
    with db.unchanged():
        assert main([*db.words, "reset-state", "--attach-status", "detached", "--reset-migration-status", "db-0"]) == 0
        assert main([*db.words, "reset-state", "--attach-status", "attached", "db-0"]) == 5


def test_a_reset_to_nothing_is_bad_usage(db: House) -> None:
    assert main([*db.words, "reset-state", "db-0"]) == 2
