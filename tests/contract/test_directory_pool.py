"""What only pools that are directories promise: room, the bound of a hold, what is shared, who may have written."""

from __future__ import annotations

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers import errors, refusals
from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.directory_pool.driver import TOOL_ERRORS
from drivers.backends.directory_pool.scripts import METHODS, load
from drivers.backends.file.driver import FileDriver
from drivers.contract import GIB, Group, GroupSnapshot, ObjectKind, Volume
from drivers.runner import Completed
from tests.contract.bench import MIB, Bench, ProcessRunner, new_id
from tests.contract.linting import complaints
from tests.contract.places import on_host
from tests.contract.test_groups import SIZE, contents, likes, make_group, members_of, take
from tests.contract.test_volumes import snapshot_of
from tests.lab.host import Host


@pytest.fixture
def bench(directory_bench: Bench) -> Bench:
    """In this module: the pools that are directories."""
    return directory_bench


@pytest.mark.parametrize("driver", ["file", "btrfs"])
@pytest.mark.parametrize("method", METHODS)
def test_the_whole_script_is_clean_for_shellcheck(driver: str, method: str) -> None:
    assert complaints(load(driver, method).text) == ""


@pytest.mark.parametrize("pool", ["relative/path", "/srv/../etc", "/", "/srv/a\nb", ""])
def test_a_pool_that_is_no_plain_absolute_path_is_refused(pool: str) -> None:
    with pytest.raises(errors.PoolMissing):
        FileDriver("here", pool, ProcessRunner())


def test_two_state_stores_that_come_first_at_once_do_not_share_a_pool(bench: Bench) -> None:
    contexts = [bench.stranger for _ in range(6)]

    def create(number: int) -> bool:
        try:
            bench.driver.create_volume(contexts[number], Volume(new_id(), MIB))
        except errors.PoolForeign:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(create, range(6))) == [False] * 5 + [True]


def test_objects_without_a_mark_are_not_taken_over(bench: Bench) -> None:
    volume = bench.volume(data=b"theirs")
    (bench.disk(volume).parents[3] / ".cgctl/owner").unlink()
    with pytest.raises(errors.PoolForeign, match="no owner mark"):
        bench.volume()
    assert bench.read(volume, 6) == b"theirs"


def test_a_tool_that_is_not_installed_is_named(bench: Bench) -> None:
    enter = bench.runner.enter
    bench.runner.enter = lambda argv: [*enter(["env", "PATH=/nowhere"]), "/bin/sh", *argv[1:]]
    with pytest.raises(errors.ToolMissing, match="is not installed"):
        bench.driver.list_objects(bench.context)
    assert [finding.check for finding in bench.driver.check_for_setup_error(bench.context)] == ["tools"]


def test_a_script_waits_for_another_one_on_the_same_object_and_then_says_so(bench: Bench) -> None:
    volume = bench.volume()
    locks = bench.disk(volume).parents[3] / ".cgctl/locks"
    with subprocess.Popen(["flock", locks / volume.id[:2], "sleep", "3"], start_new_session=True):
        time.sleep(0.3)
        bench.driver.extend_volume(bench.context, volume, 2 * volume.size_bytes)
    assert bench.size(volume) == 2 * volume.size_bytes


def test_who_cannot_wait_for_another_script_is_told_that_it_is_busy(bench: Bench) -> None:
    volume = bench.volume()
    locks = bench.disk(volume).parents[3] / ".cgctl/locks"
    soon = replace(bench.context, deadline=datetime.now(UTC) + timedelta(seconds=3))
    with subprocess.Popen(["flock", locks / volume.id[:2], "sleep", "4"], start_new_session=True):
        time.sleep(0.3)
        with pytest.raises(errors.AtWork, match="another script"):
            bench.driver.delete_volume(soon, volume)
    assert bench.ids(ObjectKind.VOLUME) == {volume.id}


# Room


def test_what_does_not_fit_is_refused_and_leaves_nothing(small_bench: Bench) -> None:
    """`file` copies; btrfs shares, so there the file system is filled until a write fails."""
    bench = small_bench
    source = bench.volume(size_bytes=20 * MIB, data=b"x" * 20 * MIB)
    if isinstance(bench.driver, BtrfsDriver):
        fill_up(bench)
    clones = [Volume(new_id(), source.size_bytes) for _ in range(200)]
    with pytest.raises(errors.PoolFull):
        clone_each(bench, source, clones)
    found = bench.objects()
    assert all(item.complete for item in found)
    assert len(found) < len(clones)


