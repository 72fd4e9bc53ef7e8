"""Which rows and columns a list prints: filters, order, pages, count."""

from __future__ import annotations

import pytest

from tests.manager.house import House


@pytest.fixture
def stocked(db: House) -> House:
    db.ok("create", "2M", "--volume-type", "silver", "--name", "single", "--metadata", "tier=hot", "who=me")
    db.ok("snapshot-create", "single", "--name", "before", "--metadata", "tier=hot")
    db.ok("group-update", "db", "--metadata", "owner=ops")
    return db


def named(house: House, *words: str) -> list[str]:
    return house.ok(*words, "-f", "value", "-c", "name").out.split()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("list --filters name=single", "single"),
        ("list --filters name~=B-", "db-0 db-1"),
        ("list --filters name~=%", ""),
        ("list --filters status=available group_id=db", "db-0 db-1"),
        ("list --group_id db --name db-1", "db-1"),
        ("list --filters size=2M", "single"),
        ("list --filters volume_type=silver", "single"),
        ("list --metadata tier=hot who=me", "single"),
        ("list --metadata tier=hot who=you", ""),
        ("list --filters metadata={'tier':'hot'}", "single"),
        ("list --filters metadata=who:me --metadata tier=hot", "single"),
        ("list --filters created_at=gte:2026-01-01 consumes_quota=True name=single", "single"),
        ("list --filters created_at=lt:2026-01-01T00:00:00Z", ""),
        ("list --bootable true", ""),
        ("list --bootable False --name single", "single"),
        ("list --migration_status success", ""),
        ("list --all-tenants 1 --tenant somebody --name single", "single"),
        ("list --sort size:desc,name:desc --limit 2", "single db-1"),
        ("snapshot-list --volume-id single --metadata tier=hot", "before"),
        ("snapshot-list --filters volume_id=single status=error", ""),
        ("group-list --filters metadata=owner:ops", "db"),
        ("group-list --filters group_type=consistent name~=d", "db"),
        ("type-list --filters extra_specs=a:b", ""),
        ("type-list --filters is_public=True name=gold", "gold"),
    ],
)
def test_a_list_prints_what_passes_the_filters(stocked: House, words: str, names: str) -> None:
    assert named(stocked, *words.split()) == names.split()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("list --filters colour=red", 2),
        ("list --filters created_at=yesterday", 2),
        ("list --filters size=big", 2),
        ("list --image_metadata os=debian", 2),
        ("create 1M --image debian", 2),
        ("list --group_id nobody", 4),
        ("list --sort colour", 2),
        ("list --sort name:up", 2),
        ("list --fields colour", 2),
        ("list --marker nobody", 4),
    ],
)
def test_a_wrong_filter_is_one_error_with_a_hint(stocked: House, words: str, code: int) -> None:
    ran = stocked.run(*words.split())
    assert (ran.code, ran.out, ran.err.count("error: "), ran.err.count("hint: ")) == (code, "", 1, 1)


def test_the_count_is_of_all_rows_and_behind_the_table(stocked: House) -> None:
    assert stocked.ok("list", "--with-count", "True", "--limit", "1").out.endswith("+\nVolume in total: 3\n")
    for command, noun in (("snapshot-list", "Snapshot"), ("group-list", "Group"), ("type-list", "Volume type")):
        assert f"\n{noun} in total: " in stocked.ok(command, "--with-count").out
    ran = stocked.ok("list", "--with-count", "-f", "json")
    assert (len(ran.json), ran.err) == (3, "Volume in total: 3\n")


def test_fields_are_columns_by_key_or_heading(stocked: House) -> None:
    assert stocked.ok("list", "--fields", "name,Attached to", "--name", "single", "-f", "csv").out == (
        "name,attached_to\nsingle,\n"
    )


def test_a_list_reads_no_more_than_it_prints_and_says_the_same(stocked: House) -> None:
    for command in ("list", "snapshot-list", "group-list", "group-snapshot-list", "attachment-list", "type-list"):
        whole = stocked.show(command)
        for key in whole[0] if whole else ():
            (column,) = {tuple(row) for row in stocked.ok(command, "-c", key, "-f", "json").json}
            assert column == (key,)
            assert [row[key] for row in stocked.ok(command, "-c", key, "-f", "json").json] == [
                row[key] for row in whole
            ]
