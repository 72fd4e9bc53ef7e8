"""Replication of a group, as drivers see it: the part of the contract beside `drivers.contract.Driver`.

Decided 2026-11-21: a recovery point is a group snapshot on the server, taken by `create_cgsnapshot`, with a note that
says which generation it belongs to. So it is complete exactly when its commit mark is there, and drills clone it, and
failovers promote it, by `create_consistencygroup_from_src`: a driver has to add only what is here.

Both servers keep notes of a group: their side (the generation of what is live there, and whether it is fenced), the
generations, and one note per recovery point. They prove, without the state store, that a delta has a common ancestor.

Promises, beside those of `drivers.contract`:
- send and receive are commands: the manager joins the standard output of one with the standard input of the other,
  wherever they run. A stream that was cut never makes a point: receive refuses, and `observe` does not list it.
- a received point is read-only, and noticed when somebody changed it nevertheless (`is_intact`).
- notes appear in one step, and what they say lasts a power loss.

Decided 2026-11-21: all drivers understand one stream of changed blocks (BLOCKS), and may have a better one among
themselves. The point of a stream of blocks proves by its end that it is whole, not by an identity that the receiver's
file system gives it: such a point is known by its id, and a delta on it goes as blocks again, also between two btrfs.
Giving it the sender's UUID as received UUID would bring `btrfs send` back, at the price of a lie that `btrfs receive`
builds upon; the way back is a whole copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from drivers.command import Command
from drivers.values import Context


@dataclass(frozen=True)
class ReplicationTarget:
    """Where a backend's groups may be replicated to: Cinder's replication_device.

    backend_id: what --secondary-backend-id takes; host: the configured backend that it stands for. path, compression:
    of transfers there, where they differ from what goes for all. keep_snapshots: how many replicas of group snapshots
    stay there, the newest; None: all of them.
    """

    backend_id: str
    host: str
    rpo_seconds: int | None = None
    bandwidth_limit_bytes: int | None = None
    path: str | None = None
    compression: str | None = None
    keep_snapshots: int | None = None


class SideState(StrEnum):
    """What a server may do with the group that is live on it."""

    SERVING = "serving"
    FENCED = "fenced"


@dataclass(frozen=True)
class Generation:
    """What one promotion began: all that is written until the next one. The first has neither parent nor point."""

    id: str
    parent_id: str | None = None
    point_id: str | None = None


@dataclass(frozen=True)
class RecoveryPoint:
    """A group snapshot that is shipped.

    sequence: counts over all generations; clocks are never compared. taken_at: by cgctl's clock, before the hold began.
    is_final: taken behind a fence, so nothing was written after it.
    """

    id: str
    group_id: str
    generation_id: str
    sequence: int
    taken_at: datetime
    is_final: bool = False


@dataclass(frozen=True)
class PointOnServer:
    """A complete recovery point as a server has it.

    identity: what this server knows the data by; equal on servers between which they went as they are. The point's own
    id where the server has nothing better to tell: then it is the point, and no more is known.
    """

    point: RecoveryPoint
    identity: str
    is_intact: bool = True


@dataclass(frozen=True)
class Side:
    """One server's part of a replicated group.

    generation_id, state: of the side's note, None where it has none. has_live: whether the group itself is there.
    is_marked: whether the pool carries its owner's mark; one without it has nothing: new, or not mounted.
    stream_version: the newest form of a delta stream that the server can send and receive.
    """

    generation_id: str | None = None
    state: SideState | None = None
    has_live: bool = False
    generations: tuple[Generation, ...] = ()
    points: tuple[PointOnServer, ...] = ()
    stream_version: int = 1
    is_marked: bool = True

    def point(self, point_id: str) -> PointOnServer | None:
        return next((one for one in self.points if one.point.id == point_id), None)


@dataclass(frozen=True)
class Changes:
    """What a group snapshot holds that an older one does not."""

    changed_bytes: int
    last_write_at: datetime | None = None


@dataclass(frozen=True)
class MemberSums:
    """What a point holds of one member: its size, and the SHA-256 of each chunk, the last of which may be shorter."""

    size_bytes: int
    chunks: tuple[str, ...]


@runtime_checkable
class Verifying(Protocol):
    """What a replicating driver may have besides: it reads a point where it is, and tells what is in it."""

    def checksums(self, context: Context, group_id: str, point_id: str, chunk_bytes: int) -> Command:
        """What reads every member from its disks and prints what `sums` understands. Refuses what is not there.

        All are opened before the first is read: what is let go of meanwhile is read to its end. Lines `read DONE TOTAL`
        tell how far it is, in bytes. It ends when nobody reads what it prints.
        """
        ...

    def sums(self, printed: str) -> Mapping[str, MemberSums]:
        """Of every member, by its id; pure."""
        ...


@dataclass(frozen=True)
class StreamForm:
    """How points travel between two servers that both know this form.

    by_descent: the receiver finds a delta's base by its identity. Otherwise by the point's id, and it is enough that
    the data are the same.
    """

    name: str
    by_descent: bool = False


BLOCKS = StreamForm("blocks")
"""What every driver understands: changed blocks of disks, whatever they are kept in (`scripted/blocks.sh`)."""


class Replication(Protocol):
    """The replicating half of a driver: one pool on one server."""

    @property
    def forms(self) -> Sequence[StreamForm]:
        """What it sends and receives, best first; BLOCKS is among them."""
        ...

    def observe(self, context: Context, group_id: str) -> Side:
        """What the server has of the group; an unused or unmarked pool has nothing. Changes nothing."""
        ...

    def note_side(
        self,
        context: Context,
        group_id: str,
        generation_id: str,
        state: SideState,
        generations: Sequence[Generation] = (),
    ) -> None:
        """Write the side's note, and add generations to the known ones. The pool is claimed where it is new."""
        ...

    def note_point(self, context: Context, point: RecoveryPoint) -> None:
        """Note a point that was just taken, before it is shipped. Raises NotOnServer."""
        ...

    def forget(self, context: Context, group_id: str, point_ids: Sequence[str] | None = None) -> None:
        """Remove recovery points with their notes, whole or half-received; None: all of them, and all notes.

        What a cut transfer left is removed by this, and by the next receive.
        """
        ...

    def send(
        self,
        context: Context,
        point: RecoveryPoint,
        base_id: str | None,
        form: StreamForm,
        stream_version: int = 1,
    ) -> Command:
        """What writes the point to standard output, as a delta to the base where there is one; notes it first."""
        ...

    def receive(
        self, context: Context, point: RecoveryPoint, base_id: str | None, identity: str, form: StreamForm
    ) -> Command:
        """What makes the point from standard input: complete, with note and commit mark, or absent.

        identity: what the sending server says for this form. Refuses (PointChanged) when the base is not what it was;
        with BLOCKS also (PoolFull) before anything is written, when there is no room for what the sender announces.
        """
        ...

    def identity(self, context: Context, point: RecoveryPoint, form: StreamForm) -> str:
        """Of a point that was just taken, for `receive`. Raises NotOnServer."""
        ...

    def changes(self, context: Context, group_id: str, group_snapshot_id: str, base_id: str) -> Changes:
        """How a group snapshot differs from an older one on the same server."""
        ...