def clone_each(bench: Bench, source: Volume, clones: list[Volume]) -> None:
    for clone in clones:
        bench.driver.create_cloned_volume(bench.context, clone, source)


def fill_up(bench: Bench) -> None:
    """The metadata, as snapshots that diverge do: data alone would not stop a clone that shares them."""
    directory = bench.disk(Volume(new_id(), MIB)).parents[3] / "filler"
    directory.mkdir()
    with suppress(OSError):
        for number in range(200_000):
            (directory / f"{number:0200}").touch()


def test_a_group_whose_data_does_not_fit_twice_is_refused_before_copying(stor1: Host) -> None:
    from tests.contract.places import small

    with small(stor1, FileDriver, "mkfs.ext4", "32M") as bench:
        group, volumes = make_group(bench)
        bench.write(volumes[0], b"x" * SIZE)
        bench.write(volumes[1], b"y" * SIZE)
        bench.volume(size_bytes=12 * MIB, data=b"z" * 12 * MIB)
        before = bench.objects()
        with pytest.raises(errors.PoolFull, match="are needed"):
            take(bench, group, volumes)
        assert bench.objects() == before


# Holds


@pytest.mark.lab
def test_a_btrfs_group_snapshot_that_outlasts_its_bound_is_void_and_gone(btrfs: Bench) -> None:
    """`btrfs` is made slow by a wrapper: what counts is the time until writers go on."""
    group, volumes = make_group(btrfs)
    slow_down(btrfs)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    with pytest.raises(errors.HoldBroken):
        btrfs.driver.create_cgsnapshot(btrfs.bounded(1), cgsnapshot, members_of(cgsnapshot, volumes))
    assert btrfs.ids(ObjectKind.GROUP_SNAPSHOT) == set()
    btrfs.driver.create_cgsnapshot(btrfs.bounded(5), cgsnapshot, members_of(cgsnapshot, volumes))
    assert btrfs.ids(ObjectKind.GROUP_SNAPSHOT) == {cgsnapshot.id}


def slow_down(bench: Bench) -> None:
    """From now on read-only snapshots take 2 s more."""
    enter = bench.runner.enter
    wrapper = '#!/bin/sh\ncase "$*" in *"snapshot -r"*) sleep 2 ;; esac\nexec /usr/bin/btrfs "$@"\n'
    path = bench.path("/tmp/slow/btrfs")
    path.parent.mkdir(exist_ok=True)
    path.write_text(wrapper)
    path.chmod(0o755)
    bench.runner.enter = lambda argv: [*enter(["env", "PATH=/tmp/slow:/usr/sbin:/usr/bin:/sbin:/bin"]), *argv]


def test_a_writer_that_was_not_quiesced_is_noticed_and_the_set_is_gone(file: Bench) -> None:
    group, volumes = make_group(file, 8)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            file.write(volumes[-1], b"busy")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(errors.HoldBroken, match="writer was active"):
            take(file, group, volumes)
    finally:
        stop.set()
        writer.join()
    assert file.ids(ObjectKind.GROUP_SNAPSHOT) == set()


