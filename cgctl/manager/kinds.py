"""Volume types and group types: rows with specs. They touch no server, so one transaction is the whole operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlmodel import Session, col, func, select

from cgctl.errors import DryRun, Refused, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.objects import counted
from cgctl.manager.quiesce import check_hook_words
from cgctl.manager.rules.replication import check_specs
from cgctl.model.names import checked_spec_keys, checked_text, required_name
from cgctl.model.tables import Event, Group, GroupType, GroupVolumeType, Volume, VolumeType
from cgctl.store.queries import find, subject, words_of

Kind = TypeVar("Kind", VolumeType, GroupType)
Specs = dict[str, str | None]
Change = Callable[[Specs], Specs]


def specs_of(row: VolumeType | GroupType) -> Specs:
    """The specs, whatever the type calls them."""
    return dict(row.extra_specs if isinstance(row, VolumeType) else row.group_specs)


def create(env: Environment, kind: type[Kind], name: str, description: str | None, *, is_public: bool) -> Kind:
    """A new type; its name is its own."""
    word = words_of(kind)[0]
    row = kind(
        name=required_name(f"{word} name", name),
        description=checked_text(f"{word} description", description),
        is_public=is_public,
    )
    with env.store.write() as session:
        _refuse_used_name(session, kind, name)
        session.add(row)
        _record(env, session, row, f"{word} {name}: create it", "create")
    return row


def update(env: Environment, kind: type[Kind], reference: str, changes: Mapping[str, str | bool | None]) -> Kind:
    """Change name, description or is_public; what is not in `changes` stays (Cinder's defect D17 did not)."""
    word = words_of(kind)[0]
    if not changes:
        raise UsageError(
            f"{word} {reference}", "nothing to change was given", "give --name, --description or --is-public"
        )
    with env.store.write() as session:
        row = find(session, kind, reference)
        name = changes.get("name")
        if isinstance(name, str) and name != row.name:
            _refuse_used_name(session, kind, required_name(f"{word} name", name))
        for key, value in changes.items():
            setattr(row, key, value)
        session.add(row)
        _record(env, session, row, f"{word} {row.name}: change {', '.join(changes)}", "update")
    return row


def set_specs(env: Environment, kind: type[Kind], reference: str, pairs: Mapping[str, str]) -> Kind:
    """Add or replace specs. Raises Refused for a volume type in use: its specs placed its volumes."""
    checked_spec_keys(f"{words_of(kind)[0]} {reference}", pairs, group=kind is GroupType)
    if kind is GroupType:
        check_hook_words(f"group type {reference}", pairs)
    return _change_specs(env, kind, reference, lambda specs: {**specs, **pairs}, f"set {', '.join(pairs)}")


def unset_specs(env: Environment, kind: type[Kind], reference: str, keys: Sequence[str]) -> Kind:
    """Remove specs; a key that is not there is an error, since it is a typing mistake more often than not."""

    def without(specs: Specs) -> Specs:
        missing = [key for key in keys if key not in specs]
        if missing:
            raise Refused(
                subject(kind, reference), f"has no spec {', '.join(missing)}", f"it has: {', '.join(specs) or 'none'}"
            )
        return {key: value for key, value in specs.items() if key not in keys}

    return _change_specs(env, kind, reference, without, f"unset {', '.join(keys)}")


def _change_specs(env: Environment, kind: type[Kind], reference: str, change: Change, step: str) -> Kind:
    with env.store.write() as session:
        row = find(session, kind, reference)
        if isinstance(row, VolumeType) and (used := _users(session, row)):
            raise Refused(subject(kind, row.name), f"is in use by {counted(used, 'object')}", _users_hint(kind))
        specs = change(specs_of(row))
        if isinstance(row, GroupType):
            check_specs(row.name, specs, _replicated(session, row))
        setattr(row, "extra_specs" if isinstance(row, VolumeType) else "group_specs", specs)
        session.add(row)
        _record(env, session, row, f"{words_of(kind)[0]} {row.name}: {step}", "key")
    return row


def _replicated(session: Session, row: GroupType) -> Sequence[Group]:
    from cgctl.model.replication import Replicated  # noqa: PLC0415 (its tables cost a list 18 ms)

    joined = select(Group).join(Replicated, col(Replicated.group_id) == Group.id)
    return session.exec(joined.where(Group.group_type_id == row.id)).all()


def delete(env: Environment, kind: type[Kind], reference: str) -> None:
    """Remove a type that nothing uses."""
    with env.store.write() as session:
        row = find(session, kind, reference)
        used = _users(session, row)
        if used:
            raise Refused(subject(kind, row.name), f"is in use by {counted(used, 'object')}", _users_hint(kind))
        session.delete(row)
        _record(env, session, row, f"{words_of(kind)[0]} {row.name}: delete it", "delete")


def _refuse_used_name(session: Session, kind: type[Kind], name: str) -> None:
    if session.exec(select(kind).where(col(kind.name) == name)).first() is not None:
        word, listing = words_of(kind)
        raise Refused(f"{word} {name}", "exists already", f"see what is there: {listing}")


def _users(session: Session, row: VolumeType | GroupType) -> int:
    def count(column: object, table: type) -> int:
        return session.exec(select(func.count()).select_from(table).where(column == row.id)).one()

    if isinstance(row, GroupType):
        return count(Group.group_type_id, Group)
    return count(Volume.volume_type_id, Volume) + count(GroupVolumeType.volume_type_id, GroupVolumeType)


def _users_hint(kind: type[Kind]) -> str:
    return (
        "see them: cgctl group-list --long"
        if kind is GroupType
        else "see them: cgctl list --long; cgctl group-list --long"
    )


def _record(env: Environment, session: Session, row: VolumeType | GroupType, step: str, what: str) -> None:
    """The history's line; with --dry-run nothing at all is written."""
    if env.dry_run:
        session.rollback()
        raise DryRun([step])
    command = f"{'type' if isinstance(row, VolumeType) else 'group-type'}-{what}"
    word = words_of(type(row))[0]
    session.add(Event(subject_kind=word, subject_id=row.id, subject_name=row.name, kind=command, message="done"))
