"""What changes one volume: revert, manage, unmanage, migrate, retype, cascade, extension, metadata."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.errors import ConnectionLost, Unreachable
from tests.manager import faulty
from tests.manager.agreement import disagreements
from tests.manager.house import House

Fresh = Callable[[], House]
IQN = "iqn.2026-11.test:one"


# Revert


def test_a_reverted_volume_has_its_newest_snapshots_data(fresh: Fresh) -> None:
    house = fresh()
    assert house.read("solo", 5) == b"later"
    house.ok("revert-to-snapshot", "snap")
    assert house.read("solo", 12) == b"data of solo"
    assert (house.status("show", "solo"), house.status("snapshot-show", "snap")) == ("available", "available")
    assert disagreements(house) == []


def test_a_member_of_a_group_is_reverted_to_its_member_snapshot(fresh: Fresh) -> None:
    house = fresh()
    member = house.show("show", "db-0")["id"]
    (newest,) = (row["id"] for row in house.show("snapshot-list") if row["volume_id"] == member)
    house.ok("revert-to-snapshot", newest)
    assert house.read("db-0", 12) == b"data of db-0"
    assert house.read("db-1", 5) == b"later"
    assert disagreements(house) == []


def test_an_older_snapshot_is_no_way_back(fresh: Fresh) -> None:
    house = fresh()
    house.ok("snapshot-create", "solo", "--name", "newer")
    with house.unchanged():
        ran = house.run("revert-to-snapshot", "snap")
    assert ran.code == 5
    assert "newer" in ran.err


def test_a_volume_that_has_grown_is_not_reverted(fresh: Fresh) -> None:
    house = fresh()
    house.ok("extend", "solo", "2M")
    with house.unchanged():
        assert house.run("revert-to-snapshot", "snap").code == 5


def test_an_attached_volume_is_not_reverted(fresh: Fresh) -> None:
    house = fresh()
    house.ok("attachment-create", "solo", "--initiator", IQN)
    with house.unchanged():
        ran = house.run("revert-to-snapshot", "snap")
    assert ran.code == 5
    assert "attachment-list" in ran.err


def test_d15_a_snapshot_that_is_not_available_refuses_the_revert_without_trace(fresh: Fresh) -> None:
    house = fresh()
    house.ok("snapshot-reset-state", "snap", "--state", "error")
    with house.unchanged():
        assert house.run("revert-to-snapshot", "snap").code == 5
    assert house.status("show", "solo") == "available"


# Manage and unmanage


def test_what_is_manageable_is_listed_with_the_reason_where_it_is_not_safe(fresh: Fresh) -> None:
    house = fresh()
    (house.root / "alpha/odd").write_bytes(b"x" * 100)
    rows = {row["reference"]: row for row in house.show("manageable-list", "alpha")}
    assert rows["guest.img"]["safe_to_manage"] is True
    assert "sectors" in rows["odd"]["reason_not_safe"]
    spare = house.show("show", "spare")["id"]
    assert rows[f"cgctl-{spare}"]["cinder_id"] == spare
    table = house.ok("manageable-list", "alpha", "--detailed", "False").out
    assert "reason_not_safe" not in table
    names = house.ok("manageable-list", "alpha", "--marker", "guest.img", "-f", "value", "-c", "reference").out.split()
    assert names == ["odd"]
    (smallest,) = house.show("manageable-list", "alpha", "--sort", "size", "--limit", "1")
    assert smallest["reference"] == "odd"


def test_a_managed_file_is_a_volume_with_its_data_and_words(fresh: Fresh) -> None:
    house = fresh()
    words = ("--name", "guest", "--description", "from afar", "--volume-type", "gold", "--metadata", "a=1")
    made = house.ok("manage", "alpha", "guest.img", *words, "-f", "json").json
    assert (made["name"], made["status"], made["host"]) == ("guest", "available", "alpha")
    assert (made["metadata"], made["volume_type"]) == ({"a": "1"}, "gold")
    assert house.read("guest", 15) == b"data of a guest"
    assert not (house.root / "alpha/guest.img").exists()
    assert disagreements(house) == []


def test_a_file_is_managed_into_a_group(fresh: Fresh) -> None:
    house = fresh()
    house.ok("manage", "alpha", "guest.img", "--name", "guest", "--volume-type", "gold", "--group-id", "db")
    assert len(house.show("group-show", "db")["volumes"]) == 3
    house.ok("group-snapshot-create", "db", "--name", "three")
    assert disagreements(house) == []


def test_an_unmanaged_volume_leaves_its_data_under_a_readable_name(fresh: Fresh) -> None:
    house = fresh()
    ran = house.ok("unmanage", "spare")
    (left,) = (house.root / "alpha").glob("spare-*.img")
    assert left.name in ran.err
    assert left.read_bytes()[:13] == b"data of spare"
    assert house.run("show", "spare").code == 4
    assert disagreements(house) == []
    house.ok("manage", "alpha", left.name, "--name", "back")
    assert house.read("back", 13) == b"data of spare"
    assert disagreements(house) == []


def test_a_snapshot_is_unmanaged_and_managed_again(fresh: Fresh) -> None:
    house = fresh()
    house.ok("snapshot-unmanage", "snap")
    (left,) = (house.root / "alpha").glob("snap-*.img")
    assert left.name in {row["reference"] for row in house.show("snapshot-manageable-list", "alpha")}
    house.ok("snapshot-manage", "solo", left.name, "--name", "again")
    house.ok("revert-to-snapshot", "again")
    assert house.read("solo", 12) == b"data of solo"
    assert disagreements(house) == []


def test_what_was_not_managed_to_its_end_is_never_deleted_but_unmanaged(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drivers.errors import ServerFailed

    house = fresh()
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("alpha: something odd"), "manage_existing"))
    assert house.run("manage", "alpha", "guest.img", "--name", "guest").code == 6
    faulty.install(monkeypatch, faulty.well)
    assert house.status("show", "guest") == "error_managing"
    for words in (("delete", "guest"), ("force-delete", "guest"), ("delete", "--cascade", "guest")):
        with house.unchanged():
            assert house.run(*words).code == 5
    house.ok("unmanage", "guest")
    (left,) = (house.root / "alpha").glob("guest-*.img")
    assert left.read_bytes()[:15] == b"data of a guest"
    assert disagreements(house) == []


# Migrate and retype


def test_a_migrated_volume_is_on_the_other_backend_with_its_data(fresh: Fresh) -> None:
    house = fresh()
    house.ok("migrate", "spare", "beta")
    row = house.show("show", "spare")
    assert (row["host"], row["availability_zone"], row["migration_status"]) == ("beta", "elsewhere", "success")
    assert (house.read("spare", 13), row["status"]) == (b"data of spare", "available")
    assert str(house.disk("spare")).startswith(str(house.root / "beta"))
    assert disagreements(house) == []
    house.ok("reset-state", "--reset-migration-status", "spare")
    assert house.show("show", "spare")["migration_status"] is None


@pytest.mark.parametrize("kind", ["raises_before", "raises_after"])
def test_a_migration_whose_old_volume_could_not_be_seen_to_go_is_completed(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The copy is whole: whether the old one is there still, or not."""
    house = fresh()
    faulty.install(monkeypatch, getattr(faulty, kind)(Unreachable("alpha: no route"), "delete_volume"))
    assert house.run("migrate", "spare", "beta").code == 8
    assert house.status("show", "spare") == "maintenance"
    faulty.install(monkeypatch, faulty.well)
    house.ok("recover")
    assert house.show("show", "spare")["host"] == "beta"
    assert house.read("spare", 13) == b"data of spare"
    assert disagreements(house) == []


