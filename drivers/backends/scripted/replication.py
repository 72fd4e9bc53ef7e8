"""The replicating half of the drivers that are scripts: parameters out, notes in. They differ in their scripts.

The scripts of a driver: observe, note, note_point, forget, send, receive, identity, changes, checksums. Their first
parameters are POOL OWNER LOCK_WAIT_SECONDS GROUP.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources

from drivers import errors, refusals
from drivers.backends.scripted.door import checked_id
from drivers.backends.scripted.driver import ToolErrors
from drivers.backends.scripted.patience import lock_wait, seconds_left
from drivers.command import Command, Script
from drivers.contract import Context
from drivers.replication import (
    Changes,
    Generation,
    MemberSums,
    PointOnServer,
    RecoveryPoint,
    Side,
    SideState,
    StreamForm,
)
from drivers.runner import Runner

NOTHING = "-"


@cache
def shipper() -> str:
    """The text of ship.pl and take.pl, which write and read streams of changed blocks."""
    scripted = resources.files("drivers.backends.scripted")
    return "".join(scripted.joinpath(name).read_text() for name in ("ship.pl", "take.pl"))


@cache
def head_reader() -> str:
    """The text of blocks.sh, which reads the head of a stream of blocks."""
    return resources.files("drivers.backends.scripted").joinpath("blocks.sh").read_text()


@cache
def summer() -> str:
    """The text of sums.pl, which tells what is in disks."""
    return resources.files("drivers.backends.scripted").joinpath("sums.pl").read_text()


@dataclass(frozen=True)
class ScriptedReplication(ABC):
    """pool: as the driver names it."""

    driver: str
    pool: str
    runner: Runner = field(repr=False, compare=False)

    @property
    @abstractmethod
    def forms(self) -> Sequence[StreamForm]:
        """What the streams may be, best first."""

    @property
    def _settings(self) -> tuple[str, ...]:
        """What every script is told beyond pool, owner and patience."""
        return ()

    @abstractmethod
    def _script(self, method: str) -> Script:
        """The script of a method, with what stands before it."""

    @property
    def _tool_errors(self) -> ToolErrors:
        """The wording of the tools that the scripts call."""
        return ()

    def observe(self, context: Context, group_id: str) -> Side:
        return _side(group_id, self._run(context, "observe", group_id))

    def note_side(
        self,
        context: Context,
        group_id: str,
        generation_id: str,
        state: SideState,
        generations: Sequence[Generation] = (),
    ) -> None:
        stdin = _generation_lines(generations)
        self._run(context, "note", group_id, checked_id(generation_id), state.value, stdin=stdin)

    def note_point(self, context: Context, point: RecoveryPoint) -> None:
        self._run(context, "note_point", point.group_id, checked_id(point.id), _note(point))

    def forget(self, context: Context, group_id: str, point_ids: Sequence[str] | None = None) -> None:
        stdin = "".join(f"{checked_id(point_id)}\n" for point_id in point_ids or ())
        self._run(context, "forget", group_id, "all" if point_ids is None else "", stdin=stdin)

    def send(
        self,
        context: Context,
        point: RecoveryPoint,
        base_id: str | None,
        form: StreamForm,
        stream_version: int = 1,
    ) -> Command:
        parameters = checked_id(point.id), _optional(base_id), form.name, str(stream_version), _note(point)
        return self._command(context, "send", point.group_id, *parameters)

    def receive(
        self, context: Context, point: RecoveryPoint, base_id: str | None, identity: str, form: StreamForm
    ) -> Command:
        parameters = checked_id(point.id), _optional(base_id), form.name, checked_id(identity), _note(point)
        return self._command(context, "receive", point.group_id, *parameters)

    def identity(self, context: Context, point: RecoveryPoint, form: StreamForm) -> str:
        return self._run(context, "identity", point.group_id, checked_id(point.id), form.name).strip()

    def changes(self, context: Context, group_id: str, group_snapshot_id: str, base_id: str) -> Changes:
        parameters = checked_id(group_snapshot_id), checked_id(base_id)
        _, changed, written_at = self._run(context, "changes", group_id, *parameters).split()
        return Changes(int(changed), None if written_at == NOTHING else datetime.fromtimestamp(float(written_at), UTC))

    def checksums(self, context: Context, group_id: str, point_id: str, chunk_bytes: int) -> Command:
        return self._command(context, "checksums", group_id, checked_id(point_id), str(chunk_bytes))

    def sums(self, printed: str) -> Mapping[str, MemberSums]:
        lines = [line for line in printed.splitlines() if line and not line.startswith("read ")]
        found: dict[str, MemberSums] = {}
        begins = [number for number, line in enumerate(lines) if line.startswith("member ")]
        for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
            _, key, size = lines[begin].split()
            found[key] = MemberSums(int(size), tuple(lines[begin + 1 : end]))
        return found

    def _run(self, context: Context, method: str, group_id: str, *parameters: str, stdin: str = "") -> str:
        command = self._command(context, method, group_id, *parameters, stdin=stdin)
        completed = self.runner.run(command, seconds_left(context))
        return refusals.result(completed, self.runner.server, self._tool_errors)

    def _command(self, context: Context, method: str, group_id: str, *parameters: str, stdin: str = "") -> Command:
        common = self.pool, context.owner, lock_wait(context), *self._settings, checked_id(group_id)
        return self._script(method).command(*common, *parameters, stdin=stdin)


def _optional(key: str | None) -> str:
    return checked_id(key) if key else ""


def _note(point: RecoveryPoint) -> str:
    kind = "final" if point.is_final else "plain"
    taken_at = point.taken_at.astimezone(UTC).isoformat()
    return f"{checked_id(point.generation_id)} {point.sequence} {taken_at} {kind}"


def _generation_lines(generations: Sequence[Generation]) -> str:
    rows = ((one.id, one.parent_id or NOTHING, one.point_id or NOTHING) for one in generations)
    return "".join(f"{' '.join(row)}\n" for row in rows)


def _side(group_id: str, text: str) -> Side:
    """From the lines of observe.sh. Raises ServerFailed for a line that is none of its."""
    words = [line.split() for line in text.splitlines()]
    of = {kind: [row[1:] for row in words if row[0] == kind] for kind in ("side", "generation", "point", "stream")}
    try:
        generation_id, state = of["side"][0] if of["side"] else (None, None)
        return Side(
            generation_id=generation_id,
            state=SideState(state) if state else None,
            has_live=["live"] in words,
            generations=tuple(_generation(*row) for row in of["generation"]),
            points=tuple(sorted((_point(group_id, *row) for row in of["point"]), key=lambda one: one.point.sequence)),
            stream_version=int(of["stream"][0][0]) if of["stream"] else 1,
            is_marked=bool(of["stream"]),
        )
    except (ValueError, TypeError, IndexError) as error:
        raise errors.ServerFailed(f"the notes of group {group_id} cannot be read: {error}") from error


def _generation(key: str, parent: str, point: str) -> Generation:
    return Generation(key, None if parent == NOTHING else parent, None if point == NOTHING else point)


def _point(
    group_id: str,
    key: str,
    identity: str,
    intact: str,
    generation_id: str,
    sequence: str,
    taken_at: str,
    kind: str,
    _stamp: str,
) -> PointOnServer:
    point = RecoveryPoint(
        key, group_id, generation_id, int(sequence), datetime.fromisoformat(taken_at), kind == "final"
    )
    return PointOnServer(point, identity, intact == "intact")
