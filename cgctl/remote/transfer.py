"""One transfer from server to server: two streaming commands, the relay between them, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cgctl.remote.stream import BROKEN_PIPE, STALL_SECONDS, Follow, Stream, relay
from drivers import refusals
from drivers.command import Command
from drivers.runner import Runner


class StreamingRunner(Runner, Protocol):
    """A runner that can begin streaming commands."""

    def stream(self, command: Command, *, reads: bool) -> Stream: ...


@dataclass(frozen=True)
class Limits:
    """bytes_per_second: None for as fast as it goes. stall_seconds: how long nothing may move."""

    bytes_per_second: int | None = None
    stall_seconds: float = STALL_SECONDS


@dataclass(frozen=True)
class Transferred:
    """What a transfer cost."""

    stream_bytes: int
    seconds: float


def transfer(
    source: StreamingRunner,
    send: Command,
    destination: StreamingRunner,
    receive: Command,
    limits: Limits,
    follow: Follow,
) -> Transferred:
    """Raises what the side says that failed first; a sender whose receiver has gone is not it."""
    receiver = destination.stream(receive, reads=True)
    try:
        sender = source.stream(send, reads=False)
    except BaseException:
        receiver.abort()
        raise
    relayed = relay(
        sender,
        receiver,
        bytes_per_second=limits.bytes_per_second,
        stall_seconds=limits.stall_seconds,
        follow=follow,
    )
    if relayed.sent.exit_status != BROKEN_PIPE:
        refusals.result(relayed.sent, source.server)
    refusals.result(relayed.received, destination.server)
    return Transferred(relayed.stream_bytes, relayed.seconds)
