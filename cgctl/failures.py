"""From what a driver or a runner raised to what the operator is told: the one place."""

from __future__ import annotations

from cgctl.errors import CgctlError, Locked, Refused, ServerFailure, ServerUnreachable
from drivers import errors

_HINTS: dict[type[errors.DriverError], str] = {
    errors.Unreachable: "check `ssh.host` and `ssh.port` of the backend, then: cgctl backend-check",
    errors.HostKeyUnknown: "compare the key's fingerprint with the server's, then add it to the known_hosts file",
    errors.HostKeyChanged: "find out why before anything else; only then replace the key in the known_hosts file",
    errors.LoginRefused: "check `ssh.user` and `ssh.identity_file` of the backend, and authorized_keys on the server",
    errors.OutcomeUnknown: "cgctl recover",
    errors.SudoRefused: "allow this user `sudo -n` on the server, or connect as root",
    errors.ToolMissing: "install it on the server, then: cgctl backend-check",
    errors.PoolMissing: "check `pool` of the backend, and that it is mounted on the server: cgctl backend-check",
    errors.PoolForeign: "use the state store that owns the pool, or another pool",
    errors.PoolFull: "free room in the pool or choose another backend: cgctl get-pools --detail",
    errors.NotOnServer: "is the right file system mounted? cgctl backend-check; after an interruption: cgctl recover",
    errors.AlreadyOnServer: "cgctl recover",
    errors.AtWork: "it ends by itself: try again in a minute",
    errors.Busy: "end what uses it (sessions, mounts, dependent snapshots), then try again",
    errors.HoldBroken: "nothing is left of it; try again, or raise `hold_seconds` in the configuration",
    errors.ServerRefused: "the same command with --verbose shows what was asked of the server",
    errors.ServerFailed: "the same command with --verbose shows what was run on the server",
}


_KINDS: tuple[tuple[type[errors.DriverError], type[CgctlError]], ...] = (
    (errors.ServerNotReached, ServerUnreachable),
    (errors.PoolForeign, Refused),
    (errors.AtWork, Locked),
    (errors.DriverError, ServerFailure),
)


def explain(error: errors.DriverError, subject: str) -> CgctlError:
    """What a driver's error means to the operator of `subject` (`group db1`); the driver's own hint wins."""
    kind = next(told for raised, told in _KINDS if isinstance(error, raised))
    reason = error.message
    if isinstance(error, errors.OutcomeUnknown):
        reason = f"{reason}; the operation may have been done or not"
    explained = kind(subject, reason[:1].lower() + reason[1:], error.hint or _hint(error))
    explained.__cause__ = error
    return explained


def _hint(error: errors.DriverError) -> str | None:
    return next((_HINTS[kind] for kind in type(error).__mro__ if kind in _HINTS), None)
