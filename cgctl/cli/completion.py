"""Names of objects for the shell's completion (`cgctl --install-completion`), by what a command calls its arguments.

A metavar says what stands there: `VOLUME`, `GROUP...`. In comma lists the last word is completed.
"""

from __future__ import annotations

from typing import Any

from cgctl.config.places import configuration_file, state_url
from cgctl.errors import CgctlError

KINDS = {
    "GROUP": "groups",
    "CONSISTENCYGROUP": "groups",
    "VOLUME": "volumes",
    "V1,V2": "volumes",
    "SNAPSHOT": "snapshots",
    "GROUP_SNAPSHOT": "group_snapshots",
    "TYPE": "volume_types",
    "VOLUME_TYPE": "volume_types",
    "VOLUME_TYPES": "volume_types",
    "GROUP_TYPE": "group_types",
    "ATTACHMENT": "attachments",
    "MESSAGE": "messages",
    "BACKUP": "backups",
    "REPOSITORY": "repositories",
    "BACKEND": "backends",
    "HOST": "backends",
    "ENTITY": "entities",
}
"""What to look for, by metavar; options by their names (`--volume-id`), arguments without a metavar, too."""
LISTS = {"V1,V2", "VOLUME_TYPES"}
_SECTIONS = {"backends": "backends", "repositories": "backup_repositories"}
"""What the configuration names, and where."""
_ENTITIES = {"group": "groups", "snapshot": "snapshots", "group-snapshot": "group_snapshots", "backup": "backups"}


def complete_objects(parameters: list[Any]) -> None:
    """Let each parameter that stands for an object be completed with the names of those that there are."""
    for parameter in parameters:
        word = _word(parameter)
        if word and getattr(parameter, "_custom_shell_complete", parameter) is None:
            parameter._custom_shell_complete = _completer(word)


def _word(parameter: Any) -> str | None:
    if parameter.metavar:
        word = str(parameter.metavar).removesuffix("...")
        return word if word in KINDS else None
    words = str(parameter.name).upper().removesuffix("_ID"), str(parameter.name).upper().removeprefix("SOURCE_")
    return next((word for word in words if word in KINDS and word != "HOST"), None)


def _completer(word: str) -> Any:
    def complete(context: Any, _parameter: Any, incomplete: str) -> list[Any]:
        from typer._click.shell_completion import CompletionItem  # noqa: PLC0415

        before, comma, beginning = incomplete.rpartition(",") if word in LISTS else ("", "", incomplete)
        return [CompletionItem(before + comma + name, help=said) for name, said in _found(context, word, beginning)]

    return complete


def _found(context: Any, word: str, beginning: str) -> list[tuple[str, str]]:
    kind = KINDS[word]
    if kind == "entities":
        kind = _ENTITIES.get(str(context.params.get("kind")), "volumes")
    try:
        if kind in _SECTIONS:
            section = _configuration(context).get(_SECTIONS[kind])
            return [(name, "") for name in section if name.startswith(beginning)] if isinstance(section, dict) else []
        from cgctl.store.names import names  # noqa: PLC0415

        return names(state_url(_given(context, "state"), lambda: _configuration(context).get("state")), kind, beginning)
    except (CgctlError, OSError, ValueError):
        return []  # a completion has no place for an error


def _given(context: Any, option: str) -> str | None:
    """An option before or behind the command's name."""
    while context is not None:
        if context.params.get(option):
            return str(context.params[option])
        context = context.parent
    return None


def _configuration(context: Any) -> dict[str, Any]:
    """The file as it is: what is wrong with it is for other commands to say."""
    from cgctl.config.document import Unreadable, from_yaml  # noqa: PLC0415

    source = configuration_file(_given(context, "config"))
    if source is None:
        return {}
    try:
        document, _ = from_yaml(source.read_text(encoding="utf-8-sig"))
    except Unreadable:
        return {}
    return document if isinstance(document, dict) else {}
