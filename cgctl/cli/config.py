"""`config-check`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cgctl.cli.command import command
from cgctl.cli.invocation import Invocation
from cgctl.cli.result import Column, Listing
from cgctl.config.places import state_url

if TYPE_CHECKING:
    from cgctl.config.schema import Backend

_log = logging.getLogger(__name__)

COLUMNS = tuple(
    Column(heading, key)
    for heading, key in (
        ("Backend", "id"),
        ("Driver", "driver"),
        ("Server", "server"),
        ("Pool", "pool"),
        ("Export", "export"),
        ("Zone", "availability_zone"),
    )
)


@command("config-check")
def config_check(invocation: Invocation) -> Listing:
    """Check the configuration file; every problem at once.

    Looks at this machine only: no server is asked (`cgctl backend-check` does that). Problems end with exit code 3;
    warnings do not.
    """
    from cgctl.cli.wiring.building import misfit  # noqa: PLC0415
    from cgctl.config.crosscheck import warnings  # noqa: PLC0415 (help and completion do without pydantic)
    from cgctl.config.load import load  # noqa: PLC0415

    loaded = load(invocation.config, misfit)
    state_url(invocation.state, lambda: loaded.configuration.state)
    for warning in warnings(loaded.configuration, loaded.source):
        _log.warning(warning)
    rows = [_row(name, backend) for name, backend in loaded.configuration.backends.items()]
    return Listing(rows, COLUMNS, note=f"{loaded.source}: {len(rows)} backends, no problems")


def _row(name: str, backend: Backend) -> dict[str, object]:
    export = backend.export
    return {
        "id": name,
        "driver": backend.driver,
        "server": backend.server,
        "pool": backend.pool,
        "export": f"{export.protocol} by {export.server} at {export.portal}" if export else None,
        "availability_zone": backend.availability_zone,
        "replication_targets": [device.backend_id for device in backend.replication_targets],
    }
