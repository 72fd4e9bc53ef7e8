"""The image of all machines: built once per recipe, kept outside the repository (it holds private keys)."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.lab import keys
from tests.lab.command import LabError, run
from tests.lab.vm import template
from tests.lab.vm.qemu import Hardware

NAMES = ("vm1", "vm2")
RECIPE = Path(__file__).parent / "recipe"
SUITE = "bookworm"
"""What build.sh installs, whatever the machine itself runs."""


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """$CGCTL_LAB_CACHE, else $XDG_CACHE_HOME/cgctl-lab, else ~/.cache/cgctl-lab."""
    if given := environ.get("CGCTL_LAB_CACHE"):
        return Path(given).resolve()
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "cgctl-lab"


def recipe_key() -> str:
    """Changes with the recipe's files, and with the virtual hardware that the state was saved on."""
    digest = hashlib.sha256()
    for path in sorted(RECIPE.iterdir()):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    command = Hardware(Path(), Path(), template.QUICK_INIT, agent_port=0).command()
    digest.update(repr((command, template.PREPARATION)).encode())
    return digest.hexdigest()[:16]


def directory() -> Path:
    return cache_directory() / recipe_key()


def is_built() -> bool:
    return directory().is_dir()


def ensure() -> Path:
    """The image's directory; builds it when it is not there (minutes), one builder at a time."""
    with _locked():
        if not is_built():
            build()
    return directory()


def build() -> None:
    """Base image, then the running state of a machine that booted from it. Appears at once or not at all."""
    place = directory().with_suffix(".building")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    keys.make(place / "client")
    (place / "token").write_text(secrets.token_hex())
    for name in NAMES:
        keys.make(place / "hostkeys" / name / "ssh_host_ed25519_key")
    built = run(["sh", str(RECIPE / "build.sh"), str(RECIPE), str(place), *package_sources()],
                check=False, timeout_seconds=1800)  # fmt: skip
    if built.returncode:
        raise LabError(f"the image could not be built:\n{built.stderr[-4000:]}{built.stdout[-1000:]}")
    template.make(place)
    place.rename(directory())


def package_sources(environ: Mapping[str, str] = os.environ) -> list[str]:
    """$CGCTL_LAB_APT_SOURCES, or this machine's own Debian sources when it runs the image's release.

    Empty: mmdebstrap's own default, Debian's main mirror.
    """
    if given := environ.get("CGCTL_LAB_APT_SOURCES"):
        return [given]
    if f"VERSION_CODENAME={SUITE}\n" not in Path("/etc/os-release").read_text():
        return []
    for name in ("sources.list.d/debian.sources", "sources.list"):
        path = Path("/etc/apt", name)
        if path.exists() and path.stat().st_size:
            return [str(path)]
    return []


def remove_others() -> None:
    """Images of recipes that are no longer ours. Machines that run from one lose their disks' base."""
    for path in cache_directory().iterdir():
        if path.is_dir() and path != directory():
            shutil.rmtree(path)


@contextmanager
def _locked() -> Iterator[None]:
    cache_directory().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache_directory() / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
