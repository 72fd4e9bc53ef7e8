"""The hold: bounded whatever becomes of cgctl or the link, and what it leaves behind is void and goes.

The group's hooks pause and resume the writer, so a hold that stayed would show as a writer that stands still.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from cgctl.remote import dial
from tests.e2e.cluster import POOL, SOAK, Cluster, Members
from tests.e2e.figures import record
from tests.e2e.slow_btrfs import slow_btrfs, wait_for_snapshot
from tests.e2e.under_load import writing
from tests.e2e.writers import Writer, is_ordered, read_counters
from tests.lab import Host
from tests.lab.command import wait_until

pytestmark = pytest.mark.lab

BOUND_SECONDS = 2
PATIENT_BOUND_SECONDS = 30
"""Where the hold shall not break, however busy the machine is."""

SLACK_SECONDS = 1.5
FOR_EVER_SECONDS = 20
"""Much longer than the bound, and than any of these tests."""


@dataclass(frozen=True)
class Quiesced:
    """A busy group whose hooks pause the writer. log: one line `pre TIME` or `post TIME` for each run of a hook."""

    cluster: Cluster
    members: Members
    writer: Writer
    log: Path
    hooks: Mapping[str, object]

    def bind(self, seconds: float) -> None:
        """Give the hold this bound."""
        self.cluster.configure(hold_seconds=seconds, hooks={"db": dict(self.hooks)})

    @property
    def host(self) -> Host:
        return self.cluster.host_of(self.members)

    def hook_times(self, phase: str) -> list[float]:
        """When the hook ran, in seconds of the machine's clock."""
        lines = [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [float(at) for word, at in lines if word == phase]

    def held_seconds(self) -> float:
        (pre,), (post,) = self.hook_times("pre"), self.hook_times("post")
        return post - pre

    def objects_on_server(self) -> list[str]:
        """Of group snapshots: sets, half-made ones and commit marks."""
        found = self.host.run(["find", f"{POOL}/groupsnap", f"{POOL}/.cgctl/sets", "-mindepth", "1", "-maxdepth", "1"])
        return sorted(Path(line).name for line in found.stdout.splitlines())

    def leaves_nothing(self) -> bool:
        """Neither on the server nor in the state."""
        listed = [self.cluster.run(word, "-f", "json").json for word in ("group-snapshot-list", "snapshot-list")]
        return listed == [[], []] and self.objects_on_server() == []


@pytest.fixture
def quiesced(cluster: Cluster, tmp_path: Path) -> Iterator[Quiesced]:
    members = cluster.group("db")
    log = tmp_path / "hooks.log"
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        hooks = {
            "pre": f"kill -USR1 {writer.pid}; sleep 0.2; echo pre $(date +%s.%N) >>{log}",
            "post": f"kill -USR2 {writer.pid}; echo post $(date +%s.%N) >>{log}",
            "timeout": 5,
        }
        result = Quiesced(cluster, members, writer, log, hooks)
        result.bind(BOUND_SECONDS)
        yield result


def assert_writes_go_on(writer: Writer, within_seconds: float) -> None:
    began = time.monotonic()
    writer.wait_for_rounds(5, within_seconds)
    record("writes go on after", seconds=round(time.monotonic() - began, 3))


def assert_next_command_settles(quiesced: Quiesced) -> None:
    """The list tells of it, the next command on the group ends it, and group snapshots work again."""
    cluster = quiesced.cluster
    listed = cluster.run("group-snapshot-list")
    assert "was interrupted and is not settled" in listed.stderr
    assert "available" not in listed.stdout
    settled = cluster.run("group-update", "db", "--description", "after it")
    assert "was interrupted and is settled" in settled.stderr
    assert quiesced.leaves_nothing()
    assert cluster.run("group-snapshot-list").stderr == ""
    quiesced.bind(PATIENT_BOUND_SECONDS)
    acked_before = quiesced.writer.acked
    shown = cluster.run("group-snapshot-create", "db", "-f", "json").json
    counters = read_counters(cluster.snapshot_disks(quiesced.members, shown["id"]))
    assert is_ordered(counters)
    assert min(counters) >= acked_before


def cut_in_snapshot(host: Host) -> None:
    wait_for_snapshot(host)
    host.cut()


def test_hooks_hold_the_writer_and_the_receipt_lies_within_the_hold(quiesced: Quiesced) -> None:
    quiesced.bind(PATIENT_BOUND_SECONDS)
    shown = quiesced.cluster.run("group-snapshot-create", "db", "-f", "json").json
    counters = read_counters(quiesced.cluster.snapshot_disks(quiesced.members, shown["id"]))
    assert len(set(counters)) == 1  # a complete round: nothing was in flight
    (pre,), (post,) = quiesced.hook_times("pre"), quiesced.hook_times("post")
    began_at, ended_at = (datetime.fromisoformat(shown["hold"][word]) for word in ("began_at", "ended_at"))
    assert pre <= began_at.timestamp() <= ended_at.timestamp() <= post
    assert shown["hold"]["bound_seconds"] == PATIENT_BOUND_SECONDS
    assert_writes_go_on(quiesced.writer, 2)


@pytest.mark.parametrize("server_seconds", [0.7, FOR_EVER_SECONDS])
def test_killed_in_the_hold_writes_go_on_and_the_set_is_void(quiesced: Quiesced, server_seconds: float) -> None:
    """Whether the server's script ends by itself, after its caller's death, or has to be ended by its bound."""
    with slow_btrfs(quiesced.host, server_seconds):
        process = quiesced.cluster.start("group-snapshot-create", "db", "--name", "s")
        wait_for_snapshot(quiesced.host)
        assert quiesced.writer.is_paused
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_writes_go_on(quiesced.writer, BOUND_SECONDS + SLACK_SECONDS)
        assert quiesced.held_seconds() < BOUND_SECONDS + SLACK_SECONDS
        time.sleep(BOUND_SECONDS + SLACK_SECONDS)
    assert_next_command_settles(quiesced)
    assert len(quiesced.hook_times("post")) == 2  # of the killed command, and of the one that came after it


def test_killed_in_the_hold_and_settled_at_once(quiesced: Quiesced) -> None:
    """The next command comes while the dead one's script still runs on the server: it waits for it, then removes."""
    with slow_btrfs(quiesced.host, 1):
        process = quiesced.cluster.start("group-snapshot-create", "db", "--name", "s")
        wait_for_snapshot(quiesced.host)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        settled = quiesced.cluster.run("group-update", "db", "--description", "after it")
    assert "was interrupted and is settled" in settled.stderr
    assert quiesced.leaves_nothing()
    time.sleep(1.5)
    assert quiesced.leaves_nothing()


def test_killed_while_the_pre_hook_runs_post_runs_once(quiesced: Quiesced, tmp_path: Path) -> None:
    pre = f"kill -USR1 {quiesced.writer.pid}; touch {tmp_path}/pre; sleep 1"
    post = f"kill -USR2 {quiesced.writer.pid}; echo post $(date +%s.%N) >>{quiesced.log}"
    metadata = (f"quiesce_pre={pre}", f"quiesce_post={post}", "quiesce_timeout=3")
    quiesced.cluster.run("group-update", "db", "--metadata", *metadata)
    process = quiesced.cluster.start("group-snapshot-create", "db")
    wait_until((tmp_path / "pre").exists, "the pre hook")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: bool(quiesced.hook_times("post")), "the post hook", 3)
    assert_writes_go_on(quiesced.writer, 2)
    quiesced.cluster.run("group-update", "db", "--metadata", "quiesce_pre=", "quiesce_post=", "quiesce_timeout=")
    assert quiesced.leaves_nothing()
    assert len(quiesced.hook_times("post")) == 1


