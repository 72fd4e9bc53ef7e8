"""The scripts as users run them: over SSH, as a user with sudo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cgctl.remote.settings import SshSettings
from cgctl.remote.ssh_runner import SshRunner
from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.contract import Group, ObjectKind
from tests.contract.bench import Bench, ProcessRunner
from tests.contract.test_groups import contents, likes, make_group, take
from tests.lab.host import Host
from tests.lab.lab import Lab

pytestmark = pytest.mark.lab


@pytest.fixture
def over_ssh(lab: Lab, stor1: Host) -> Iterator[Bench]:
    settings = SshSettings(stor1.ip, "cgctl", lab.known_hosts, identity_file=lab.identity_file, sudo=True)
    runner = SshRunner(settings)
    stor1.run(["mkdir", "/srv/pool/over ssh"])
    yield Bench(BtrfsDriver("stor1", "/srv/pool/over ssh", runner), ProcessRunner(), stor1.path)
    runner.close()


def test_a_group_lives_its_whole_life_over_ssh(over_ssh: Bench) -> None:
    bench, clone = over_ssh, Group("5f0c6ad3-3d1b-4c0e-9a33-0d3f8a1f2b77")
    group, volumes = make_group(bench, 16)
    cgsnapshot, members = take(bench, group, volumes)
    clones = likes(volumes, clone)
    bench.driver.create_consistencygroup_from_src(bench.context, clone, clones, cgsnapshot, members)
    assert contents(bench, clones) == contents(bench, volumes)
    bench.driver.delete_cgsnapshot(bench.context, cgsnapshot, members)
    bench.driver.delete_consistencygroup(bench.context, clone, clones)
    assert bench.ids(ObjectKind.GROUP) == {group.id}
