"""The repositories of backups of the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.cli.wiring.configured import Configured
from cgctl.errors import ConfigurationError
from cgctl.manager.environment import HERE, NamedRepository


class ConfiguredRepositories:
    """`Repositories` of the configuration."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured

    def names(self) -> Sequence[str]:
        """As `Repositories`."""
        return list(self._configured.repositories()[0])

    def get(self, name: str | None = None) -> NamedRepository:
        """As `Repositories`."""
        from drivers.backups.repository import Repository  # noqa: PLC0415

        found, default = self._configured.repositories()
        wanted = name or default
        if wanted is None or wanted not in found:
            known = ", ".join(found)
            reason = "is not configured" if wanted else "none is named, and there is no default"
            hint = f"name one of {known}" if known else "add backup_repositories to the configuration"
            raise ConfigurationError(f"backup repository {wanted or ''}".strip(), reason, hint)
        section = found[wanted]
        place = section.backend or HERE
        repository = Repository(self._configured.runner(place), section.directory)
        return NamedRepository(wanted, repository, place, section.compression)

    def shares_server(self, name: str, backend_id: str) -> bool:
        """As `Repositories`."""
        return self._configured.share_server(self.get(name).place, backend_id)
