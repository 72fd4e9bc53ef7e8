"""`group-migrate` of a group in use: replicated to where it goes until little is missing, then failed over there.

Decided 2026-11-22: a move in use has no machinery of its own. Its steps are those of replication, each an operation
with its own row in the journal, and the state tells which is next: so the same command goes on wherever it was
interrupted, and `group-disable-replication` gives it up, or ends it behind the cut-over. Nothing that the old server
has acknowledged is lost: the cut-over is a planned failover, or none. The group's types need not ask for replication.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cgctl.errors import CgctlError, DryRun, Refused
from cgctl.manager.activities.copies import refuse_what_stands_there
from cgctl.manager.dependents import attached_ones, dependents_of
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.operation import Intent, perform, wait_until_free
from cgctl.manager.placement import check_offered
from cgctl.manager.quiesce import hooks_of, require_quiet
from cgctl.manager.replication.failover import Wishes, fail_over
from cgctl.manager.replication.members import ReplicatedGroup, load_any
from cgctl.manager.replication.points import METHOD
from cgctl.manager.replication.switch import Disable, Enable, Turning
from cgctl.manager.replication.sync import sync_group
from cgctl.manager.rules.group import check_group_migration
from cgctl.model.states import MigrationStatus
from cgctl.model.tables import Attachment, Volume, new_id

ROUNDS = 8
SHORT_SECONDS = 5.0
"""A delta that takes no longer is near enough: the last one is shipped while nobody can write."""
CONVERGES = 0.7
"""Of the time of the delta before; what takes longer will not become short."""


@dataclass(frozen=True)
class Departure(Enable):
    """The operation that begins a move: the group is replicated to one backend that need not be configured for it."""

    moving_to: str = ""
    kind: str = "group-migrate"

    def intend(self, intent: Intent) -> Turning:
        turning = super().intend(intent)
        for step in _cut_over(self.env, turning.replicated, self.moving_to):
            intent.will(step)
        return turning

    def _checked(self, session: Session) -> ReplicatedGroup:
        env, found = self.env, load_any(session, self.reference)
        if found.record is not None:
            raise _replicated(found)
        dependents = dependents_of(session, found.group, found.volumes)
        check_group_migration(found.group, found.volumes, dependents, self.moving_to, in_use=True)
        refuse_frozen(session, found.name, self.moving_to)
        if env.backends.share_server(found.active, self.moving_to):
            raise on_same_server(found.name, "group-migrate", found.id, self.moving_to, found.attachments)
        driver = env.backends.get(found.active).driver
        require_quiet(driver, METHOD, found.name, found.volumes, hooks_of(env, found.group))
        return self._with_record(found, self.moving_to)

    def finish(self, session: Session, subject: Turning, outcome: None) -> CgctlError | None:
        for one in subject.replicated.volumes:
            session.get_one(Volume, one.id).migration_status = MigrationStatus.MIGRATING
        return super().finish(session, subject, outcome)


@dataclass(frozen=True)
class Arrival(Disable):
    """The operation that ends it: the group is where it serves, and nowhere else."""

    leave_replicas: bool = False
    kind: str = "group-migrate"


def on_same_server(word: str, kind: str, key: str, host: str, attachments: Sequence[Attachment]) -> Refused:
    """What is replicated goes to another server; within one, what nobody uses is copied."""
    detach = " ".join(["cgctl attachment-delete", *(one.id for one in attachments)])
    return Refused(word, f"is in use, and backend {host} is on the same server", f"{detach}; cgctl {kind} {key} {host}")


def is_moved_in_use(env: Environment, reference: str, *, allow_attached_volume: bool) -> bool:
    """Whether such a move has begun, or somebody is attached and may be; else `cgctl.manager.relocation` moves it.

    Raises Refused for one that has begun and may not go on.
    """
    with env.store.read() as session:
        found = load_any(session, reference)
        if found.moving_to is not None and not allow_attached_volume:
            raise _replicated(found)
        return found.moving_to is not None or (allow_attached_volume and bool(attached_ones(session, found.volumes)))


def migrate_in_use(env: Environment, reference: str, host: str) -> None:
    """Move a group while it is used; again, go on. Raises Refused with nothing changed before it has begun."""
    found = depart(env, reference, host)
    if found.moving_to is None:
        return  # only its end was missing, and is settled by now
    if env.dry_run:
        ships = f"{env.backends.server(found.active)}: ship what {env.backends.server(host)} has not of {found.name}"
        raise DryRun([ships, *_cut_over(env, found, host)])
    if found.active != host:
        _come_near(env, found.id)
        fail_over(env, found.id, Wishes(host, allow_attached_volume=True))
    end(env, found.id)


def go_on(env: Environment, reference: str, host: str) -> None:
    """What has begun, from wherever it is to its end, or to nothing, where it has ended."""
    found = _look(env, reference)
    if found.active != host or found.moving_to:
        migrate_in_use(env, found.id, host)


def _cut_over(env: Environment, found: ReplicatedGroup, host: str) -> list[str]:
    """The last steps, for --dry-run."""
    here, there = env.backends.server(found.active), env.backends.server(host)
    return [f"{there}: fail {found.name} over from {here}, and offer its volumes", f"{here}: remove it there"]


def depart(env: Environment, reference: str, host: str) -> ReplicatedGroup:
    """The group on its way. Raises Refused with nothing changed."""
    env.backends.get(host)  # raises when it is not configured
    was_moving_to = _read(env, reference).moving_to
    found = _look(env, reference)
    if found.moving_to is None and not found.active == host == was_moving_to:
        check_offered(env, found.group, found.volumes, host)
        if found.active != host:
            refuse_what_stands_there(env, found.name, host, {found.id, *(one.id for one in found.volumes)})
        perform(env, Departure(env, found.id, new_id(), moving_to=host))
    elif found.moving_to not in (None, host):
        raise _replicated(found)
    return _look(env, found.id)


def end(env: Environment, reference: str) -> None:
    """Behind the cut-over: nothing of the group is left where it was. Before it: where it should have gone."""
    if _look(env, reference).moving_to is not None:
        perform(env, Arrival(env, reference))


def _look(env: Environment, reference: str) -> ReplicatedGroup:
    """The group as it is when what was interrupted is settled."""
    wait_until_free(env, *_read(env, reference).keys)
    return _read(env, reference)


def _read(env: Environment, reference: str) -> ReplicatedGroup:
    with env.store.read() as session:
        return load_any(session, reference)


def _come_near(env: Environment, group_id: str) -> None:
    """The whole, then what was written meanwhile, until that is little or does not become less."""
    before = None
    for _ in range(ROUNDS):
        began = time.monotonic()
        sync_group(env, group_id)
        seconds = time.monotonic() - began
        if seconds <= SHORT_SECONDS or (before is not None and seconds > CONVERGES * before):
            return
        before = seconds


def _replicated(found: ReplicatedGroup) -> CgctlError:
    if found.moving_to is None:
        return Refused(found.name, "is replicated", f"cgctl group-failover-replication {found.id}, or disable it first")
    go_on = f"cgctl group-migrate --allow-attached-volume {found.id} {found.moving_to}"
    give_up = f"cgctl group-disable-replication {found.id}"
    return Refused(found.name, f"is on its way to backend {found.moving_to}", f"go on: {go_on}; give up: {give_up}")
