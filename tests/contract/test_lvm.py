"""What only the lvm driver promises: gates, the hold and its watchdog, what LVM may see; on the virtual machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from drivers import errors, refusals
from drivers.backends.lvm.driver import TOOL_ERRORS, LvmDriver
from drivers.backends.lvm.layout import source
from drivers.backends.lvm.replication.driver import LvmReplication
from drivers.backends.lvm.scripts import METHODS, load
from drivers.command import Command
from drivers.contract import Context, Group, GroupSnapshot, HoldReceipt, ObjectKind, Snapshot, Volume
from drivers.runner import Completed
from tests.contract.bench import MIB, ProcessRunner, new_id
from tests.contract.linting import complaints
from tests.contract.test_groups import SIZE, contents, likes, make_group, members_of, take
from tests.contract.test_killed import killed
from tests.contract.thin_pool import LOCK, POOL, MachineBench, on_machine
from tests.lab.vm import Machine

CAPTURED = Path(__file__).parents[1] / "data/lvm/refusals-2.03.16.txt"
KEPT = 5
"""So many sets of a test may stay beside each other: the metadata area of the machine's volume group is small."""


@pytest.fixture
def lvm(vm1: Machine) -> Iterator[MachineBench]:
    yield from on_machine(vm1)


# Without a machine


@pytest.mark.parametrize("method", METHODS)
def test_the_whole_script_is_clean_for_shellcheck(method: str) -> None:
    """But for what one method does not use, and what only the trap calls."""
    assert complaints(load(method).text, "SC2034", "SC2317", "SC2329") == ""


@pytest.mark.parametrize("pool", ["cgvg", "/dev/cgvg/pool", "cgvg/pool/x", "cgvg/-pool", "../pool", "cgvg/po ol", ""])
def test_a_pool_that_is_not_vg_and_thin_pool_is_refused(pool: str) -> None:
    with pytest.raises(errors.PoolMissing):
        LvmDriver("here", pool, ProcessRunner())


def captured_errors() -> list[str]:
    """What LVM really says when there is no room."""
    return [line for line in CAPTURED.read_text().splitlines() if "insufficient" in line or "threshold" in line]


@pytest.mark.parametrize("line", [line for line in captured_errors() if not line.startswith("$")])
def test_the_wording_of_a_full_pool_is_known(line: str) -> None:
    with pytest.raises(errors.PoolFull):
        refusals.result(Completed(1, "", f"{line}\n"), "here", TOOL_ERRORS)


@dataclass
class Asked(ProcessRunner):
    """Runs nothing, and keeps what it was asked for."""

    parameters: tuple[str, ...] = ()

    def run(self, command: Command, timeout_seconds: float) -> Completed:  # noqa: ARG002
        self.parameters = command.argv[4:]
        return Completed(0, "", "")


@pytest.mark.parametrize(("protocol", "form"), [("iscsi", ""), ("nfs", "xfs")])
def test_every_script_is_told_what_volumes_are_before_its_own_words(protocol: str, form: str) -> None:
    runner, group = Asked(), Group(new_id())
    context = Context("operation", "owner", datetime.now(UTC) + timedelta(seconds=60))
    LvmDriver("here", POOL, runner, protocol).create_consistencygroup(context, group)
    assert (runner.parameters[:2], runner.parameters[3:]) == ((POOL, "owner"), (form, group.id))
    LvmReplication("lvm", POOL, runner).observe(context, group.id)
    assert (runner.parameters[:2], runner.parameters[3:]) == ((POOL, "owner"), ("", group.id))


# Gates


@pytest.mark.vm
@pytest.mark.telling
def test_a_volume_in_use_is_not_deleted_and_keeps_its_gate(lvm: MachineBench) -> None:
    group, (volume, other) = make_group(lvm)
    with lvm.opened(volume):
        with pytest.raises(errors.Busy, match="in use"):
            lvm.driver.delete_volume(lvm.context, volume)
        of_group, of_volumes = lvm.driver.delete_consistencygroup(lvm.context, group, [volume, other])
    assert of_group is not None
    assert of_volumes is not None
    assert [update["status"] for update in of_volumes] == ["error_deleting", "deleted"]
    assert of_group["status"] == "error_deleting"
    assert contents(lvm, [volume]) == [b"member 0"]


