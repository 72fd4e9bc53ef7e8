"""Pools and states that are full, gone, foreign, or cannot be written: one clear answer, nothing changed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import POOL, Cluster
from tests.hostile import ROOT, Answer, Station, furnished, unchanged
from tests.lab import Host, Lab

SMALL = Path("/srv/small")

MAKE_BTRFS = """
truncate -s 256M /srv/small.img
mkfs.btrfs -q -M /srv/small.img
mkdir /srv/small
mount -o loop,noatime /srv/small.img /srv/small
"""
MAKE_TMPFS = "mkdir /srv/small; mount -t tmpfs -o size=32M tmpfs /srv/small"
UNMAKE = "umount -l /srv/small 2>/dev/null || :; rm -rf /srv/small /srv/small.img"


@pytest.fixture
def small(
    lab: Lab, clean_pools: None, stor1: Host, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Station]:
    """A small pool of stor1, of the driver that the test asks for; type `t`, group `g` with volume `m`, volume `v`."""
    driver = request.param
    stor1.script(UNMAKE)
    stor1.script(MAKE_BTRFS if driver == "btrfs" else MAKE_TMPFS)
    section = Cluster(lab, tmp_path).backends()["alpha"] | {"driver": driver, "pool": str(SMALL)}
    del section["export"]
    station = Station(tmp_path, {"alpha": section}, {"default_volume_type": "t"})
    station.write_config()
    for line in (
        "type-create t", "group-type-create cg", "group-create --name g cg t", "create --name m --group-id g 200M",
        "create --name v 200M", "snapshot-create --name s v", "group-snapshot-create --name gs g",
    ):  # fmt: skip
        answer = station.run(*line.split())
        assert answer.code == 0, answer.err
    yield station
    stor1.script(UNMAKE)


def fill(host: Host, station: Station) -> None:
    """The volumes' users write until there is no room: m first, with what a copy of it would need."""
    one = station.run("show", "m", "-f", "json").json()
    disk = SMALL / f"live/cgctl-{one['group_id']}/cgctl-{one['id']}/disk"
    host.run(["dd", "if=/dev/urandom", f"of={disk}", "bs=1M", "count=4", "conv=notrunc,fsync"])
    other = station.run("show", "v", "-f", "json").json()
    disk = SMALL / f"live/cgctl-{other['id']}/cgctl-{other['id']}/disk"
    full = host.run(["dd", "if=/dev/urandom", f"of={disk}", "bs=1M", "conv=notrunc,fsync"], check=False)
    assert "No space left" in full.stderr
    host.run(["dd", "if=/dev/urandom", f"of={SMALL}/ballast", "bs=4k", "conv=fsync"], check=False)


NEW = (
    "create --name new 1M", "create --name new --group-id g --volume-type t 1M", "create --name new --source-volid m",
    "snapshot-create --name new v", "group-snapshot-create --name new g", "group-create --name new cg t",
    "group-create-from-src --name new --source-group g", "group-create-from-src --name new --group-snapshot gs",
)  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize("small", ["file", "btrfs"], indirect=True)
def test_wish_for_more_than_the_pool_can_promise_names_the_room(small: Station, stor1: Host) -> None:
    with unchanged(small, stor1.path(SMALL)):
        small.run("create", "900T").error(5, "volume", "alpha: room: 921600 GiB wanted", "left to promise", "get-pools")
        small.run("create", "--group-id", "g", "--volume-type", "t", "900T").error(5, "room: 921600 GiB wanted")


@pytest.mark.lab
@pytest.mark.parametrize("small", ["file", "btrfs"], indirect=True)
def test_full_pool_fails_clean_and_serves_again_when_there_is_room(small: Station, stor1: Host) -> None:
    fill(stor1, small)
    told = 0
    for line in NEW:
        before = small.dump(history=False), objects(stor1)
        answer = small.run(*line.split())
        if answer.code:
            answer.error(answer.code)
            assert answer.code in {5, 6}
            assert "10.77.0.1" in answer.err or "room" in answer.err
            assert (small.dump(history=False), objects(stor1)) == before, line
            told += 1
        else:
            assert small.run("list").code == 0
    assert told >= 3
    assert small.run("recover", "-f", "json").json() == []
    assert small.run("get-pools").code == small.run("list").code == 0
    assert small.run("snapshot-delete", "s").code == 0
    assert small.run("group-snapshot-delete", "gs").code == 0
    stor1.run(["rm", "-f", str(SMALL / "ballast")])
    assert small.run("delete", "v").code == 0 or small.run("list", "--name", "new", "-f", "json").json()
    assert small.run("group-snapshot-create", "--name", "again", "g").code == 0