def test_a_type_that_the_backend_offers_is_only_written(fresh: Fresh) -> None:
    house = fresh()
    files = house.files()
    house.ok("retype", "spare", "silver")
    assert house.show("show", "spare")["volume_type"] == "silver"
    assert house.files() == files


def test_a_type_that_another_pool_offers_moves_the_volume_only_when_that_is_allowed(fresh: Fresh) -> None:
    house = fresh()
    house.ok("type-create", "far")
    house.ok("type-key", "far", "set", "volume_backend_name=beta")
    with house.unchanged():
        ran = house.run("retype", "spare", "far")
    assert ran.code == 5
    assert "--migration-policy on-demand" in ran.err
    house.ok("retype", "--migration-policy", "on-demand", "spare", "far")
    row = house.show("show", "spare")
    assert (row["host"], row["volume_type"]) == ("beta", "far")
    assert house.read("spare", 13) == b"data of spare"
    assert disagreements(house) == []


def test_a_volume_that_moves_for_its_type_may_be_left_alone(fresh: Fresh) -> None:
    house = fresh()
    house.ok("type-create", "far")
    house.ok("type-key", "far", "set", "volume_backend_name=beta")
    key = house.make("retype", "--migration-policy", "on-demand", "--detach", "spare", "far")
    house.ok("activity-wait", key)
    row = house.show("show", "spare")
    assert (row["host"], row["volume_type"], row["status"]) == ("beta", "far", "available")
    assert house.ok("retype", "--detach", "spare", "silver").err == "volume spare: type silver\n"


