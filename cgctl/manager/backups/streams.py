"""The way between a backend and a repository: one process on their server where they share it, else carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.manager.environment import Environment, NamedRepository, Passage
from drivers.activities.sequence import in_sequence
from drivers.activities.values import Program
from drivers.command import Command

_PIPE = """
exec 4>&1
said=$({ { eval "$1" 2>&5; } | { eval "$2" >&4 5>&-; }; } 5>&1) || status=$?
[ -z "$said" ] || printf '%s\\n' "$said" >&2
exit "${status:-0}"
"""
"""The exit status is the receiver's: a stream that is not whole is no success for it. What the sender says comes last,
since it is why."""


@dataclass(frozen=True)
class Stream:
    """Two commands of two servers. stream_bytes: how long it is at most."""

    send: Command
    receive: Command
    stream_bytes: int


def working_host(env: Environment, repository: NamedRepository, host: str) -> str | None:
    """The backend whose server does the work; None: this machine."""
    return host if env.repositories.shares_server(repository.name, host) else None


def to_repository(env: Environment, repository: NamedRepository, host: str, one: Stream, label: str) -> Program:
    """From a backend's server."""
    if working_host(env, repository, host):
        return Program(_piped(one), None, label)
    passage = Passage(host, one.send, repository.place, one.receive, one.stream_bytes)
    return Program(env.backends.relay([passage]), None, label)


def from_repository(
    env: Environment, repository: NamedRepository, host: str, streams: Sequence[Stream], label: str
) -> Program:
    """To a backend's server, one after the other."""
    if working_host(env, repository, host):
        return in_sequence([(Program(_piped(one), None, label), one.stream_bytes) for one in streams], label)
    passages = [Passage(repository.place, one.send, host, one.receive, one.stream_bytes) for one in streams]
    return Program(env.backends.relay(passages), None, label)


def _piped(one: Stream) -> Command:
    return Command(("sh", "-c", _PIPE, "pipe", one.send.to_shell(), one.receive.to_shell()))
