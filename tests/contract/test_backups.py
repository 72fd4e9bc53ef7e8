"""Repositories: what is stored is what is read, each chunk once, whole or not at all; and damage is found."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from drivers import errors, refusals
from drivers.backups.repository import (
    ALGORITHMS,
    Repository,
    Source,
    Verdict,
    _of_source,
    _script,
    forget_known,
    send,
    tell_known,
)
from drivers.command import Command
from drivers.runner import Completed
from tests.contract.bench import MIB, ProcessRunner, new_id
from tests.contract.linting import complaints

CHUNK = 4 * MIB


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    directory = tmp_path / "repository"
    directory.mkdir()
    return Repository(ProcessRunner(), str(directory))


def folder(repository: Repository) -> Path:
    return Path(repository.directory)


def image(path: Path, size_bytes: int, parts: dict[int, bytes]) -> Source:
    """A sparse image with these bytes at these places."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
        for offset, data in parts.items():
            file.seek(offset)
            file.write(data)
    return Source(new_id(), size_bytes, str(path))


def noise(seed: int, count: int = CHUNK) -> bytes:
    return random.Random(seed).randbytes(count)


def started(sender: Command, receiver: Command) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    sending = subprocess.Popen(sender.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    receiving = subprocess.Popen(
        receiver.argv, stdin=sending.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert sending.stdout
    sending.stdout.close()
    return sending, receiving


def piped(sender: Command, receiver: Command) -> None:
    sending, receiving = started(sender, receiver)
    out, told = receiving.communicate(timeout=60)
    assert sending.stderr
    said = sending.stderr.read()
    sending.wait(60)
    ends = (
        ((receiving.returncode, told),)
        if sending.returncode == 141
        else ((sending.returncode, said), (receiving.returncode, told))
    )
    for status, stderr in ends:
        refusals.result(Completed(status, out.decode(), stderr.decode()), "here")


def back_up(
    repository: Repository, *sources: Source, parent: str | None = None, algorithm: str = "zstd", sends: str = "zstd"
) -> str:
    key = new_id()
    known = repository.begin(key, parent, {"name": "nightly ¿\n"}, fresh=True)
    path = tell_known(repository.runner, repository.directory, key, known)
    piped(send(path, sends, sources), repository.store(key, algorithm))
    assert not path or not Path(path).exists()
    return key


def restored(repository: Repository, key: str, source: Source) -> bytes:
    raw = subprocess.run(repository.read(key, source.member_id).argv, capture_output=True, check=False)
    refusals.result(Completed(raw.returncode, "", raw.stderr.decode()), "here")
    return raw.stdout


def verified(repository: Repository, key: str) -> Verdict:
    raw = subprocess.run(repository.verify(key).argv, capture_output=True, check=False)
    refusals.result(Completed(raw.returncode, "", raw.stderr.decode()), "here")
    return repository.verdict(key)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("sends", ["none", "same"])
def test_what_comes_back_is_what_was_there(repository: Repository, tmp_path: Path, algorithm: str, sends: str) -> None:
    text = b"all work and no play " * 100_000
    sources = (
        image(tmp_path / "a", 5 * CHUNK + 512, {CHUNK: noise(1), 3 * CHUNK + 7: text, 5 * CHUNK: b"end"}),
        image(tmp_path / "b", 3 * CHUNK, {}),
        image(tmp_path / "c", 512, {0: b"small"}),
    )
    key = back_up(repository, *sources, algorithm=algorithm, sends=algorithm if sends == "same" else "none")
    for one in sources:
        assert restored(repository, key, one) == Path(one.path).read_bytes()
    found = repository.find(key)
    assert found
    assert found.is_sound
    assert found.about == {"name": "nightly ¿\n"}
    assert [(one.member_id, one.size_bytes) for one in found.images] == [(s.member_id, s.size_bytes) for s in sources]
    kinds = {path.suffix for path in folder(repository).glob("backup-*/chunks/??/*")}
    assert (
        kinds
        == {"zstd": {".zst", ".raw"}, "gzip": {".gz", ".raw"}, "lz4": {".lz4", ".raw"}, "none": {".raw"}}[algorithm]
    )
    assert not verified(repository, key).damages


def test_only_what_has_changed_is_stored_and_each_backup_may_go_first(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "a"
    source = image(path, 8 * CHUNK, {number * CHUNK: noise(number) for number in range(6)})
    full = back_up(repository, source)
    before = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(2 * CHUNK + 100)
        file.write(b"changed")
    second = back_up(repository, source, parent=full)
    found = repository.find(second)
    assert found
    assert (found.chunk_count, found.new_chunk_count) == (6, 1)
    assert restored(repository, full, source) == before
    repository.delete(full)
    assert repository.find(full) is None
    assert restored(repository, second, source) == path.read_bytes()
    assert not verified(repository, second).damages
    repository.delete(second)
    assert [one.name for one in folder(repository).iterdir()] == ["cgctl-repository"]


def test_the_same_chunk_is_kept_once(repository: Repository, tmp_path: Path) -> None:
    one = image(tmp_path / "a", 4 * CHUNK, {number * CHUNK: noise(1) for number in range(4)})
    other = image(tmp_path / "b", 2 * CHUNK, {0: noise(1), CHUNK: noise(2)})
    found = repository.find(back_up(repository, one, other))
    assert found
    assert found.chunk_count == 2


def test_a_damaged_chunk_is_found_and_named_and_never_restored(repository: Repository, tmp_path: Path) -> None:
    source = image(tmp_path / "a", 4 * CHUNK, {number * CHUNK: noise(number) for number in range(3)})
    key = back_up(repository, source, algorithm="none", sends="none")
    name = (folder(repository) / f"backup-{key}" / f"{source.member_id}.map").read_text().splitlines()[1]
    chunk = folder(repository) / f"backup-{key}" / "chunks" / name[:2] / name
    data = bytearray(chunk.read_bytes())
    data[12345] ^= 1
    chunk.write_bytes(data)
    verdict = verified(repository, key)
    assert [(one.member_id, one.offset_bytes) for one in verdict.damages] == [(source.member_id, CHUNK)]
    with pytest.raises(errors.Damaged, match=f"member {source.member_id}, offset {CHUNK}"):
        restored(repository, key, source)
    chunk.unlink()
    assert "is not there" in verified(repository, key).damages[0].reason


@pytest.mark.parametrize("what", ["manifest", "map"])
def test_a_damaged_manifest_or_map_is_found(repository: Repository, tmp_path: Path, what: str) -> None:
    source = image(tmp_path / "a", 4 * CHUNK, {0: noise(1)})
    key = back_up(repository, source)
    path = folder(repository) / f"backup-{key}" / ("manifest" if what == "manifest" else f"{source.member_id}.map")
    path.write_text(path.read_text().replace("0", "1", 1))
    assert verified(repository, key).damages
    with pytest.raises(errors.Damaged):
        restored(repository, key, source)


@pytest.mark.parametrize("victim", ["sender", "receiver"])
def test_what_is_killed_is_never_listed_and_goes(repository: Repository, tmp_path: Path, victim: str) -> None:
    source = image(tmp_path / "a", 64 * CHUNK, {number * CHUNK: noise(number) for number in range(24)})
    key = new_id()
    repository.begin(key, None, {}, fresh=True)
    processes = started(send("", "gzip", [source]), repository.store(key, "none"))
    while not list(folder(repository).glob(".making-*/chunks/??/*.raw")):
        assert processes[1].poll() is None
        time.sleep(0.01)
    os.killpg(processes[victim == "receiver"].pid, signal.SIGKILL)
    for one in processes:
        one.communicate(timeout=60)
    assert repository.find(key) is None
    assert repository.find_all()[0] == []
    repository.delete(key)
    repository.delete(key)
    assert [one.name for one in folder(repository).iterdir()] == ["cgctl-repository"]


def test_a_repository_that_is_full_keeps_nothing_of_the_backup(repository: Repository, tmp_path: Path) -> None:
    source = image(tmp_path / "a", 4 * CHUNK, {0: noise(1)})
    key = new_id()
    repository.begin(key, None, {}, fresh=True)
    command = repository.store(key, "none")
    small = Command(("sh", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "small", *command.argv))
    with pytest.raises(errors.DriverError, match="File too large"):
        piped(send("", "none", [source]), small)
    assert repository.find_all() == ([], [])


def test_a_directory_with_other_things_is_no_repository(repository: Repository) -> None:
    (folder(repository) / "diary").touch()
    with pytest.raises(errors.PoolForeign, match="diary"):
        repository.begin(new_id(), None, {}, fresh=True)
    (folder(repository) / "diary").unlink()
    with pytest.raises(errors.PoolUnmarked):
        repository.begin(new_id(), None, {}, fresh=False)
    with pytest.raises(errors.PoolUnmarked):
        repository.find_all()
    assert list(folder(repository).iterdir()) == []


def test_a_list_that_nobody_has_used_up_is_removed(repository: Repository) -> None:
    key = new_id()
    path = tell_known(repository.runner, repository.directory, key, ["0" * 64 + ".raw"])
    assert Path(path).exists()
    forget_known(repository.runner, repository.directory, key)
    forget_known(repository.runner, repository.directory, key)
    assert not Path(path).exists()


def test_shellcheck_has_nothing_to_say() -> None:
    scripts = [_script(name) for name in ("begin", "store", "show", "delete", "read", "verify", "verdict")]
    scripts += [_of_source(name) for name in ("known", "send")]
    assert not [complaints(script.text) for script in scripts if complaints(script.text)]
