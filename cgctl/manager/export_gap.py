"""The time in which exported volumes are away from their clients, because what is behind them changes.

What a LUN serves is never swapped below its clients: the export ends, and is made anew (lab.md, section 3). The same
name, LUN and serial come back, so clients log in again by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from drivers.contract import Backend, Context, Exported, ExportServer
from drivers.errors import DriverError, OutcomeUnknown, ServerNotReached, ServerRefused

Result = TypeVar("Result")


@dataclass(frozen=True)
class Worked(Generic[Result]):
    """What the server answered; away_seconds: for how long exports were away, None where none was."""

    answer: Result
    away_seconds: float | None
    operation_id: str


def away_words(seconds: float | None) -> str:
    """For results and history: behind what was done."""
    return "" if seconds is None else f"; exports were away for {seconds:.3f} s"


def unexported(
    backend: Backend,
    context: Context,
    before: Sequence[Exported],
    after: Sequence[Exported],
    work: Callable[[], Result],
) -> Worked[Result]:
    """End the exports `before`, work, make the exports `after`.

    Where the server refuses the work, nothing has changed, and the exports come back as they were. Exports that cannot
    be made again raise OutcomeUnknown: the operation is not over until they are.
    """
    export = backend.export
    if export is None or not before:
        return Worked(work(), None, context.operation_id)
    backend.driver.get_volume_stats(
        context
    )  # nobody's export ends for a server that is not reached, or is connected yet
    began = time.monotonic()
    export.remove_exports(context, [one.volume_id for one in before])
    try:
        result = work()
    except (ServerRefused, ServerNotReached):
        _offer(export, context, before)
        raise
    _offer(export, context, after)
    return Worked(result, time.monotonic() - began, context.operation_id)


def _offer(export: ExportServer, context: Context, exports: Sequence[Exported]) -> None:
    if not exports:
        return
    try:
        export.ensure_exports(context, exports)
    except DriverError as error:
        raise OutcomeUnknown(f"the exports were ended and could not be made anew: {error.message}") from error
