"""`metadata*` and `snapshot-metadata*`: the operator's own words at volumes and snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.result import Done, Show
from cgctl.cli.specs import SpecAction
from cgctl.cli.volume import Reference
from cgctl.model.names import parse_pairs

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env
    from cgctl.manager.environment import Environment

SnapshotReference = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Snapshot, by name or id.")]
Pairs = Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Pairs; to unset, keys are enough.")]
Action = Annotated[SpecAction, typer.Argument(help="What happens to the pairs.")]


def _change(env: Environment, kind: str, reference: str, action: SpecAction, words: list[str]) -> dict[str, object]:
    if action is SpecAction.SET:
        return {**manager.metadata.set_metadata(env, kind, reference, parse_pairs("metadata", words))}
    keys = [word.partition("=")[0] for word in words]
    return {**manager.metadata.unset_metadata(env, kind, reference, keys)}


@command("metadata", changes=True)
def metadata(env: Env, reference: Reference, action: Action, words: Pairs) -> Done:
    """Set or unset metadata of a volume."""
    _change(env, "volume", reference, action, words)
    return Done(f"volume {reference}: metadata {action.value}")


@command("metadata-show")
def metadata_show(env: Env, reference: Reference) -> Show:
    """Show the metadata of a volume."""
    return Show({**manager.metadata.shown_metadata(env, "volume", reference)})


@command("metadata-update-all", changes=True)
def metadata_update_all(env: Env, reference: Reference, words: Pairs) -> Show:
    """Replace all metadata of a volume."""
    return Show({**manager.metadata.replace_metadata(env, "volume", reference, parse_pairs("metadata", words))})


@command("snapshot-metadata", changes=True)
def snapshot_metadata(env: Env, reference: SnapshotReference, action: Action, words: Pairs) -> Show:
    """Set or unset metadata of a snapshot."""
    return Show(_change(env, "snapshot", reference, action, words))


@command("snapshot-metadata-show")
def snapshot_metadata_show(env: Env, reference: SnapshotReference) -> Show:
    """Show the metadata of a snapshot."""
    return Show({**manager.metadata.shown_metadata(env, "snapshot", reference)})


@command("snapshot-metadata-update-all", changes=True)
def snapshot_metadata_update_all(env: Env, reference: SnapshotReference, words: Pairs) -> Show:
    """Replace all metadata of a snapshot."""
    return Show({**manager.metadata.replace_metadata(env, "snapshot", reference, parse_pairs("metadata", words))})
