"""The backends of the configuration, and how each is reached."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgctl.cli.invocation import Invocation
from cgctl.cli.wiring.building import build, misfit
from cgctl.config.places import absolute_state_url, configuration_file, state_directory, state_url
from cgctl.errors import ConfigurationError
from cgctl.manager.environment import HERE, Passage, QuiesceHooks, Settings, Way
from cgctl.remote.settings import SshSettings
from cgctl.store.retention import Keep

if TYPE_CHECKING:
    from cgctl.config.schema import Backend as BackendSection
    from cgctl.config.schema import BackupRepository as RepositorySection
    from cgctl.config.schema import Configuration
    from cgctl.manager.readings import Answer, Reading
    from cgctl.remote.transfer import End, StreamingRunner
    from drivers.activities.place import ActivityPlace
    from drivers.command import Command
    from drivers.contract import Backend


class Configured:
    """The configured backends, each built when it is first used; backends of one server share its connection."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._built: dict[str, Backend] = {}
        self.runners: dict[SshSettings | None, StreamingRunner] = {}

    def beside(self) -> Configured:
        """The same, with connections of its own."""
        other = copy(self)
        other._built, other.runners = {}, {}
        return other

    @cached_property
    def _configuration(self) -> Configuration:
        from cgctl.config.load import load  # noqa: PLC0415 (pydantic models and yaml: only where they are needed)

        return load(self._invocation.config, misfit).configuration

    def state(self) -> str | None:
        """The configuration's `state:`, where there is a configuration."""
        from cgctl.config.load import find  # noqa: PLC0415

        found = find(self._invocation.config)
        return found.configuration.state if found else None

    def require_named_file(self) -> None:
        """A file that `--config` names has to be there, though nothing of it is needed. Raises ConfigurationError."""
        named = self._invocation.config
        if named and not Path(named).expanduser().exists():
            self.state()

    def settings(self) -> Settings:
        """What the configuration says for all groups."""
        found = self._configuration
        hooks = {name: QuiesceHooks(one.pre, one.post, one.timeout_seconds) for name, one in found.hooks.items()}
        after = {name: one.post_failover for name, one in found.hooks.items() if one.post_failover}
        return Settings(
            hold_seconds=found.hold_seconds,
            hooks=hooks,
            post_failover=after,
            default_volume_type=found.default_volume_type,
            default_group_type=found.default_group_type,
            availability_zone_fallback=found.availability_zone_fallback,
            capacity_weight=found.capacity_weight,
            way=Way(found.replication.path, found.replication.compression),
            keep=Keep(found.history.keep_seconds, found.history.newest, found.history.failovers_seconds),
        )

    def ids(self) -> Sequence[str]:
        """All configured backends."""
        return list(self._configuration.backends)

    def get(self, backend_id: str) -> Backend:
        """A backend, joined. Raises ConfigurationError when it is not configured (any more)."""
        if backend_id not in self._built:
            section = self._section(backend_id)
            self._built[backend_id] = build(backend_id, section, self._runner(section))
        return self._built[backend_id]

    def server(self, backend_id: str) -> str:
        """`alpha (cgctl@192.0.2.10:22:/srv/cgctl)`."""
        found = self._configuration.backends.get(backend_id)
        if found is None:
            return f"{backend_id} (not configured)"
        settings = _ssh_settings(found)
        return f"{backend_id} ({settings.server if settings else 'this machine'}:{found.pool})"

    def end(self, backend_id: str) -> End:
        """A backend's part in a transfer, or this machine's (HERE)."""
        from cgctl.remote.transfer import End  # noqa: PLC0415

        if backend_id == HERE:
            return End(HERE, self._runner(None), None, None)
        section = self._section(backend_id)
        return End(backend_id, self._runner(section), _ssh_settings(section), section.replication_address)

    def runner(self, backend_id: str) -> StreamingRunner:
        """What reaches a backend's server, or this machine (HERE)."""
        return self._runner(self._section(backend_id) if backend_id != HERE else None)

    def activities_here(self) -> ActivityPlace:
        """As `Backends`: beside the state."""
        from cgctl.remote.local import LocalRunner  # noqa: PLC0415
        from drivers.activities.place import ActivityPlace  # noqa: PLC0415

        scheme, _, path = state_url(self._invocation.state, self.state).partition(":///")
        place = Path(path).parent if scheme.startswith("sqlite") else state_directory()
        directory = place.absolute() / "activities"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return ActivityPlace(LocalRunner(), str(directory))

    def relay(self, passages: Sequence[Passage]) -> Command:
        """As `Backends`: a cgctl of its own (cgctl.cli.relay)."""
        from cgctl.cli.passages import relay_command  # noqa: PLC0415

        return relay_command(self._file(), passages)

    def reader(self, readings: Sequence[Reading], known: Sequence[Answer]) -> Command:
        """As `Backends`: a cgctl of its own (cgctl.cli.reader)."""
        from cgctl.cli.passages import reader_command  # noqa: PLC0415

        return reader_command(self._file(), readings, known)

    def errand(self, kind: str, plan: Mapping[str, Any]) -> Command:
        """As `Backends`: a cgctl of its own (cgctl.cli.errand)."""
        from cgctl.cli.passages import errand_command  # noqa: PLC0415

        # inherited by what is started here, so that no file and no process list shows it
        os.environ["CGCTL_STATE"] = absolute_state_url(state_url(self._invocation.state, self.state))
        return errand_command(self._file(), kind, plan)

    def _file(self) -> Path | None:
        found = configuration_file(self._invocation.config)
        return found.absolute() if found else None

    def share_server(self, one: str, other: str) -> bool:
        """Whether both are reached in one way: a path of one is then a path of the other."""
        return self._way_to(one) == self._way_to(other)

    def share_machine(self, one: str, other: str) -> bool:
        """Whether both are reached at one address."""
        ways = self._way_to(one), self._way_to(other)
        addresses = [(way.host, way.port) if way else None for way in ways]
        return addresses[0] == addresses[1]

    def _way_to(self, backend_id: str) -> SshSettings | None:
        return _ssh_settings(self._section(backend_id)) if backend_id != HERE else None

    def repositories(self) -> tuple[Mapping[str, RepositorySection], str | None]:
        """The configured repositories of backups, and which is the default."""
        found = self._configuration.backup_repositories
        only = next(iter(found)) if len(found) == 1 else None
        return found, self._configuration.default_backup_repository or only

    def close(self) -> None:
        """End all connections."""
        for runner in list(self.runners.values()):
            runner.close()

    def _section(self, backend_id: str) -> BackendSection:
        found = self._configuration.backends.get(backend_id)
        if found is None:
            known = ", ".join(self._configuration.backends)
            raise ConfigurationError(
                f"backend {backend_id}", "is not configured", f"name one of {known}, or add it to the configuration"
            )
        return found

    def _runner(self, section: BackendSection | None) -> StreamingRunner:
        from cgctl.remote.factory import runner_for  # noqa: PLC0415

        settings = _ssh_settings(section) if section else None
        if settings not in self.runners:
            self.runners[settings] = runner_for(settings)
        return self.runners[settings]


def _ssh_settings(section: BackendSection) -> SshSettings | None:
    ssh = section.ssh
    if ssh is None:
        return None
    return SshSettings(ssh.host, ssh.user, ssh.known_hosts, ssh.port, ssh.identity_file, ssh.sudo)
