"""What exports.pl reads from its standard input, and what its check answers. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from drivers.command import Secret
from drivers.contract import Access, Exported, Finding
from drivers.errors import ServerRefused
from drivers.exports import scripted
from drivers.exports.iscsi import account, has_chap, matching
from drivers.exports.iscsi_identity import IQN_PREFIX, checked_id, serial, wwn

DAEMON = "iscsi daemon"
# tgt's parameters are separated by commas, ours by tabs and lines.
_SOURCE = re.compile(r"/[^,\x00-\x1f\x7f]+")
_INITIATOR = re.compile(r"(iqn|eui|naa)\.[0-9A-Za-z.:-]{1,219}")


def wanted(exports: Sequence[Exported]) -> Secret:
    """All lines for these exports. Raises ServerRefused for what tgt cannot offer."""
    _refuse_shared_users(exports)
    return Secret("".join(line for export in exports for line in _lines(export)))


def unwanted(volume_ids: Sequence[str]) -> str:
    """The lines for volumes that nobody may use."""
    return "".join(_line("export", checked_id(volume_id), "", "0", "", "", "") for volume_id in volume_ids)


def _lines(export: Exported) -> Iterator[str]:
    source = matching(_SOURCE, export.source, "source", "tgt")
    volume_id = checked_id(export.volume_id)
    identity = serial(volume_id), wwn(volume_id)
    yield _line("export", volume_id, source, str(export.size_bytes), *identity, _guard(export))
    for access in export.accesses:
        yield _line("access", *_access(volume_id, access))


def _line(*fields: str) -> str:
    return "\t".join(fields) + "\n"


def _access(volume_id: str, access: Access) -> tuple[str, str, str, str]:
    initiator = matching(_INITIATOR, access.initiator or "", "initiator", "tgt")
    chap = account(access, "tgt")
    return (initiator, *chap, _seal(volume_id, *chap)) if chap else (initiator, "", "", "")


def _seal(volume_id: str, user: str, secret: str) -> str:
    """The name that tells whether an account still has this secret; see exports.pl.

    It shows to root on the server only (tgtd answers nobody else), who has the secrets in tgtd's memory anyway.
    """
    digest = hashlib.sha256(f"{volume_id} {user} {secret}".encode())
    return f"cgctl-seal-{digest.hexdigest()[:24]}"


def _guard(export: Exported) -> str:
    """The name of the account that is bound first and stays; see exports.pl. Empty without CHAP."""
    return f"cgctl-guard-{export.volume_id}" if has_chap(export, "tgt") else ""


def _refuse_shared_users(exports: Sequence[Exported]) -> None:
    """Accounts are tgtd's, not a target's: an account per attachment keeps what belongs to one volume with it."""
    users = [access.username for export in exports for access in export.accesses if access.username]
    for user, count in Counter(users).items():
        if count > 1:
            raise ServerRefused(f"user name {user} is given to {count} attachments: each needs its own")


def findings(answer: str) -> list[Finding]:
    """See scripted.Request."""
    return scripted.findings(answer, Finding(DAEMON, True, "tgtd answers"), {"portal": _not_listening}, _unknown)


def _not_listening() -> Finding:
    return Finding(DAEMON, False, "tgtd does not listen on the configured portal")


def _unknown(name: str, tid: str) -> Finding:
    hint = f"if no other state store owns it: tgtadm --lld iscsi --op delete --mode target --tid {tid} --force"
    return Finding(f"export of volume {name.removeprefix(IQN_PREFIX)}", False, f"{name} is offered but not known", hint)
