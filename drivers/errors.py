"""What can go wrong on the way to a server and on it.

Each class says what the caller can conclude: whether the server was reached at all, whether the work may have been
done, or which promise of `drivers.contract` cannot be kept. A `hint` is a sentence or a command that mends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class DriverError(Exception):
    """What drivers and runners raise. backend_id: who failed, where two are at work and it shows."""

    hint: str | None = None
    backend_id: str | None = None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


@contextmanager
def said_by(backend_id: str) -> Iterator[None]:
    """Of what is raised in the block it is known who failed."""
    try:
        yield
    except DriverError as error:
        error.backend_id = error.backend_id or backend_id
        raise


class ServerNotReached(DriverError):
    """Nothing ran: the server could not be asked."""


class Unreachable(ServerNotReached):
    """No connection: name, route, port, or no answer in time."""


class NothingListens(Unreachable):
    """The server's kernel answers, and no sshd: perhaps it is being started anew."""


class HandshakeBroken(Unreachable):
    """It accepts connections, and no SSH session comes of them: too many at once, or it is overloaded, or hangs."""

    hint = "look at the server's load and at its sshd's log (MaxStartups?), then: cgctl backend-check"


class HostKeyUnknown(ServerNotReached):
    """The server's host key is not in known_hosts."""


class HostKeyChanged(ServerNotReached):
    """The server shows another host key than known_hosts has: perhaps not the same server."""


class LoginRefused(ServerNotReached):
    """The server answered and refused user or key."""


class OutcomeUnknown(DriverError):
    """The connection was lost, or the time ran out, after the work was sent: it may have been done or not."""


class ConnectionLost(OutcomeUnknown):
    """The server closed the connection before the answer was complete."""


class TimedOut(OutcomeUnknown):
    """The server is connected and did not answer in time."""


class ServerRefused(DriverError):
    """The server ran nothing, or changed nothing, and says why."""


class SudoRefused(ServerRefused):
    """`sudo -n` is not allowed for this user."""


class ToolMissing(ServerRefused):
    """A program that the driver needs is not installed on the server."""


class PoolMissing(ServerRefused):
    """The pool's directory, dataset or volume group is not there, or not of the driver's kind."""


class PoolUnmarked(PoolMissing):
    """The pool's directory is there and was never used: new, or its file system is not mounted."""

    hint = "mount the pool's file system; a new pool is marked by the first object that is made in it"


class PoolForeign(ServerRefused):
    """The pool belongs to another state store."""


class PoolFull(ServerRefused):
    """Not enough room in the pool."""


class NotOnServer(ServerRefused):
    """The object is not on the server."""


class AlreadyOnServer(ServerRefused):
    """An object with this id is on the server already, and it is not what was asked for."""


class Busy(ServerRefused):
    """Something uses the object: a session, a mount, a dependent snapshot."""


class AtWork(Busy):
    """Another script works there, of this cgctl or of one on another machine: it ends by itself."""


class PointChanged(ServerRefused):
    """A recovery point is not what it was when it was made: somebody wrote to it."""


class HoldBroken(ServerRefused):
    """The hold did not stand for the whole group snapshot: the set is void and was removed."""


class Damaged(ServerRefused):
    """A backup is not what was written: nothing was made of it."""

    hint = "see all that is damaged: cgctl backup-verify BACKUP; restore another one"


class ServerFailed(DriverError):
    """A tool on the server failed with a message that no table knows. The text is in the message."""


class HookFailed(DriverError):
    """A quiesce hook failed or did not end in time; phase is `pre` or `post`.

    After `pre` the application has been released again: `post` has run. After `post` it may still be held.
    """

    def __init__(self, message: str, phase: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.phase = phase
