"""The configuration as pydantic models: keys, forms and what must fit together. `config.example.yaml` explains them."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from cgctl.config import values
from cgctl.config.places import checked_state_url
from cgctl.errors import ConfigurationError

EXPORT_SERVERS = {"iscsi": ("lio", "tgt"), "nfs": ("kernel", "ganesha")}
DEFAULT_PORTS = {"iscsi": 3260, "nfs": 2049}
RESERVED_ID = "default"
"""What `--secondary-backend-id` takes for a failback (Cinder); hence no id of a backend or replication target."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
LocalPath = Annotated[Path, BeforeValidator(values.local_path)]
Percentage = Annotated[int, Field(strict=True, ge=0, le=100)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Duration = Annotated[int, BeforeValidator(values.seconds)]
Size = Annotated[int, BeforeValidator(values.size_bytes)]


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value):
        raise ValueError("must be letters, digits and . _ - between, 63 at most")
    if value == RESERVED_ID:
        raise ValueError("is reserved for the failback: --secondary-backend-id default")
    return value


def _state(value: str) -> str:
    try:
        return checked_state_url(value, "state")
    except ConfigurationError as error:
        raise ValueError(f"must be a URL of SQLite or PostgreSQL, such as {error.hint}") from error


Identifier = Annotated[str, AfterValidator(_identifier)]
StateUrl = Annotated[str, AfterValidator(_state)]


def _ssh_address(value: str) -> str:
    return values.portal(value, 22)


class Section(BaseModel):
    """Frozen, no unknown keys, no silent conversions between kinds."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Ssh(Section):
    """How to reach the server. user: default the local user's name. identity_file: default those of the ssh client."""

    host: Annotated[str, AfterValidator(values.host)]
    port: Port = 22
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$")] = Field(
        default_factory=getpass.getuser
    )
    identity_file: LocalPath | None = None
    known_hosts: LocalPath = Field(default_factory=lambda: values.local_path("~/.ssh/known_hosts"))
    sudo: Annotated[bool, Field(strict=True)] = False


class Export(Section):
    """How clients reach volumes. portal: always with its port."""

    protocol: Literal["iscsi", "nfs"]
    server: Literal["lio", "tgt", "kernel", "ganesha"]
    portal: str

    @field_validator("server")
    @classmethod
    def _serves(cls, server: str, found: ValidationInfo) -> str:
        protocol = found.data.get("protocol", "")
        servers = EXPORT_SERVERS.get(protocol, (server,))
        if server not in servers:
            raise ValueError(f"{server} does not serve {protocol}; one of: {', '.join(servers)}")
        return server

    @field_validator("portal")
    @classmethod
    def _with_port(cls, portal: str, found: ValidationInfo) -> str:
        return values.portal(portal, DEFAULT_PORTS.get(found.data.get("protocol", ""), 1))


DataPath = Literal["auto", "direct", "relay"]
Compression = Literal["zstd", "gzip", "none"]


class ReplicationWay(Section):
    """How recovery points travel, where a replication target does not say otherwise."""

    path: DataPath = "auto"
    compression: Compression = "none"


class ReplicationTarget(Section):
    """Cinder's replication_device. backend: the configured backend it stands for. bandwidth: bytes per second."""

    backend_id: Identifier
    backend: Annotated[Identifier, Field(validate_default=True)] = ""
    rpo_seconds: Duration | None = Field(default=None, alias="rpo")
    bandwidth_limit_bytes: Size | None = Field(default=None, alias="bandwidth_limit")
    keep_snapshots: Annotated[int, Field(strict=True, ge=1)] | None = None
    path: DataPath | None = None
    compression: Compression | None = None

    @field_validator("backend", mode="wrap")
    @classmethod
    def _same_word(cls, value: object, check: ValidatorFunctionWrapHandler, found: ValidationInfo) -> str:
        return str(check(value) if value != "" else found.data.get("backend_id", ""))


class Backend(Section):
    """One pool on one server. fence: a shell command of this machine; when it ends with 0, the server serves nobody."""

    driver: Literal["file", "btrfs", "lvm", "zfs", "rbd"]
    pool: Word
    ssh: Ssh | None = None
    export: Export | None = None
    replication_targets: tuple[ReplicationTarget, ...] = ()
    replication_address: Annotated[str, AfterValidator(_ssh_address)] | None = None
    availability_zone: Word = "nova"
    reserved_percentage: Percentage = 0
    max_over_subscription_ratio: Annotated[float, Field(strict=True, ge=1, allow_inf_nan=False)] = 20.0
    capabilities: dict[Word, JsonValue] = Field(default_factory=dict)
    fence: Word | None = None

    @field_validator("pool")
    @classmethod
    def _fits_driver(cls, pool: str, found: ValidationInfo) -> str:
        return values.pool(pool, found.data["driver"]) if "driver" in found.data else pool

    @property
    def server(self) -> str:
        """The machine, as far as the configuration can tell machines apart."""
        return f"{self.ssh.host}:{self.ssh.port}" if self.ssh else "this machine"


class BackupRepository(Section):
    """A directory for backups. backend: on whose server; None for this machine."""

    directory: Annotated[str, AfterValidator(values.directory)]
    backend: Identifier | None = None
    compression: Literal["zstd", "gzip", "lz4", "none"] = "zstd"


class Hooks(Section):
    """Shell commands of this machine: around the hold of a group snapshot (`post` runs always), after a failover."""

    pre: Word | None = None
    post: Word | None = None
    post_failover: Word | None = None
    timeout_seconds: Annotated[Duration, Field(le=600)] = Field(default=30, alias="timeout")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.pre is None and self.post is None and self.post_failover is None:
            raise ValueError("must have pre, post or post_failover")
        return self


class History(Section):
    """How long what is over is remembered: up to `newest` events. failovers: these and drills, however many."""

    keep_seconds: Duration = Field(default=365 * 86400, alias="keep")
    newest: Annotated[int, Field(strict=True, ge=1_000)] = 100_000
    failovers_seconds: Duration = Field(default=3650 * 86400, alias="keep_failovers")


class Configuration(Section):
    """The whole file. hooks: by the group's name or id. state: None where the file says nothing."""

    state: StateUrl | None = None
    backends: Annotated[dict[Identifier, Backend], Field(min_length=1)]
    default_volume_type: Word | None = None
    default_group_type: Word | None = None
    availability_zone_fallback: Annotated[bool, Field(strict=True)] = False
    capacity_weight: Annotated[float, Field(strict=True, allow_inf_nan=False)] = 1.0
    hold_seconds: Annotated[float, Field(strict=True, ge=1, le=120, allow_inf_nan=False)] = 7.0
    hooks: dict[Word, Hooks] = Field(default_factory=dict)
    backup_repositories: dict[Identifier, BackupRepository] = Field(default_factory=dict)
    default_backup_repository: Identifier | None = None
    replication: ReplicationWay = ReplicationWay()
    history: History = History()
