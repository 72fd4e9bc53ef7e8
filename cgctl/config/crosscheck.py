"""What no single key can tell: do the parts of a valid configuration fit together? Pure but for `warnings`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import combinations
from pathlib import Path, PurePosixPath

from cgctl.config.schema import Backend, Configuration

Misfit = Callable[[str, str, str], str | None]
"""(driver, protocol, export server) -> why that server cannot offer volumes of that driver; None where it can."""


def contradictions(backends: Mapping[str, Backend], ids: Collection[str], misfit: Misfit) -> Iterator[str]:
    """Problems of backends with each other, each with its path in the file. ids: of all, also of unsound ones."""
    for (first, one), (second, other) in combinations(backends.items(), 2):
        if one.server == other.server and _overlap(one, other):
            yield f"backends.{second}.pool: the same pool on the same server as backends.{first}"
    for name, backend in backends.items():
        yield from _replication(name, backend, ids)
        export = backend.export
        why = misfit(backend.driver, export.protocol, export.server) if export else None
        if why:
            yield f"backends.{name}.export.server: {why}"


def _overlap(one: Backend, other: Backend) -> bool:
    """The same pool, or a directory inside the other's."""
    first, second = PurePosixPath(one.pool), PurePosixPath(other.pool)
    return first.is_relative_to(second) or second.is_relative_to(first)


def of_repositories(configuration: Configuration) -> Iterator[str]:
    """Problems of the backups' repositories: a backend that is not there, a directory that is somebody else's, too."""
    found, backends = configuration.backup_repositories, configuration.backends
    default = configuration.default_backup_repository
    if default is not None and default not in found:
        yield f"default_backup_repository: there is no repository {default!r}"
    places: dict[tuple[str, str], str] = {}
    for name, one in found.items():
        path = f"backup_repositories.{name}"
        if one.backend is not None and one.backend not in backends:
            yield f"{path}.backend: there is no backend {one.backend!r}"
            continue
        server = backends[one.backend].server if one.backend else "this machine"
        for other, pool in ((key, its) for key, its in backends.items() if its.server == server):
            directory, place = PurePosixPath(one.directory), PurePosixPath(pool.pool)
            if directory.is_relative_to(place) or place.is_relative_to(directory):
                yield f"{path}.directory: overlaps with backends.{other}.pool"
        first = places.setdefault((server, one.directory), name)
        if first != name:
            yield f"{path}.directory: the same as backup_repositories.{first}"


def _replication(name: str, backend: Backend, ids: Collection[str]) -> Iterator[str]:
    seen: set[str] = set()
    for number, device in enumerate(backend.replication_targets):
        path = f"backends.{name}.replication_targets.{number}"
        if device.backend_id in seen:
            yield f"{path}.backend_id: {device.backend_id} is there twice"
        seen.add(device.backend_id)
        if device.backend == name:
            yield f"{path}.backend: a backend cannot replicate to itself"
        elif device.backend not in ids:
            yield f"{path}.backend: there is no backend {device.backend!r}"


def warnings(configuration: Configuration, source: Path) -> Iterator[str]:
    """What works but should be looked at: the key files of this machine, and who may write the configuration."""
    if _mode(source) & (stat.S_IWGRP | stat.S_IWOTH):
        yield f"{source}: others may write it: chmod go-w {source}"
    for name, backend in configuration.backends.items():
        if backend.ssh is None:
            continue
        identity, known = backend.ssh.identity_file, backend.ssh.known_hosts
        if identity is not None:
            yield from _identity_warnings(f"backends.{name}.ssh.identity_file", identity)
        if not known.is_file():
            yield f"backends.{name}.ssh.known_hosts: there is no file {known}: every server would be refused"


def _identity_warnings(path: str, identity: Path) -> Iterator[str]:
    if not identity.is_file():
        yield f"{path}: there is no file {identity}"
    elif not os.access(identity, os.R_OK):
        yield f"{path}: {identity} cannot be read"
    elif _mode(identity) & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"{path}: others may read {identity}: chmod 600 {identity}"


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
