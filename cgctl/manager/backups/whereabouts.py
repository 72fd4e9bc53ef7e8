"""On which machine a backup is, whose repository is no configured server's: several hosts may share one state, and a
directory of "this machine" is another one on each.

Decided 2026-11-22: the row notes it; the manifest does not, since a repository may be
carried to another machine. Whoever finds the backup in its own directory has it: that may be on a shared file system.
"""

from __future__ import annotations

from cgctl.errors import ConfigurationError, Refused
from cgctl.manager.environment import HERE, Environment, NamedRepository
from cgctl.model.backups import Backup
from cgctl.store.holder import Holder
from cgctl.store.queries import subject
from drivers.errors import DriverError


def kept_on(named: NamedRepository) -> str | None:
    """The machine whose directory a repository is; None where it is a configured server's."""
    return Holder.current().host if named.place == HERE else None


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
