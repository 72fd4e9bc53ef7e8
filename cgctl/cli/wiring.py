"""Where everything is joined: configuration, state, runners, drivers. The only module that knows all of them.

Nothing is read or reached before it is used: a list with `--state` needs no configuration, a show no server.
"""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgctl.cli.invocation import Invocation
from cgctl.cli.progress import TerminalProgress
from cgctl.config.places import absolute_state_url, configuration_file, state_directory, state_url
from cgctl.errors import ConfigurationError
from cgctl.manager.environment import (
    HERE,
    Carried,
    Delivery,
    Environment,
    Follow,
    NamedRepository,
    Passage,
    QuiesceHooks,
    RanHere,
    Settings,
    ShowProgress,
    Way,
    leave_running,
)
from cgctl.remote.settings import SshSettings
from cgctl.store.database import Store
from cgctl.store.retention import Keep
from drivers.errors import DriverError

if TYPE_CHECKING:
    from cgctl.config.schema import Backend as BackendSection
    from cgctl.config.schema import BackupRepository as RepositorySection
    from cgctl.config.schema import Configuration
    from cgctl.manager.readings import Answer, Reading
    from cgctl.remote.transfer import End, StreamingRunner
    from drivers.activities.place import ActivityPlace
    from drivers.command import Command
    from drivers.contract import Backend, ExportServer
    from drivers.replication import Replication
    from drivers.runner import Runner

_log = logging.getLogger(__name__)


class Env(Environment):
    """The environment of one command."""

    def __init__(
        self,
        invocation: Invocation,
        on_interrupt: Callable[[str, str], str] = leave_running,
        progress: ShowProgress | None = None,
    ) -> None:
        configured = Configured(invocation)
        configured.require_named_file()
        super().__init__(
            store=Store(state_url(invocation.state, configured.state)),
            backends=configured,
            repositories=ConfiguredRepositories(configured),
            quiesced=_quiesced,
            carry=Carrying(configured),
            run_here=_run_here,
            warn=_log.warning,
            settings=configured.settings,
            command_line=shlex.join(["cgctl", *invocation.command_line]),
            dry_run=invocation.dry_run,
            lock_timeout_seconds=invocation.lock_timeout_seconds,
            on_interrupt=on_interrupt,
            show_progress=progress or TerminalProgress(quiet=invocation.quiet),
        )

    def close(self) -> None:
        """End all connections."""
        if isinstance(self.show_progress, TerminalProgress):
            self.show_progress.close()
        assert isinstance(self.backends, Configured)
        self.backends.close()
        self.store.close()


def _quiesced(
    hooks: QuiesceHooks, bound_seconds: float, environment: Mapping[str, str]
) -> AbstractContextManager[object]:
    from cgctl.remote.hooks import HookRunner, Hooks  # noqa: PLC0415 (only groups with hooks need it)

    return HookRunner().quiesced(Hooks(hooks.pre, hooks.post, hooks.timeout_seconds), bound_seconds, environment)


_HERE = 'eval "$(cat)"; exec </dev/null; eval "$1"'
"""The environment comes by standard input, not as arguments: those show in the process list."""


def _run_here(shell_line: str, environment: Mapping[str, str], timeout_seconds: float) -> RanHere:
    from cgctl.remote.local import LocalRunner  # noqa: PLC0415
    from drivers.command import Command, Secret  # noqa: PLC0415

    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in environment.items())
    try:
        command = Command(("sh", "-c", _HERE, "hook", shell_line), Secret(exports), shell_line)
        completed = LocalRunner().run(command, timeout_seconds)
    except DriverError as error:
        return RanHere("", error.message)
    output = completed.stdout + completed.stderr
    if completed.exit_status == 0:
        return RanHere(output)
    said = [line for line in output.splitlines() if line.strip()]
    return RanHere(output, (said or [f"exit status {completed.exit_status}"])[-1])


