"""Backups, restores and migrations over SSH, against the pipe that an operator would write by hand for the same work.

The data pass through this machine, as cgctl's do. Three baselines are told, and the limit is kept against the second:

    raw pipe      cat | ssh | cat: nothing is proved, and nothing compressed; not the same work
    checked pipe  cat | sha256sum of 4 MiB chunks, and beside it zstd -1 | ssh | cat: what a backup does, by its tools
    relayed pipe  ssh A cat | ssh B dd: what a migration to another server does

All end with a sync. In memory and with one machine at both ends, so that processors are what counts: nothing here waits
for a disk or a link. Data that zstd makes a quarter smaller.
"""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from cgctl.remote.direct.servers import CIPHERS
from cgctl.remote.local import LocalRunner
from cgctl.remote.ssh_runner import SshRunner
from cgctl.remote.transfer import End, Errand, Limits, StreamingRunner, transfer
from drivers.activities.place import send_image
from drivers.backends.file.driver import FileDriver
from drivers.backups.repository import Repository, Source, send
from drivers.command import Command
from drivers.contract import Context, Volume
from tests.bench.measure import alternate, report
from tests.e2e.local_sshd import Sshd, running

MIB = 1024**2
SIZE_MIB = int(os.environ.get("CGCTL_BENCH_MIB", "1024"))
"""Much: what begins and ends a transfer (told by the cases of 8 MiB) is no throughput."""
LITTLE_MIB = 8
ROUNDS = 5
LIMIT = 1 / 0.9
SUMS = 'split -b 4M --filter="sha256sum >>$2"'
PACKED = f'>"$2"; tee >({SUMS}) <"$1" | zstd -q -1 -c'
KEPT = "5b1c1cf5-2c56-4a55-bf86-0d8d6de5f5a1"
CONTEXT = Context("bench", "0c7f3d8c-1f1e-4d0e-9f5d-6b1f0a2f7c11", datetime.now(UTC) + timedelta(hours=1))
UNPACKED = f'>"$2"; zstd -q -dc "$1" | tee >({SUMS})'


def bash(line: str, *words: str) -> str:
    """One command, with these parameters."""
    return shlex.join(("bash", "-ec", line, "bench", *words))


def main() -> bool:
    """Whether all limits are kept."""
    with TemporaryDirectory(dir="/dev/shm") as directory, running(Path(directory)) as sshd:
        return Bench(Path(directory), sshd).measured()


@dataclass(frozen=True)
class Bench:
    """A file on a server that is this machine, behind SSH; and a repository here."""

    root: Path
    sshd: Sshd

    def measured(self) -> bool:
        image = self.root / "image"
        with image.open("wb") as file:
            for _ in range(SIZE_MIB // 4):
                file.write(base64.b64encode(os.urandom(3 * MIB)))
        cases = self.cases(image)
        pairs = (("backup", "checked pipe"), ("restore", "checked pipe back"), ("migration", "relayed pipe"))
        ratios = {f"{case}, of the {pipe}": (case, pipe, LIMIT) for case, pipe in pairs}
        told = {f"{case}, of the raw pipe": (case, "raw pipe", float("inf")) for case, _ in pairs}
        title = f"backup and migration: {SIZE_MIB} MiB over SSH, load {os.getloadavg()[0]:.1f}"
        return report(title, alternate(cases, ROUNDS), {**ratios, **told})

    def cases(self, image: Path) -> dict[str, Callable[[], object]]:
        packed, sums, copy = (str(self.root / name) for name in ("packed", "sums", "copy"))
        keep = f'cat >"{packed}"; sync "{packed}"'
        write = f'dd bs=1M iflag=fullblock status=none of="{copy}"; sync "{copy}"; rm "{copy}"'
        return {
            "raw pipe": lambda: self.by_hand(self.on_server(f"cat {image}"), write),
            "checked pipe": lambda: self.by_hand(self.on_server(bash(PACKED, str(image), sums)), keep),
            "backup": lambda: self.back_up(image),
            "checked pipe back": lambda: self.by_hand(bash(UNPACKED, packed, sums), self.on_server(write)),
            "restore": self.restore,
            "relayed pipe": lambda: self.by_hand(self.on_server(f"cat {image}"), self.on_server(write)),
            "migration": lambda: self.migrate(image),
        }

    def on_server(self, line: str) -> str:
        settings = self.sshd.settings
        options = ("-c", CIPHERS, "-o", f"UserKnownHostsFile={settings.known_hosts}", "-o", "LogLevel=ERROR")
        login = ("-i", str(settings.identity_file), "-p", str(settings.port), f"{settings.user}@{settings.host}")
        return shlex.join(("ssh", "-F", "none", *options, *login, line))

    def by_hand(self, sender: str, receiver: str) -> None:
        subprocess.run(["bash", "-c", f"set -eo pipefail; {sender} | {{ {receiver}; }}"], check=True)

    def back_up(self, image: Path) -> None:
        repository, key = self.repository, str(uuid4())
        repository.begin(key, None, {}, fresh=True)
        sources = [Source(KEPT, SIZE_MIB * MIB, str(image))]
        self.carry("server", send("", "zstd", sources), "here", repository.store(key, "zstd"))
        for manifest in repository.find_all()[0]:
            if manifest.id != key:
                repository.delete(manifest.id)

    def restore(self) -> None:
        ((manifest,), _) = self.repository.find_all()
        self.arrive("here", self.repository.read(manifest.id, KEPT))

    def migrate(self, image: Path) -> None:
        self.arrive("server", send_image(str(image)))

    def arrive(self, source: str, command: Command) -> None:
        """As a volume of a `file` pool."""
        pool = self.root / "pool"
        pool.mkdir(exist_ok=True)
        driver, volume = FileDriver("pool", str(pool), LocalRunner()), Volume(str(uuid4()), SIZE_MIB * MIB)
        self.carry(source, command, "server", driver.receive_program(CONTEXT, volume, SIZE_MIB * MIB).work)
        driver.delete_volume(CONTEXT, volume)

    @property
    def repository(self) -> Repository:
        directory = self.root / "vault"
        directory.mkdir(exist_ok=True)
        return Repository(LocalRunner(), str(directory))

    def carry(self, source: str, sent: Command, destination: str, received: Command) -> None:
        ends = [self.end(one) for one in (source, destination)]
        try:
            errand = Errand("bench", str(uuid4()), ends[0], sent, ends[1], received)
            transfer(errand, Limits(path="relay"), lambda _passed: None)
        finally:
            for one in ends:
                one.runner.close()

    def end(self, word: str) -> End:
        if word == "here":
            return End(word, LocalRunner())
        runner: StreamingRunner = SshRunner(self.sshd.settings)
        return End(word, runner, self.sshd.settings)


if __name__ == "__main__":
    main()
