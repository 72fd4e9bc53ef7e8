"""What only volumes that are file systems promise: they are mounted, frozen with their gates, and never pulled away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drivers import errors
from drivers.command import Command
from drivers.contract import Snapshot, Volume
from tests.contract.bench import MIB, new_id
from tests.contract.file_systems import on_machine_for_nfs
from tests.contract.test_groups import SIZE, contents, likes, make_group, take
from tests.contract.test_lvm import broken_hold
from tests.contract.thin_pool import POOL, MachineBench
from tests.lab.vm import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]


@pytest.fixture
def nfs(vm1: Machine) -> Iterator[MachineBench]:
    yield from on_machine_for_nfs(vm1)


@contextmanager
def in_use(
    bench: MachineBench, volume: Volume, text: str = 'cd "$1"; sleep 300 >/dev/null 2>&1 & echo $!'
) -> Iterator[None]:
    pid = bench.script(text, bench.driver.volume_source(volume)).strip()
    yield
    bench.script('kill "$1"; while [ -e "/proc/$1" ]; do :; done', pid)


def failing(bench: MachineBench) -> dict[str, str]:
    return {one.check: one.detail for one in bench.driver.check_for_setup_error(bench.context) if not one.ok}


def test_what_is_not_yet_on_disk_is_in_the_group_snapshot(nfs: MachineBench) -> None:
    """An answered UNSTABLE write waits in the page cache, and so does the entry of a new file."""
    group, volumes = make_group(nfs)
    for volume in volumes:
        nfs.script('printf cached >"$1/new"', nfs.driver.volume_source(volume))
    _, members = take(nfs, group, volumes)
    for member in members:
        restored = Volume(new_id(), SIZE)
        nfs.driver.create_volume_from_snapshot(nfs.context, restored, member)
        assert nfs.script('cat "$1/new"', nfs.driver.volume_source(restored)) == "cached"


def test_what_is_not_yet_on_disk_is_in_the_snapshot_and_in_the_clone(nfs: MachineBench) -> None:
    volume, snapshot_id = nfs.volume(data=b"older"), new_id()
    nfs.script('printf cached >"$1/disk"', nfs.driver.volume_source(volume))
    snapshot = Snapshot(snapshot_id, volume.id, volume.size_bytes)
    nfs.driver.create_snapshot(nfs.context, snapshot)
    nfs.script('printf later >"$1/disk"', nfs.driver.volume_source(volume))
    restored, clone = Volume(new_id(), volume.size_bytes), Volume(new_id(), volume.size_bytes)
    nfs.driver.create_volume_from_snapshot(nfs.context, restored, snapshot)
    nfs.driver.create_cloned_volume(nfs.context, clone, volume)
    assert [nfs.read(one, 6) for one in (restored, clone)] == [b"cached", b"later\0"]


def test_a_volume_in_use_stays_mounted_whatever_is_refused(nfs: MachineBench) -> None:
    group, volumes = make_group(nfs)
    cgsnapshot, members = take(nfs, group, volumes)
    alone = nfs.volume(data=b"alone")
    snapshot = Snapshot(new_id(), alone.id, alone.size_bytes)
    nfs.driver.create_snapshot(nfs.context, snapshot)
    with in_use(nfs, volumes[1]), in_use(nfs, alone):
        with pytest.raises(errors.Busy, match="in use"):
            nfs.driver.revert_consistencygroup(nfs.context, group, volumes, cgsnapshot, members)
        for refused in (
            lambda: nfs.driver.delete_volume(nfs.context, alone),
            lambda: nfs.driver.revert_to_snapshot(nfs.context, alone, snapshot),
            lambda: nfs.driver.unmanage(nfs.context, alone, "given-back"),
        ):
            with pytest.raises(errors.Busy, match="in use"):
                refused()
        _, of_volumes = nfs.driver.delete_consistencygroup(nfs.context, group, volumes)
        assert [update["status"] for update in of_volumes or ()] == ["deleted", "error_deleting"]
    assert contents(nfs, [volumes[1], alone]) == [b"member 1", b"alone\0\0\0"]
    assert failing(nfs) == {}


def test_what_an_export_holds_elsewhere_is_in_use(nfs: MachineBench) -> None:
    """The place of an export is a mount of its own."""
    volume = nfs.volume(data=b"served")
    nfs.script('mkdir -p /run/elsewhere; mount --bind "$1" /run/elsewhere', nfs.driver.volume_source(volume))
    try:
        with pytest.raises(errors.Busy, match="in use"):
            nfs.driver.delete_volume(nfs.context, volume)
        assert nfs.read(volume, 6) == b"served"
    finally:
        nfs.script("umount /run/elsewhere")
    nfs.driver.delete_volume(nfs.context, volume)
    assert nfs.objects() == []


def test_what_still_lets_go_of_the_file_system_is_waited_for(nfs: MachineBench) -> None:
    """As a killed `umount` or `mount` does on a busy server; here it is a mount of another namespace."""
    volume = nfs.volume(data=b"held")
    nfs.script("unshare -m sleep 15 >/dev/null 2>&1 & sleep 0.5")
    nfs.driver.delete_volume(nfs.context, volume)
    assert nfs.objects() == []


def test_a_volume_that_is_used_grows(nfs: MachineBench) -> None:
    volume = nfs.volume(data=b"kept")
    with in_use(nfs, volume):
        nfs.driver.extend_volume(nfs.context, volume, 5 * volume.size_bytes)
    assert nfs.size(volume) == 5 * volume.size_bytes
    assert nfs.read(volume, 4) == b"kept"


def test_what_is_not_mounted_is_a_finding_and_mounted_again(nfs: MachineBench) -> None:
    volume = nfs.volume(data=b"kept")
    nfs.script('umount "$1"', nfs.driver.volume_source(volume))
    assert failing(nfs) == {"mounts": f"not mounted: {volume.id}"}
    nfs.driver.repair(nfs.context)
    assert nfs.read(volume, 4) == b"kept"
    assert failing(nfs) == {}


def test_gates_and_mounts_that_a_boot_forgot_are_made_again(nfs: MachineBench) -> None:
    volume = nfs.volume(data=b"kept")
    nfs.script('umount "$1"; dmsetup remove "${1##*/}"; rm -r /run/cgctl/volumes', nfs.driver.volume_source(volume))
    assert set(failing(nfs)) == {"gates", "mounts"}
    nfs.driver.repair(nfs.context)
    assert nfs.read(volume, 4) == b"kept"


def test_a_server_without_xfsprogs_is_refused_and_a_finding(nfs: MachineBench) -> None:
    nfs.script("mv /usr/sbin/mkfs.xfs /run/away")
    try:
        with pytest.raises(errors.ToolMissing, match=r"mkfs\.xfs"):
            nfs.volume()
        assert failing(nfs) == {"tools": "vm1: mkfs.xfs is not installed"}
    finally:
        nfs.script("mv /run/away /usr/sbin/mkfs.xfs")


@pytest.mark.parametrize("content", ["", "mkfs.ext4 -q ", "printf XFSB >"])
def test_an_lv_without_a_file_system_that_can_be_mounted_is_not_taken(nfs: MachineBench, content: str) -> None:
    nfs.volume()
    nfs.script('lvcreate -q -V 400M -T "$1" -n guest; [ -z "$2" ] || eval "$2/dev/${1%/*}/guest"', POOL, content)
    with pytest.raises(errors.ServerFailed if "XFSB" in content else errors.ServerRefused):
        nfs.driver.manage_existing(nfs.context, Volume(new_id(), 400 * MIB // 320), "guest")
    assert "guest" in [one.reference for one in nfs.driver.list_manageable(nfs.context)]
    assert failing(nfs) == {}


def test_a_hold_that_outlasts_its_bound_is_void_and_clients_write_on(nfs: MachineBench) -> None:
    _, volumes = broken_hold(nfs)
    assert contents(nfs, volumes) == [b"goes on ", b"member 1"]


def test_a_file_system_that_was_left_frozen_is_a_finding_and_thawed(nfs: MachineBench) -> None:
    volume = nfs.volume(data=b"kept")
    nfs.script('dmsetup suspend "${1##*/}"', nfs.driver.volume_source(volume))
    writer = threading.Thread(target=nfs.write, args=(volume, b"late"))
    writer.start()
    assert "holds" in failing(nfs)
    assert nfs.read(volume, 4) == b"kept"
    nfs.driver.repair(nfs.context)
    writer.join()
    assert nfs.read(volume, 4) == b"late"


def test_clones_of_a_group_in_use_are_mounted_beside_it_and_larger(nfs: MachineBench) -> None:
    group, volumes = make_group(nfs)
    other, _ = make_group(nfs, 0)
    clones = likes(volumes, other, SIZE)
    nfs.driver.delete_consistencygroup(nfs.context, other, [])
    with in_use(nfs, volumes[0]):
        nfs.driver.create_consistencygroup_from_src(nfs.context, other, clones, source_cg=group, source_vols=volumes)
    assert contents(nfs, clones) == [b"member 0", b"member 1"]
    assert [nfs.size(one) for one in clones] == [2 * SIZE, 2 * SIZE]


def test_an_image_is_never_mounted_and_what_holds_no_file_system_becomes_no_volume(nfs: MachineBench) -> None:
    volume = nfs.volume(size_bytes=MIB, data=b"files")
    with nfs.image(volume) as path:
        nfs.driver.repair(nfs.context)
        assert nfs.script('findmnt -n "$1" || echo none', path) == "none\n"
        assert {"file systems", "mounts"}.isdisjoint(failing(nfs))
    before = nfs.objects()
    receive = nfs.driver.receive_program(nfs.context, Volume(new_id(), MIB), MIB * nfs.scale).work
    zeros = Command(("sh", "-c", f'head -c {MIB * nfs.scale} /dev/zero | "$@"', "zeros", *receive.argv))
    came = nfs.runner.run(zeros, 300)
    assert (came.exit_status == 0, "no xfs file system" in came.stderr) == (False, True), came
    assert nfs.objects() == before
