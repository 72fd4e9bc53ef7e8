"""What is refused leaves nothing: the state's whole dump and every file of the pools are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.manager import world
from tests.manager.house import House

LONG = "n" * 255
BAD_NAMES = ["", "n" * 256, "two\nlines", "bell\a", "\x1b[31mred", "nul\x7f", "line\u2028separator"]
GOOD_NAMES = [
    LONG,
    "it's",
    'say "hi"',
    "a;b",
    "$(reboot)",
    "`reboot`",
    "🦀 ñ 语",
    "-x",
    "--",
    "a b",
    "%s",
    "*",
    "\\",
]

REFUSED: dict[str, tuple[int, str]] = {
    "unknown group type": (4, "group-create nothing gold"),
    "unknown volume type": (4, "group-create consistent nothing"),
    "no volume type": (2, "group-create consistent ,"),
    "a volume type twice": (2, "group-create consistent gold,gold"),
    "reserved group type": (5, "group-create default_cgsnapshot_type gold"),
    "unknown zone": (4, "group-create consistent gold --availability-zone nowhere"),
    "unknown hook": (2, "group-create consistent gold --metadata quiesce_before=true"),
    "hook's time-out": (2, "group-create consistent gold --metadata quiesce_timeout=soon"),
    "unknown group": (4, "create 1 --group-id nothing --volume-type gold"),
    "member without type": (2, "create 1 --group-id db"),
    "member of another type": (5, "create 1 --group-id empty --volume-type silver"),
    "no size": (2, "create --volume-type gold"),
    "size of zero": (2, "create 0 --volume-type gold"),
    "negative size": (2, "create --volume-type gold -- -1"),
    "size of words": (2, "create big --volume-type gold"),
    "no room": (5, "create 900000T --volume-type gold"),
    "smaller than its source": (5, "create 1M --source-volid big"),
    "smaller than its snapshot": (5, "create 1M --snapshot-id bigger"),
    "two sources": (2, "create --source-volid solo --snapshot-id snap"),
    "delete a member": (5, "delete db-0"),
    "delete an attached volume": (5, "delete held"),
    "delete a volume with snapshots": (5, "delete solo"),
    "delete nothing": (4, "delete nothing"),
    "delete a volume in a group snapshot with its snapshots": (5, "delete --cascade db-0"),
    "delete a member by force": (5, "force-delete db-0"),
    "delete an attached volume by force": (5, "force-delete held"),
    "revert to a snapshot of nothing": (4, "revert-to-snapshot nothing"),
    "revert an attached member": (5, "revert-to-snapshot USED_SNAPSHOT"),
    "retype a member": (5, "retype db-0 silver"),
    "retype to the same": (5, "retype spare gold"),
    "retype to nothing": (4, "retype spare nothing"),
    "retype by no policy": (2, "retype spare silver --migration-policy always"),
    "migrate a member": (5, "migrate db-0 beta"),
    "migrate an attached volume": (5, "migrate held beta"),
    "migrate a volume with snapshots": (5, "migrate solo beta"),
    "migrate to where it is": (5, "migrate spare alpha"),
    "migrate to nowhere": (3, "migrate spare nowhere"),
    "migrate without a backend": (2, "migrate spare"),
    "migrate to a cluster": (2, "migrate spare --cluster one"),
    "unmanage a member": (5, "unmanage db-0"),
    "unmanage an attached volume": (5, "unmanage held"),
    "unmanage a volume with snapshots": (5, "unmanage solo"),
    "unmanage a member snapshot": (5, "snapshot-unmanage MEMBER_SNAPSHOT"),
    "manage what is not there": (4, "manage alpha nothing.img"),
    "manage what is managed": (5, "manage alpha MANAGED"),
    "manage beyond the pool": (4, "manage alpha ../state.db"),
    "manage from nowhere": (3, "manage nowhere guest.img"),
    "manage in another zone": (2, "manage alpha guest.img --availability-zone elsewhere"),
    "manage into a group of another type": (5, "manage alpha guest.img --volume-type silver --group-id empty"),
    "manage into a group without a type": (2, "manage alpha guest.img --group-id db"),
    "manage a snapshot larger than its volume": (5, "snapshot-manage spare large.img"),
    "list without a backend": (2, "manageable-list"),
    "metadata that are not there": (4, "metadata spare unset nothing"),
    "metadata without a key": (2, "metadata spare set =1"),
    "rename a snapshot to nothing": (2, "snapshot-rename snap"),
    "a snapshot status that is none": (2, "snapshot-reset-state snap --state happy"),
    "shrink": (5, "extend spare 1M"),
    "extend an attached volume": (5, "extend held 2M"),
    "extend beyond the room": (5, "extend spare 900000T"),
    "group with members": (5, "group-delete db"),
    "group with snapshots": (5, "group-delete db --delete-volumes"),
    "snapshot of an empty group": (5, "group-snapshot-create empty"),
    "delete a member snapshot": (5, "snapshot-delete MEMBER_SNAPSHOT"),
    "no source": (2, "group-create-from-src"),
    "both sources": (2, "group-create-from-src --group-snapshot gs --source-group db"),
    "unknown source": (4, "group-create-from-src --source-group nothing"),
    "nothing to update": (2, "group-update db"),
    "add and remove the same": (2, "group-update db --add-volumes db-0 --remove-volumes db-0"),
    "add a member of another group": (5, "group-update empty --add-volumes db-0"),
    "add a volume of another backend": (5, "group-update db --add-volumes far"),
    "add a volume of another type": (5, "group-update empty --add-volumes silvery"),
    "remove a stranger": (5, "group-update db --remove-volumes spare"),
    "name and a wrong member": (4, "group-update db --name other --add-volumes nothing"),
    "attach without initiator": (2, "attachment-create spare"),
    "attach twice": (5, "attachment-create held --initiator iqn.2026-11.test:one"),
    "attach where nothing is exported": (5, "attachment-create far --initiator iqn.2026-11.test:one"),
    "an ambiguous name": (4, "delete twin"),
    "type in use": (5, "type-delete gold"),
    "specs of a type in use": (5, "type-key gold set tier=gold"),
    "group type in use": (5, "group-type-delete consistent"),
    "type of a used name": (5, "type-create gold"),
    "spec without value": (2, "type-key unused set tier"),
    "unset what is not there": (5, "type-key unused unset tier"),
    "rename without a name": (2, "rename spare"),
    "update a type with nothing": (2, "group-type-update consistent"),
    "consistency group of another type": (4, "consisgroup-delete db"),
}
DRY = {
    "type-create": "type-create more",
    "type-update": "type-update unused --name more",
    "type-key": "type-key unused set tier=gold",
    "type-delete": "type-delete unused",
    "group-type-create": "group-type-create more",
    "group-type-update": "group-type-update consistent --name more",
    "group-type-key": "group-type-key consistent set tier=gold",
    "rename": "rename spare other",
    "group-update": "group-update db --name other",
    "consisgroup-create": "consisgroup-create gold --name new",
    **{name: " ".join(change.words) for name, change in world.CHANGES.items()},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_why_and_leaves_nothing(refusing: House, name: str) -> None:
    code, line = REFUSED[name]
    with refusing.unchanged():
        ran = refusing.run(*world.words_of(refusing, line))
    assert ran.code == code, ran
    assert ran.out == ""
    assert ran.err.startswith("error: ")


@pytest.mark.parametrize("bad", BAD_NAMES)
@pytest.mark.parametrize(
    "line",
    ["group-create consistent gold", "create 1M", "snapshot-create spare", "group-snapshot-create db",
     "group-create-from-src --source-group db", "group-update db"],
)  # fmt: skip
def test_a_name_that_breaks_a_line_or_is_too_long_is_refused(refusing: House, line: str, bad: str) -> None:
    with refusing.unchanged():
        ran = refusing.run(*line.split(), f"--name={bad}")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 2
    assert ran.err.isprintable() or set(ran.err) & {"\n"}


@pytest.mark.parametrize("good", GOOD_NAMES)
def test_any_other_name_is_kept_to_the_letter(fresh: Callable[[], House], good: str) -> None:
    house = fresh()
    made = house.ok(
        "create", "1M", "--volume-type", "gold", f"--name={good}", f"--description={good}", "-f", "json"
    ).json
    assert (made["name"], made["description"]) == (good, good)
    assert house.ok("show", "-f", "json", "--", good).json["id"] == made["id"]
    house.ok("delete", made["id"])


@pytest.mark.parametrize("name", DRY)
def test_a_dry_run_tells_its_steps_and_touches_nothing(refusing: House, name: str) -> None:
    line = DRY[name]
    if name in ("group-delete with volumes",):
        line = "group-delete empty --delete-volumes"
    with refusing.unchanged():
        ran = refusing.ok(*world.words_of(refusing, line), "--dry-run")
    assert ran.out.startswith("would: ")


def test_an_ambiguous_name_lists_its_candidates(refusing: House) -> None:
    twins = [row[0] for row in refusing.rows("SELECT id FROM volumes WHERE name = 'twin'")]
    ran = refusing.run("show", "twin")
    assert ran.code == 4
    assert all(one in ran.err for one in twins)


@pytest.mark.parametrize("line", ["show", "group-show", "delete", "history", "group-update db --add-volumes"])
def test_bytes_that_are_no_text_are_a_clear_refusal(refusing: House, line: str) -> None:
    with refusing.unchanged():
        ran = refusing.run(*line.split(), "caf\udce9")
    assert ran.code in (0, 2, 4), ran
