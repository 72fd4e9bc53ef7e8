"""The process that reads several servers at once: what it tells meanwhile, and how each reading ends."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cgctl.cli import reader
from cgctl.cli.reader import Reader, read_all
from cgctl.errors import ServerFailure, ServerUnreachable
from cgctl.manager.readings import Reading, answer_told, told_answer
from cgctl.remote.local import LocalRunner
from cgctl.remote.local_stream import LocalStream
from drivers.command import Command
from drivers.errors import Unreachable


class Away(LocalRunner):
    """A server that does not answer."""

    def stream(self, *_: object, **__: object) -> LocalStream:
        raise Unreachable("gone: no route")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CGCTL_ACTIVITY", str(tmp_path))
    monkeypatch.setattr(reader, "LOOK_SECONDS", 0.02)
    return tmp_path


def reading(script: str, *words: str, runner: LocalRunner | None = None) -> Reader:
    asked = Reading("alpha", "point", Command(("sh", "-c", script, "sh", *words)), "group db on backend alpha", 30)
    return Reader(asked, runner or LocalRunner())


def test_what_servers_say_they_have_read_is_added_up_while_they_read(place: Path) -> None:
    says = 'echo "read 10 40"; echo sum; until [ -e "$1" ]; do sleep 0.02; done; echo "read 40 40"'
    answers = []
    both = [reading(says, str(place / "go")) for _ in range(2)]
    thread = threading.Thread(target=lambda: answers.extend(read_all(both)))
    thread.start()
    noted = place / "progress"
    while not noted.exists() or noted.read_text() != "20 80\n":
        thread.join(0.02)
        assert thread.is_alive()
    (place / "go").touch()
    thread.join()
    assert [one.printed for one in answers] == ["sum\n", "sum\n"]
    assert noted.read_text() == "80 80\n"


def test_one_that_fails_or_is_away_is_told_and_the_others_are_read(place: Path) -> None:
    refuses = "echo 'cgctl-refused not-on-server: no such point' >&2; exit 3"
    told = read_all([reading("echo sum"), reading(refuses), reading("", runner=Away())])
    well, refused, away = (told_answer(answer_told(one)) for one in told)
    assert (well.printed, well.error) == ("sum\n", None)
    assert isinstance(refused.error, ServerFailure)
    assert "no such point" in refused.error.reason
    assert isinstance(away.error, ServerUnreachable)
    assert (away.error.subject, away.error.hint is not None) == ("group db on backend alpha", True)
    assert (place / "progress").exists()


def test_a_server_that_says_nothing_any_more_is_not_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "STALL_SECONDS", 0.2)
    (answer,) = read_all([reading("echo begun; exec sleep 600")])
    assert answer.error
    assert "nothing was read for 0.2 s" in answer.error.reason
    assert place.exists()
