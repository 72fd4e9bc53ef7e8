"""The configuration that is restored at boot (rtslib-fb-targetctl.service).

Only the entries of the volumes in question are replaced: rtslib's own save_to_file writes what runs now, and so
forgets for ever whatever could not be restored at the last boot, of other hands, too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rtslib_fb.root import default_save_file  # type: ignore[import-not-found]

from drivers.exports.iscsi_lio.on_server.lio import Lio
from drivers.exports.iscsi_lio.on_server.wanted import Wanted

PATH = Path(default_save_file)
WANTS = ("rtslib-fb-targetctl.service", "target.service", "targetctl.service")


def load() -> dict[str, Any]:
    """Empty where nothing was ever saved. Raises ValueError for what is none, with what mends it."""
    try:
        text = PATH.read_text()
    except FileNotFoundError:
        return {"storage_objects": [], "targets": [], "fabric_modules": []}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{PATH} is damaged: mv {PATH} {PATH}.damaged; targetcli saveconfig")
    return found


def save(lio: Lio, exports: list[Wanted]) -> None:
    """Write the entries of these volumes as they are in the kernel now; durable when this returns."""
    config = load()
    names, iqns = {wanted.object_name for wanted in exports}, {wanted.iqn for wanted in exports}
    config["storage_objects"] = [
        *(entry for entry in config.get("storage_objects", []) if entry.get("name") not in names),
        *(found.dump() for name, found in lio.objects.items() if name in names),
    ]
    config["targets"] = [
        *(entry for entry in config.get("targets", []) if entry.get("wwn") not in iqns),
        *(found.dump() for iqn, found in lio.targets.items() if iqn in iqns),
    ]
    _write(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _write(text: str) -> None:
    """It holds secrets: for root alone, at every moment."""
    PATH.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = PATH.with_name(PATH.name + ".cgctl")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(PATH)
    directory = os.open(PATH.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def is_as_now(lio: Lio, wanted: Wanted, config: dict[str, Any]) -> bool:
    """Whether a boot would bring this volume's export back as it is now."""
    backstores = {entry.get("name"): entry for entry in config.get("storage_objects", [])}
    targets: dict[str, object] = {entry.get("wwn"): entry for entry in config.get("targets", [])}
    is_same_target = targets.get(wanted.iqn) == _dump(lio.targets.get(wanted.iqn))
    saved_source = _source(backstores.get(wanted.object_name))
    return is_same_target and bool(saved_source == _source(_dump(lio.objects.get(wanted.object_name))))


def _dump(found: Any) -> Any:
    return None if found is None else json.loads(json.dumps(found.dump()))


def _source(entry: Any) -> Any:
    return entry and {key: entry.get(key) for key in ("plugin", "dev", "wwn", "size", "write_back")}


def is_restored_at_boot() -> bool:
    """True, too, where systemd does not run, and something else has to see to it."""
    wanted_by = Path("/etc/systemd/system").glob("*.wants/*.service")
    return not Path("/run/systemd/system").exists() or any(path.name in WANTS for path in wanted_by)