@pytest.mark.vm
def test_a_volume_in_use_grows_and_moves_into_a_group(lvm: MachineBench) -> None:
    group, _ = make_group(lvm, 0)
    volume = lvm.volume(size_bytes=SIZE, data=b"served  ")
    with lvm.opened(volume):
        lvm.driver.extend_volume(lvm.context, volume, 5 * SIZE)
        lvm.driver.update_consistencygroup(lvm.context, group, add_volumes=[volume])
        assert lvm.size(volume) == 5 * SIZE
    take(lvm, group, [Volume(volume.id, 5 * SIZE, group.id)])
    assert contents(lvm, [volume]) == [b"served  "]


@pytest.mark.vm
@pytest.mark.telling
def test_a_missing_gate_is_a_finding_and_made_again(lvm: MachineBench) -> None:
    volume = lvm.volume(data=b"kept")
    lvm.script('dmsetup remove "$1"', lvm.driver.volume_source(volume))
    failing = [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]
    assert [one.check for one in failing] == ["gates"]
    assert volume.id in failing[0].detail
    lvm.driver.repair(lvm.context)
    assert lvm.read(volume, 4) == b"kept"
    assert all(one.ok for one in lvm.driver.check_for_setup_error(lvm.context))


@pytest.mark.vm
def test_a_gate_that_was_left_held_is_a_finding_and_released(lvm: MachineBench) -> None:
    volume = lvm.volume(data=b"kept")
    lvm.script('dmsetup suspend "$1"', lvm.driver.volume_source(volume))
    failing = [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]
    assert [one.check for one in failing] == ["holds"]
    lvm.driver.repair(lvm.context)
    assert lvm.read(volume, 4) == b"kept"


@pytest.mark.vm
@pytest.mark.parametrize("change", ["/global_filter/d", 's/global_filter = ./& "a|.*|",/'])
def test_a_pool_whose_lvm_would_see_the_gates_is_not_taken(lvm: MachineBench, change: str) -> None:
    """Without a list, and with one that ends as it should and shows everything before."""
    lvm.script('cp /etc/lvm/lvm.conf /run/lvm.conf; sed -i "$1" /etc/lvm/lvm.conf', change)
    try:
        with pytest.raises(errors.ServerRefused, match="global_filter"):
            lvm.volume()
        failing = [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]
    finally:
        lvm.script("cp /run/lvm.conf /etc/lvm/lvm.conf")
    assert [one.check for one in failing] == ["filter"]
    assert failing[0].hint
    assert "global_filter" in failing[0].hint


@pytest.mark.vm
def test_a_devices_file_hides_gates_as_a_filter_does(lvm: MachineBench) -> None:
    lvm.script("""
        cp /etc/lvm/lvm.conf /run/lvm.conf
        sed -i '/global_filter/d; s/^[# \t]*use_devicesfile = .*/use_devicesfile = 1/' /etc/lvm/lvm.conf
        """)
    try:
        with pytest.raises(errors.ServerRefused, match="devices file is missing"):
            lvm.volume()
        (failing,) = [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]
        assert failing.hint
        lvm.script(failing.hint.partition(",")[0])
        volume = lvm.volume()
        assert [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok] == []
        lvm.script('dmsetup suspend "$1"; timeout 20 lvs; dmsetup resume "$1"', lvm.driver.volume_source(volume))
    finally:
        lvm.script("cp /run/lvm.conf /etc/lvm/lvm.conf; rm -rf /etc/lvm/devices")


@pytest.mark.vm
@pytest.mark.telling
def test_a_clients_volume_group_is_not_seen_and_not_active_on_the_server(lvm: MachineBench) -> None:
    gate = lvm.driver.volume_source(lvm.volume(size_bytes=32 * MIB))
    client = """
        client='devices { global_filter=["a|^/dev/mapper/cgctl-|","r|.*|"] }'
        case $2 in
            make)
                pvcreate -q --config "$client" "$1"
                vgcreate -q --config "$client" clientvg "$1"
                lvcreate -q -y -an -Zn -Wn --config "$client" -L 8M -n data clientvg ;;
            *) vgchange -q "$2" --config "$client" clientvg ;;
        esac
        """
    lvm.script(client, gate, "make")
    assert "clientvg" not in lvm.script("pvscan --cache -aay; vgchange -q -ay; vgs; dmsetup ls")
    lvm.script(client, gate, "-ay")
    failing = [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]
    lvm.script(client, gate, "-an")
    assert [(one.check, one.hint) for one in failing] == [("holders", "dmsetup remove clientvg-data")]


