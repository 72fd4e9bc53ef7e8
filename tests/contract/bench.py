"""What the conformance suite needs of a driver under test: where it runs, how to see its volumes, how to kill it."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, ClassVar

from drivers.command import Command
from drivers.contract import Context, Driver, ObjectKind, ServerObject, Volume
from drivers.errors import ConnectionLost
from drivers.runner import Completed

MIB = 1024**2


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class ProcessRunner:
    """Runs commands through a prefix (into a namespace, as a user); counts them; can kill one in the middle.

    kill_after_seconds: SIGKILL to the whole process group of the next command after this time; the answer is lost.
    """

    enter: Callable[[Sequence[str]], Sequence[str]] = tuple
    executions: int = 0
    kill_after_seconds: float | None = None
    server: str = "the server under test"

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        self.executions += 1
        process = subprocess.Popen(
            self.enter(command.argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            output = process.communicate(command.stdin_bytes, self.kill_after_seconds or timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise ConnectionLost("killed in the middle") from None
        return Completed(process.returncode, *(text.decode(errors="replace") for text in output))

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True)
class Bench:
    """A driver on a fresh pool. path: where this machine sees a path of the server."""

    driver: Driver
    runner: ProcessRunner
    path: Callable[[str], Path]
    owner: str = field(default_factory=new_id)

    scale: ClassVar[int] = 1
    """Bytes of the server for each that the tests speak of."""

    @property
    def context(self) -> Context:
        deadline = datetime.now(UTC) + timedelta(seconds=60)
        return Context(operation_id=new_id(), owner=self.owner, deadline=deadline)

    def bounded(self, seconds: float) -> Context:
        """A context whose hold may last so long."""
        return replace(self.context, hold_bound_seconds=seconds)

    @property
    def stranger(self) -> Context:
        """Another state store."""
        return replace(self.context, owner=new_id())

    def disk(self, volume: Volume) -> Path:
        return self.path(self.driver.volume_source(volume))

    def write(self, volume: Volume, data: bytes, offset: int = 0) -> None:
        with self.disk(volume).open("r+b") as disk:
            disk.seek(offset)
            disk.write(data)
            disk.flush()
            os.fsync(disk.fileno())

    @contextmanager
    def opened(self, volume: Volume) -> Iterator[None]:
        """Somebody on the server has the volume open, as an export has."""
        words = ["sh", "-c", 'exec 3<"$1"; echo open; read -r _ || :', "sh", self.driver.volume_source(volume)]
        with subprocess.Popen(self.runner.enter(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout
            assert holder.stdout.readline() == b"open\n"
            yield
            holder.communicate()

    @contextmanager
    def image(self, volume: Volume) -> Iterator[str]:
        """Where the bytes of a volume can be read that nobody writes to."""
        yield self.driver.volume_source(volume)

    def settle(self, volume: Volume) -> None:
        """What a killed script has left behind is ended, where that does not wait for the next command."""

    def read(self, volume: Volume, count: int, offset: int = 0) -> bytes:
        with self.disk(volume).open("rb") as disk:
            disk.seek(offset)
            return disk.read(count)

    def size(self, volume: Volume) -> int:
        with self.disk(volume).open("rb") as disk:
            return disk.seek(0, os.SEEK_END)

    # Members of group snapshots, and streams

    def member(self, set_id: str, volume: Volume) -> Path:
        """A member's file."""
        return self.pool / "groupsnap" / f"cgctl-{set_id}" / f"cgctl-{volume.id}" / "disk"

    def member_digests(self, set_id: str, volumes: Sequence[Volume]) -> list[str]:
        return [hashlib.sha256(self.member(set_id, one).read_bytes()).hexdigest() for one in volumes]

    def edit_member(self, set_id: str, volume: Volume, data: bytes) -> None:
        """By hand, past all protection, and the protection is put back."""
        disk = self.member(set_id, volume)
        sealed = self.driver.name == "btrfs"
        seal = ["btrfs", "property", "set", "-fts", str(disk.parents[1]), "ro"]
        if sealed:
            subprocess.run([*seal, "false"], check=True)
        disk.chmod(0o600)
        with disk.open("r+b") as file:
            file.write(data)
        disk.chmod(0o400)
        if sealed:
            subprocess.run([*seal, "true"], check=True)

    def start(self, command: Command, stdin: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """A command of its own process group, whose output is a stream."""
        return subprocess.Popen(
            self.runner.enter(command.argv),
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """What `start` has started, with all that is of its process group."""
        os.killpg(process.pid, signal.SIGKILL)

    @property
    def pool(self) -> Path:
        """The pool's directory."""
        return self.disk(Volume(new_id(), MIB)).parents[3]

    def foreign(self, name: str, data: bytes = b"", size_bytes: int = 4 * MIB) -> str:
        """Something in the pool that is not cgctl's, beginning with data; its reference."""
        path = self.pool / name
        path.write_bytes(data)
        os.truncate(path, size_bytes)
        os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)
        return name

    @contextmanager
    def without_pool(self) -> Iterator[None]:
        """As if the pool were not there."""
        pool = self.pool
        away = pool.with_name(pool.name + "-away")
        shutil.move(pool, away)
        yield
        shutil.move(away, pool)

    def objects(self) -> list[ServerObject]:
        return self.driver.list_objects(self.context)

    def ids(self, kind: ObjectKind) -> set[str]:
        return {item.id for item in self.objects() if item.kind is kind}

    def volume(self, group_id: str | None = None, size_bytes: int = 4 * MIB, data: bytes = b"") -> Volume:
        """A new volume on the server, beginning with data."""
        volume = Volume(new_id(), size_bytes, group_id)
        self.driver.create_volume(self.context, volume)
        if data:
            self.write(volume, data)
        return volume
