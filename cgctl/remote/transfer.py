"""One transfer from server to server: which path it takes, and what went wrong."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from cgctl.remote.direct import servers
from cgctl.remote.direct.carrying import NoWay, arriving, deliver, departing, lifeline
from cgctl.remote.direct.servers import Able
from cgctl.remote.settings import SshSettings
from cgctl.remote.stream import BROKEN_PIPE, STALL_SECONDS, Follow, Relayed, Stream, relay
from drivers import errors, refusals
from drivers.command import Command
from drivers.runner import Runner

DIRECT, RELAY = "direct", "relay"
COMPRESSIONS = ("zstd", "gzip")


class StreamingRunner(Runner, Protocol):
    """A runner that can begin streaming commands."""

    def stream(self, command: Command, *, reads: bool, bulk: bool = False) -> Stream:
        """bulk: much will pass, so that a quicker way is worth another login."""
        ...


@dataclass(frozen=True)
class End:
    """A backend in a transfer. settings: None on this machine; address: where other servers reach it, if elsewhere."""

    backend_id: str
    runner: StreamingRunner
    settings: SshSettings | None = None
    address: str | None = None


@dataclass(frozen=True)
class Errand:
    """What is to be carried: the two commands, for a group, on behalf of a state store (owner)."""

    owner: str
    group_id: str
    source: End
    send: Command
    destination: End
    receive: Command


@dataclass(frozen=True)
class Limits:
    """bytes_per_second: None for as fast as it goes. stall_seconds: how long nothing may move.

    path: `auto`, `direct`, `relay`; compression: `zstd`, `gzip` or `none`, of which the best is taken that both have.
    """

    bytes_per_second: int | None = None
    stall_seconds: float = STALL_SECONDS
    path: str = "auto"
    compression: str = "none"


@dataclass(frozen=True)
class Transferred:
    """What a transfer cost, and how it went; note: why it did not go directly."""

    stream_bytes: int
    seconds: float
    path: str = RELAY
    compression: str = "none"
    note: str | None = None


def way_name(owner: str, source: str, destination: str) -> str:
    """Of a key, and of all else that belongs to the way from one backend to another."""
    return f"{owner}.{source}.{destination}"


def transfer(errand: Errand, limits: Limits, follow: Follow) -> Transferred:
    """Raises what the side says that failed first; a sender whose receiver has gone is not it."""
    if errand.source.settings is None and errand.destination.settings is None:
        sender, receiver = _begun(errand, errand.send, errand.receive)
        return _checked(errand, Transferred(0, 0), _relay(sender, receiver, limits, follow))
    note = _objection(errand, limits)
    able = _asked(errand, way="" if note else way_name(errand.owner, errand.source.backend_id, _there(errand)))
    done = Transferred(0, 0, DIRECT, compression_of(limits.compression, able))
    note = note or _missing(able)
    if note is None:
        try:
            return _checked(errand, done, _directly(errand, able, done.compression, limits, follow))
        except NoWay as no_way:
            note = f"{errand.source.runner.server} does not reach {_there(errand)}: {no_way}"
    if limits.path == DIRECT:
        hint = "mend it, or allow the relay: `path: auto` under `replication:` in the configuration"
        raise errors.Unreachable(f"no direct path: {note}", hint)
    note = None if limits.path == RELAY else note
    return _checked(
        errand, replace(done, path=RELAY, note=note), _relayed(errand, able, done.compression, limits, follow)
    )


def forget_way(owner: str, source: End, destination: End) -> None:
    """Remove keys, enrolment and fifos of the direct path from one backend to another. Nothing there is fine."""
    if destination.settings is None:
        return
    way = way_name(owner, source.backend_id, destination.backend_id)
    for end in (destination, source):
        servers.revoke(end.runner, way)


def compression_of(wanted: str, able: tuple[Able, Able]) -> str:
    """The wanted one, or the next that both servers have. Pure."""
    if wanted not in COMPRESSIONS:
        return "none"
    both = able[0].tools & able[1].tools
    return next((one for one in COMPRESSIONS[COMPRESSIONS.index(wanted) :] if {one, "perl"} <= both), "none")


def _there(errand: Errand) -> str:
    return errand.destination.backend_id


def _objection(errand: Errand, limits: Limits) -> str | None:
    """Why a direct path is not even tried."""
    here, there = errand.source.settings, errand.destination.settings
    if limits.path == RELAY:
        return "the configuration says so"
    if there is None:
        return "the destination is this machine"
    if here == there:
        return "both are on one server"
    return None if servers.known_hosts(there) else "no host key is pinned"


def _asked(errand: Errand, way: str) -> tuple[Able, Able]:
    there = errand.destination.settings
    if not way:  # neither needs the other's answer
        with ThreadPoolExecutor(max_workers=1) as beside:
            asked = beside.submit(_ask, errand.source, servers.ask_source, "", "")
            destination = _ask(errand.destination, servers.ask_destination, "", ("", ""))
        return asked.result(), destination
    source = _ask(errand.source, servers.ask_source, way, servers.known_hosts(there) if there else "")
    way = way if source.key else ""
    return source, _ask(errand.destination, servers.ask_destination, way, source.key or ("", ""))


def _ask(end: End, ask: Callable[..., Able], *words: object) -> Able:
    with errors.said_by(end.backend_id):
        return ask(end.runner, *words)


def _missing(able: tuple[Able, Able]) -> str | None:
    source, destination = able
    if source.key is None or "perl" not in source.tools:
        return "the source needs ssh, ssh-keygen and perl for it"
    return None if destination.inbox else "the destination needs perl for it"


def _notes(errand: Errand, able: tuple[Able, Able]) -> tuple[str, str]:
    """Files that name the process which carries the group on either side."""
    return (
        f"{able[0].place}/departing-{errand.group_id}-{errand.source.backend_id}",
        f"{able[1].place}/arriving-{errand.group_id}-{errand.destination.backend_id}",
    )


def _directly(errand: Errand, able: tuple[Able, Able], compression: str, limits: Limits, follow: Follow) -> Relayed:
    there, word = errand.destination, secrets.token_hex(16)
    assert there.settings
    departs, arrives = _notes(errand, able)
    keys = able[0].keys or ""
    ssh = servers.ssh_words(there.settings, there.address, f"{keys}/known_hosts", f"{keys}/key", word)
    receive = arriving(errand.receive, arrives, compression, f"{able[1].inbox}/{word}")
    send = departing(errand.send, departs, compression, limits.bytes_per_second, ssh)
    receiver = _stream(there, receive, reads=True, bulk=False)
    try:
        sender = _stream(errand.source, send, reads=False, bulk=False)
    except BaseException:
        receiver.abort()
        raise
    return deliver(sender, receiver, limits.stall_seconds, follow, errand.source.backend_id)


def _relayed(errand: Errand, able: tuple[Able, Able], compression: str, limits: Limits, follow: Follow) -> Relayed:
    departs, arrives = _notes(errand, able)
    send, receive = errand.send, errand.receive
    if "perl" in able[0].tools:
        send = departing(send, departs, compression)
    if "perl" in able[1].tools:
        receive = arriving(receive, arrives, compression)
    sender, receiver = _begun(errand, send, receive)
    with lifeline(sender):
        return _relay(sender, receiver, limits, follow)


def _relay(sender: Stream, receiver: Stream, limits: Limits, follow: Follow) -> Relayed:
    return relay(
        sender,
        receiver,
        bytes_per_second=limits.bytes_per_second,
        stall_seconds=limits.stall_seconds,
        follow=follow,
    )


def _begun(errand: Errand, send: Command, receive: Command) -> tuple[Stream, Stream]:
    """Both at once: each may be a login."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        sending = beside.submit(_stream, errand.source, send, reads=False)
        try:
            receiver = _stream(errand.destination, receive, reads=True)
        except BaseException:
            if sending.exception() is None:
                sending.result().abort()
            raise
    try:
        return sending.result(), receiver
    except BaseException:
        receiver.abort()
        raise


def _stream(end: End, command: Command, *, reads: bool, bulk: bool = True) -> Stream:
    with errors.said_by(end.backend_id):
        return end.runner.stream(command, reads=reads, bulk=bulk)


def _checked(errand: Errand, done: Transferred, relayed: Relayed) -> Transferred:
    for end, completed in ((errand.source, relayed.sent), (errand.destination, relayed.received)):
        if completed.exit_status != BROKEN_PIPE or end is errand.destination:
            with errors.said_by(end.backend_id):
                refusals.result(completed, end.runner.server)
    return replace(done, stream_bytes=relayed.stream_bytes, seconds=relayed.seconds)
