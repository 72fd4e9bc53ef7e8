"""The saved state: one machine boots, gets its volume group and pool, and is frozen while it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.lab.command import CommandFailed, LabError, run, wait_until
from tests.lab.vm import ports, qmp
from tests.lab.vm.qemu import Hardware

BOOT_TIMEOUT_SECONDS = 300
STATE = "state"
QUICK_INIT = "/usr/local/sbin/quick-init"
PREPARATION = (
    ("lab-storage",),
    ("python3", "-c", "import rtslib_fb"),
    ("sh", "-c", "lvs -a; exportfs -v; xfs_info -V; ssh -V; sync"),
)
"""Everything that shall be there in each clone, and page caches warm, so that its first login is quick."""


def make(image: Path) -> None:
    """In `image` (base.img, kernel, initrd): root.qcow2, data.img and state, which clones start from."""
    place = image / "template"
    place.mkdir()
    hardware = Hardware(place, image, QUICK_INIT, ports.free(1)[0])
    hardware.create_root_disk(image / "base.img")
    hardware.create_data_disk(None)
    process = hardware.start()
    try:
        _prepare(hardware)
        qmp.save_state(hardware.monitor, image / STATE)
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    (place / "data.img").rename(image / "data.img")
    (place / "root.qcow2").rename(image / "root.qcow2")
    # By its bare name: the image's directory gets its own name when it is complete.
    run(["qemu-img", "rebase", "-u", "-b", "base.img", "-F", "raw", str(image / "root.qcow2")])
    shutil.rmtree(place)


def _prepare(hardware: Hardware) -> None:
    try:
        wait_until(hardware.agent.is_answering, "the template to boot", BOOT_TIMEOUT_SECONDS)
        for argv in PREPARATION:
            hardware.agent.run(argv)
    except (LabError, CommandFailed) as error:
        raise LabError(f"{error}\n{hardware.console.read_text(errors='replace')[-3000:]}") from error
