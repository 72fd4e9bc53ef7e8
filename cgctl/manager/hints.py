"""Scheduler hints of `create --hint`: near to other volumes, or away from them. Words are Cinder's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cgctl.errors import UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.model.names import split_list
from cgctl.model.tables import Volume
from cgctl.store.queries import find_many

SAME, DIFFERENT = "same_host", "different_host"


def backends_apart(env: Environment, subject: str, hints: Mapping[str, str]) -> dict[str, str]:
    """The backends that the hints rule out, with the reason. Raises UsageError for other hints, NotFound."""
    unknown = [key for key in hints if key not in {SAME, DIFFERENT}]
    if unknown:
        known = f"hints: {SAME}=VOLUME, {DIFFERENT}=VOLUME"
        raise UsageError(subject, f"the hint {', '.join(unknown)} is unknown", known)
    near, far = (_volumes(env, hints.get(key, "")) for key in (SAME, DIFFERENT))
    apart = {str(one.host): f"has volume {shown(one)}, which {DIFFERENT} names" for one in far}
    for one in near:
        others = (backend_id for backend_id in env.backends.ids() if backend_id != one.host)
        apart |= {backend_id: f"has not volume {shown(one)}, which {SAME} names" for backend_id in others}
    return apart


def _volumes(env: Environment, words: str) -> Sequence[Volume]:
    """As written: one, several with commas between, or a JSON list of them."""
    with env.store.read() as session:
        return find_many(session, Volume, split_list("hint", words.strip("[]").replace('"', "").replace("'", "")))
