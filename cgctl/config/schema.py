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
    model_validator,
)
from pydantic_core import PydanticCustomError

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


def at(path: str, message: str) -> PydanticCustomError:
    """A problem of a key below the model that is looked at."""
    return PydanticCustomError("at", "{message}", {"message": message, "at": path})


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

    @model_validator(mode="after")
    def _fits(self) -> Self:
        servers = EXPORT_SERVERS[self.protocol]
        if self.server not in servers:
            raise at("server", f"{self.server} does not serve {self.protocol}; one of: {', '.join(servers)}")
        try:
            object.__setattr__(self, "portal", values.portal(self.portal, DEFAULT_PORTS[self.protocol]))
        except ValueError as error:
            raise at("portal", str(error)) from error
        return self


class ReplicationTarget(Section):
    """Cinder's replication_device. backend: the configured backend it stands for. bandwidth: bytes per second."""

    backend_id: Identifier
    backend: Identifier = ""
    rpo_seconds: Duration | None = Field(default=None, alias="rpo")
    bandwidth_limit_bytes: Size | None = Field(default=None, alias="bandwidth_limit")

    @model_validator(mode="after")
    def _stands_for(self) -> Self:
        if not self.backend:
            object.__setattr__(self, "backend", self.backend_id)
        return self


class Backend(Section):
    """One pool on one server."""

    driver: Literal["file", "btrfs", "lvm", "zfs", "rbd"]
    pool: Word
    ssh: Ssh | None = None
    export: Export | None = None
    replication_targets: tuple[ReplicationTarget, ...] = ()
    availability_zone: Word = "nova"
    reserved_percentage: Percentage = 0
    max_over_subscription_ratio: Annotated[float, Field(strict=True, ge=1, allow_inf_nan=False)] = 20.0
    capabilities: dict[Word, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _pool_fits_driver(self) -> Self:
        try:
            object.__setattr__(self, "pool", values.pool(self.pool, self.driver))
        except ValueError as error:
            raise at("pool", f"{error} (driver {self.driver})") from error
        return self

    @property
    def server(self) -> str:
        """The machine, as far as the configuration can tell machines apart."""
        return f"{self.ssh.host}:{self.ssh.port}" if self.ssh else "this machine"


class Hooks(Section):
    """Shell commands of this machine around the hold of a group's snapshot. `post` runs always."""

    pre: Word | None = None
    post: Word | None = None
    timeout_seconds: Annotated[Duration, Field(le=600)] = Field(default=30, alias="timeout")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.pre is None and self.post is None:
            raise at("", "must have pre or post")
        return self


class Configuration(Section):
    """The whole file. hooks: by the group's name or id. state: None where the file says nothing."""

    state: StateUrl | None = None
    backends: Annotated[dict[Identifier, Backend], Field(min_length=1)]
    default_volume_type: Word | None = None
    default_group_type: Word | None = None
    hold_seconds: Annotated[float, Field(strict=True, ge=1, le=120, allow_inf_nan=False)] = 7.0
    hooks: dict[Word, Hooks] = Field(default_factory=dict)
