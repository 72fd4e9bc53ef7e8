"""Others beside the lvm driver: LVs and gates of another hand, and what was killed; on the virtual machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers import errors
from drivers.contract import GroupSnapshot, ObjectKind, Snapshot, Volume
from tests.contract.bench import new_id
from tests.contract.test_groups import SIZE, contents, make_group, members_of, take
from tests.contract.thin_pool import MachineBench, on_machine
from tests.lab.vm import Machine


@pytest.fixture
def lvm(vm1: Machine) -> Iterator[MachineBench]:
    yield from on_machine(vm1)


@pytest.mark.vm
@pytest.mark.telling
def test_what_another_hand_has_named_as_reverts_name_theirs_stays_as_it_is(lvm: MachineBench) -> None:
    """Seen: the first was removed by whatever cgctl did next in the pool, and the second was renamed at a boot."""
    volume = lvm.volume()
    lvm.foreign("cgctl-db_new", b"of others")
    lvm.script("lvcreate -q -y -L 4M -n cgctl-db_old cgvg")
    names = "lvs --noheadings -o lv_name cgvg | grep cgctl-db"
    try:
        lvm.driver.delete_snapshot(lvm.context, Snapshot(new_id(), volume.id, volume.size_bytes))
        gate = lvm.driver.volume_source(volume)
        lvm.script('dmsetup remove "$1"; sh /usr/local/lib/cgctl/lvm-gates; test -b "$1"', gate)
        assert lvm.script(names).split() == ["cgctl-db_new", "cgctl-db_old"]
    finally:
        lvm.script(f"lvremove -fy -q $({names} | sed 's, *,cgvg/,')")


@pytest.mark.vm
def test_a_gate_that_stands_on_another_lv_is_a_finding_and_is_not_held_for_its_volume(lvm: MachineBench) -> None:
    """Beside another pool of the server that has the volume, too, as while it moves: that one's gate stays."""
    group, (volume, other) = make_group(lvm)
    gate = lvm.driver.volume_source(volume)
    above = 'dmsetup remove "$1"; dmsetup create "${1##*/}" --table "0 8192 linear $2 0"'
    lvm.script(above, gate, f"/dev/cgvg/cgctl-{other.id}")
    assert [one.check for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok] == ["gates"]
    take(lvm, group, [volume, other])
    assert contents(lvm, [volume, other]) == [b"member 0", b"member 1"]
    elsewhere = f"other--vg-cgctl--{volume.id.replace('-', '--')}"
    lvm.script('dmsetup create "$1" --table "0 8192 zero"', elsewhere)
    lvm.script(above, gate, f"/dev/mapper/{elsewhere}")
    try:
        with pytest.raises(errors.Busy, match="another pool"):
            take(lvm, group, [volume, other])
        failing = [one.detail for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]
        assert any(elsewhere in one for one in failing), failing
        lvm.driver.delete_volume(lvm.context, volume)
        assert lvm.ids(ObjectKind.VOLUME) == {other.id}
        lvm.script('dmsetup table "$1"', gate)
    finally:
        lvm.script('dmsetup remove "$1" "$2"', gate, elsewhere)


@pytest.mark.vm
def test_a_gate_whose_making_was_killed_is_made(lvm: MachineBench) -> None:
    volume = Volume(new_id(), SIZE)
    lvm.script('dmsetup create --notable "cgctl-$1" --uuid "CGCTL-$1"', volume.id)
    lvm.driver.create_volume(lvm.context, volume)
    assert lvm.size(volume) == SIZE


KILLED_LVM = """
mkdir -p /run/killed
cat >/run/killed/lvm <<'end'
#!/bin/sh
while IFS= read -r line; do
    case $line in *lvremove*) kill -KILL 0 ;; esac
    printf '%s\\n' "$line"
done | /sbin/lvm "$@"
end
chmod 755 /run/killed/lvm
"""


