"""The stream that all drivers understand: what is looked at, what is announced, what a receiver believes.

Without a lab; btrfs' answer is a captured one. Quick: about 3 s.
"""

from __future__ import annotations

import random
import re
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from drivers import errors, refusals
from drivers.backends.directory_pool.replication.driver import FORMS, DirectoryPoolReplication
from drivers.backends.scripted.replication import shipper
from drivers.replication import BLOCKS, RecoveryPoint
from drivers.runner import Completed
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.linting import complaints
from tests.contract.pairs import in_directory, paired

CAPTURED = Path(__file__).parents[1] / "data/btrfs/send-no-data-6.2.txt"
BLOCK = 4096
ONE, TWO, NEW = (f"cgctl-0000000{number}-1111-4222-8333-444444444444" for number in (1, 2, 3))


def perl(text: str, *argv: str, stream: bytes = b"", place: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    path = {"PATH": f"{place}/bin:/usr/bin:/bin"} if place else None
    return subprocess.run(
        ["perl", "-e", text, "--", *argv], input=stream, capture_output=True, check=False, env=path, cwd=place
    )


def extents(place: Path, dump: str, send_status: int = 0) -> subprocess.CompletedProcess[bytes]:
    """What extents.pl makes of an answer of btrfs; disks are as large as in the captured one."""
    (place / "bin").mkdir()
    (place / "dump").write_text(dump)
    fake = place / "bin/btrfs"
    fake.write_text(f'#!/bin/sh\n[ "$1" != send ] || exit {send_status}\ncat >/dev/null; cat {place}/dump\n')
    fake.chmod(0o755)
    for name, size in re.findall(r"^truncate +\./new/(\S+)/disk size=(\d+)$", dump, re.M):
        disk(place / "new" / name, b"", int(size))
    program = resources.files("drivers.backends.btrfs").joinpath("extents.pl").read_text()
    return perl(program, "new", "base", place=place)


def disk(directory: Path, data: bytes, size: int) -> Path:
    directory.mkdir(parents=True)
    path = directory / "disk"
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(size)
    return path


def test_btrfs_tells_where_disks_differ_and_which_are_other_files_than_they_were(tmp_path: Path) -> None:
    found = extents(tmp_path, CAPTURED.read_text())
    name = "cgctl-0000000{}-1111-4222-8333-444444444444"
    assert found.stdout.decode().splitlines() == [
        f"{name.format(1)} look {MIB} 65536",
        f"{name.format(1)} look 1228800 4096",
        f"{name.format(5)} look {MIB} {MIB}",
        f"{name.format(3)} whole",  # reverted
        f"{name.format(4)} whole",  # joined
        "end",
    ], found.stderr


def test_a_disk_that_cannot_be_told_by_its_name_makes_all_of_them_count_as_a_whole(tmp_path: Path) -> None:
    disk(tmp_path / "new" / ONE, b"", MIB)
    found = extents(tmp_path, "update_extent   ./new/o300-1-0 offset=0 len=4096\n")
    assert found.stdout.decode().splitlines() == [f"{ONE} whole", "end"]


def test_an_answer_of_a_btrfs_that_failed_is_none(tmp_path: Path) -> None:
    found = extents(tmp_path, CAPTURED.read_text(), send_status=1)
    assert (found.returncode, found.stdout) == (1, b"")


def test_the_head_announces_no_less_than_comes_and_the_copy_is_exact(tmp_path: Path) -> None:
    draw = random.Random(9)
    old = draw.randbytes(2 * MIB)
    new = old[: 5 * BLOCK] + draw.randbytes(BLOCK) + old[6 * BLOCK : MIB] + bytes(BLOCK) + old[MIB + BLOCK :]
    disk(tmp_path / "base" / ONE, old, 2 * MIB)
    disk(tmp_path / "base" / TWO, old, 2 * MIB)
    disk(tmp_path / "copy" / ONE, old, 2 * MIB)
    disk(tmp_path / "copy" / TWO, old, 2 * MIB)
    disk(tmp_path / "new" / ONE, new, 3 * MIB)
    disk(tmp_path / "new" / NEW, old[:BLOCK], 4 * MIB)
    where = [str(tmp_path / "new"), str(tmp_path / "base")]
    for ranges in (
        perl(shipper(), "ranges", *where).stdout,
        f"{ONE} look {MIB} {BLOCK}\n{ONE} look {4 * BLOCK} {4 * BLOCK}\nend\n".encode(),
        f"{ONE} whole\nend\n".encode(),
    ):
        sent = perl(shipper(), "send-blocks", *where, stream=ranges)
        assert sent.returncode == 0, sent.stderr
        head, _, stream = sent.stdout.partition(b"cgctl-ship 1\n")
        ships = re.search(rb"^ships (\d+) (\d+)\n", head, re.M)
        assert ships
        runs = re.findall(rb"(?:data|zero) \d+ (\d+)\n", stream)
        assert 3 * BLOCK == sum(map(int, runs)) <= int(ships[1])
        assert re.findall(rb"^member (\S+) (\d+)$", head, re.M) == [
            (ONE[6:].encode(), str(3 * MIB).encode()),
            (NEW[6:].encode(), str(4 * MIB).encode()),
        ]
        assert len(sent.stdout) < 5 * BLOCK
        received = perl(shipper(), "receive", str(tmp_path / "copy"), stream=b"cgctl-ship 1\n" + stream)
        assert received.returncode == 0, received.stderr
        for name in (ONE, NEW):
            assert (tmp_path / "copy" / name / "disk").read_bytes() == (tmp_path / "new" / name / "disk").read_bytes()
        assert not (tmp_path / "copy" / TWO).exists()
        (tmp_path / "copy" / ONE / "disk").write_bytes(old)


def test_ranges_that_were_cut_are_not_sent(tmp_path: Path) -> None:
    disk(tmp_path / "new" / ONE, b"x", MIB)
    sent = perl(shipper(), "send-blocks", str(tmp_path / "new"), "", stream=f"{ONE} whole\n".encode())
    assert (sent.returncode, sent.stdout) == (1, b"cgctl-blocks 1\n")


@pytest.mark.parametrize(
    "head",
    [
        "cgctl-blocks 2",
        "cgctl-blocks 1\nmember ../../../etc 512\nships 0 0",
        "cgctl-blocks 1\nmember $(touch here) 512\nships 0 0",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444 -1\nships 0 0",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444\nships 0 0",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444 512\nships a[$(id)] 0",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444 512\nships",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444 512 512\nships 0 0",
        "cgctl-blocks 1\nmember deadbeef 512\nships 0 0",
        "cgctl-blocks 1\nships 0 0",
        "cgctl-blocks 1\nrm 00000001-1111-4222-8333-444444444444 512\nships 0 0",
        "cgctl-blocks 1\nalive\nmember 00000001-1111-4222-8333-444444444444 512\n",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444 512\nships 0 0\ncgctl-ship 1\nend 0 0",
        "cgctl-blocks 1\nmember 00000001-1111-4222-8333-444444444444 512\nships 0 0\ncgctl-ship 1\n"
        "disk cgctl-00000001-1111-4222-8333-444444444444 512\nzero 1024 512\nend 1 1",
    ],
)
def test_a_receiver_believes_no_head_that_it_does_not_understand_and_no_stream_that_says_another_thing(
    tmp_path: Path, head: str
) -> None:
    bench = in_directory(tmp_path / "far")
    received, point = receive(bench, f"{head}\n".encode())
    with pytest.raises(errors.DriverError):
        refusals.result(received, "server")
    assert (
        DirectoryPoolReplication("file", str(bench.pool), bench.runner).observe(bench.context, point.group_id).points
        == ()
    )
    assert bench.objects() == []
    assert not list(tmp_path.rglob("here"))
    assert not list(tmp_path.rglob("receiving")) or "cgctl-ship" in head


def test_a_head_may_say_that_its_sender_is_alive(tmp_path: Path) -> None:
    bench = in_directory(tmp_path / "far")
    stream = f"cgctl-blocks 1\nalive\nmember {ONE[6:]} 512\nalive\nships 0 0\ncgctl-ship 1\ndisk {ONE} 512\nend 1 0\n"
    received, point = receive(bench, stream.encode())
    assert refusals.result(received, "server") == "complete\n"
    assert [one.size_bytes for one in bench.objects() if one.parent_id == point.id] == [512]


def receive(bench: Bench, stream: bytes) -> tuple[Completed, RecoveryPoint]:
    pair = paired(bench, bench, BLOCKS)
    point = RecoveryPoint(new_id(), new_id(), pair.generation.id, 1, bench.context.deadline)
    command = pair.replication(bench).receive(bench.context, point, None, point.id, BLOCKS)
    done = subprocess.run(command.argv, input=stream, capture_output=True, check=False)
    return Completed(done.returncode, done.stdout.decode(), done.stderr.decode()), point


@pytest.mark.parametrize("driver", FORMS)
@pytest.mark.parametrize("method", ["send", "receive"])
def test_the_whole_script_is_clean_for_shellcheck(driver: str, method: str, tmp_path: Path) -> None:
    """But for what one method does not use, and what only the trap calls."""
    replication = DirectoryPoolReplication(driver, str(tmp_path), in_directory(tmp_path / "pool").runner)
    assert complaints(replication._script(method).text, "SC2034", "SC2154", "SC2317", "SC2329") == ""
