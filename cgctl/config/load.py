"""From the file to a `Configuration`, or to every problem in it at once."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cgctl.config.crosscheck import Misfit, contradictions, of_repositories
from cgctl.config.document import Unreadable, from_yaml
from cgctl.config.places import SYSTEM_FILE, configuration_file, usual_files
from cgctl.config.schema import (
    Backend,
    BackupRepository,
    Configuration,
    Export,
    History,
    Hooks,
    ReplicationTarget,
    ReplicationWay,
    Ssh,
)
from cgctl.errors import ConfigurationError

EXAMPLE = "config.example.yaml"


class ConfigurationProblems(ConfigurationError):
    """Everything that is wrong with a configuration; `problems` are told one a line."""

    def __init__(self, source: Path, problems: list[str]) -> None:
        hint = f"each key is explained in {EXAMPLE}; check again with: cgctl config-check"
        super().__init__(str(source), "; ".join(problems), hint)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Loaded:
    """A valid configuration and the file it came from."""

    configuration: Configuration
    source: Path


def _fits(_driver: str, _protocol: str, _server: str) -> None:
    """Where it does not matter: the one who builds backends asks."""


def load(given: str | None, misfit: Misfit = _fits) -> Loaded:
    """The configuration of `--config` or of the usual places. Raises ConfigurationError: no file, or all problems."""
    found = find(given, misfit)
    if found is None:
        places = " or ".join(str(place) for place in usual_files())
        hint = f"copy {EXAMPLE} to {SYSTEM_FILE} and change it, or name a file with --config"
        raise ConfigurationError("configuration", f"there is none at {places}", hint)
    return found


def find(given: str | None, misfit: Misfit = _fits) -> Loaded | None:
    """As `load`, but None where no file was named and none is in the usual places."""
    source = configuration_file(given)
    if source is None:
        return None
    return Loaded(_parse(_read(source), source, misfit), source)


def _read(source: Path) -> str:
    try:
        return source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationProblems(source, [f"byte {error.start + 1}: not UTF-8"]) from error
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        hint = f"copy {EXAMPLE} there and change it, or name another file with --config"
        raise ConfigurationError(str(source), reason, hint) from error


def _parse(text: str, source: Path, misfit: Misfit) -> Configuration:
    try:
        document, problems = from_yaml(text)
    except Unreadable as error:
        raise ConfigurationProblems(source, [str(error)]) from error
    if not isinstance(document, dict):
        raise ConfigurationProblems(source, ["is empty" if document is None else "must be keys with values"])
    try:
        configuration = Configuration.model_validate(document)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors(include_url=False)]
        problems += contradictions(*_sound_backends(document), misfit)
    else:
        problems += contradictions(configuration.backends, configuration.backends, misfit)
        problems += of_repositories(configuration)
        if not problems:
            return configuration
    raise ConfigurationProblems(source, problems)


def _sound_backends(document: dict[str, Any]) -> tuple[dict[str, Backend], list[str]]:
    """The backends that have no problem of their own, and the ids of all."""
    written = document.get("backends")
    sound: dict[str, Backend] = {}
    for name, backend in written.items() if isinstance(written, dict) else ():
        with suppress(ValidationError):
            sound[name] = Backend.model_validate(backend)
    return sound, list(written) if isinstance(written, dict) else []


def _problem(detail: ErrorDetails) -> str:
    """`backends.alpha.ssh.port: must be …`."""
    path = ".".join(str(step) for step in detail["loc"] if step != "[key]")
    return f"{path or 'file'}: {_reason(detail, detail.get('ctx', {}))}"


_REASONS = {
    "missing": "is missing",
    "string_pattern_mismatch": "has characters that are not allowed",
    "dict_type": "must be keys with values",
    "model_type": "must be keys with values",
    "model_attributes_type": "must be keys with values",
    "string_type": "must be text; if it is, put quotes around it",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
}


def _reason(detail: ErrorDetails, context: dict[str, Any]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key{_closest(detail['loc'])}"
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"must be one of {context['expected']}".replace("'", "")
    return _REASONS.get(detail["type"]) or _SAYS.sub("must ", detail["msg"], count=1)


def _closest(loc: tuple[int | str, ...]) -> str:
    """A hint at the key that was meant."""
    near = get_close_matches(str(loc[-1]), _KEYS, 1)
    return f"; did you mean {near[0]}?" if near else ""


_SAYS = re.compile(r"^(Input|Dictionary|String|Keys?|List|Tuple|Value) should ", re.I)
_MODELS: tuple[type[BaseModel], ...] = (
    Configuration,
    Backend,
    Ssh,
    Export,
    ReplicationTarget,
    Hooks,
    BackupRepository,
    History,
    ReplicationWay,
)
_KEYS = sorted({info.alias or name for model in _MODELS for name, info in model.model_fields.items()})
