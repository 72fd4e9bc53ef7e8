"""Files in the directory of a pool that are not cgctl's: which of them are taken over, and that the others stay."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import errors
from drivers.contract import Volume
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.test_manage import found, references, taken


@pytest.fixture
def bench(directory_bench: Bench) -> Bench:
    """In this module: the pools that are directories."""
    return directory_bench


def image(bench: Bench, name: str, content: bytes = b"\1" * 4096) -> Path:
    """A file in the pool's directory, owned as the directory is."""
    path = bench.pool / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    owner = bench.pool.stat()
    for one in (path, path.parent):
        os.chown(one, owner.st_uid, owner.st_gid)
    return path


def linked(bench: Bench) -> None:
    os.link(image(bench, "odd"), bench.pool / "second")


def symbolic(bench: Bench) -> None:
    (bench.pool / "odd").symlink_to(image(bench, "real"))


def behind_a_link(bench: Bench) -> None:
    (image(bench, ".hidden/odd").parent).rename(bench.pool / "elsewhere")
    (bench.pool / "odd").symlink_to("elsewhere")


ODD: dict[str, tuple[Callable[[Bench], object], str]] = {
    "hard link": (linked, "2 names"),
    "symbolic link": (symbolic, "symbolic link"),
    "directory link": (behind_a_link, "symbolic link"),
    "empty": (lambda bench: image(bench, "odd", b""), "empty"),
    "half a sector": (lambda bench: image(bench, "odd", b"x" * 513), "sectors"),
    "qcow2": (lambda bench: image(bench, "odd", b"QFI\xfb".ljust(512, b"\0")), "qcow2"),
    "vmdk": (lambda bench: image(bench, "odd", b"KDMV".ljust(512, b"\0")), "vmdk"),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_file_is_listed_with_the_reason_and_not_taken(bench: Bench, what: str) -> None:
    make, reason = ODD[what]
    make(bench)
    path = bench.pool / "odd"
    size = path.lstat().st_size
    assert reason in (found(bench, "odd").reason_not_safe or "")
    with pytest.raises(errors.ServerRefused, match=reason):
        bench.driver.manage_existing(bench.context, Volume(new_id(), max(size, 1)), "odd")
    assert path.lstat().st_size == size


@pytest.mark.parametrize("name", ["line\nbreak", "be\x07ll", "tab\tbed"])
def test_a_name_that_no_line_can_hold_is_listed_as_not_safe(bench: Bench, name: str) -> None:
    path = image(bench, name)
    (listed,) = bench.driver.list_manageable(bench.context)
    assert listed.reason_not_safe
    with pytest.raises(errors.ServerRefused):
        bench.driver.manage_existing(bench.context, Volume(new_id(), 4096), name)
    assert path.exists()


def test_a_name_that_is_not_utf8_is_listed_as_not_safe(bench: Bench) -> None:
    path = image(bench, os.fsdecode(b"caf\xe9"))
    (listed,) = bench.driver.list_manageable(bench.context)
    assert listed.reason_not_safe == "its name is not UTF-8"
    assert path.exists()


@pytest.mark.parametrize("name", ["-rf", "a b.img", "$(reboot)", "'", '"', "a|b", "ünï.raw", "sub/deep er/x.img", "*"])
def test_a_plain_file_is_taken_whatever_its_name(bench: Bench, name: str) -> None:
    for part in reversed(Path(name).parents[:-1]):
        (bench.pool / part).mkdir()
        os.chown(bench.pool / part, bench.pool.stat().st_uid, bench.pool.stat().st_gid)
    image(bench, name)
    image(bench, "bystander")
    volume = taken(bench, name)
    assert bench.read(volume, 2) == b"\1\1"
    assert references(bench) == {"bystander"}


def test_a_sparse_file_is_taken_and_stays_sparse(bench: Bench) -> None:
    path = image(bench, "sparse")
    os.truncate(path, 64 * MIB)
    volume = taken(bench, "sparse")
    assert bench.size(volume) == 64 * MIB
    assert bench.disk(volume).stat().st_blocks * 512 < MIB


@pytest.mark.parametrize(
    "reference",
    [
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "",
        ".",
        ".cgctl/owner",
        "live/x",
        "snap/y",
        "groupsnap/z",
        ".hidden",
    ],
)
def test_nothing_outside_the_pool_and_nothing_of_cgctl_is_a_reference(bench: Bench, reference: str) -> None:
    with pytest.raises(errors.ServerRefused):
        bench.driver.manage_existing(bench.context, Volume(new_id(), MIB), reference)
    assert bench.runner.executions == 0


def test_a_file_that_is_open_on_the_server_is_not_taken(bench: Bench) -> None:
    path = image(bench, "busy")
    where = bench.driver.volume_source(Volume(new_id(), MIB)).split("/live/")[0]
    with subprocess.Popen(bench.runner.enter(["tail", "-f", f"{where}/busy"]), stdout=subprocess.DEVNULL) as reader:
        time.sleep(0.3)
        assert "in use" in (found(bench, "busy").reason_not_safe or "")
        with pytest.raises(errors.ServerRefused, match="in use"):
            bench.driver.manage_existing(bench.context, Volume(new_id(), 4096), "busy")
        reader.kill()
    assert path.exists()


def test_a_refusal_in_the_middle_gives_the_file_its_name_back(bench: Bench) -> None:
    image(bench, "guest")
    staged = bench.pool / "live"
    volume = bench.volume()
    staged.chmod(0o500)
    subprocess.run(["chattr", "+i", staged], check=False, capture_output=True)
    try:
        with pytest.raises(errors.DriverError):
            bench.driver.manage_existing(bench.context, Volume(new_id(), 4096), "guest")
    finally:
        subprocess.run(["chattr", "-i", staged], check=False, capture_output=True)
        staged.chmod(0o700)
    assert references(bench) == {"guest"}
    assert [one.id for one in bench.objects()] == [volume.id]


def test_a_refusal_after_a_kill_gives_the_file_its_name_back(bench: Bench) -> None:
    """The file is cgctl's by name only, and what it should become cannot be."""
    path = image(bench, "guest")
    volume = Volume(new_id(), 4096, new_id())
    bench.volume()
    path.rename(bench.pool / f".cgctl-managing-{volume.id}")
    with pytest.raises(errors.NotOnServer, match="group"):
        bench.driver.manage_existing(bench.context, volume, "guest")
    assert references(bench) == {"guest"}


def test_a_volume_in_use_on_the_server_is_neither_given_back_nor_reverted(bench: Bench) -> None:
    from tests.contract.test_volumes import snapshot_of

    volume = bench.volume(data=b"kept")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    reader = subprocess.Popen(bench.runner.enter(["tail", "-f", bench.driver.volume_source(volume)]), stdout=-3)
    try:
        time.sleep(0.3)
        with pytest.raises(errors.Busy, match="in use"):
            bench.driver.unmanage(bench.context, volume, "leaver")
        with pytest.raises(errors.Busy, match="in use"):
            bench.driver.revert_to_snapshot(bench.context, volume, snapshot)
    finally:
        reader.kill()
        reader.wait()
    assert bench.read(volume, 4) == b"kept"