@pytest.mark.vm
def test_a_pool_that_shows_old_data_is_not_used(lvm: MachineBench) -> None:
    lvm.script('lvchange -q --zero n "$1"', POOL)
    with pytest.raises(errors.ServerRefused, match="does not zero"):
        lvm.volume()
    assert "zero" in [one.check for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok]


# The hold


def broken_hold(bench: MachineBench) -> tuple[GroupSnapshot, list[Volume]]:
    """A group snapshot whose hold outlasted its bound: nothing of it is there, and its members can be written."""
    group, volumes = make_group(bench)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    with pytest.raises(errors.HoldBroken):
        bench.driver.create_cgsnapshot(bench.bounded(0.3), cgsnapshot, members_of(cgsnapshot, volumes))
    assert bench.ids(ObjectKind.GROUP_SNAPSHOT) | bench.ids(ObjectKind.SNAPSHOT) == set()
    bench.write(volumes[0], b"goes on ")
    return cgsnapshot, volumes


HEAD_OF_SCRIPTS = (
    ("drivers", "prelude.sh"),
    ("drivers.backends.lvm", "pool.sh"),
    ("drivers.backends.lvm", "session.sh"),
)
KILLED_SCRIPT = """
setsid sh -c "$1" script "$2" owner 60 '' </dev/null &
script=$!
until lvm=$(pgrep -x lvm); do kill -0 "$script"; done
kill -KILL "-$script"
kill -0 $lvm && echo 'lvm goes on'
flock -w 120 "$3" sh -c '! pgrep -x lvm' && echo 'and keeps the lock'
"""
MANY_LINES = """
lock
for _ in 1 2 3 4 5 6 7 8 9 10; do set -- "$@" "lvs -q $vg" "lvs -q $vg"; done
change "$@"
"""


@pytest.mark.vm
@pytest.mark.telling
def test_nobody_works_beside_the_lvm_of_a_script_that_was_killed(lvm: MachineBench) -> None:
    """lvm closes the lock's descriptor when it begins: seen as a revert of which half was made."""
    head = [resources.files(package).joinpath(name).read_text() for package, name in HEAD_OF_SCRIPTS]
    said = lvm.script(KILLED_SCRIPT, "\n".join([*head, MANY_LINES]), POOL, LOCK)
    assert said.splitlines() == ["lvm goes on", "and keeps the lock"]


COUNTED_LVM = """
mkdir -p /run/counted
cat >/run/counted/lvm <<'end'
#!/bin/sh
echo >>/run/counted/begun
exec /sbin/lvm "$@"
end
chmod 755 /run/counted/lvm
"""


@pytest.mark.vm
@pytest.mark.parametrize("count", [pytest.param(2, marks=pytest.mark.telling), 8])
def test_a_group_operation_is_one_lvm_process_whatever_its_member_count(lvm: MachineBench, count: int) -> None:
    group, volumes = make_group(lvm, count)
    cgsnapshot, clone, twin = GroupSnapshot(new_id(), group.id), Group(new_id()), Group(new_id())
    members, clones, twins = members_of(cgsnapshot, volumes), likes(volumes, clone), likes(volumes, twin)
    lvm.script(COUNTED_LVM)
    lvm.runner.enter = lambda argv: ["env", "PATH=/run/counted:/usr/sbin:/usr/bin:/sbin:/bin", *argv]
    driver, context = lvm.driver, lvm.context
    calls: dict[str, Callable[[], object]] = {
        "snapshot": lambda: driver.create_cgsnapshot(context, cgsnapshot, members),
        "clone of it": lambda: driver.create_consistencygroup_from_src(context, clone, clones, cgsnapshot, members),
        "clone": lambda: driver.create_consistencygroup_from_src(
            context, twin, twins, source_cg=group, source_vols=volumes
        ),
        "revert": lambda: driver.revert_consistencygroup(context, group, volumes, cgsnapshot, members),
        "update": lambda: driver.update_consistencygroup(context, group, [], volumes[:1]),
        "deletion of the snapshot": lambda: driver.delete_cgsnapshot(context, cgsnapshot, members),
        "deletion": lambda: driver.delete_consistencygroup(context, clone, clones),
    }
    begun = {}
    for word, call in calls.items():
        lvm.script(": >/run/counted/begun")
        call()
        begun[word] = int(lvm.script("wc -l </run/counted/begun"))
    assert begun == dict.fromkeys(calls, 1)


