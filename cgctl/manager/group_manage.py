"""`group-manage`: the image files of a directory of a pool become the members of a new group, all at once.

Data are not copied and never deleted by it: refused or interrupted, the files are members, all of them, or where they
were. So a failure of the server leaves it unsettled too: the same call again ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, NotFound, Refused
from cgctl.failures import explain
from cgctl.manager import removal
from cgctl.manager.environment import Environment
from cgctl.manager.groups import types_of
from cgctl.manager.objects import volume_objects
from cgctl.manager.operation import Intent, perform
from cgctl.manager.placement import place, specs_for
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.group import check_types_agree
from cgctl.model.names import checked_text, size_gib
from cgctl.model.states import GroupStatus, VolumeStatus
from cgctl.model.tables import Group, GroupVolumeType, Volume, new_id
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import members
from drivers import contract
from drivers.contract import Context, Manageable
from drivers.errors import DriverError, OutcomeUnknown, ServerFailed


@dataclass(frozen=True)
class Wanted:
    """What was asked for; group_type None makes a consistency group, volume_type is every member's."""

    host: str
    directory: str
    group_type: str | None
    volume_type: str
    name: str | None = None
    description: str | None = None


@dataclass
class Managing:
    """The rows, and where each volume was found."""

    made: Doomed
    references: Mapping[str, str]


@dataclass(frozen=True)
class ManageGroup:
    """The operation."""

    env: Environment
    wanted: Wanted
    found: Sequence[Manageable]
    kind: str = "group-manage"

    def intend(self, intent: Intent) -> Managing:
        made = self._rows(intent)
        references = {row.id: one.reference for row, one in zip(made.volumes, self.found, strict=True)}
        intent.lock(made.row.id, *(f"{self.wanted.host}/{one}" for one in references.values()))
        intent.about("group", made.row.id, made.row.name)
        intent.settled_by("manage group", id=made.row.id, references=references)
        server = self.env.backends.server(self.wanted.host)
        for row, one in zip(made.volumes, self.found, strict=True):
            intent.will(f"{server}: make volume {row.name} of {one.reference} ({size_gib(one.size_bytes)} GiB)")
        return Managing(made, references)

    def _rows(self, intent: Intent) -> Doomed:
        wanted = self.wanted
        its_type, types = types_of(intent.session, _subject(wanted), wanted.group_type, [wanted.volume_type])
        zone = self.env.backends.get(wanted.host).availability_zone
        row = Group(
            name=wanted.name,
            description=wanted.description,
            status=GroupStatus.CREATING,
            availability_zone=zone,
            host=wanted.host,
            group_type_id=its_type.id,
        )
        intent.add(row)
        intent.add(*(GroupVolumeType(group_id=row.id, volume_type_id=one.id) for one in types))
        volumes = [
            Volume(
                name=PurePosixPath(one.reference).stem,
                status=VolumeStatus.CREATING,
                size_bytes=one.size_bytes,
                volume_type_id=types[0].id,
                group_id=row.id,
                host=wanted.host,
                availability_zone=zone,
            )
            for one in self.found
        ]
        intent.add(*volumes)
        return Doomed(row, volumes)

    def work(self, context: Context, subject: Managing) -> None:
        manage_on_server(self.env, context, subject)

    def finish(self, session: Session, subject: Managing, outcome: None) -> CgctlError | None:  # noqa: ARG002
        removal.mark(session, subject.made, GroupStatus.AVAILABLE)
        return None

    def refuse(self, session: Session, subject: Managing) -> None:
        removal.never_was(session, subject.made)

    def fail(self, session: Session, subject: Managing) -> None:
        removal.mark(session, subject.made, GroupStatus.ERROR)


def manage_group(env: Environment, wanted: Wanted) -> Group:
    """Take the files over. Raises NotFound and Refused, each file's reason named, with nothing changed."""
    checked_text("group name", wanted.name)
    checked_text("group description", wanted.description)
    subject = _subject(wanted)
    found = _found(env, subject, wanted)
    with env.store.write() as session:
        its_type, types = types_of(session, subject, wanted.group_type, [wanted.volume_type])
        check_types_agree(subject, its_type, types)
        specs = specs_for(its_type, types)
        session.rollback()  # as in `groups`: the type of consistency groups is kept by the intent
    place(env, subject, Request(specs), wanted.host)
    made = perform(env, ManageGroup(env, wanted, found)).made.row
    assert isinstance(made, Group)
    return made


def _subject(wanted: Wanted) -> str:
    return f"group {wanted.name or ''}".strip()


def _found(env: Environment, subject: str, wanted: Wanted) -> list[Manageable]:
    """All files directly in the directory, in the order of their names, if every one is safe."""
    try:
        listed = env.backends.get(wanted.host).driver.list_manageable(env.context(new_id()))
    except DriverError as error:
        raise explain(error, f"backend {wanted.host}") from error
    folder = PurePosixPath(wanted.directory)
    inside = sorted((one for one in listed if not one.cgctl_id), key=lambda one: one.reference)
    found = [one for one in inside if PurePosixPath(one.reference).parent == folder]
    way_out = f"see what is there: cgctl manageable-list {wanted.host}"
    if not found:
        raise NotFound(f"{wanted.host}: {wanted.directory}", "has no files that are not cgctl's", way_out)
    unsafe = [f"{one.reference}: {one.reason_not_safe}" for one in found if one.reason_not_safe]
    if unsafe:
        raise Refused(subject, "; ".join(unsafe), way_out)
    return found


def load(session: Session, plan: Mapping[str, Any]) -> Managing:
    """What an interrupted one was about."""
    row = session.get_one(Group, plan["id"])
    return Managing(Doomed(row, members(session, row.id)), plan["references"])


def manage_on_server(env: Environment, context: Context, subject: Managing) -> None:
    """The server's part; may run again."""
    volumes = volume_objects(subject.made.volumes)
    references = [subject.references[one.id] for one in volumes]
    driver = env.backends.get(subject.made.row.host or "").driver
    try:
        driver.manage_existing_group(context, contract.Group(subject.made.row.id), volumes, references)
    except ServerFailed as error:
        raise OutcomeUnknown(error.message, error.hint) from error
