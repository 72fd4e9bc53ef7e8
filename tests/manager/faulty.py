"""Servers that misbehave: the real `file` driver with a fault between it and cgctl, and exports that are only noted.

A fault is called for every changing call as `fault(name, call)`; it may fail, hang or die before or after the call.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import event
from sqlmodel import Session

from drivers import catalog
from drivers.backends.directory_pool.replication.driver import DirectoryPoolReplication
from drivers.backends.file.driver import FileDriver
from drivers.contract import Connection, Context, Exported, Finding, SourceForm

CHANGING = frozenset(
    (
        "create_volume",
        "delete_volume",
        "extend_volume",
        "create_snapshot",
        "delete_snapshot",
        "create_volume_from_snapshot",
        "create_cloned_volume",
        "create_consistencygroup",
        "create_consistencygroup_from_src",
        "delete_consistencygroup",
        "update_consistencygroup",
        "create_cgsnapshot",
        "delete_cgsnapshot",
        "revert_consistencygroup",
        "revert_to_snapshot",
        "copy_volume",
        "manage_existing",
        "manage_existing_snapshot",
        "unmanage",
        "unmanage_snapshot",
        "manage_existing_group",
        "repair",
    )
)

Call = Callable[[], Any]
Fault = Callable[[str, Call], Any]


def well(_name: str, call: Call) -> Any:
    """No fault at all."""
    return call()


@dataclass(frozen=True)
class FaultyDriver:
    """A Driver: what it does is real; `fault` decides what becomes of it."""

    real: FileDriver
    fault: Fault

    @property
    def images(self) -> FaultyDriver:
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.real, name)
        if name not in CHANGING:
            return method
        return lambda *args, **kwargs: self.fault(name, lambda: method(*args, **kwargs))


@dataclass(frozen=True)
class NotedExports:
    """An ExportServer that notes in a file of the pool who has access to what."""

    notes: Path
    fault: Fault = well
    protocol: str = "iscsi"
    grows_online: bool = False

    portal: ClassVar[str] = "192.0.2.1:3260"
    serves: ClassVar[frozenset[SourceForm]] = frozenset({SourceForm.FILE})

    def connection(self, volume_id: str, form: SourceForm = SourceForm.FILE) -> Connection:  # noqa: ARG002
        return Connection("iscsi", "192.0.2.1:3260", f"iqn.2026-11.io.cgctl:{volume_id}", 1, volume_id[:8])

    def offers(self) -> dict[str, Any]:
        """By volume id: attachment ids as `access`, and `source`, from the notes' directory."""
        return dict(json.loads(self.notes.read_text())) if self.notes.exists() else {}

    def ensure_exports(self, _context: Context, exports: Sequence[Exported]) -> None:
        new = {
            one.volume_id: {
                "access": sorted(access.attachment_id for access in one.accesses),
                "source": os.path.relpath(one.source, self.notes.parent),
            }
            for one in exports
        }
        self.fault("ensure_exports", lambda: self._write({**self.offers(), **new}))

    def remove_exports(self, _context: Context, volume_ids: Sequence[str]) -> None:
        left = {key: value for key, value in self.offers().items() if key not in volume_ids}
        self.fault("remove_exports", lambda: self._write(left))

    def check_exports(self, _context: Context, _exports: Sequence[Exported]) -> list[Finding]:
        return []

    def _write(self, offers: dict[str, Any]) -> None:
        self.notes.write_text(json.dumps(offers))


@dataclass(frozen=True)
class FaultyReplication:
    """A Replication: what it does is real; `fault` decides what becomes of it."""

    real: DirectoryPoolReplication
    fault: Fault

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.real, name)
        if name not in {"note_side", "note_point", "forget"}:
            return method
        return lambda *args, **kwargs: self.fault(name, lambda: method(*args, **kwargs))


def install(monkeypatch: pytest.MonkeyPatch, fault: Fault, *, grows_online: bool = False) -> None:
    """Put the fault between cgctl and every `file` driver, and every export. grows_online: of the exports."""
    monkeypatch.setitem(catalog.DRIVERS, "file", lambda *words: FaultyDriver(FileDriver(*words), fault))
    monkeypatch.setitem(
        catalog.REPLICATIONS, "file", lambda *words: FaultyReplication(DirectoryPoolReplication(*words), fault)
    )
    monkeypatch.setitem(
        catalog.EXPORTS,
        ("iscsi", "tgt"),
        lambda _backend_id, portal, _runner: NotedExports(_notes(portal), fault, grows_online=grows_online),
    )


def _notes(portal: str) -> Path:
    """The tests' portals carry the number of a directory: `127.0.0.1:PORT`."""
    return Path(os.environ["CGCTL_TEST_NOTES"]) / f"exports-{portal.rpartition(':')[2]}.json"


def raises_before(error: BaseException, *names: str) -> Fault:
    """The named calls (all, where none is named) fail, and nothing is done."""

    def fault(name: str, call: Call) -> Any:
        if not names or name in names:
            raise error
        return call()

    return fault


def raises_after(error: BaseException, *names: str) -> Fault:
    """The named calls (all, where none is named) are done, and then fail."""

    def fault(name: str, call: Call) -> Any:
        answer = call()
        if not names or name in names:
            raise error
        return answer

    return fault


def answers(answer: object, *names: str) -> Fault:
    """The named calls do nothing and answer so."""
    return lambda name, call: answer if name in names else call()


@dataclass
class Killer:
    """SIGKILL to this process at the n-th point: before and after each driver call and each commit of the state."""

    point: int
    passed: int = 0

    def pass_point(self, *_: object) -> None:
        """One more point; the n-th is the last."""
        self.passed += 1
        if self.passed == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def fault(self, _name: str, call: Call) -> Any:
        """The points around a driver call."""
        self.pass_point()
        answer = call()
        self.pass_point()
        return answer

    def arm(self) -> None:
        """In the child: be there at driver calls and commits."""
        install(pytest.MonkeyPatch(), self.fault)
        event.listen(Session, "before_commit", self.pass_point)
        event.listen(Session, "after_commit", self.pass_point)