@pytest.mark.vm
@pytest.mark.telling
def test_a_hold_that_outlasts_its_bound_is_void_and_gone(lvm: MachineBench) -> None:
    cgsnapshot, volumes = broken_hold(lvm)
    lvm.driver.create_cgsnapshot(lvm.bounded(60), cgsnapshot, members_of(cgsnapshot, volumes))
    assert lvm.ids(ObjectKind.GROUP_SNAPSHOT) == {cgsnapshot.id}


@pytest.mark.vm
@pytest.mark.telling
def test_the_watchdog_releases_writers_when_the_script_is_killed_in_the_hold(lvm: MachineBench) -> None:
    group, volumes = make_group(lvm)
    cgsnapshot = GroupSnapshot(new_id(), group.id)

    def held() -> None:
        with suppress(errors.DriverError):
            killed(lvm, lambda: lvm.driver.create_cgsnapshot(lvm.bounded(8), cgsnapshot, members), 90)

    members = members_of(cgsnapshot, volumes)
    call = threading.Thread(target=held)
    call.start()
    gates = [lvm.driver.volume_source(one) for one in volumes]
    until_suspended = 'until dmsetup info -c --noheadings -o suspended "$1" | grep -q Suspended; do :; done'
    lvm.script(f'{until_suspended}; kill -KILL "-$(cat /run/contract.pid)"', gates[-1])
    began = time.monotonic()
    call.join()
    lvm.write(volumes[0], b"goes on ")
    assert time.monotonic() - began < 20
    assert [one.complete for one in lvm.objects() if one.kind is ObjectKind.GROUP_SNAPSHOT] in ([], [False])
    lvm.driver.create_cgsnapshot(lvm.context, cgsnapshot, members_of(cgsnapshot, volumes))
    restored = Volume(new_id(), SIZE)
    lvm.driver.create_volume_from_snapshot(lvm.context, restored, members_of(cgsnapshot, volumes)[0])
    assert contents(lvm, [restored]) == [b"goes on "]


@pytest.mark.vm
@pytest.mark.parametrize("members", [1, 6])
def test_a_script_that_is_told_to_end_in_the_hold_lets_writers_go_on_at_once(lvm: MachineBench, members: int) -> None:
    """Long before its bound; the signal may come in any line of it."""
    group, volumes = make_group(lvm, members)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    gates = [lvm.driver.volume_source(one) for one in volumes]
    failures: list[errors.DriverError] = []

    def taken() -> None:
        try:
            lvm.driver.create_cgsnapshot(lvm.bounded(300), cgsnapshot, members_of(cgsnapshot, volumes))
        except errors.DriverError as error:
            failures.append(error)

    call = threading.Thread(target=taken)
    call.start()
    until_suspended = 'until dmsetup info -c --noheadings -o suspended "$1" | grep -q Suspended; do :; done'
    lvm.script(f'{until_suspended}; kill -TERM "-$(cat /run/contract.pid)"', gates[-1])
    call.join()
    assert "Suspended" not in lvm.script('dmsetup info -c --noheadings -o suspended "$@"', *gates)
    lvm.write(volumes[0], b"goes on ")
    assert failures or lvm.ids(ObjectKind.GROUP_SNAPSHOT) == {cgsnapshot.id}
    lvm.driver.create_cgsnapshot(lvm.context, cgsnapshot, members_of(cgsnapshot, volumes))


WRITER = """
import mmap, os, sys
files = [os.open(path, os.O_RDWR | os.O_DIRECT) for path in sys.argv[2:]]
block = mmap.mmap(-1, 4096)
number = 0
while not os.path.exists(sys.argv[1]):
    number += 1
    block[:8] = number.to_bytes(8, "big")
    for file in files:
        os.pwrite(file, block, 0)
"""


@contextmanager
def ordered_writer(bench: MachineBench, volumes: list[Volume]) -> Iterator[None]:
    """Writes a growing number to each volume in turn, each after the one before is on disk."""
    stop = f"/run/stop-{new_id()}"
    paths = [bench.driver.volume_source(one) for one in volumes]
    bench.script('setsid python3 -c "$@" >/dev/null 2>&1 </dev/null &', WRITER, stop, *paths)
    yield
    bench.script('touch "$1"', stop)


NUMBERS = """
pool=$1
shift
printf 'lvchange -q -ay -K %s\\n' "$@" | sed "s,$, ," | lvm >/dev/null
for lv; do dd if="/dev/$lv" bs=8 count=1 status=none | od -An -v -tx1 | tr -d ' \\n'; echo; done
printf 'lvchange -q -an %s\\n' "$@" | lvm >/dev/null
"""


