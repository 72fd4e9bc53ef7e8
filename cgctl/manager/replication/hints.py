"""Hints of failovers, undos and drills: whole commands, so that who pastes one at night gets what was asked for."""

from __future__ import annotations

from cgctl.manager.environment import Environment
from cgctl.manager.replication.members import ReplicatedGroup, target_of
from cgctl.model.states import VolumeStatus

DOWN, LOSS = "--source-is-down", "--accept-data-loss"


def failover_to(env: Environment, replicated: ReplicatedGroup, host: str, *flags: str) -> str:
    """The failover to a backend, by the word that the configuration has for it."""
    word = target_of(env, replicated, host).backend_id
    return _command(replicated, "group-failover-replication", f"--secondary-backend-id {word}", *flags)


def undo(replicated: ReplicatedGroup, *flags: str) -> str:
    """The undo of the last failover."""
    return _command(replicated, "group-undo-failover", *flags)


def status(replicated: ReplicatedGroup) -> str:
    """Where one sees how the replicas are doing."""
    return f"cgctl group-replication-status {replicated.id}"


def _command(replicated: ReplicatedGroup, name: str, *words: str) -> str:
    attached = any(one.status == VolumeStatus.IN_USE for one in replicated.present)
    flags = [*words, "--allow-attached-volume"] if attached else [*words]
    return " ".join(["cgctl", name, *dict.fromkeys(flags), replicated.id])
