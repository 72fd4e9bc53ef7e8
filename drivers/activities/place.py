"""Where a server keeps activities: start, look, end, read, forget. One remote execution each; nothing is kept here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from uuid import UUID

from drivers import errors, refusals
from drivers.activities.values import ActivityReport, ActivityState, LogPiece, Program
from drivers.command import Command, Script, Secret
from drivers.runner import Runner

PACKAGE = "drivers.activities"
GRACE_SECONDS = 10
"""Between asking a work to end and ending it."""
TIMEOUT_SECONDS = 120.0
LEASH_SECONDS = 60
"""How long an activity goes on whose handle ends with its connection, when nobody watches it any more."""


@cache
def script(name: str) -> Script:
    """One of the scripts of this folder, with what all of them share."""
    head = Script.load(PACKAGE, "activity.sh").text
    return Script(f"activities/{name}.sh", f"{head}\n{_read(f'{name}.sh')}")


@cache
def supervisor() -> str:
    """The program that stays with the work on the server: it stands beside it, as a file."""
    born = _read("activity.sh").partition("born() {")[2].partition("\n}\n")[0]
    prelude = resources.files("drivers").joinpath("prelude.sh").read_text()
    return f"{prelude}\nborn() {{{born}\n}}\n{_read('supervise.sh')}"


@cache
def progress() -> str:
    """Shell functions for work that may run as an activity: who counts how far it is."""
    return _read("progress.sh")


@cache
def _send_image() -> Script:
    return Script.load(PACKAGE, "send_image.sh")


def send_image(path: str) -> Command:
    """Writes a file or block device of a server to its standard output."""
    return _send_image().command(path)


def _read(file_name: str) -> str:
    return resources.files(PACKAGE).joinpath(file_name).read_text()


@dataclass(frozen=True)
class ActivityPlace:
    """directory: an absolute path on the server that the runner reaches; it has to be there before the first start."""

    runner: Runner
    directory: str

    def start(self, activity_id: str, owner: str, program: Program, *, leashed: bool = False) -> None:
        """Leave it running, once: the same id again finds the first one, whatever its state.

        leashed: it ends by itself LEASH_SECONDS after the last `poll`. Raises ServerRefused with nothing started,
        NotOnServer when the directory is not there, OutcomeUnknown when it may be running.
        """
        leash = str(LEASH_SECONDS) if leashed else "0"
        label = " ".join(program.label.split()) or "activity"
        self._run("start", _checked(activity_id), owner, label, leash, stdin=_files(program))

    def poll(self, activity_ids: Sequence[str], *, watches: bool = False) -> dict[str, ActivityReport]:
        """Of these, those that are there. watches: whoever asks holds the leash."""
        if not activity_ids:
            return {}
        text = self._run("poll", "yes" if watches else "no", *map(_checked, activity_ids))
        return {one.id: one for one in _reports(text)}

    def find_all(self) -> list[ActivityReport]:
        """All that are there, oldest first; of other owners, too. None where the directory is not there."""
        try:
            text = self._run("poll", "no")
        except errors.NotOnServer:
            return []
        return sorted(_reports(text), key=lambda one: (one.began_at or datetime.max.replace(tzinfo=UTC), one.id))

    def cancel(self, activity_id: str) -> ActivityReport | None:
        """End it and have its undo run; returns when it is over. Of one that is over, or not there: nothing is done."""
        return self._settle(activity_id, "cancelled")

    def settle_lost(self, activity_id: str) -> ActivityReport | None:
        """Of one that is lost: end what is left of it, run its undo; its last state is `lost`. Others are left.

        One that is not there is lost, too: a start that is still on its way will not begin it any more.
        """
        return self._settle(activity_id, "lost")

    def log(self, activity_id: str, offset: int = 0) -> LogPiece:
        """From this offset on, as far as it is kept. Raises NotOnServer."""
        text = self._run("log", _checked(activity_id), str(max(0, offset)))
        head, _, rest = text.partition("\n")
        state, _, end = head.partition(" ")
        return LogPiece(rest, int(end), ActivityState(state))

    def notes(self, activity_ids: Sequence[str]) -> dict[str, str]:
        """What their `Program.note` said, of those that have one."""
        if not activity_ids:
            return {}
        lines = self._run("notes", *map(_checked, activity_ids)).splitlines()
        return {key: note for key, _, note in (line.partition(" ") for line in lines)}

    def forget(self, activity_id: str) -> None:
        """Remove its directory. Not there is fine. Raises Busy while it runs, or while something is left of it."""
        self._run("forget", _checked(activity_id))

    def _settle(self, activity_id: str, wanted: str) -> ActivityReport | None:
        self._run("settle", _checked(activity_id), wanted, str(GRACE_SECONDS))
        return self.poll([activity_id]).get(activity_id)

    def _run(self, name: str, *parameters: str, stdin: str = "") -> str:
        command = script(name).command(self.directory, *parameters, stdin=stdin)
        return refusals.result(self.runner.run(command, TIMEOUT_SECONDS), self.runner.server)


def _checked(activity_id: str) -> str:
    """Raises ServerRefused unless it is a UUID in its usual form."""
    try:
        if str(UUID(activity_id)) == activity_id:
            return activity_id
    except ValueError:
        pass
    raise errors.ServerRefused(f"{activity_id!r} is not an id")


def _files(program: Program) -> str:
    """What start.sh reads."""
    if isinstance(program.work.stdin, Secret):
        raise TypeError("an activity is kept in files: it cannot carry a secret")
    files = {
        "supervisor": supervisor(),
        "work": _line(program.work),
        "undo": _line(program.undo) if program.undo else "exit 0\n",
        "input": program.work.stdin,
        "note": f"{program.note}\n" if program.note else "",
    }
    return "".join(f"{name} {len(text.encode())}\n{text}" for name, text in files.items())


def _line(command: Command) -> str:
    return f"exec {command.to_shell()}\n"


def _reports(text: str) -> Iterator[ActivityReport]:
    """From the lines of poll.sh."""
    lines = [line.split(" ", 2) for line in text.splitlines() if line]
    reasons = {words[1]: words[2] for words in lines if words[0] == "reason" and len(words) == 3}
    for words in lines:
        if words[0] == "activity":
            yield _report(words[1], words[2], reasons.get(words[1], ""))


def _report(key: str, line: str, reason: str) -> ActivityReport:
    try:
        state, status, began, ended, now, done, total, remains, owner, label = line.split(" ", 9)
        until = float(now if ended == "-" else ended)
        return ActivityReport(
            id=key,
            state=ActivityState(state),
            exit_status=int(status) if status.isdigit() else None,
            began_at=datetime.fromtimestamp(float(began), UTC),
            ended_at=None if ended == "-" else datetime.fromtimestamp(float(ended), UTC),
            seconds=max(0.0, until - float(began)),
            done_bytes=int(done),
            total_bytes=int(total),
            remains=remains == "yes",
            owner="" if owner == "-" else owner,
            label=label,
            reason=reason,
        )
    except ValueError as error:
        raise errors.ServerFailed(f"activity {key} cannot be read: {error}") from error
