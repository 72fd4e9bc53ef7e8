"""What backend-check tells about a thin pool, from facts as a virtual machine printed them: no machine is needed."""

from __future__ import annotations

import subprocess
from importlib import resources
from pathlib import Path

import pytest

from drivers.backends.lvm.findings import of_facts
from drivers.backends.lvm.scripts import boot_script_sum

FACTS = Path(__file__).parents[1] / "data/lvm/facts-2.03.16.txt"
FILTER = resources.files("drivers.backends.lvm").joinpath("filter.sh").read_text()
ACCEPT_LIST = 'global_filter=["a!^/dev/(vd|sd|nvme|md|mapper/mpath)!","r|.*|"]'
OWNER = "06ac9d02-22e3-4f8e-91e2-edc378b6869e"


GATE = "7c5b8e62-f91e-48ac-9bfc-592581ade31a"
AS_FILE_SYSTEM = ("cgctl.kind=volume", "cgctl.fs=xfs,cgctl.kind=volume")
FOR_NFS = ("\nudevd no", "\nform xfs\nudevd no")

UDEVD = ("udevd no", "udevd yes")
"""As under systemd."""


def failing(*changes: tuple[str, str]) -> dict[str, str]:
    """Check and hint of what is not well when these words stand there instead."""
    text = FACTS.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return {one.check: one.hint or "" for one in of_facts(text, OWNER, "cgvg/pool") if not one.ok}


def hides_gates(state: str) -> bool:
    """What the shell says of a filter that lvmconfig has printed."""
    asked = f"set -euf\nnl='\n'\nstate=$1\n{FILTER}\nhides_gates"
    return subprocess.run(["sh", "-c", asked, "sh", state], check=False).returncode == 0


def test_the_captured_pool_is_well() -> None:
    assert failing() == {}


@pytest.mark.parametrize(
    ("before", "after", "check", "hint"),
    [
        ("attr twi-aotz--", "attr twi-aotzM-", "pool", "lvextend --poolmetadatasize +256M cgvg/pool"),
        ("attr twi-aotz--", "attr twi-aotzF-", "pool", "lvconvert --repair cgvg/pool"),
        ("attr twi-aotz--", "attr twi-cotzM-", "pool", "lvconvert --repair cgvg/pool"),
        ("attr twi-aotz--", "attr twi---tz--", "pool", "lvchange -ay cgvg/pool"),
        ("attr twi-aotz--", "attr twi-aotzD-", "pool", "lvextend -L+10G cgvg/pool"),
        ("LV_CHECK_NEEDED=", "LV_CHECK_NEEDED=check needed", "pool", "lvconvert --repair cgvg/pool"),
        ("\nzero zero", "\nzero no", "zero", "lvchange --zero y cgvg/pool"),
        ("room 3221225472 0.00 10.16", "room 3221225472 91.00 10.19", "room", "lvextend -L+10G cgvg/pool"),
        ("room 3221225472 0.00 10.16", "room 3221225472 1.00 80.10", "room", "--poolmetadatasize +256M cgvg/pool"),
        ("blocks 512", "blocks 4096", "blocks", "nvme format --lbaf"),
        ("metadata_area 5", "metadata_area ", "metadata area", "delete snapshots"),
        ("autoextend_threshold=100", "autoextend_threshold=70", "autoextend", "lvchange --monitor y cgvg/pool"),
        ("gates hidden", "gates shown", "filter", "global_filter = ["),
        ("udevd no\nrule yes", "udevd yes\nrule no", "udev", "backend-check --repair"),
        ("boot none", "boot no", "boot", "backend-check --repair"),
        ("gate 7", "gate 8", "gates", "backend-check --repair"),
        ("\nudevd no", f"\nmisplaced {GATE} vg2-cgctl--7\nudevd no", "gates", "delete one of both"),
        ("LVM2_VG_MDA_SIZE=", "LVM2_VG_MISSING_PV_COUNT=1 LVM2_VG_MDA_SIZE=", "pool", "--restoremissing cgvg"),
        (" Active", " Suspended", "holds", "backend-check --repair"),
        (" Active", " Active clientvg-data", "holders", "dmsetup remove clientvg-data"),
        ("owner 0", "owner 1", "owner", "another pool"),
    ],
)
def test_what_is_not_well_is_told_with_the_command_that_mends_it(
    before: str, after: str, check: str, hint: str
) -> None:
    found = failing((before, after))
    assert list(found) == [check]
    assert hint in found[check]


