"""`cgctl demo`: its checks hold, can fail, and whatever happens nothing stays behind."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from cgctl.cli.invocation import Invocation
from cgctl.cli.wiring.env import Env
from cgctl.demo.place import prepared
from cgctl.demo.stage import Stage
from cgctl.demo.story import CLONE, GROUP, play
from tests.cli.frame_run import environment

ROOT = Path(__file__).parents[2]
SECONDS = 400
"""A bound for machines that do much else meanwhile."""


def start(temporary: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    """The demo in a session of its own, with its temporary directories in `temporary`."""
    return subprocess.Popen(
        [sys.executable, "-m", "cgctl", "demo", *words],
        env=environment(TMPDIR=str(temporary), **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def demo(temporary: Path, *words: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    process = start(temporary, *words, **variables)
    stdout, stderr = process.communicate(timeout=SECONDS)
    return process.returncode, stdout, stderr


def commands(stdout: str) -> list[list[str]]:
    """The words of the commands that were shown."""
    return [shlex.split(line[2:]) for line in stdout.splitlines() if line.startswith("$ cgctl ")]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a demo printed that succeeded in a temporary directory, beside an operator's own configuration."""
    place = tmp_path_factory.mktemp("temporary")
    mine = {"CGCTL_CONFIG": str(place / "mine.yaml"), "CGCTL_STATE": f"sqlite:///{place}/mine.db"}
    code, stdout, stderr = demo(place, XDG_STATE_HOME=str(place / "state"), **mine)
    assert (code, stderr) == (0, "")
    assert list(place.iterdir()) == []
    return stdout


def test_every_check_holds_and_nothing_stays(told: str) -> None:
    assert told.count("[ ok ]") >= 9
    assert "[FAILED]" not in told
    assert told.splitlines()[-1] == f"The demo succeeded: all {told.count('[ ok ]')} checks held."


def test_the_life_of_a_group_is_told_in_its_order(told: str) -> None:
    names = [words[1] for words in commands(told)]
    story = [
        "type-create",
        "group-type-create",
        "group-create",
        "create",
        "create",
        "create",
        "group-snapshot-create",
        "group-create-from-src",
        "group-enable-replication",
        "group-sync-replication",
        "group-failover-replication",
        "group-failover-replication",
        "group-disable-replication",
        "group-delete",
        "group-snapshot-delete",
        "group-delete",
    ]
    assert [name for name in names if name in story] == story
    before, damaged, cloned = zip(*[iter(re.findall(r"^sha256 \w+ +(\w{64})$", told, re.M))] * 3, strict=True)
    assert before == cloned
    assert not set(before) & set(damaged)


@pytest.mark.soak
def test_an_empty_directory_stays_and_is_empty_again(tmp_path: Path) -> None:
    directory = tmp_path / "mine"
    directory.mkdir()
    assert demo(tmp_path, "--dir", str(directory))[0] == 0
    assert list(directory.iterdir()) == []


def test_a_directory_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    code, stdout, stderr = demo(tmp_path, "--dir", str(tmp_path))
    assert (code, stdout) == (2, "")
    assert f"error: directory {tmp_path}: is not empty\nhint: " in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("name", ["with space", "question?mark", "per%cent", "hash#", "quote'"])
def test_a_directory_that_cannot_stand_in_a_url_is_refused(tmp_path: Path, name: str) -> None:
    code, _, stderr = demo(tmp_path, "--dir", str(tmp_path / name))
    assert code == 2
    assert "hint: " in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_directory_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, stderr = demo(tmp_path, "--dir", str(tmp_path / "file" / "place"))
    assert (code, "not a directory" in stderr) == (2, True)


def test_a_configuration_of_the_operator_is_refused(tmp_path: Path) -> None:
    assert demo(tmp_path, "--config", "/etc/cgctl/config.yaml")[0] == 2


