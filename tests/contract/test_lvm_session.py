"""How the lvm driver's scripts talk with their lvm process, with one that is played: no machine is needed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
import time
from importlib import resources
from pathlib import Path

import pytest

from drivers.command import Script

LVM = """#!/bin/sh
echo begun >>"$PLAYED/begun"
while IFS= read -r line; do
    printf '%s\\n' "$line" >>"$PLAYED/told"
    case $line in
        formats) [ -e "$PLAYED/silent" ] || echo "$FORMATS" ;;
        lvs*) echo "  pool||$(wc -l <"$PLAYED/told")|twi-aotz--|zero|0.00|10.00||1048576|33554432|" ;;
        die) kill -KILL $$ ;;
    esac
done
"""
LONG = "lvchange -q --addtag " + "x" * 70


def script(lines: str) -> str:
    """The head of the driver's scripts, but for what it wants of the server, and these lines."""
    package = "drivers.backends.lvm"
    head = "\n".join(
        [Script.load(package, "pool.sh").text, resources.files(package).joinpath("session.sh").read_text()]
    )
    return f"{head}\nlock_file=$PLAYED/lock\n{lines}"


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the programs of the server are, and what was told to lvm."""
    for name, text in (("lvm", LVM), ("dmsetup", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PLAYED", str(tmp_path))
    monkeypatch.setenv("FORMATS", "  lvm2")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def run(lines: str) -> subprocess.CompletedProcess[str]:
    argv = ["sh", "-c", script(lines), "script", "cgvg/pool", "owner", "60", ""]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)


def test_one_process_hears_everything_and_each_answer_is_that_of_its_lines(played: Path) -> None:
    asked = 'look; printf "%s " "$pool_bytes"; change "one${nl}two" three ""; of_pool; printf %s "$pool_bytes"'
    done = run(f"lock; {asked}; exit 0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 6", "")
    assert (played / "begun").read_text() == "begun\n"
    told = [line for line in (played / "told").read_text().splitlines() if not line.startswith("lvs")]
    assert told == ["formats", "one", "two", "three", "formats"]


def test_nothing_but_the_lock_is_left(played: Path) -> None:
    run("lock; look; listen; say one; heard; change two")
    assert {path.name for path in played.iterdir()} == {"lvm", "dmsetup", "begun", "told", "lock"}


@pytest.mark.parametrize("lines", ["change one die two", "change die"])
def test_what_an_lvm_that_was_killed_has_done_is_not_known(played: Path, lines: str) -> None:
    done = run(f"lock; look; {lines}; echo went on")
    assert (done.returncode, done.stdout) == (1, "")
    assert "what it has done is not known" in done.stderr
    assert "two" not in (played / "told").read_text()


def test_behind_an_lvm_that_was_killed_in_a_hold_a_new_one_is_asked(played: Path) -> None:
    done = run('lock; look; listen; say one die two; heard; change; of_pool; printf %s "$pool_bytes"')
    assert (done.returncode, done.stdout) == (0, "5")
    assert (played / "begun").read_text() == "begun\nbegun\n"


def test_what_tidies_up_after_a_killed_lvm_has_a_new_one(played: Path) -> None:
    done = run('lock; look; undo() { look; printf "%s " "$pool_tags"; exit "$1"; }; change die')
    assert (done.returncode, done.stdout) == (1, ",, ")
    assert (played / "begun").read_text() == "begun\nbegun\n"


def test_a_line_that_could_be_cut_is_not_told(played: Path) -> None:
    done = run(f"lock; look; change one '{'x' * 4096}' two")
    assert done.returncode == 1
    assert "a line for lvm has 4096 bytes" in done.stderr
    assert [line for line in (played / "told").read_text().splitlines() if line in {"one", "two"}] == ["one"]


def test_a_script_that_is_killed_leaves_no_half_of_a_line(played: Path) -> None:
    """The pipe is full when the writer is killed: what it had of one more line would be another command."""
    pipe = played / "pipe"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDWR), "rb", buffering=0) as reading:
        lines = f'many=""; for _ in $(seq 3000); do many="${{many}}{LONG}$nl"; done; exec 8>"{pipe}"; say "$many"'
        argv = ["sh", "-c", script(lines), "script", "cgvg/pool", "owner", "60", ""]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
            wait_until_full(reading.fileno())
            process.kill()
        os.set_blocking(reading.fileno(), False)
        arrived = reading.read() or b""
    assert len(arrived) > 60_000
    assert set(arrived.decode().split("\n")) == {LONG, ""}


def wait_until_full(pipe: int) -> None:
    """Until nothing more comes into it; raises AssertionError when nothing does within 30 s."""
    give_up_at, before = time.monotonic() + 30, b""
    while True:
        time.sleep(0.3)
        now = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
        if now == before != bytes(4):
            return
        assert time.monotonic() < give_up_at
        before = now


def test_an_lvm_that_says_its_own_name_first_is_heard(played: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `command_names = 1` in lvm.conf."""
    monkeypatch.setenv("FORMATS", "  formats  lvm2")
    assert run('lock; look; printf "%s" "$pool_bytes"').stdout == "1"


@pytest.mark.parametrize(
    ("lines", "status", "said"),
    [
        ("look", 3, "cgctl-refused pool-missing: lvm does not answer"),
        ('rm "$PLAYED/silent"; look; : >"$PLAYED/silent"; change one', 1, "what it has done is not known"),
        ('rm "$PLAYED/silent"; look; : >"$PLAYED/silent"; listen; say one; heard; change', 1, "not known"),
    ],
)
def test_an_lvm_that_never_answers_does_not_keep_the_lock(played: Path, lines: str, status: int, said: str) -> None:
    """Its configuration has become unreadable, for example: it does nothing, and says so to nobody."""
    (played / "silent").touch()
    done = run(f"first_answer_seconds=1 answer_seconds=1; lock; {lines}")
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    subprocess.run(["flock", "-n", played / "lock", "true"], check=True, timeout=10)


@pytest.mark.parametrize(
    "interrupted",
    [
        "IFS=$nl; for word in $words; do kill -TERM $$; done",
        "unheard=yes; exec 8>&- 4<&-; kill -TERM $$",
        "set +f; kill -TERM $$",
    ],
    ids=["in a loop", "in end_lvm", "among files"],
)
def test_what_tidies_up_behind_a_signal_finds_everything_as_it_needs_it(played: Path, interrupted: str) -> None:
    """A hold was not ended: the names of all gates were one word, as in the loop that the signal met."""
    undo = 'undo() { look; set -- $words; echo "$# $1"; exit 9; }'
    done = run(f"lock; look; words='? two'; {undo}; {interrupted}")
    assert (done.returncode, done.stdout) == (9, "2 ?\n"), done.stderr
