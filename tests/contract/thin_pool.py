"""The lvm driver on a virtual machine of the lab: LVM thin on a real kernel. Slow: a fork takes 50 ms there."""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from drivers.backends.lvm.driver import LvmDriver
from drivers.command import Command
from drivers.contract import Context, Volume
from drivers.errors import ConnectionLost
from drivers.runner import Completed
from tests.contract.bench import MIB, Bench, ProcessRunner, new_id
from tests.lab.command import LabError
from tests.lab.skipping import skip_or_fail
from tests.lab.vm import Machine, Machines
from tests.lab.vm_fixtures import obstacle

POOL = "cgvg/pool"
LOCK = "/run/lock/cgctl-lvm-cgvg"
SYSTEMD = "CGCTL_VM_SYSTEMD"
"""With this variable at 1 the machine that the tests switch on runs systemd and udevd, as users' servers do."""
# A script's own process group; what it has started in a session of its own lives on, as after a kill -9 of the script.
STARTED = 'echo $$ >/run/contract.pid; exec "$@"'
# Extents of 1 MiB: volumes of the tests are that small. What a killed script has started has to come to its end before.
EMPTY = """
flock -w 300 "/run/lock/cgctl-lvm-${1%/*}" true
gates=$(dmsetup info -c --noheadings -o name | grep '^cgctl-' || :)
[ -z "$gates" ] || dmsetup resume $gates
findmnt -rno TARGET | grep ^/run/cgctl/volumes/ | while read -r place; do umount "$place" && rmdir "$place"; done
[ -z "$gates" ] || dmsetup remove $gates
lvs --noheadings --separator , -o lv_name,lv_attr,lv_tags "${1%/*}" | tr -d ' ' | while IFS=, read -r name attr tags; do
    case $attr in
        V*) echo "lvremove -fy -q ${1%/*}/$name" ;;
        t*) IFS=,; for tag in $tags; do echo "lvchange -q --deltag $tag $1"; done; echo "lvchange -q --zero y $1" ;;
    esac
done | lvm
[ "$(vgs --noheadings --nosuffix --units b -o vg_extent_size "${1%/*}" | tr -d ' ')" = 1048576 ] ||
    vgchange -q -s 1m "${1%/*}"
"""

EDIT = """
lvchange -q -prw "$1"
lvchange -q -ay -K "$1"
printf %s "$2" | dd of="$1" conv=notrunc,fsync status=none
lvchange -q -an "$1"
lvchange -q -pr "$1"
"""


# One process of LVM for all members; their sizes and places come on standard input.
DIGESTS = """
lvchange -q -ay -K "$@" </dev/null
while read -r bytes place; do head -c "$bytes" "$place" | sha256sum | cut -c 1-64; done
lvchange -q -an "$@"
"""