@pytest.mark.vm
def test_a_deletion_whose_lvm_is_killed_is_not_called_done(lvm: MachineBench) -> None:
    group, volumes = make_group(lvm)
    snapshot = Snapshot(new_id(), volumes[0].id, SIZE, group.id)
    lvm.driver.create_snapshot(lvm.context, snapshot)
    lvm.script(KILLED_LVM)
    lvm.runner.enter = lambda argv: ["env", "PATH=/run/killed:/usr/sbin:/usr/bin:/sbin:/bin", *argv]
    for call in (
        lambda: lvm.driver.delete_snapshot(lvm.context, snapshot),
        lambda: lvm.driver.delete_volume(lvm.context, volumes[0]),
        lambda: lvm.driver.delete_consistencygroup(lvm.context, group, volumes),
    ):
        with pytest.raises(errors.ServerFailed, match="not known"):
            call()


@pytest.mark.vm
def test_what_is_given_back_already_is_not_touched_again(lvm: MachineBench) -> None:
    theirs = lvm.foreign("theirs")
    lvm.script('lvchange -q -an "$1"; lvchange -q -pr "$1"', f"cgvg/{theirs}")
    lvm.volume()
    lvm.driver.unmanage(lvm.context, Volume(new_id(), SIZE), theirs)
    assert lvm.script('lvs --noheadings -o lv_attr "$1"', f"cgvg/{theirs}").split()[0].startswith("Vr")


# A reader of the machine has it open; it ends by itself.
STALE = """
lvcreate -q -V 4M -T cgvg/pool -n "$1" --addtag cgctl.bytes=4194304 $2
printf 'of another time' | dd of="/dev/cgvg/$1" conv=notrunc,fsync status=none
setsid sleep 300 <"/dev/cgvg/$1" >/dev/null 2>&1 &
"""
LET_GO = 'fuser -k "/dev/cgvg/$1" >/dev/null 2>&1 || :'


@pytest.mark.vm
def test_what_was_left_behind_and_cannot_be_removed_is_not_taken_for_what_is_made(lvm: MachineBench) -> None:
    """A copy that hangs in a full pool, for example, has its LV open long after its script was killed."""
    group, volumes = make_group(lvm)
    cgsnapshot, members = take(lvm, group, volumes)
    later, volume = GroupSnapshot(new_id(), group.id), Volume(new_id(), SIZE)
    first, tag = volumes[0].id, "--addtag cgctl"
    left = {
        f"cgctl-{later.id}_{first}": f"{tag}.kind=member {tag}.set={later.id} {tag}.volume={first}",
        f"cgctl-{first}_new": f"{tag}.kind=volume",
        f"cgctl-{volume.id}": f"{tag}.kind=volume {tag}.making=1",
    }
    for name, tags in left.items():
        lvm.script(STALE, name, tags)
    calls = (
        lambda: lvm.driver.create_cgsnapshot(lvm.context, later, members_of(later, volumes)),
        lambda: lvm.driver.revert_consistencygroup(lvm.context, group, volumes, cgsnapshot, members),
        lambda: lvm.driver.revert_to_snapshot(lvm.context, volumes[0], members[0]),
        lambda: lvm.driver.create_volume_from_snapshot(lvm.context, volume, members[0]),
    )
    try:
        for call in calls:
            with pytest.raises(errors.Busy, match="cannot be removed"):
                call()
    finally:
        for name in left:
            lvm.script(LET_GO, name)
    for call in calls:
        call()
    assert contents(lvm, [*volumes, volume]) == [b"member 0", b"member 1", b"member 0"]


@pytest.mark.vm
def test_a_gate_whose_removal_was_killed_is_gone(lvm: MachineBench) -> None:
    """Without udevd, between the device's end and its node's."""
    volume = lvm.volume()
    stale = 'set -- "cgctl-$1"; dmsetup remove "$1"; mknod "/dev/mapper/$1" b 253 250'
    lvm.script(stale, volume.id)
    lvm.driver.repair(lvm.context)
    lvm.write(volume, b"goes on ")
    lvm.script(stale, volume.id)
    lvm.driver.delete_volume(lvm.context, volume)
    assert lvm.ids(ObjectKind.VOLUME) == set()