class Carrying:
    """`Carrier`, between configured backends."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._shut: dict[tuple[str, str], str] = {}
        """Why a direct path did not work, so that one command tries it once."""

    def __call__(self, delivery: Delivery, way: Way, follow: Follow) -> Carried:
        from cgctl.remote.transfer import Errand, Limits, transfer  # noqa: PLC0415 (only replication needs it)

        ends = delivery.source, delivery.destination
        source, destination = (self._configured.end(backend_id) for backend_id in ends)
        errand = Errand(delivery.owner, delivery.group_id, source, delivery.send, destination, delivery.receive)
        path = "relay" if way.path == "auto" and ends in self._shut else way.path
        limits = Limits(way.bytes_per_second, path=path, compression=way.compression)
        done = transfer(errand, limits, follow)
        if done.note:
            self._shut[ends] = done.note
        return Carried(done.stream_bytes, done.seconds, done.path, done.compression, self._shut.get(ends))

    def forget_way(self, owner: str, source: str, destination: str) -> None:
        from cgctl.remote.transfer import forget_way  # noqa: PLC0415

        forget_way(owner, self._configured.end(source), self._configured.end(destination))


def misfit(driver: str, protocol: str, server: str) -> str | None:
    """See cgctl.config.crosscheck.Misfit."""
    from drivers import catalog  # noqa: PLC0415

    return catalog.misfit(driver, protocol, server)


class Configured:
    """The configured backends, each built when it is first used; backends of one server share its connection."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._built: dict[str, Backend] = {}
        self.runners: dict[SshSettings | None, StreamingRunner] = {}

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
            self._built[backend_id] = self._build(backend_id, self._section(backend_id))
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
        for runner in self.runners.values():
            runner.close()

    def _section(self, backend_id: str) -> BackendSection:
        found = self._configuration.backends.get(backend_id)
        if found is None:
            known = ", ".join(self._configuration.backends)
            raise ConfigurationError(
                f"backend {backend_id}", "is not configured", f"name one of {known}, or add it to the configuration"
            )
        return found

    def _build(self, backend_id: str, section: BackendSection) -> Backend:
        from drivers import catalog  # noqa: PLC0415
        from drivers.activities.place import ActivityPlace  # noqa: PLC0415
        from drivers.contract import Backend  # noqa: PLC0415
        from drivers.replication import ReplicationTarget  # noqa: PLC0415

        if section.driver not in catalog.DRIVERS:
            raise _not_yet(f"backends.{backend_id}.driver", section.driver, sorted(catalog.DRIVERS))
        runner = self._runner(section)
        protocol = section.export.protocol if section.export else "local"
        driver = catalog.DRIVERS[section.driver](backend_id, section.pool, runner, protocol)
        return Backend(
            id=backend_id,
            driver=driver,
            export=self._export(backend_id, section, runner),
            capabilities=section.capabilities,
            availability_zone=section.availability_zone,
            reserved_percentage=section.reserved_percentage,
            max_over_subscription_ratio=section.max_over_subscription_ratio,
            replication=self._replication(section, runner),
            replication_targets=[
                ReplicationTarget(
                    one.backend_id,
                    one.backend,
                    one.rpo_seconds,
                    one.bandwidth_limit_bytes,
                    one.path,
                    one.compression,
                    one.keep_snapshots,
                )
                for one in section.replication_targets
            ],
            fence=section.fence,
            activities=ActivityPlace(runner, driver.activity_directory),
        )

    def _replication(self, section: BackendSection, runner: Runner) -> Replication | None:
        from drivers.catalog import REPLICATIONS  # noqa: PLC0415

        make = REPLICATIONS.get(section.driver)
        return make(section.driver, section.pool, runner) if make else None

    def _export(self, backend_id: str, section: BackendSection, runner: Runner) -> ExportServer | None:
        from drivers.catalog import EXPORTS  # noqa: PLC0415

        if section.export is None:
            return None
        word = (section.export.protocol, section.export.server)
        if word not in EXPORTS:
            known = sorted(server for _, server in EXPORTS)
            raise _not_yet(f"backends.{backend_id}.export.server", section.export.server, known)
        return EXPORTS[word](backend_id, section.export.portal, runner)

    def _runner(self, section: BackendSection | None) -> StreamingRunner:
        from cgctl.remote.factory import runner_for  # noqa: PLC0415

        settings = _ssh_settings(section) if section else None
        if settings not in self.runners:
            self.runners[settings] = runner_for(settings)
        return self.runners[settings]


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


def _ssh_settings(section: BackendSection) -> SshSettings | None:
    ssh = section.ssh
    if ssh is None:
        return None
    return SshSettings(ssh.host, ssh.user, ssh.known_hosts, ssh.port, ssh.identity_file, ssh.sudo)


def _not_yet(path: str, word: str, known: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(path, f"{word} is not built yet", f"there are: {', '.join(known)}")
