"""A backend of the configuration, with the driver and the export server that its section names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgctl.errors import ConfigurationError

if TYPE_CHECKING:
    from cgctl.config.schema import Backend as BackendSection
    from drivers.contract import Backend, ExportServer
    from drivers.replication import Replication
    from drivers.runner import Runner


def misfit(driver: str, protocol: str, server: str) -> str | None:
    """See cgctl.config.crosscheck.Misfit."""
    from drivers import catalog  # noqa: PLC0415

    return catalog.misfit(driver, protocol, server)


def build(backend_id: str, section: BackendSection, runner: Runner) -> Backend:
    """A backend as its section describes it. Raises ConfigurationError for a word that no driver has."""
    from drivers import catalog  # noqa: PLC0415
    from drivers.activities.place import ActivityPlace  # noqa: PLC0415
    from drivers.contract import Backend  # noqa: PLC0415
    from drivers.replication import ReplicationTarget  # noqa: PLC0415

    if section.driver not in catalog.DRIVERS:
        raise _not_yet(f"backends.{backend_id}.driver", section.driver, sorted(catalog.DRIVERS))
    protocol = section.export.protocol if section.export else "local"
    driver = catalog.DRIVERS[section.driver](backend_id, section.pool, runner, protocol)
    return Backend(
        id=backend_id,
        driver=driver,
        export=_export(backend_id, section, runner),
        capabilities=section.capabilities,
        availability_zone=section.availability_zone,
        reserved_percentage=section.reserved_percentage,
        max_over_subscription_ratio=section.max_over_subscription_ratio,
        replication=_replication(section, runner),
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


def _replication(section: BackendSection, runner: Runner) -> Replication | None:
    from drivers.catalog import REPLICATIONS  # noqa: PLC0415

    make = REPLICATIONS.get(section.driver)
    return make(section.driver, section.pool, runner) if make else None


def _export(backend_id: str, section: BackendSection, runner: Runner) -> ExportServer | None:
    from drivers.catalog import EXPORTS  # noqa: PLC0415

    if section.export is None:
        return None
    word = (section.export.protocol, section.export.server)
    if word not in EXPORTS:
        known = sorted(server for _, server in EXPORTS)
        raise _not_yet(f"backends.{backend_id}.export.server", section.export.server, known)
    return EXPORTS[word](backend_id, section.export.portal, runner)


def _not_yet(path: str, word: str, known: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(path, f"{word} is not built yet", f"there are: {', '.join(known)}")
