"""What volumes are to their clients, disks or file systems: data are copied only from like to like.

The words, those of `SourceForm.content`, stand in the manifests of backups, too.
"""

from __future__ import annotations

from cgctl.errors import Refused
from cgctl.manager.environment import Environment
from drivers.contract import SourceForm

DISK = SourceForm.FILE.content


def form_of(env: Environment, host: str) -> str:
    """What volumes of a backend are. Raises ConfigurationError when it is not configured."""
    return env.backends.get(host).driver.source_form.content


def of_other_form(env: Environment, form: str) -> dict[str, str]:
    """The backends whose volumes are something else, with the reason."""
    forms = {host: form_of(env, host) for host in env.backends.ids()}
    return {host: f"its volumes are {its}s, not {form}s" for host, its in forms.items() if its != form}


def refuse_unlike(env: Environment, word: str, source: str, destination: str, command: str) -> None:
    """Raise Refused where the volumes of two backends are not the same: nobody could read there what came.

    command: what was called, without its last word, the destination.
    """
    form = form_of(env, source)
    others = of_other_form(env, form)
    fitting = [one for one in env.backends.ids() if one not in others and one != source]
    hint = f"cgctl {command} {fitting[0]}" if fitting else "let a client copy the files into a new volume"
    refuse_other_form(env, word, form, destination, hint)


def refuse_other_form(env: Environment, word: str, form: str, host: str, hint: str) -> None:
    """The same of what stands on no backend."""
    its = form_of(env, host)
    if its != form:
        raise Refused(word, f"volumes of backend {host} are {its}s, and this is a {form}", hint)
