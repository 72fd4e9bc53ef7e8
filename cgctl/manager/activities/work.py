"""What a kind of long work says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sqlmodel import Session

from cgctl.errors import CgctlError
from cgctl.manager.operation import Intent
from cgctl.model.tables import Volume
from drivers.activities.values import ActivityState, Program
from drivers.contract import Context
from drivers.errors import DriverError, ServerNotReached, ServerRefused

Plan = Mapping[str, Any]
"""All that later steps need, as JSON: ids, sizes, backends. Kept in the journal."""


class NothingBegun(Exception):
    """What was asked first has refused, or was not reached: there is nothing to clear. error: why."""

    def __init__(self, error: DriverError) -> None:
        self.error = error
        super().__init__(error.message)


@contextmanager
def first_step() -> Iterator[None]:
    """In this block nothing is made that anybody would have to remove. Raises NothingBegun."""
    try:
        yield
    except (ServerNotReached, ServerRefused) as error:
        raise NothingBegun(error) from error


@dataclass(frozen=True)
class Intended:
    """What was checked and written down.

    host: the backend whose server does the work, None for this machine. made_ids: rows that it makes, source_ids: rows
    that it reads: neither may be deleted meanwhile. method, driver_host, volumes: the driver's method that reads these
    volumes, and of which backend: where it is not among the stateless ones, they have to be quiet, and are kept locked.
    """

    plan: Plan
    host: str | None
    made_ids: Sequence[str] = ()
    source_ids: Sequence[str] = ()
    method: str = ""
    driver_host: str = ""
    volumes: Sequence[Volume] = field(default=())


class LongWork(Protocol):
    """The parts in which kinds of long work differ. What speaks to servers may run again, wherever it was killed."""

    @property
    def kind(self) -> str:
        """Its word in journal and history: `snapshot-replicate`."""
        ...

    def intend(self, intent: Intent) -> Intended:
        """Check everything, lock, write rows; says what it is about (`intent.about`)."""
        ...

    def begin(self, context: Context, plan: Plan) -> Program:
        """What is quick and comes before, on the servers; then the program. Raises NothingBegun, too."""
        ...

    def complete(self, context: Context, plan: Plan) -> object:
        """What follows on the servers when the program has succeeded."""
        ...

    def clear(self, context: Context, plan: Plan) -> None:
        """Remove everything that `begin` and the program may have left on the servers."""
        ...

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        """Write the result of `complete`."""
        ...

    def give_up(self, session: Session, plan: Plan) -> None:
        """Write that nothing came of it."""
        ...


@runtime_checkable
class ProvesItself(LongWork, Protocol):
    """Work whose result the servers show by themselves, also where nobody knows any more how it ended: who ran it has
    forgotten, or the state was restored from an older copy. Then what it made stays: it may be all that is left, or
    somebody has been using it since."""

    def find_result(self, context: Context, plan: Plan) -> object | None:
        """Something where all of it is there whole, and `complete` will succeed; None where it is not."""
        ...


@runtime_checkable
class LetsGo(LongWork, Protocol):
    """Work whose sources need not wait until all that it has left elsewhere can be removed."""

    def let_go(self, context: Context, plan: Plan) -> None:
        """Of one that reads no more: remove what stands beside its sources. May run again."""
        ...


@runtime_checkable
class OutlivesState(ProvesItself, Protocol):
    """Work that makes objects of its own, so that a state that was restored from an older copy, and never knew of it,
    can remove what nobody else ever will."""

    def hidden_ids(self, plan: Plan) -> set[str]:
        """Of volumes and groups that it makes: in no state's rows while it runs."""
        ...

    def end_unknown(self, context: Context, plan: Plan, ended: ActivityState) -> str | None:
        """Of one that is over: remove all but a whole result; says what that is, where it stays. May run again."""
        ...