def test_a_boot_script_of_another_version_is_told() -> None:
    """It would look for what this version does not make, or leave out what it does."""
    assert failing(("boot none", f"boot yes\nboot_script {boot_script_sum()}")) == {}
    assert "--repair" in failing(("boot none", f"boot yes\nboot_script {'0' * 64}"))["boot"]


@pytest.mark.parametrize(
    ("text", "hides"),
    [
        (ACCEPT_LIST, True),
        ('global_filter=["a|^/dev/vd|","r|.*|"]', True),
        ("", False),
        ('global_filter=["a|.*|"]', False),
        ('global_filter=["r|^/dev/mapper/cgctl-|"]', False),
        ('global_filter=["r|^/dev/mapper/cgctl-|","a|.*|"]', False),
        ('global_filter=["r|^/dev/dm-|","r|^/dev/mapper/cgctl-|"]', False),
        ('global_filter=["a|^/dev/disk/by-id/|","r|.*|"]', False),
        ('global_filter=["a|.*|","r|.*|"]', False),
        ('global_filter=["a|^/dev/sd|","a|/dev/mapper/|","r|.*|"]', False),
        ('global_filter="r|.*|"', True),
    ],
)
def test_only_an_accept_list_hides_gates_under_all_of_their_names(text: str, hides: bool) -> None:
    """The reject-lists are those that leaked when they were tried."""
    assert hides_gates(f'before="x"\n  {text}\n  use_devicesfile=0') == hides


def test_the_filter_lets_lvm_see_each_disk_that_it_has() -> None:
    disks = "".join(
        f"\n  LVM2_PV_NAME={one}" for one in ("/dev/vdb", "/dev/mapper/luks-a.b", "/dev/mapper/cgctl-1", "/dev/dm-3")
    )
    hint = failing(("gates hidden", "gates shown"), ("\nudevd no", f"{disks}\nudevd no"))["filter"]
    assert '"a!^/dev/mapper/luks-a.b$!", "r|.*|" ]' in hint
    assert "cgctl" not in hint
    assert hides_gates(hint.partition(": ")[2].replace(" = ", "="))


def with_devices_file(has: str) -> dict[str, str]:
    """As on RHEL 9: no filter, use_devicesfile = 1."""
    unfiltered = (
        'global_filter=["a!^/dev/(vd|sd|nvme|md|mapper/mpath)!","r|.*|"]\nuse_devicesfile=0',
        "use_devicesfile=1",
    )
    return failing(unfiltered, ("gates hidden", "gates shown"), ("devices_file none", f"devices_file {has}"))


@pytest.mark.parametrize(
    ("has", "hint"), [("disks", None), ("gates", "lvmdevices --deldev"), ("none", "vgimportdevices cgvg")]
)
def test_a_devices_file_hides_gates_unless_it_names_them(has: str, hint: str | None) -> None:
    found = with_devices_file(has)
    assert list(found) == (["filter"] if hint else [])
    assert hint is None or hint in found["filter"]


def test_autoextend_that_dmeventd_watches_is_well() -> None:
    watched = ("LVM2_SEG_MONITOR=", "LVM2_SEG_MONITOR=monitored")
    assert failing(("autoextend_threshold=100", "autoextend_threshold=70"), watched) == {}


def test_before_the_first_object_rule_and_boot_are_not_missed() -> None:
    assert failing((f"owner {OWNER}", "owner "), UDEVD, ("rule yes", "rule no"), ("boot none", "boot no")) == {}


def test_a_file_system_that_is_mounted_is_well() -> None:
    assert failing(AS_FILE_SYSTEM, FOR_NFS, ("\nudevd no", f"\nmounted {GATE}\nudevd no")) == {}


def test_a_file_system_that_is_not_mounted_is_told() -> None:
    assert failing(AS_FILE_SYSTEM, FOR_NFS) == {"mounts": "cgctl backend-check --repair"}


def test_volumes_that_were_made_for_another_protocol_are_told() -> None:
    mounted = ("\nudevd no", f"\nmounted {GATE}\nudevd no")
    assert "protocol:" in failing(FOR_NFS)["file systems"]
    assert "protocol:" in failing(AS_FILE_SYSTEM, mounted)["file systems"]