def test_each_kind_says_how_it_got_to_one_point_in_time(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    update, _ = bench.driver.create_cgsnapshot(bench.context, cgsnapshot, members_of(cgsnapshot, volumes))
    assert update is not None
    assert update["hold"]["method"] == {"btrfs": "btrfs-snapshot", "file": "file-copy"}[bench.driver.name]


# What only btrfs does


def allocated(bench: Bench) -> int:
    """Bytes of the pool's file system that are in use, after everything is on disk."""
    pool = bench.driver.volume_source(Volume(new_id(), MIB)).split("/live/")[0]
    command = bench.runner.enter(["sh", "-c", 'sync -f "$1"; df -B1 --output=used "$1" | tail -1', "used", pool])
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.lab
def test_a_clone_of_eight_volumes_with_1_gib_takes_no_data(btrfs: Bench) -> None:
    group, volumes = make_group(btrfs, 0)
    volumes = [btrfs.volume(group.id, GIB) for _ in range(8)]
    for volume in volumes:
        with btrfs.disk(volume).open("r+b") as disk:
            for _ in range(128):
                disk.write(b"x" * MIB)
    before = allocated(btrfs)
    cgsnapshot, members = take(btrfs, group, volumes)
    clone = Group(new_id())
    clones = likes(volumes, clone)
    btrfs.driver.create_consistencygroup_from_src(btrfs.context, clone, clones, cgsnapshot, members)
    assert btrfs.read(clones[7], 4, 127 * MIB) == b"xxxx"
    assert allocated(btrfs) - before < 4 * MIB


@pytest.mark.lab
def test_a_volume_in_use_is_not_moved(btrfs: Bench) -> None:
    """What its user writes after the move would be lost."""
    group, _ = make_group(btrfs)
    alone = btrfs.volume(size_bytes=SIZE, data=b"traveler")
    holder = subprocess.Popen(btrfs.runner.enter(["tail", "-f", btrfs.driver.volume_source(alone)]), stdout=-3)
    try:
        time.sleep(0.3)
        with pytest.raises(errors.Busy, match="in use"):
            btrfs.driver.update_consistencygroup(btrfs.context, group, add_volumes=[alone])
    finally:
        holder.kill()
        holder.wait()
    assert contents(btrfs, [alone]) == [b"traveler"]


@pytest.mark.lab
def test_a_volume_that_cannot_be_deleted_is_told_and_deleted_later(btrfs: Bench) -> None:
    group, volumes = make_group(btrfs, 3)
    disk = btrfs.driver.volume_source(volumes[1])
    subprocess.run(btrfs.runner.enter(["chattr", "+i", disk]), check=True)
    of_group, of_volumes = btrfs.driver.delete_consistencygroup(btrfs.context, group, volumes)
    assert of_group is not None
    assert of_volumes is not None
    assert of_group["status"] == "error_deleting"
    assert [update["status"] for update in of_volumes] == ["deleted", "error_deleting", "deleted"]
    assert "Operation not permitted" in of_volumes[1]["reason"]
    assert volumes[1].id in of_group["reason"]
    assert contents(btrfs, volumes[1:2]) == [b"member 1"]
    subprocess.run(btrfs.runner.enter(["chattr", "-i", disk]), check=True)
    of_group, _ = btrfs.driver.delete_consistencygroup(btrfs.context, group, volumes)
    assert of_group is not None
    assert of_group["status"] == "deleted"
    assert btrfs.objects() == []


def test_a_removal_that_was_ended_in_the_middle_does_not_come_back_without_its_disk(file: Bench) -> None:
    """As when a server goes down: what removes is killed before the script is."""
    group, volumes = make_group(file, 2)
    enter = file.runner.enter
    assert isinstance(file.driver, FileDriver)
    bin_on_server = f"{file.driver.pool}/bin"
    ended = file.path(bin_on_server) / "rm"
    ended.parent.mkdir()
    ended.write_text('#!/bin/sh\n[ ! -e "$2/disk" ] || { /bin/rm -f "$2/disk"; exit 137; }\nexec /bin/rm "$@"\n')
    ended.chmod(0o755)
    file.runner.enter = lambda argv: [*enter(["env", f"PATH={bin_on_server}:/usr/sbin:/usr/bin:/sbin:/bin"]), *argv]
    _, of_volumes = file.driver.delete_consistencygroup(file.context, group, volumes)
    assert of_volumes is not None
    assert [update["status"] for update in of_volumes] == ["error_deleting", "error_deleting"]
    assert file.objects() == []
    file.runner.enter = enter
    of_group, of_volumes = file.driver.delete_consistencygroup(file.context, group, volumes)
    assert of_group is not None
    assert of_volumes is not None
    assert [update["status"] for update in (of_group, *of_volumes)] == ["deleted"] * 3
    assert file.objects() == []


@pytest.mark.lab
def test_btrfs_refuses_a_pool_on_another_file_system(stor1: Host) -> None:
    bench = on_host(stor1, BtrfsDriver, "/mnt/store")
    with pytest.raises(errors.PoolMissing, match="is not on btrfs"):
        bench.volume()
    failing = [finding for finding in bench.driver.check_for_setup_error(bench.context) if not finding.ok]
    assert [finding.check for finding in failing] == ["pool"]


def test_snapshots_cannot_be_written_by_accident(bench: Bench) -> None:
    volume = bench.volume()
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    disk = bench.disk(volume).parents[3] / f"snap/cgctl-{snapshot.id}/disk"
    assert disk.stat().st_mode & 0o222 == 0


def captured_errors() -> list[str]:
    """What tools really say in a pool that is full."""
    text = (Path(__file__).parents[1] / "data/btrfs/no-space-btrfs-progs-6.2.txt").read_text()
    return [line for line in text.splitlines() if line.split(":")[0] in ("cp", "mkdir", "truncate", "dd")]


@pytest.mark.parametrize("line", captured_errors())
def test_the_wording_of_a_full_pool_is_known(line: str) -> None:
    with pytest.raises(errors.PoolFull):
        refusals.result(Completed(1, "", f"{line}\n"), "here", TOOL_ERRORS)