def test_keep_leaves_the_objects_to_look_at(tmp_path: Path) -> None:
    code, stdout, _ = demo(tmp_path, "--keep")
    assert code == 0
    (configuration,) = re.findall(r"kept: export CGCTL_CONFIG=(\S+);", stdout)
    listed = subprocess.run(
        [sys.executable, "-m", "cgctl", "group-list", "-f", "value", "-c", "name"],
        env=environment(CGCTL_CONFIG=configuration),
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == [GROUP, CLONE]


@pytest.mark.parametrize("moment", ["4. The application", pytest.param("11. Clean-up", marks=pytest.mark.soak)])
def test_an_interrupt_removes_the_temporary_directory(tmp_path: Path, moment: str) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    while moment not in process.stdout.readline():
        assert process.poll() is None
    assert len(list(tmp_path.iterdir())) == 1
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stderr.splitlines()[0]) == (130, "error: cgctl: interrupted")
    assert list(tmp_path.iterdir()) == []


# --- checks that can fail


class Saboteur(Stage):
    """A stage on which something goes wrong after a command of a name."""

    def cgctl(self, *words: str) -> str:
        text = super().cgctl(*words)
        if words[0] == "group-create-from-src":
            next(iter(self.images(CLONE).values())).write_bytes(b"something else")
        if words[0] == "type-delete":
            pool = self.place.directory / "alpha/live" / "cgctl-11111111-2222-4333-8444-555555555555"
            pool.mkdir(parents=True)
        return text


def test_a_clone_that_differs_and_a_pool_that_is_not_empty_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    with prepared(str(tmp_path / "place"), keep=False, say=told.append) as place:
        env = Env(Invocation(config=str(place.configuration), state=place.state))
        stage = Saboteur(place, env, told.append)
        play(stage, keep=False)
        env.close()
    assert len(stage.failures) == 2
    assert "[FAILED] every volume of the clone is what was written before the damage" in told
    assert re.search(r"^\[FAILED\] pool alpha held \d+ objects, and holds 1 now$", "\n".join(told), re.M)


def test_a_command_that_fails_ends_the_demo_with_exit_code_1(tmp_path: Path) -> None:
    """A server without the tool that every script needs."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sh").write_text("#!/bin/bash\nexit 1\n")
    (tools / "sh").chmod(0o755)
    place = tmp_path / "place"
    code, stdout, stderr = demo(tmp_path, "--dir", str(place), PATH=f"{tools}:{os.environ['PATH']}")
    assert code == 1
    assert "The demo stops here." in stdout
    assert re.search(r"^error: cgctl demo: 1 of \d+ checks failed: `cgctl group-create .*` ends with 0, not \d", stderr)
    assert "succeeded" not in stdout
    assert not place.exists()


# --- the package


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing of an earlier build gets in."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    no_caches = shutil.ignore_patterns("__pycache__")
    for name in ("cgctl", "drivers"):
        shutil.copytree(ROOT / name, source / name, ignore=no_caches)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    there = {
        str(path.relative_to(ROOT))
        for folder in ("cgctl", "drivers")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in there} >= {".py", ".sh", ".pl", ".mako"}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == there


def test_the_demo_runs_from_the_wheel_in_a_given_directory_that_it_makes_and_removes(
    wheel: Path, tmp_path: Path
) -> None:
    """The wheel stands before the checkout in the path; where modules come from is asked of them."""
    installed = tmp_path / "installed"
    words = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(installed), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True)
    variables = environment(PYTHONPATH=str(installed), TMPDIR=str(tmp_path))
    where = "import cgctl, drivers; print(cgctl.__file__, drivers.__file__)"

    def python(*words: str) -> str:
        argv = [sys.executable, *words]
        return subprocess.run(argv, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True, check=True).stdout

    assert python("-c", where).split() == [str(installed / name / "__init__.py") for name in ("cgctl", "drivers")]
    directory = tmp_path / "new" / "place"
    told = python("-m", "cgctl", "demo", "--dir", str(directory))
    assert "The demo succeeded" in told
    assert f"export CGCTL_CONFIG={directory}/config.yaml" in told
    assert not directory.exists()
