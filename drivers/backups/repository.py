"""A repository of backups: begin, store, read, look, prove, delete. One remote execution each; nothing is kept here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from uuid import UUID

from drivers import errors, refusals
from drivers.backups.manifest import Manifest, head, parse, unfinished
from drivers.command import Command, Script
from drivers.runner import Runner

PACKAGE = "drivers.backups"
TIMEOUT_SECONDS = 600.0
PROGRAMS = {"store": "store", "read": "read", "verify": "read"}
"""Which program a script runs."""
ALGORITHMS = ("zstd", "gzip", "lz4", "none")


@dataclass(frozen=True)
class Source:
    """An image on a storage server: a file or block device, by its path there."""

    member_id: str
    size_bytes: int
    path: str


@dataclass(frozen=True)
class Damage:
    """Something that is not what was written. member_id: `-` for the manifest; offset_bytes: in the member's image."""

    member_id: str
    offset_bytes: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What a verification has found. shared: how many of the damaged chunks other backups have, by their ids."""

    damages: tuple[Damage, ...]
    chunk_count: int
    size_bytes: int
    shared: Mapping[str, int] = field(default_factory=dict)


@cache
def _script(name: str) -> Script:
    shared = Script.load(PACKAGE, "repository.sh").text
    script = Script(f"backups/{name}.sh", f"{shared}\n{_text(f'{name}.sh')}")
    program = PROGRAMS.get(name)
    return script.with_text(f"{program}_pl", _program(program)) if program else script


@cache
def _of_source(name: str) -> Script:
    script = Script.load(PACKAGE, f"{name}.sh")
    return script.with_text("send_pl", _program("send")) if name == "send" else script


def _program(name: str) -> str:
    """What is read and proved, or packed, is that by several processes at once."""
    return _text(f"{name}.pl") if name == "store" else f"{_text('crew.pl')}\n{_text(f'{name}.pl')}"


def _text(file_name: str) -> str:
    return resources.files(PACKAGE).joinpath(file_name).read_text()


def tell_known(runner: Runner, directory: str, backup_id: str, known: Sequence[str]) -> str:
    """Leave a list of chunks on a storage server for `send`; returns its path. An empty one is not left."""
    if not known:
        return ""
    command = _of_source("known").command(directory, _checked(backup_id), "write", stdin="\n".join(known) + "\n")
    refusals.result(runner.run(command, TIMEOUT_SECONDS), runner.server)
    return f"{directory}/known-{backup_id}"


def forget_known(runner: Runner, directory: str, backup_id: str) -> None:
    """Remove the list that a `send` has not used up. Not there is fine."""
    command = _of_source("known").command(directory, _checked(backup_id), "remove")
    refusals.result(runner.run(command, TIMEOUT_SECONDS), runner.server)


def send(known_path: str, algorithm: str, sources: Sequence[Source]) -> Command:
    """Writes images to its standard output, for `Repository.store`: what is not known there, compressed."""
    words = [word for one in sources for word in (_checked(one.member_id), str(one.size_bytes), one.path)]
    return _of_source("send").command(known_path, _algorithm(algorithm), *words)


@dataclass(frozen=True)
class Repository:
    """directory: an absolute path on the server that the runner reaches."""

    runner: Runner
    directory: str

    def begin(self, backup_id: str, parent_id: str | None, about: Mapping[str, object], *, fresh: bool) -> list[str]:
        """Make room for a backup; returns the chunks of its parent, if that is there, which need not come again.

        fresh: an empty directory becomes a repository. Raises PoolMissing, PoolUnmarked, PoolForeign.
        """
        parent = _checked(parent_id) if parent_id else ""
        words = "yes" if fresh else "no", _checked(backup_id), parent
        return self._run("begin", *words, stdin=head(about)).split()

    def store(self, backup_id: str, algorithm: str) -> Command:
        """Reads what `send` writes: the backup is there whole afterwards, or not at all."""
        return _script("store").command(self.directory, _checked(backup_id), _algorithm(algorithm))

    def read(self, backup_id: str, member_id: str) -> Command:
        """Writes one image to its standard output. Fails before the first byte of a damaged chunk."""
        return _script("read").command(self.directory, _checked(backup_id), _checked(member_id))

    def find(self, backup_id: str) -> Manifest | None:
        """A backup that is there whole."""
        return next(iter(parse(self._run("show", _checked(backup_id)))), None)

    def find_all(self) -> tuple[list[Manifest], list[str]]:
        """All that are there whole, and the ids of what is not."""
        text = self._run("show")
        return list(parse(text)), unfinished(text)

    def verify(self, backup_id: str) -> Command:
        """Reads and proves every chunk, and leaves a verdict beside them."""
        return _script("verify").command(self.directory, _checked(backup_id))

    def verdict(self, backup_id: str) -> Verdict:
        """What the last `verify` has found: of a backup that is not there, just that. Raises NotOnServer."""
        try:
            return _verdict(self._run("verdict", _checked(backup_id)))
        except errors.NotOnServer:
            if self.find(backup_id):
                raise
            return Verdict((Damage("-", 0, "it is not there any more"),), 0, 0)

    def delete(self, backup_id: str, *, was_whole: bool = False) -> bool:
        """Remove a backup, whole or not; chunks that others need stay theirs. Returns whether anything was there.

        was_whole: it was there once. Raises PoolUnmarked where the directory is no repository (any more).
        """
        return bool(self._run("delete", _checked(backup_id), "yes" if was_whole else "no"))

    def _run(self, name: str, *parameters: str, stdin: str = "") -> str:
        command = _script(name).command(self.directory, *parameters, stdin=stdin)
        try:
            return refusals.result(self.runner.run(command, TIMEOUT_SECONDS), self.runner.server)
        except errors.PoolMissing as error:
            error.hint = "mount its file system, or mend `directory` of the backup repository"
            raise


def _verdict(text: str) -> Verdict:
    lines = [line.split(" ", 3) for line in text.splitlines()]
    damages = [Damage(words[1], int(words[2]), words[3]) for words in lines if words[0] == "damaged"]
    checked = next((words for words in lines if words[0] == "checked"), None)
    if checked is None:
        raise errors.ServerFailed("the verification did not end")
    shared = Counter(words[1] for words in lines if words[0] == "shared")
    return Verdict(tuple(damages), int(checked[1]), int(checked[2]), shared)


def _algorithm(word: str) -> str:
    if word not in ALGORITHMS:
        raise errors.ServerRefused(f"{word!r} is no compression: one of {', '.join(ALGORITHMS)}")
    return word


def _checked(key: str) -> str:
    """Raises ServerRefused unless it is a UUID in its usual form."""
    try:
        if str(UUID(key)) == key:
            return key
    except ValueError:
        pass
    raise errors.ServerRefused(f"{key!r} is not an id")