def objects(host: Host) -> list[str]:
    """The names of all that stands in the small pool, half-made or whole."""
    found = host.run(["find", str(SMALL), "-mindepth", "2", "-not", "-path", "*/.cgctl/*"]).stdout
    return sorted(found.splitlines())


GONE = {
    "not mounted": ("umount -l /srv/pool", "is not on btrfs (it is on tmpfs)"),
    "missing": ("umount -l /srv/pool; rmdir /srv/pool", "/srv/pool is no directory that can be entered"),
    "a file": ("umount -l /srv/pool; rmdir /srv/pool; touch /srv/pool", "/srv/pool is no directory"),
    "another btrfs": (
        "truncate -s 256M /srv/other.img; mkfs.btrfs -q /srv/other.img; mount -o loop /srv/other.img /srv/pool",
        "owner mark",
    ),
    "read-only": ("mount -o remount,ro /srv/pool", "/srv/pool cannot be written: is it mounted read-only?"),
}
WRITERS = (
    "group-create cg t", "create 8M", "create 8M --volume-type t --group-id g", "group-snapshot-create g",
    "extend v 16M", "snapshot-create v", "snapshot-delete s", "group-snapshot-delete gs",
    "group-update g --remove-volumes m",
    "group-create-from-src --source-group g", "group-create-from-src --group-snapshot gs", "delete w",
    "group-delete h --delete-volumes",
)  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize("how", GONE)
def test_pool_that_is_gone_or_another_is_told_and_nothing_is_lost(
    lab: Lab, clean_pools: None, stor1: Host, tmp_path: Path, how: str
) -> None:
    place = Station(tmp_path, {"alpha": Cluster(lab, tmp_path).backends()["alpha"]}, {"default_volume_type": "t"})
    place.write_config()
    for line in (
        "type-create t", "group-type-create cg", "group-create --name g cg t", "create --name m --group-id g 8M",
        "create --name v 8M", "snapshot-create --name s v", "group-snapshot-create --name gs g",
        "create --name w 8M", "group-create --name h cg t",
    ):  # fmt: skip
        assert place.run(*line.split()).code == 0
    mishap, told = GONE[how]
    stor1.script(mishap)
    try:
        with unchanged(place, history=False):
            for line in WRITERS:
                answer = place.run(*line.split())
                answer.error(6, "10.77.0.1", told)
        assert place.run("list").code == place.run("group-show", "g").code == 0
        assert place.run("backend-check").code == 6
    finally:
        stor1.kill()
        stor1.start()
    assert place.run("recover", "-f", "json").json() == []
    for line in ("group-snapshot-delete gs", "snapshot-delete s", "group-delete g --delete-volumes", "delete v"):
        assert place.run(*line.split()).code == 0


@pytest.mark.lab
def test_pool_of_another_state_store_is_refused(lab: Lab, clean_pools: None, stor1: Host, tmp_path: Path) -> None:
    section = {"alpha": Cluster(lab, tmp_path).backends()["alpha"]}
    first, second = (Station(tmp_path / name, section, {"default_volume_type": "t"}) for name in ("first", "second"))
    for place in (first, second):
        place.directory.mkdir()
        place.write_config()
        for line in ("type-create t", "group-type-create cg"):
            assert place.run(*line.split()).code == 0
    assert first.run("group-create", "--name", "g", "cg", "t").code == 0
    with unchanged(second, stor1.path(POOL), history=False):
        for line in ("group-create cg t", "create 8M", "get-capabilities alpha"):
            second.run(*line.split()).error(
                5, "10.77.0.1", "belongs to another state store", "state store that owns the pool"
            )
        assert "belongs to another state store" in second.run("backend-check").out
    lost = Station(tmp_path / "first", section, first.extra)
    lost.database.rename(lost.database.with_suffix(".lost"))
    assert lost.run("type-create", "t").code == 0
    with unchanged(lost, stor1.path(POOL), history=False):
        lost.run("create", "8M").error(5, "belongs to another state store")


