"""On which machine a backup is, whose repository is no configured server's: several hosts may share one state, and a
directory of "this machine" is another one on each.

Decided 2026-11-22: the row notes it with its first member (`kept_on`); the manifest does not, since a repository may be
carried to another machine. Whoever finds the backup in its own directory has it: that may be on a shared file system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgctl.errors import ConfigurationError, Refused
from cgctl.manager.environment import HERE, Environment, NamedRepository
from cgctl.model.backups import KEPT_ON, Backup
from cgctl.store.holder import Holder
from cgctl.store.queries import subject
from drivers.errors import DriverError

Members = Sequence[dict[str, Any]]


def noted(named: NamedRepository, members: Members) -> list[dict[str, Any]]:
    """Members of a backup in this repository, as its row has them."""
    first, *others = without_note(members)
    return [first if named.place != HERE else {**first, KEPT_ON: Holder.current().host}, *others]


def without_note(members: Members) -> list[dict[str, Any]]:
    """As its manifest has them."""
    return [{key: value for key, value in one.items() if key != KEPT_ON} for one in members]


def refuse_elsewhere(env: Environment, row: Backup) -> None:
    """Raise Refused for one that is on another machine, and not in this one's directory, too."""
    if row.kept_on in (None, Holder.current().host):
        return
    try:
        named = env.repositories.get(row.repository)
        if named.place != HERE or named.repository.find(row.id):
            return
    except (DriverError, ConfigurationError):
        pass
    reason = f"is in {row.repository} on {row.kept_on}, which is a directory of that machine, and not of this one"
    raise Refused(subject(Backup, row.name or row.id), reason, f"run it on {row.kept_on}")
