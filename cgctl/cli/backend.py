"""`backend-*`, `get-*`, `service-list`, `freeze-host`, `thaw-host`: what is configured, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import Filters, pairs
from cgctl.cli.result import Column, Done, Listing, Show

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Host = Annotated[
    str, typer.Argument(metavar="HOST", help="The backend's id in the configuration; host@backend#pool works, too.")
]
Reference = Annotated[str, typer.Argument(metavar="BACKEND", help="The backend's id in the configuration.")]
COLUMNS = (
    Column("ID", "id"),
    Column("Driver", "driver"),
    Column("Server", "server"),
    Column("Export", "export"),
    Column("Zone", "availability_zone"),
)
CHECKED = (
    Column("Backend", "backend"),
    Column("Check", "check"),
    Column("Result", "result"),
    Column("Detail", "detail"),
    Column("Hint", "hint"),
)
SERVICES = (
    Column("Binary", "binary"),
    Column("Host", "host"),
    Column("Zone", "zone"),
    Column("Status", "status"),
    Column("State", "state"),
    Column("Updated_at", "updated_at"),
    Column("Cluster", "cluster"),
    Column("Disabled Reason", "disabled_reason"),
    Column("Backend State", "backend_state"),
)
REPLICATION = (
    Column("Replication Status", "replication_status"),
    Column("Active Backend ID", "active_backend_id"),
    Column("Frozen", "frozen"),
)
SERVICE_KEYS = tuple(column.key for column in (*SERVICES, *REPLICATION))
POOL_COLUMNS = (Column("name", "name"),)
POOL_DETAILS = (
    Column("name", "name"),
    Column("total_capacity_gb", "total_capacity_gb"),
    Column("free_capacity_gb", "free_capacity_gb"),
    Column("provisioned_capacity_gb", "provisioned_capacity_gb"),
    Column("storage_protocol", "storage_protocol"),
    Column("atomic_group_snapshot", "atomic_group_snapshot"),
    Column("problem", "problem"),
)


@command("backend-list")
def backend_list(env: Env) -> Listing:
    """List the configured backends; no server is asked."""
    return Listing([manager.backends.backend_view(env, one) for one in env.backends.ids()], COLUMNS)


@command("backend-show")
def backend_show(env: Env, reference: Reference) -> Show:
    """Show a backend with what its server answers."""
    return Show({**manager.backends.backend_view(env, reference), **manager.backends.capabilities_view(env, reference)})


@command("backend-check", changes=True)
def backend_check_command(
    env: Env,
    references: Annotated[list[str] | None, typer.Argument(metavar="BACKEND...", help="Backends; all without.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make servers and exports as they shall be first.")] = False,
) -> Listing:
    """Check servers, pools and exports.

    Each failed check names what mends it. Exit code 6 when one fails, 8 when a server does not answer."""
    checked = manager.backend_check.check(env, references or env.backends.ids(), repair=repair)
    return Listing([one.view() for one in checked], CHECKED, failure=manager.backend_check.verdict(checked))


@command("get-pools")
def get_pools(
    env: Env,
    detail: Annotated[bool, typer.Option("--detail", help="Room and capabilities as well.")] = False,
    filters: Filters = None,
) -> Listing:
    """List the pools that volumes can be placed in.

    Filters are capabilities, name, and volume_type: the pools that fit its extra specs.
    """
    return Listing(manager.pools.pools(env, pairs(filters)), POOL_DETAILS if detail else POOL_COLUMNS, noun="Pool")


@command("get-capabilities")
def get_capabilities(env: Env, host: Host) -> Show:
    """Show what a backend can do: its stats, and its properties."""
    view = manager.backends.capabilities_view(env, backend_id(host))
    stats = manager.backends.STATS
    return Show(view, tables=(("Volume stats", stats), ("Backend properties", tuple(sorted(view.keys() - set(stats))))))


@command("service-list")
def service_list(
    env: Env,
    host: Annotated[str | None, typer.Option("--host", metavar="BACKEND", help="Only this backend.")] = None,
    binary: Annotated[str | None, typer.Option("--binary", help="Only this kind of service; there is one.")] = None,
    with_replication: Annotated[
        bool,
        typer.Option(
            "--withreplication/--no-withreplication", help="Replication and frozen as well; True or False may follow."
        ),
    ] = False,
) -> Listing:
    """List the backends: whether their servers answer, whether they are frozen."""
    rows = manager.backends.services_view(env, backend_id(host) if host else None)
    columns = (*SERVICES[:7], *(REPLICATION if with_replication else ()), *SERVICES[7:])
    return Listing([row for row in rows if binary in {None, row["binary"]}], columns, SERVICE_KEYS, "Service")


@command("freeze-host", changes=True)
def freeze_host(env: Env, host: Host) -> Done:
    """Freeze a backend: no command changes anything on it, until thaw-host.

    Clients go on working with its volumes; lists and shows work as ever; new groups and volumes go to other backends.
    Syncs leave it out, and no failover or drill goes to it.
    """
    manager.freezing.set_frozen(env, backend_id(host), frozen=True)
    return Done(f"backend {host}: frozen")


@command("thaw-host", changes=True)
def thaw_host(env: Env, host: Host) -> Done:
    """Thaw a backend that was frozen."""
    manager.freezing.set_frozen(env, backend_id(host), frozen=False)
    return Done(f"backend {host}: thawed")


def backend_id(host: str) -> str:
    """The backend in Cinder's `host@backend#pool`."""
    return host.rpartition("@")[2].partition("#")[0]
