"""One of everything, built once and copied for each test; and every operation that changes it, as a command line."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.manager.house import House

EXPORT = {"protocol": "iscsi", "server": "tgt", "portal": "127.0.0.1:3260"}


def build(root: Path) -> House:
    """A group with two members and a group snapshot of it; volumes with a snapshot, with an attachment, and alone."""
    house = House(root)
    house.add_backend("alpha", export=EXPORT)
    house.add_backend("beta", availability_zone="elsewhere")
    house.types()
    house.group()
    for name in ("solo", "spare", "held"):
        house.ok("create", "1M", "--volume-type", "gold", "--name", name, "--availability-zone", "nova")
    house.ok("group-create", "consistent", "gold", "--name", "empty", "--availability-zone", "nova")
    for name in ("db-0", "db-1", "solo", "spare", "held"):
        house.write(name, f"data of {name}".encode().ljust(16, b"."))
    house.ok("group-snapshot-create", "db", "--name", "gs")
    house.ok("snapshot-create", "solo", "--name", "snap")
    house.group("used")
    house.ok("group-snapshot-create", "used", "--name", "gs-used")
    for name in ("db-0", "db-1", "used-0", "used-1"):
        house.write(name, b"later")
    house.ok("attachment-create", "used-1", "--initiator", "iqn.2026-11.test:one")
    house.write("solo", b"later")
    (root / "alpha" / "guest.img").write_bytes(b"data of a guest.".ljust(1024**2, b"\0"))
    house.ok("attachment-create", "held", "--initiator", "iqn.2026-11.test:one")
    return house


def copy(house: House, root: Path) -> House:
    """The same in another directory, to be changed."""
    shutil.copytree(house.root, root)
    twin = House(root, dict(house.configuration))
    twin.add_backend("alpha", export=EXPORT)
    twin.add_backend("beta", availability_zone="elsewhere")
    return twin


@dataclass(frozen=True)
class Change:
    """words: the command. again: the next command on the same object, when it is not the same command again."""

    words: tuple[str, ...]
    again: tuple[str, ...] = field(default=())


def _change(words: str, again: str = "") -> Change:
    return Change(tuple(words.split()), tuple(again.split()))


CHANGES = {
    "group-create": _change("group-create consistent gold --name new", "group-delete new"),
    "create": _change("create 1M --volume-type gold --name new --availability-zone nova", "delete new"),
    "create in a group": _change("create 1M --volume-type gold --group-id db --name new"),
    "create from a snapshot": _change("create --snapshot-id snap --name new"),
    "create from a volume": _change("create --source-volid spare --name new"),
    "extend": _change("extend spare 2M"),
    "snapshot-create": _change("snapshot-create spare --name new"),
    "group-snapshot-create": _change("group-snapshot-create db --name new"),
    "group from a group snapshot": _change("group-create-from-src --group-snapshot gs --name new"),
    "group from a group": _change("group-create-from-src --source-group db --name new"),
    "add a volume": _change("group-update db --add-volumes spare"),
    "remove a volume": _change("group-update db --remove-volumes db-1"),
    "add and remove": _change("group-update db --add-volumes spare --remove-volumes db-1"),
    "add an attached volume": _change("group-update db --add-volumes held"),
    "remove an attached volume": _change("group-update used --remove-volumes used-1"),
    "attachment-create": _change("attachment-create spare --initiator iqn.2026-11.test:two"),
    "revert a group": _change("group-revert-to-snapshot gs --name kept"),
    "revert a group in use": _change("group-revert-to-snapshot gs-used --name kept --force-detach"),
    "revert a group and discard": _change("group-revert-to-snapshot gs --discard"),
    "revert a volume": _change("revert-to-snapshot snap"),
    "manage": _change("manage alpha guest.img --name new --volume-type gold"),
    "manage a snapshot": _change("snapshot-manage spare guest.img --name new"),
    "unmanage": _change("unmanage spare"),
    "unmanage a snapshot": _change("snapshot-unmanage snap"),
    "delete": _change("delete spare"),
    "delete with snapshots": _change("delete solo --cascade"),
    "snapshot-delete": _change("snapshot-delete snap"),
    "group-snapshot-delete": _change("group-snapshot-delete gs"),
    "group-delete": _change("group-delete empty"),
    "group-delete with volumes": _change("group-delete db --delete-volumes"),
    "attachment-delete": _change("attachment-delete ATTACHMENT"),
}
"""`group-delete with volumes` needs the group snapshot gone first: see `ready`."""


def ready(house: House, name: str) -> tuple[str, ...]:
    """The command line of a change, with its way made clear."""
    if name == "group-delete with volumes":
        house.ok("group-snapshot-delete", "gs")
    attachment = str(house.rows("SELECT id FROM attachments")[0][0])
    return tuple(attachment if word == "ATTACHMENT" else word for word in CHANGES[name].words)


IDS = {
    "USED_SNAPSHOT": "SELECT s.id FROM snapshots s JOIN volumes v ON v.id = s.volume_id WHERE v.name = 'used-1'",
    "MANAGED": "SELECT 'cgctl-' || id FROM volumes WHERE name = 'spare'",
    "MEMBER_SNAPSHOT": "SELECT id FROM snapshots WHERE group_snapshot_id IS NOT NULL",
    "ATTACHMENT": "SELECT id FROM attachments",
}


def words_of(house: House, line: str) -> list[str]:
    """A command line with the ids that it asks for."""
    return [str(house.rows(IDS[word])[0][0]) if word in IDS else word for word in line.split()]
