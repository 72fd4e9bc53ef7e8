"""pytest fixtures: `house`, a whole cgctl on `file` backends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cgctl.cli.wiring.configured import Configured
from tests.manager import faulty, replicating, world
from tests.manager.house import House, built_once


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Two empty backends; the user's own configuration and state are out of reach. Exports are noted in a file."""
    for variable in ("CGCTL_CONFIG", "CGCTL_STATE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    return House(tmp_path)


@pytest.fixture
def db(house: House) -> House:
    """The same with types and a group `db` of two members, each with data of its own."""
    return built_once(house.root, "db", _with_db)


def _with_db(house: House) -> None:
    house.types()
    house.group()
    for number in range(2):
        house.write(f"db-{number}", b"member %d" % number)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """alpha and beta are taken for different servers: data are carried."""
    monkeypatch.setattr(Configured, "share_server", lambda *_: False)


@pytest.fixture
def used(db: House, apart: None) -> House:
    """Group `db` of alpha, whose types do not ask for replication; a client has db-0."""
    exports = {
        name: {"protocol": "iscsi", "server": "tgt", "portal": f"127.0.0.1:{3260 + number}"}
        for number, name in enumerate(("alpha", "beta"))
    }
    sections = db.configuration["backends"]
    db.configure(backends={name: {**sections[name], "export": export} for name, export in exports.items()})
    db.ok("group-update", "db", "--metadata", "quiesce_pre=true", "quiesce_post=true")
    db.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    return db


@pytest.fixture
def replicated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Another house: group `db` of alpha has its first recovery point on beta (tests/manager/replicating.py)."""
    return _replicated(tmp_path, monkeypatch, second_target=False)


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """The same with two replication targets: beta and gamma."""
    return _replicated(tmp_path, monkeypatch, second_target=True)


def _replicated(root: Path, monkeypatch: pytest.MonkeyPatch, *, second_target: bool) -> House:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(root))
    faulty.install(monkeypatch, faulty.well)
    built = replicating.build(root, second_target=second_target)
    built.ok("group-enable-replication", "db")
    return built


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The world from which every test starts; the patches end with its building, not with the session."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("world")
        patch.setenv("XDG_STATE_HOME", str(root))
        patch.setenv("CGCTL_TEST_NOTES", str(root))
        faulty.install(patch, faulty.well)
        return world.build(root)


@pytest.fixture
def fresh(origin: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], House]:
    """Copies of the world."""
    numbers = itertools.count()

    def make() -> House:
        root = tmp_path / str(next(numbers))
        house = world.copy(origin, root)
        monkeypatch.setenv("XDG_STATE_HOME", str(root))
        monkeypatch.setenv("CGCTL_TEST_NOTES", str(root))
        return house

    faulty.install(monkeypatch, faulty.well)
    return make


@pytest.fixture(scope="module")
def refusing(origin: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The world with what refusals need besides; no test may change it."""
    root: Path = tmp_path_factory.mktemp("refusing") / "world"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(root.parent / "xdg"))
        patch.setenv("CGCTL_TEST_NOTES", str(root))
        faulty.install(patch, faulty.well)
        house = world.copy(origin, root)
        house.ok("type-create", "unused")
        (root / "alpha" / "large.img").write_bytes(bytes(2 * 1024**2))
        house.ok("create", "1M", "--volume-type", "gold", "--name", "far", "--availability-zone", "elsewhere")
        house.ok("create", "1M", "--volume-type", "silver", "--name", "silvery", "--availability-zone", "nova")
        house.ok("create", "2M", "--volume-type", "gold", "--name", "big")
        house.ok("snapshot-create", "big", "--name", "bigger")
        for _ in range(2):
            house.ok("create", "1M", "--volume-type", "gold", "--name", "twin")
        yield house
