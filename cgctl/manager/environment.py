"""What every operation works with; `cgctl.cli.wiring` makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from cgctl.model.tables import utc_now
from cgctl.store.database import Store
from cgctl.store.retention import Keep

if TYPE_CHECKING:
    from cgctl.manager.readings import Answer, Reading
    from drivers.activities.place import ActivityPlace
    from drivers.backups.repository import Repository
    from drivers.command import Command
    from drivers.contract import Backend, Context


@dataclass(frozen=True)
class QuiesceHooks:
    """The operator's own commands around a hold: pre quiesces the application, post resumes it."""

    pre: str | None = None
    post: str | None = None
    timeout_seconds: float = 30.0

    def __bool__(self) -> bool:
        return bool(self.pre or self.post)


@dataclass(frozen=True)
class Passage:
    """A stream from one backend's server to another's, and how long it is."""

    source: str
    send: Command
    destination: str
    receive: Command
    stream_bytes: int


def leave_running(_subject: str, _activity_id: str) -> str:
    """What Ctrl-C means where nobody can be asked."""
    return "detach"


def never() -> bool:
    """Nobody interrupts."""
    return False


class Backends(Protocol):
    """The configured backends; one is built, and its server reached, only when it is used."""

    def ids(self) -> Sequence[str]:
        """All configured ids, in the configuration's order."""
        ...

    def get(self, backend_id: str) -> Backend:
        """Raises ConfigurationError when the configuration does not have it (any more)."""
        ...

    def server(self, backend_id: str) -> str:
        """The server and pool, for messages; also of a backend that is not configured any more."""
        ...

    def activities_here(self) -> ActivityPlace:
        """Where this machine keeps the activities that run on it."""
        ...

    def relay(self, passages: Sequence[Passage]) -> Command:
        """A command of this machine that carries streams from backend to backend, one after the other."""
        ...

    def reader(self, readings: Sequence[Reading], known: Sequence[Answer]) -> Command:
        """A command of this machine that reads on the backends' servers, all at once; the answers, beside what is known
        already, are JSON in its activity's directory (cgctl.manager.readings)."""
        ...

    def errand(self, kind: str, plan: Mapping[str, Any]) -> Command:
        """A command of this machine that is a cgctl of its own, with the same state and configuration, and does work of
        this kind (cgctl.manager.replication.errands)."""
        ...

    def share_server(self, one: str, other: str) -> bool:
        """Whether two backends are pools of one server, reached as one user."""
        ...

    def share_machine(self, one: str, other: str) -> bool:
        """Whether two backends are pools of one server, whoever logs in there."""
        ...


Quiesced = Callable[[QuiesceHooks, float, Mapping[str, str]], AbstractContextManager[object]]
"""(hooks, bound in seconds, environment) -> the time between pre and post; post runs whatever happens."""


@dataclass(frozen=True)
class Way:
    """How a transfer shall go. path: `direct` from server to server, `relay` through this machine, `auto` for the best
    that works; compression: `zstd`, `gzip` or `none`: the best of them, from there on, that both servers have.
    """

    path: str = "auto"
    compression: str = "none"
    bytes_per_second: int | None = None


@dataclass(frozen=True)
class Carried:
    """What a transfer cost, and how it went; note: why it did not go directly, where that was tried."""

    stream_bytes: int
    seconds: float
    path: str = "relay"
    compression: str = "none"
    note: str | None = None


Follow = Callable[[int], str | None]
"""Called about every second with the bytes that have passed, also while none do; a reason ends the transfer."""


@dataclass(frozen=True)
class Delivery:
    """What is to be carried: a group's stream, from the one backend's command to the other's. owner: the state's id."""

    owner: str
    group_id: str
    source: str
    send: Command
    destination: str
    receive: Command