def test_no_application_is_held_for_a_server_that_cannot_be_reached(quiesced: Quiesced) -> None:
    quiesced.host.stop_sshd()
    try:
        quiesced.cluster.run("group-snapshot-create", "db", expect=8)
    finally:
        quiesced.host.start_sshd()
    assert not quiesced.log.exists()
    assert quiesced.leaves_nothing()


def test_bound_exceeded_is_told_and_leaves_nothing(quiesced: Quiesced) -> None:
    with slow_btrfs(quiesced.host, FOR_EVER_SECONDS):
        told = quiesced.cluster.run("group-snapshot-create", "db", expect=6)
    assert "error: group snapshot " in told.stderr
    assert "hint: nothing is left of it; try again, or raise `hold_seconds`" in told.stderr
    assert quiesced.held_seconds() < BOUND_SECONDS + SLACK_SECONDS
    assert quiesced.leaves_nothing()
    assert_writes_go_on(quiesced.writer, 2)


def test_bound_is_kept_on_the_server_without_hooks(quiesced: Quiesced) -> None:
    quiesced.cluster.configure(hold_seconds=BOUND_SECONDS)
    with slow_btrfs(quiesced.host, FOR_EVER_SECONDS):
        told = quiesced.cluster.run("group-snapshot-create", "db", expect=6)
    assert f"the snapshot was not done within {BOUND_SECONDS} s: nothing of it is kept" in told.stderr
    assert quiesced.leaves_nothing()


@pytest.mark.parametrize("seconds", [1.0, FOR_EVER_SECONDS])
def test_link_cut_in_the_hold_for_a_while(quiesced: Quiesced, seconds: float) -> None:
    """The answer arrives late, the hold was over by then: the set does not count."""
    with slow_btrfs(quiesced.host, seconds):
        process = quiesced.cluster.start("group-snapshot-create", "db")
        wait_for_snapshot(quiesced.host)
        quiesced.host.cut()
        wait_until(lambda: bool(quiesced.hook_times("post")), "the post hook", BOUND_SECONDS + SLACK_SECONDS)
        assert quiesced.held_seconds() < BOUND_SECONDS + SLACK_SECONDS
        quiesced.host.join()
        _, told = process.communicate(timeout=30)
    assert process.returncode == 6, told
    assert "nothing is left of it" in told
    assert quiesced.leaves_nothing()
    assert_writes_go_on(quiesced.writer, 10)


def test_link_cut_in_the_hold_for_good_is_settled_when_it_is_back(
    quiesced: Quiesced, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cgctl gives the silent server up (30 s, here sooner), not knowing what it has done."""
    monkeypatch.setattr(dial, "SILENCE_SECONDS", 3)
    monkeypatch.setattr(dial, "_OPTIONS", (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2)))
    with slow_btrfs(quiesced.host, 1):
        cutter = threading.Thread(target=cut_in_snapshot, args=(quiesced.host,))
        cutter.start()
        told = quiesced.cluster.run("group-snapshot-create", "db", expect=6)
        cutter.join()
        assert "hint: cgctl recover" in told.stderr
        assert quiesced.held_seconds() < BOUND_SECONDS + SLACK_SECONDS
        if SOAK:  # another command tries for 10 s
            quiesced.cluster.run("group-update", "db", "--description", "while it is cut", expect=8)
        quiesced.host.join()
    assert_writes_go_on(quiesced.writer, 10)
    assert_next_command_settles(quiesced)
    assert len(quiesced.hook_times("post")) == 2