@dataclass
class MachineRunner(ProcessRunner):
    """Runs commands as root in a virtual machine, past sshd."""

    machine: Machine | None = None

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        self.executions += 1
        assert self.machine is not None
        argv = ["sh", "-c", STARTED, "started", *self.enter(command.argv)]
        text = command.stdin_bytes.decode()
        limit = self.kill_after_seconds or timeout_seconds
        try:
            done = self.machine.run(argv, input=text, check=False, timeout_seconds=limit)
        except subprocess.TimeoutExpired:
            self.machine.run(["sh", "-c", 'kill -KILL "-$(cat /run/contract.pid)"'], check=False)
            raise ConnectionLost("killed in the middle") from None
        return Completed(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class MachineBench(Bench):
    """Volumes are read and written in the machine, through their gates."""

    machine: Machine | None = None

    @property
    def context(self) -> Context:
        """With the patience that the slow guest needs."""
        return Context(new_id(), self.owner, datetime.now(UTC) + timedelta(seconds=900), hold_bound_seconds=60)

    def bounded(self, seconds: float) -> Context:
        return replace(self.context, hold_bound_seconds=seconds)

    def script(self, text: str, *arguments: str, stdin: str | None = None) -> str:
        assert self.machine is not None
        return self.machine.run(["sh", "-euc", text, "sh", *arguments], input=stdin).stdout

    def write(self, volume: Volume, data: bytes, offset: int = 0) -> None:
        text = 'base64 -d | dd of="$1" bs=1M oflag=seek_bytes seek="$2" iflag=fullblock conv=notrunc,fsync status=none'
        source = self.driver.volume_source(volume)
        self.script(f'[ -b "$1" ] && {text}', source, str(offset), stdin=base64.b64encode(data).decode())

    @contextmanager
    def opened(self, volume: Volume) -> Iterator[None]:
        """In the machine."""
        pid = self.script('sleep 300 <"$1" >/dev/null 2>&1 & echo $!', self.driver.volume_source(volume)).strip()
        yield
        self.script('kill "$1"', pid)

    def settle(self, volume: Volume) -> None:
        """What a killed script has left goes on where nobody can kill it, or is ended by the repair."""
        if self.script('flock "$1" test -e "$2" || echo gone', LOCK, self.driver.volume_source(volume)):
            self.driver.repair(self.context)

    def read(self, volume: Volume, count: int, offset: int = 0) -> bytes:
        self.settle(volume)
        flags = "iflag=skip_bytes,count_bytes,fullblock"
        text = f'dd if="$1" bs=1M {flags} skip="$2" count="$3" status=none | base64 -w0'
        return base64.b64decode(self.script(text, self.driver.volume_source(volume), str(offset), str(count)))

    def size(self, volume: Volume) -> int:
        return int(self.script('blockdev --getsize64 "$1"', self.driver.volume_source(volume)))

    def foreign(self, name: str, data: bytes = b"", size_bytes: int = 4 * MIB) -> str:
        text = (
            'lvcreate -q -V "$2b" -T "$3" -n "$1"; base64 -d | dd of="/dev/${3%/*}/$1" conv=notrunc,fsync status=none'
        )
        self.script(text, name, str(size_bytes), POOL, stdin=base64.b64encode(data).decode())
        return name

    def member_digests(self, set_id: str, volumes: Sequence[Volume]) -> list[str]:
        places = [f"/dev/cgvg/cgctl-{set_id}_{one.id}" for one in volumes]
        lines = [f"{one.size_bytes} {place}\n" for one, place in zip(volumes, places, strict=True)]
        return self.script(DIGESTS, *places, stdin="".join(lines)).split()

    def edit_member(self, set_id: str, volume: Volume, data: bytes) -> None:
        self.script(EDIT, f"/dev/cgvg/cgctl-{set_id}_{volume.id}", data.decode())

    def start(self, command: Command, stdin: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Over SSH."""
        assert self.machine is not None
        argv = ["setsid", "-w", "sh", "-c", 'echo $$ >/run/stream.pid; exec "$@"', "stream", *command.argv]
        words = self.machine.ssh_command(shlex.join(argv))
        pipe = subprocess.PIPE
        return subprocess.Popen(words, stdin=stdin or subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """On the machine; its SSH ends by itself."""
        _ = process
        self.script('[ ! -e /run/stream.pid ] || kill -KILL "-$(cat /run/stream.pid)" 2>/dev/null || :')

    @contextmanager
    def without_pool(self) -> Iterator[None]:
        self.script("lvrename -q cgvg pool away")
        yield
        self.script("lvrename -q cgvg away pool")


def on_machine(machine: Machine) -> Iterator[MachineBench]:
    """The machine's thin pool, emptied before."""
    machine.script(EMPTY, POOL)
    runner = MachineRunner(machine=machine, server=machine.name)
    yield MachineBench(LvmDriver("vm1", POOL, runner), runner, Path("/gates").joinpath, machine=machine)


def running_machines(*names: str) -> Iterator[list[Machine]]:
    """These of this lab instance: as they are when they are up, else switched on for these tests.

    What is switched on beside one that is up goes off with that one.
    """
    skip_or_fail(obstacle())
    machines = Machines()
    try:
        found = [machines.find(name) for name in names]
    except LabError:
        found = []
    if any(one.is_running() for one in found):
        for one in found:
            if not one.is_running():
                machines.switch_on(one)
        yield found
        return
    machines.up(only=names[0] if len(names) == 1 else None, systemd=os.environ.get(SYSTEMD) == "1")
    yield [machines.find(name) for name in names]
    machines.down()


def running_machine() -> Iterator[Machine]:
    """vm1 alone."""
    for (machine,) in running_machines("vm1"):
        yield machine