# The state


def in_namespace(place: Station, script: str) -> Answer:
    """A script of bash in a mount namespace of its own: $state is the state's directory, $cgctl the program."""
    variables = {
        "state": str(place.database.parent), "here": str(place.directory),
        "cgctl": shlex.join([sys.executable, "-m", "cgctl"]),
    }  # fmt: skip
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "bash", "-c", script],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
        env=place.environment(**variables),
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def place(tmp_path: Path) -> Station:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    return furnished(tmp_path)


ON_TMPFS = 'cp -a "$state" "$here/saved"; mount -t tmpfs -o size=1M tmpfs "$state"; cp -a "$here/saved/." "$state/"; '
FILL = 'dd if=/dev/zero of="$state/ballast" bs=4k 2>/dev/null; '


@pytest.mark.parametrize("line", ["create --name new 8M", "group-delete g --delete-volumes", "list", "type-create new"])
def test_full_disk_of_the_state_changes_nothing(place: Station, line: str) -> None:
    with unchanged(place, place.directory / "a"):
        answer = in_namespace(place, f"{ON_TMPFS}{FILL}$cgctl {line}")
    if not (line == "list" and answer.code == 0):
        answer.error(3, f"state sqlite:///{place.database}", "make room on the disk that holds the state")


@pytest.mark.parametrize("line", ["create --name new 8M", "delete v", "list"])
def test_state_that_cannot_be_written_changes_nothing(place: Station, line: str) -> None:
    with unchanged(place, place.directory / "a"):
        answer = in_namespace(place, f'{ON_TMPFS}mount -o remount,ro "$state"; $cgctl {line}')
    if not (line == "list" and answer.code == 0):
        answer.error(3, str(place.database), "read-only", "--state URL")


SLOW = """#!/bin/sh
here=${0%/*}/..
if [ -e "$here/hold" ]; then
    : >"$here/stands"
    while [ -e "$here/hold" ]; do sleep 0.05; done
fi
exec /usr/bin/env -i PATH=/usr/bin:/bin sync "$@"
"""
FILL_IN_THE_MIDDLE = f"""{ON_TMPFS}
touch "$here/hold"
PATH=$here/bin:$PATH $cgctl create --name new 8M &
until [ -e "$here/stands" ]; do sleep 0.02; done
{FILL}
rm "$here/hold"
wait $!
echo "code $?"
rm "$state/ballast"
$cgctl recover -f json
$cgctl list -f json
"""


def test_disk_of_the_state_that_fills_in_the_middle_is_settled_by_recover(place: Station) -> None:
    program = place.directory / "bin/sync"
    program.parent.mkdir()
    program.write_text(SLOW)
    program.chmod(0o755)
    before = sorted((place.directory / "a/live").glob("*/*/disk"))
    answer = in_namespace(place, FILL_IN_THE_MIDDLE)
    answer.check_form()
    code, _, documents = answer.out.partition("\n")
    recovered, end = json.JSONDecoder().raw_decode(documents)
    volumes = json.loads(documents[end:])
    if code != "code 0":
        assert (code, "make room on the disk" in answer.err) == ("code 3", True), answer.err
        assert [row["result"] for row in recovered] != ["unsettled"]
        assert "new" not in [row["name"] for row in volumes]
        assert sorted((place.directory / "a/live").glob("*/*/disk")) == before
    assert len(list((place.directory / "a/live").glob("*/*/disk"))) == len(volumes)


def test_state_directory_that_is_a_file_is_told(place: Station) -> None:
    (place.directory / "file").touch()
    with unchanged(place, place.directory / "a"):
        elsewhere = f"sqlite:///{place.directory}/file/state.db"
        place.run("list", "--state", elsewhere).error(3, "file", "--state URL")
        not_a_database = place.directory / "text.db"
        not_a_database.write_text("this is no database, but a text that is long enough to be taken for one\n" * 99)
        place.run("list", "--state", f"sqlite:///{not_a_database}").error(3, "text.db")
        assert not_a_database.read_text().startswith("this is no database")