class Carrier(Protocol):
    """Moves streams from server to server."""

    def __call__(self, delivery: Delivery, way: Way, follow: Follow) -> Carried:
        """Join the two commands. Raises what either says that failed, TimedOut when nothing moves."""
        ...

    def forget_way(self, owner: str, source: str, destination: str) -> None:
        """Remove what the direct path from one backend to another has on their servers; nothing there is fine."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a transfer is; title: what goes where. expected_bytes: None where nobody knows."""

    title: str
    passed_bytes: int
    expected_bytes: int | None = None
    has_ended: bool = False


class ShowProgress(Protocol):
    """A terminal that shows progress; is_shown: whether anybody looks, so that an estimate is worth its price."""

    @property
    def is_shown(self) -> bool: ...

    def __call__(self, progress: Progress) -> None: ...


class Unseen:
    """Nobody looks."""

    is_shown = False

    def __call__(self, progress: Progress) -> None:
        """Nothing."""


@dataclass(frozen=True)
class RanHere:
    """What an operator's command said, and why it failed, if it did."""

    output: str
    reason: str | None = None


class RunHere(Protocol):
    """Runs an operator's command on this machine. Its environment may hold secrets: it shows in no process list."""

    def __call__(self, shell_line: str, environment: Mapping[str, str], timeout_seconds: float) -> RanHere: ...


HERE = ""
"""In place of a backend's id: this machine, as an end of a stream."""


@dataclass(frozen=True)
class NamedRepository:
    """A repository of backups, as configured. place: the backend on whose server it is, or HERE."""

    name: str
    repository: Repository
    place: str
    compression: str = "zstd"


class Repositories(Protocol):
    """The configured repositories of backups."""

    def names(self) -> Sequence[str]: ...

    def get(self, name: str | None = None) -> NamedRepository:
        """Without a name, the default one. Raises ConfigurationError where there is none."""
        ...

    def shares_server(self, name: str, backend_id: str) -> bool:
        """Whether it is on the server of a backend, reached as the same user."""
        ...


@dataclass(frozen=True)
class Settings:
    """What the configuration says for all groups; hold_seconds is the bound of a hold, hooks go by name or id.

    capacity_weight: of a backend's free room among those that fit; below 0 the fullest is taken first.
    keep: how much of the history.
    """

    hold_seconds: float = 7.0
    hooks: Mapping[str, QuiesceHooks] = field(default_factory=dict)
    post_failover: Mapping[str, str] = field(default_factory=dict)
    default_volume_type: str | None = None
    default_group_type: str | None = None
    availability_zone_fallback: bool = False
    capacity_weight: float = 1.0
    way: Way = Way()
    keep: Keep = field(default_factory=Keep)


@dataclass(frozen=True)
class Environment:
    """The state, the backends and the caller's wishes.

    settings: read when first asked for, so that a list needs no configuration. operation_seconds: how long one
    operation may take, the lease of its locks. warn: tells the operator something that does not stop the command.
    show_progress: of what takes long, on a terminal. on_interrupt: what Ctrl-C means to an activity that is waited for,
    given its subject and id: `cancel`, `detach`, `wait`. interrupted: whether Ctrl-C was pressed, for who works beside
    the main thread, which alone is told.
    """

    store: Store
    backends: Backends
    repositories: Repositories
    quiesced: Quiesced
    carry: Carrier
    run_here: RunHere
    warn: Callable[[str], None]
    settings: Callable[[], Settings] = Settings
    command_line: str = "cgctl"
    dry_run: bool = False
    lock_timeout_seconds: float = 0.0
    operation_seconds: float = 3600.0
    show_progress: ShowProgress = field(default_factory=Unseen)
    on_interrupt: Callable[[str, str], str] = leave_running
    interrupted: Callable[[], bool] = never

    def context(self, operation_id: str) -> Context:
        """The context of an operation's driver calls."""
        from drivers.contract import Context  # noqa: PLC0415 (no list needs a driver: 20 ms)

        return Context(
            operation_id=operation_id,
            owner=self.store.owner,
            deadline=utc_now() + timedelta(seconds=self.operation_seconds),
            hold_bound_seconds=self.settings().hold_seconds,
        )
