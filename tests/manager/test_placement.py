"""Where groups and volumes go, on a whole cgctl: zones, defaults, and the ranking that --dry-run shows (section C)."""

from __future__ import annotations

from tests.manager.house import House


def test_a_dry_run_shows_the_ranking_with_scores_and_who_does_not_fit(db: House) -> None:
    for command in ("group-create consistent gold", "create 1M --volume-type gold"):
        with db.unchanged():
            told = db.ok(*command.split(), "--dry-run").out
        assert "would: backend 1. alpha: score " in told or "would: backend 1. beta: score " in told
        assert "GiB left to promise" in told
        with db.unchanged():
            told = db.ok(*command.split(), "--availability-zone", "nova", "--dry-run").out
        assert "would: backend 1. alpha: score 0.000" in told
        assert "would: backend not beta: zone is elsewhere, not nova" in told


def test_a_dry_run_of_what_fits_nowhere_is_refused_with_every_reason(db: House) -> None:
    with db.unchanged():
        ran = db.run("create", "900000T", "--volume-type", "gold", "--dry-run")
    assert ran.code == 5
    assert all(word in ran.err for word in ("alpha: room", "beta: room"))


def test_a_volume_of_a_group_goes_to_the_groups_backend_whatever_zone_it_names(db: House) -> None:
    made = db.show("create", "1M", "--volume-type", "gold", "--group-id", "db", "--availability-zone", "elsewhere")
    assert (made["host"], made["availability_zone"]) == ("alpha", "nova")


def test_any_zone_stands_in_for_an_unknown_one_where_the_configuration_says_so(db: House) -> None:
    words = ("group-create", "consistent", "gold", "--availability-zone", "nowhere")
    with db.unchanged():
        assert db.run(*words).code == 4
    db.configure(availability_zone_fallback=True)
    ran = db.ok(*words, "-f", "json")
    assert "'nowhere'" in ran.err
    assert ran.json["availability_zone"] in {"nova", "elsewhere"}


def test_types_that_are_not_named_are_the_configurations(db: House) -> None:
    assert db.run("group-create", "gold").code == 2
    assert db.run("group-create").code == 2
    db.configure(default_group_type="consistent", default_volume_type="silver")
    one, both = db.show("group-create", "gold"), db.show("group-create")
    assert (one["group_type_name"], both["group_type_name"]) == ("consistent", "consistent")
    names = {row["id"]: row["name"] for row in db.show("type-list")}
    assert [names[made["volume_types"][0]] for made in (one, both)] == ["gold", "silver"]
    assert db.show("create", "1M", "--group-id", one["id"], "--volume-type", "gold")["volume_type"] == "gold"
    with db.unchanged():
        assert db.run("create", "1M", "--group-id", one["id"]).code == 5  # silver is not one of this group's


def test_the_reserved_group_type_is_no_default_either(db: House) -> None:
    db.configure(default_group_type="default_cgsnapshot_type")
    with db.unchanged():
        assert db.run("group-create", "gold").code == 5


def test_the_fullest_is_taken_where_the_weight_is_below_zero(db: House) -> None:
    db.add_backend("beta", availability_zone="elsewhere", max_over_subscription_ratio=2.0)
    assert db.show("create", "1M", "--volume-type", "gold")["host"] == "alpha"
    db.configure(capacity_weight=-1.0)
    assert db.show("create", "1M", "--volume-type", "gold")["host"] == "beta"


def test_a_backend_that_does_not_answer_is_no_candidate_and_is_named(db: House) -> None:
    (db.root / "beta").rename(db.root / "away")
    told = db.ok("group-create", "consistent", "gold", "--dry-run").out
    assert "backend not beta: " in told
    assert db.show("group-create", "consistent", "gold")["host"] == "alpha"
