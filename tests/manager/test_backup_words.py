"""What is said of a volume or a group comes back with its data, also into a state that knows nothing of it."""

from __future__ import annotations

import hashlib
import json

from tests.manager.house import House
from tests.manager.test_backups import vault, with_no_pools

__all__ = ["vault"]


def fresh_state(vault: House) -> House:
    """Another state, and another pool; the repository is the same."""
    found = House(vault.root, state=f"sqlite:///{vault.root / 'fresh' / 'state.db'}")
    with_no_pools(found)
    return found


def test_a_volume_comes_back_with_its_words_and_without_a_type_that_is_not_there(vault: House) -> None:
    vault.ok("metadata", "single", "set", "application=shop", "owner=anna")
    vault.ok("rename", "single", "single", "--description", "orders")
    vault.ok("backup-create", "single", "--name", "b")
    other = fresh_state(vault)
    other.ok("backup-import", "cgctl", "vault")
    assert other.show("backup-show", "b")["availability_zone"] == "nova"
    new = other.ok("backup-restore", "b", "-f", "json")
    assert (new.json["metadata"], new.json["description"]) == ({"application": "shop", "owner": "anna"}, "orders")
    assert new.json["volume_type"] is None
    assert "there is no volume type gold, which it had" in new.err
    own = other.show("create", "--backup-id", "b", "9M", "--metadata", "owner=bert")
    assert own["metadata"] == {"application": "shop", "owner": "bert"}
    other.ok("type-create", "gold")
    typed = other.ok("backup-restore", "b", "-f", "json")
    assert (typed.json["volume_type"], typed.err.count("no volume type")) == ("gold", 0)


def test_a_group_comes_back_with_its_words_and_hooks_are_named(vault: House) -> None:
    vault.ok("group-update", "db", "--description", "all of it", "--metadata", "tier=1", "quiesce_pre=echo secret")
    vault.ok("metadata", "db-1", "set", "role=log")
    key = vault.make("group-backup-create", "db", "--name", "g")
    assert "secret" not in (vault.root / "vault" / f"backup-{key}" / "manifest").read_text()
    other = fresh_state(vault)
    other.types()
    other.ok("backup-import", "cgctl", "vault")
    made = other.ok("group-backup-restore", "g", "--name", "again", "-f", "json")
    assert (made.json["description"], made.json["metadata"]) == ("all of it", {"tier": "1"})
    assert "its group had quiesce_pre, which no backup carries" in made.err
    types = {other.show("type-show", one)["name"] for one in made.json["volume_types"]}
    assert types == {"gold", "silver"}
    assert [other.show("show", one)["metadata"] for one in made.json["volumes"]] == [{}, {"role": "log"}]
    other.ok("group-delete", "again", "--delete-volumes")
    other.ok("type-delete", "silver")
    less = other.ok("group-backup-restore", "g", "--name", "less", "--description", "own", "-f", "json")
    assert (less.json["description"], len(less.json["volume_types"])) == ("own", 1)
    assert "there is no volume type silver, which its group took" in less.err


def test_no_repository_says_what_is_run_here(vault: House) -> None:
    key = vault.make("group-backup-create", "db", "--name", "g")
    changed(vault, key, lambda members: members[0]["group"]["metadata"].update({"quiesce_pre": "touch /tmp/x"}))
    other = fresh_state(vault)
    other.types()
    other.ok("backup-import", "cgctl", "vault")
    made = other.show("group-backup-restore", "g", "--name", "again")
    assert made["metadata"] == {}


def test_backups_of_an_older_cgctl_are_restored_as_before(vault: House) -> None:
    def as_before(members: list[dict[str, object]]) -> None:
        for one in members:
            for word in ("metadata", "group", "form"):
                one.pop(word, None)

    keys = [
        vault.make("group-backup-create", "db", "--name", "g"),
        vault.make("backup-create", "single", "--name", "b"),
    ]
    for key in keys:
        changed(vault, key, as_before)
    other = fresh_state(vault)
    other.types()
    other.ok("backup-import", "cgctl", "vault")
    assert other.show("backup-restore", "b")["metadata"] == {}
    assert other.show("group-backup-restore", "g", "--name", "again")["status"] == "available"


def changed(house: House, key: str, change: object) -> None:
    """Rewrite a manifest, as another hand would, or an older cgctl has."""
    assert callable(change)
    manifest = house.root / "vault" / f"backup-{key}" / "manifest"
    lines = manifest.read_text().splitlines()
    about = json.loads(lines[1].removeprefix("about "))
    change(about["members"])
    text = "\n".join([lines[0], f"about {json.dumps(about)}", *lines[2:], ""])
    manifest.write_text(text)
    (manifest.parent / "manifest.sha256").write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  manifest\n")
