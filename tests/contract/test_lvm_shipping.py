"""What replication of thin volumes reads from the tools, and what ship.pl makes of it: without a machine.

The tools' answers are captured ones. Quick: about 2 s.
"""

from __future__ import annotations

import random
import re
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from drivers.backends.lvm.replication.driver import PARTS, load
from drivers.backends.scripted.replication import shipper
from tests.contract.linting import complaints

CAPTURED = Path(__file__).parents[1] / "data/lvm/thin-tools-0.9.0.txt"
CHUNK = 65536
MIB = 1024**2
VOLUME = "cgctl-06ac9d02-22e3-4f8e-91e2-edc378b6869e"
# What newer versions print: what devices share is named once.
NEWER = """<superblock uuid="" time="2" transaction="3" flags="0" version="2" data_block_size="128" nr_data_blocks="0">
  <def name="0">
    <range_mapping origin_begin="0" data_begin="0" length="6" time="0"/>
  </def>
  <device dev_id="3" mapped_blocks="64" transaction="2" creation_time="2" snap_time="2">
    <ref name="0"/>
    <single_mapping origin_block="6" data_block="64" time="1"/>
    <range_mapping origin_begin="7" data_begin="7" length="4" time="0"/>
    <range_mapping origin_begin="11" data_begin="11" length="5" time="0"/>
    <range_mapping origin_begin="32" data_begin="32" length="32" time="0"/>
    <range_mapping origin_begin="640" data_begin="65" length="16" time="1"/>
  </device>
</superblock>
"""


@pytest.mark.parametrize("method", PARTS)
def test_the_whole_script_is_clean_for_shellcheck(method: str) -> None:
    """But for what one method does not use, and what only the trap calls."""
    assert complaints(load(method).text, "SC2034", "SC2317", "SC2329") == ""


def answers() -> list[str]:
    """Each captured answer, as XML."""
    return re.findall(r"^<superblock.*?^</superblock>\n", CAPTURED.read_text(), re.M | re.S)


def mapped(directory: Path, jobs: str, **tools: str) -> tuple[str, dict[str, str]]:
    """What map.pl prints for these jobs, and writes by name; tools say what is given, cut off where it has no end."""
    for name, answer in tools.items():
        program = directory / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}END\n")
        program.chmod(0o755)
    written = directory / "maps"
    written.mkdir(exist_ok=True)
    program_text = resources.files("drivers.backends.lvm.replication").joinpath("map.pl").read_text()
    argv = ["perl", "-e", program_text, "--", "/dev/mapper/cgvg-pool_tmeta", str(written)]
    path = {"PATH": f"{directory}/bin:/usr/bin:/bin"}
    done = subprocess.run(argv, input=jobs, text=True, env=path, capture_output=True, check=True)
    return done.stdout, {one.name: one.read_text() for one in written.iterdir()}


def test_a_delta_names_what_may_differ_and_what_is_gone(tmp_path: Path) -> None:
    printed, maps = mapped(tmp_path, "delta a.ranges 3 2\n", thin_delta=answers()[0])
    expected = f"look {6 * CHUNK} {CHUNK}\ngone {16 * CHUNK} {16 * CHUNK}\nlook {640 * CHUNK} {16 * CHUNK}\n"
    assert maps == {"a.ranges": expected}
    assert printed == f"a.ranges {17 * CHUNK} 3\n"


def test_a_whole_volume_is_what_is_mapped(tmp_path: Path) -> None:
    printed, maps = mapped(tmp_path, "whole a.ranges 3\n", thin_dump=answers()[1])
    assert maps == {
        "a.ranges": f"look 0 {16 * CHUNK}\nlook {32 * CHUNK} {32 * CHUNK}\nlook {640 * CHUNK} {16 * CHUNK}\n"
    }
    assert printed == f"a.ranges {64 * CHUNK} 3\n"


def test_a_byte_that_was_written_by_hand_shows_in_the_mapping(tmp_path: Path) -> None:
    _, before = mapped(tmp_path, "dump a 2\n", thin_dump=answers()[1])
    _, after = mapped(tmp_path, "dump a 2\n", thin_dump=answers()[2])
    assert before == {"a": "0 0 64 0\n"}
    assert after == {"a": "0 81 1 2\n1 1 63 0\n"}


def test_a_mapping_is_the_same_however_a_version_prints_it(tmp_path: Path) -> None:
    _, old = mapped(tmp_path, "dump a 3\n", thin_dump=answers()[1])
    _, new = mapped(tmp_path, "dump a 3\n", thin_dump=NEWER)
    assert new == old


@pytest.mark.parametrize("tool", ["thin_dump", "thin_delta"])
def test_an_answer_that_was_cut_is_none(tmp_path: Path, tool: str) -> None:
    cut = {tool: answers()[tool == "thin_dump"].removesuffix("</superblock>\n")}
    with pytest.raises(subprocess.CalledProcessError) as failed:
        mapped(tmp_path, "dump a 3\n" if tool == "thin_dump" else "delta a 3 2\n", **cut)
    assert f"{tool} was cut" in failed.value.stderr


def ship(*argv: str, stream: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["perl", "-e", shipper(), "--", *argv], input=stream, capture_output=True, check=False)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_only_blocks_that_differ_inside_the_ranges_are_shipped_and_what_is_gone_becomes_zeros(tmp_path: Path) -> None:
    draw = random.Random(3)
    old = bytearray(draw.randbytes(MIB))
    new = bytearray(old)
    new[5 * CHUNK + 4096 : 5 * CHUNK + 8192] = draw.randbytes(4096)
    new[8 * CHUNK : 10 * CHUNK] = bytes(2 * CHUNK)
    new[12 * CHUNK] ^= 1  # outside of every range
    base, changed = written(tmp_path / "base", bytes(old)), written(tmp_path / "new", bytes(new))
    ranges = written(tmp_path / "ranges", f"look {5 * CHUNK} {CHUNK}\ngone {8 * CHUNK} {2 * CHUNK}\n".encode())
    table = written(tmp_path / "send", f"{VOLUME} {MIB} {changed} {base} {ranges}\n".encode())
    sent = ship("send-devices", str(table))
    assert sent.returncode == 0, sent.stderr
    assert 4096 < len(sent.stdout) < 4096 + 200
    copy = written(tmp_path / "copy", bytes(old))
    table = written(tmp_path / "receive", f"{VOLUME} {MIB} {copy} {CHUNK}\n".encode())
    assert ship("receive-devices", str(table), stream=sent.stdout).returncode == 0
    new[12 * CHUNK] ^= 1
    assert copy.read_bytes() == bytes(new)
    for wrong in (sent.stdout[:-1], sent.stdout[:-30], sent.stdout.replace(f" {MIB}\n".encode(), b" 4096\n", 1)):
        assert ship("receive-devices", str(table), stream=wrong).returncode == 1


def test_a_disk_that_was_announced_and_did_not_come_is_noticed(tmp_path: Path) -> None:
    copy = written(tmp_path / "copy", bytes(MIB))
    table = written(tmp_path / "receive", f"{VOLUME} {MIB} {copy} {CHUNK}\n".encode())
    received = ship("receive-devices", str(table), stream=b"cgctl-ship 1\nend 0 0\n")
    assert (received.returncode, b"did not come" in received.stderr) == (1, True)