# Delete


def test_a_cascade_takes_the_snapshots_along(fresh: Fresh) -> None:
    house = fresh()
    house.ok("snapshot-create", "solo", "--name", "second")
    house.ok("delete", "--cascade", "solo")
    assert house.run("snapshot-show", "snap").code == 4
    assert disagreements(house) == []


def test_a_cascade_that_ends_half_way_tells_what_is_left_and_a_second_run_finishes(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    house.ok("snapshot-create", "solo", "--name", "second")
    calls: list[str] = []

    def second_fails(name: str, call: faulty.Call) -> object:
        if name == "delete_snapshot":
            calls.append(name)
            if len(calls) == 2:
                raise Unreachable("alpha: no route")
        return call()

    faulty.install(monkeypatch, second_fails)
    ran = house.run("delete", "--cascade", "solo")
    assert ran.code == 6
    assert "second" in ran.err
    assert "no route" in ran.err
    faulty.install(monkeypatch, faulty.well)
    assert (house.status("show", "solo"), house.status("snapshot-show", "second")) == ("error", "error_deleting")
    assert house.run("snapshot-show", "snap").code == 4
    assert disagreements(house) == []
    house.ok("delete", "--cascade", "solo")
    assert disagreements(house) == []


def test_a_cascade_leaves_what_a_group_snapshot_needs(fresh: Fresh) -> None:
    house = fresh()
    house.ok("group-update", "db", "--remove-volumes", "db-0")
    with house.unchanged():
        ran = house.run("delete", "--cascade", "db-0")
    assert ran.code == 5
    assert "group-snapshot-delete" in ran.err


def test_a_volume_in_a_status_that_no_command_leaves_is_deleted_by_force(fresh: Fresh) -> None:
    house = fresh()
    with house.forced("UPDATE volumes SET status = 'attaching' WHERE name = 'spare'"):
        assert house.run("delete", "spare").code == 5
        house.ok("force-delete", "spare")
        assert disagreements(house) == []


@pytest.mark.parametrize("name", ["held", "db-0", "solo"])
def test_force_is_no_force_against_attachments_groups_and_snapshots(fresh: Fresh, name: str) -> None:
    house = fresh()
    with house.unchanged():
        assert house.run("force-delete", name).code == 5


# Extend and detach


def test_an_attached_volume_grows_where_its_export_can_show_it(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    house = fresh()
    with house.unchanged():
        ran = house.run("extend", "held", "2M")
    assert ran.code == 5
    assert "export" in ran.err
    faulty.install(monkeypatch, faulty.well, grows_online=True)
    house.ok("extend", "held", "2M")
    assert house.disk("held").stat().st_size == 2 * 1024**2
    assert house.status("show", "held") == "in-use"
    assert disagreements(house) == []


def test_growth_that_an_export_cannot_show_is_told_and_the_second_run_shows_it(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    faulty.install(
        monkeypatch, faulty.raises_before(Unreachable("alpha: no route"), "ensure_exports"), grows_online=True
    )
    ran = house.run("extend", "held", "2M")
    assert ran.code == 6
    assert "it has grown, but its export does not show it" in ran.err
    assert house.status("show", "held") == "error_extending"
    faulty.install(monkeypatch, faulty.well, grows_online=True)
    house.ok("extend", "held", "2M")
    assert house.status("show", "held") == "in-use"
    assert disagreements(house) == []


def test_an_interrupted_extension_that_is_run_again_has_succeeded(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    faulty.install(monkeypatch, faulty.raises_after(ConnectionLost("alpha: gone"), "extend_volume"))
    assert house.run("extend", "spare", "2M").code == 6
    faulty.install(monkeypatch, faulty.well)
    house.ok("extend", "spare", "2M")
    assert house.run("extend", "spare", "2M").code == 5
    assert disagreements(house) == []


def test_a_refused_detachment_leaves_the_attachment_as_it_was(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    from drivers.errors import ServerFailed

    house = fresh()
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: odd"), "ensure_exports"))
    assert house.run("attachment-create", "spare", "--initiator", IQN).code == 6
    faulty.install(monkeypatch, faulty.raises_before(Unreachable("alpha: no route")))
    (attachment,) = (row[0] for row in house.rows("SELECT id FROM attachments WHERE status = 'error_attaching'"))
    assert house.run("attachment-delete", str(attachment)).code == 8
    assert house.rows("SELECT status FROM attachments WHERE id = ?", attachment) == [("error_attaching",)]


# Metadata, names, states


@pytest.mark.parametrize(("prefix", "name"), [("", "solo"), ("snapshot-", "snap")])
def test_metadata_is_set_unset_shown_and_replaced(fresh: Fresh, prefix: str, name: str) -> None:
    house = fresh()
    house.ok(f"{prefix}metadata", name, "set", "a=1", "b=2")
    house.ok(f"{prefix}metadata", name, "set", "b=3")
    assert house.show(f"{prefix}metadata-show", name) == {"a": "1", "b": "3"}
    with house.unchanged():
        assert house.run(f"{prefix}metadata", name, "unset", "a", "c").code == 4
        house.ok(f"{prefix}metadata", name, "set", "z=1", "--dry-run")
    house.ok(f"{prefix}metadata", name, "unset", "a")
    assert house.show(f"{prefix}metadata-show", name) == {"b": "3"}
    assert house.ok(f"{prefix}metadata-update-all", name, "x=9", "-f", "json").json == {"x": "9"}
    assert house.show(f"{prefix}metadata-show", name) == {"x": "9"}


def test_a_snapshot_is_renamed(fresh: Fresh) -> None:
    house = fresh()
    house.ok("snapshot-rename", "snap", "monday", "--description", "after the upgrade")
    assert house.show("snapshot-show", "monday")["description"] == "after the upgrade"


@pytest.mark.parametrize(
    "words",
    [
        "revert-to-snapshot snap",
        "manage alpha guest.img",
        "unmanage spare",
        "snapshot-unmanage snap",
        "snapshot-manage spare guest.img",
        "migrate spare beta",
        "retype spare silver",
        "delete solo --cascade",
        "force-delete spare",
        "snapshot-rename snap other",
        "reset-state --reset-migration-status spare",
    ],
)
def test_a_dry_run_tells_and_touches_nothing(fresh: Fresh, words: str) -> None:
    house = fresh()
    with house.unchanged():
        assert house.ok(*words.split(), "--dry-run").out.startswith("would: ")
