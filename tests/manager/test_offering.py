"""`backend-check --repair` beside commands that change who has access to a volume, or what is behind its export."""

from __future__ import annotations

import pytest

from drivers.errors import NotOnServer, ServerFailed
from tests.manager import faulty
from tests.manager.house import House, Ran
from tests.manager.test_failover import access

REPAIR = ("backend-check", "--repair", "alpha")


def attached(house: House, client: str) -> str:
    """A client of the first member: the id of its attachment."""
    return house.make("attachment-create", "db-0", "--initiator", f"iqn.2026-11.test:{client}")


def test_who_loses_access_beside_a_repair_does_not_get_it_back(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what the repair has read and what it tells the server."""
    goes, stays = attached(replicated, "one"), attached(replicated, "two")
    said: list[Ran] = []
    once = iter([True])

    def come_between(name: str, call: faulty.Call) -> object:
        if name == "ensure_exports" and next(once, False):
            said.append(replicated.run("attachment-delete", goes, "--lock-timeout", "0"))
        return call()

    faulty.install(monkeypatch, come_between)
    replicated.ok(*REPAIR)
    assert [(one.code, "is locked by `cgctl backend-check" in one.err) for one in said] == [(9, True)], said
    replicated.ok("attachment-delete", goes)
    assert list(access(replicated, "alpha").values()) == [[stays]]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("group-update", "db", "--remove-volumes", "db-0"), "update_consistencygroup"),
        (("group-revert-to-snapshot", "taken", "--discard", "--force-detach"), "revert_consistencygroup"),
    ],
)
def test_a_repair_offers_nothing_while_it_is_moved_or_exchanged(
    replicated: House, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], part: str
) -> None:
    """A client would write to what is not the volume any more."""
    if "taken" in words:
        replicated.ok("group-snapshot-create", "db", "--name", "taken")
    attached(replicated, "one")
    meanwhile: list[object] = []

    def come_between(name: str, call: faulty.Call) -> object:
        if name == part and not meanwhile:
            replicated.run(*REPAIR)
            meanwhile.append(access(replicated, "alpha"))
        return call()

    faulty.install(monkeypatch, come_between)
    replicated.ok(*words)
    assert meanwhile == [{}]


def test_what_an_interrupted_command_works_on_is_offered_by_a_repair(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that boots has clients that wait, and nobody to settle."""
    goes, stays = attached(replicated, "one"), attached(replicated, "two")
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("gone"), "ensure_exports"))
    assert replicated.run("attachment-delete", goes).code == 6
    faulty.install(monkeypatch, faulty.well)
    (replicated.root / "exports-3260.json").unlink()
    replicated.ok(*REPAIR)
    assert list(access(replicated, "alpha").values()) == [[stays]]


def test_what_cannot_be_repaired_of_one_keeps_no_other_from_its_clients(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A volume whose file system cannot be mounted, say."""
    client = attached(replicated, "one")
    (replicated.root / "exports-3260.json").unlink()
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("mount: bad superblock"), "repair"))
    ran = replicated.run(*REPAIR)
    assert (ran.code, "mount: bad superblock" in ran.out) == (6, True), ran
    assert list(access(replicated, "alpha").values()) == [[client]]


def test_a_volume_that_is_not_there_is_named_and_the_others_are_offered(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = attached(replicated, "one")
    other = replicated.make("attachment-create", "db-1", "--initiator", "iqn.2026-11.test:two")
    (replicated.root / "exports-3260.json").unlink()
    refusals = iter(range(3))  # of both, twice, then of the first alone

    def lacks_one(name: str, call: faulty.Call) -> object:
        if name == "ensure_exports" and next(refusals, None) is not None:
            raise NotOnServer("it is away")
        return call()

    faulty.install(monkeypatch, lacks_one)
    ran = replicated.run(*REPAIR)
    assert "volume db-0: is not offered: it is away\n" in ran.err, ran
    assert list(access(replicated, "alpha").values()) == [[other]], client
