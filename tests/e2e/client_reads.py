"""What a client that logs in now reads through an export: qemu's initiator, and libnfs."""

from __future__ import annotations

import re
import subprocess

from tests.e2e.cluster import INITIATOR, Attached
from tests.lab.command import run


def first_bytes(one: Attached, initiator: str = INITIATOR) -> bytes:
    """The first 8 bytes of the volume."""
    if one.shown["protocol"] == "nfs":
        return run_bytes(["nfs-cat", nfs_url(one)])
    options = {
        "driver": "raw",
        "file.driver": "iscsi",
        "file.transport": "tcp",
        "file.portal": one.reached or one.shown["portal"],
        "file.target": one.iqn,
        "file.lun": one.shown["lun"],
        "file.user": one.shown["username"],
        "file.password": one.secret,
        "file.initiator-name": initiator,
    }
    image = ",".join(f"{key}={value}" for key, value in options.items())
    shown = run(["qemu-io", "-r", "-c", "read -v 0 512", "--image-opts", image]).stdout
    found = re.search(r"^0+:((?: *[0-9a-f]{2}){8})", shown, re.M)
    assert found, shown
    return bytes.fromhex(found[1].replace(" ", ""))


def nfs_url(one: Attached) -> str:
    """For libnfs's tools, which take the port as a parameter."""
    server, _, path = one.url.removeprefix("nfs://").partition("/")
    host, _, port = server.partition(":")
    return f"nfs://{host}/{path}?version=4" + (f"&nfsport={port}" if port else "")


def run_bytes(argv: list[str]) -> bytes:
    """The first 8 bytes of what a program prints."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout
        found = process.stdout.read(8)
        process.kill()
    return found


def counter(one: Attached) -> int:
    """The writers' round."""
    return int.from_bytes(first_bytes(one), "little")