def numbers(bench: MachineBench, snapshots: Sequence[Snapshot]) -> list[int]:
    """What these snapshots hold, read from their LVs."""
    names = [f"{POOL.partition('/')[0]}/{source(one)}" for one in snapshots]
    return [int(line, 16) for line in bench.script(NUMBERS, POOL, *names).split()]


def held_seconds(hold: HoldReceipt) -> float:
    """Of a receipt."""
    return (datetime.fromisoformat(hold["ended_at"]) - datetime.fromisoformat(hold["began_at"])).total_seconds()


def in_order(found: list[int]) -> bool:
    return sorted(found, reverse=True) == found and found[0] - found[-1] <= 1


def check_order(bench: MachineBench, count: int) -> list[float]:
    """Group snapshots under an ordered writer; how long each hold was. Snapshots one by one are torn."""
    group, volumes = make_group(bench, 4)
    seconds = []
    with ordered_writer(bench, volumes):
        for _ in range(count):
            cgsnapshot = GroupSnapshot(new_id(), group.id)
            members = members_of(cgsnapshot, volumes)
            update, _ = bench.driver.create_cgsnapshot(bench.context, cgsnapshot, members)
            assert update is not None
            seconds.append(held_seconds(update["hold"]))
            found = numbers(bench, members)
            assert in_order(found), found
            assert found[0] > 0
            if count > KEPT:
                bench.driver.delete_cgsnapshot(bench.context, cgsnapshot, members)
        singles = [Snapshot(new_id(), one.id, SIZE, group.id) for one in volumes]
        for one in singles:
            bench.driver.create_snapshot(bench.context, one)
    one_by_one = numbers(bench, singles)
    assert not in_order(one_by_one), one_by_one
    return seconds


@pytest.mark.vm
@pytest.mark.telling
def test_group_snapshots_keep_the_order_of_writes_and_snapshots_one_by_one_do_not(lvm: MachineBench) -> None:
    check_order(lvm, 2)


@pytest.mark.vm
@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_hundred_group_snapshots_keep_the_order_of_writes(lvm: MachineBench) -> None:
    seconds = sorted(check_order(lvm, 100))
    print(f"\nholds of 4 members: median {seconds[50]:.2f} s, longest {seconds[-1]:.2f} s")


@pytest.mark.vm
@pytest.mark.parametrize("count", [1, 4, 16])
def test_the_receipt_tells_how_long_writes_were_held(lvm: MachineBench, count: int) -> None:
    group, volumes = make_group(lvm, count)
    with ordered_writer(lvm, volumes):
        cgsnapshot = GroupSnapshot(new_id(), group.id)
        update, _ = lvm.driver.create_cgsnapshot(lvm.context, cgsnapshot, members_of(cgsnapshot, volumes))
    assert update is not None
    hold = update["hold"]
    print(f"\nhold of {count} members: {held_seconds(hold):.2f} s")
    assert hold["method"] == "lvm-gates"
    assert hold["members"] == count


@pytest.mark.vm
def test_two_that_work_in_one_pool_at_once_take_turns(lvm: MachineBench) -> None:
    group, volumes = make_group(lvm)
    other, others = make_group(lvm)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(take, lvm, group, volumes)
        second = pool.submit(take, lvm, other, others)
        made = pool.submit(lvm.volume)
        sets = {first.result()[0].id, second.result()[0].id}
        volume = made.result()
    assert lvm.ids(ObjectKind.GROUP_SNAPSHOT) == sets
    assert volume.id in lvm.ids(ObjectKind.VOLUME)
    assert all(one.complete for one in lvm.objects())


@pytest.mark.vm
def test_a_full_pool_is_refused_before_writers_lose_data(lvm: MachineBench) -> None:
    group, volumes = make_group(lvm, 1)
    filler = lvm.volume(size_bytes=3072 * MIB)
    lvm.script('dd if=/dev/zero of="$1" bs=4M count=735 oflag=direct status=none', lvm.driver.volume_source(filler))
    with pytest.raises(errors.PoolFull):
        take(lvm, group, volumes)
    with pytest.raises(errors.PoolFull):
        lvm.volume()
    assert lvm.driver.get_volume_stats(lvm.context)["free_capacity_gb"] < 0.2
    lvm.driver.delete_volume(lvm.context, filler)
    take(lvm, group, volumes)
