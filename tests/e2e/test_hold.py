"""The hold: bounded whatever becomes of cgctl or the link, and what it leaves behind is void and goes.

The group's hooks pause and resume the writer, so a hold that stayed would show as a writer that stands still.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from cgctl.remote import dial, liveness
from tests.e2e.cluster import ISCSI, SOAK, CommandLine, Members, Pace, Server
from tests.e2e.figures import record
from tests.e2e.places import NAMESPACES, VM, place
from tests.e2e.under_load import writing
from tests.e2e.writers import Writer, is_ordered
from tests.lab.command import wait_until

pytestmark = pytest.mark.timeout(600)
PLACES = [NAMESPACES[0], place("lvm_cluster", ISCSI, VM)]


@dataclass(frozen=True)
class Quiesced:
    """A busy group whose hooks pause the writer. log: one line `pre TIME` or `post TIME` for each run of a hook."""

    cluster: CommandLine
    members: Members
    writer: Writer
    log: Path
    hooks: Mapping[str, object]

    def bind(self, seconds: float) -> None:
        """Give the hold this bound."""
        self.cluster.configure(hold_seconds=seconds, hooks={"db": dict(self.hooks)})

    @property
    def pace(self) -> Pace:
        return self.cluster.pace

    @property
    def server(self) -> Server:
        return self.cluster.server_of(self.members)

    def slow(self, seconds: float) -> AbstractContextManager[None]:
        """A server whose snapshots take so long."""
        return self.cluster.slow_snapshots(self.members, seconds)

    def wait_for_snapshot(self) -> None:
        self.cluster.wait_for_snapshot(self.members)

    def snapshot_counters(self, group_snapshot_id: str) -> list[int]:
        return self.cluster.snapshot_counters(self.members, group_snapshot_id)

    def hook_times(self, phase: str) -> list[float]:
        """When the hook ran, in seconds of the machine's clock."""
        lines = [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [float(at) for word, at in lines if word == phase]

    def held_seconds(self) -> float:
        (pre,), (post,) = self.hook_times("pre"), self.hook_times("post")
        return post - pre

    def leaves_nothing(self) -> bool:
        """Neither on the server nor in the state."""
        listed = [self.cluster.run(word, "-f", "json").json for word in ("group-snapshot-list", "snapshot-list")]
        return listed == [[], []] and self.cluster.group_snapshot_objects(self.members) == []


@pytest.fixture(params=PLACES)
def quiesced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Quiesced]:
    fixture, volume_type = request.param
    cluster: CommandLine = request.getfixturevalue(fixture)
    members = cluster.group("db", 4, volume_type)
    log = tmp_path / "hooks.log"
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        hooks = {
            "pre": f"kill -USR1 {writer.pid}; sleep 0.2; echo pre $(date +%s.%N) >>{log}",
            "post": f"kill -USR2 {writer.pid}; echo post $(date +%s.%N) >>{log}",
            "timeout": 5,
        }
        result = Quiesced(cluster, members, writer, log, hooks)
        result.bind(cluster.pace.bound)
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
    quiesced.bind(quiesced.pace.patient)
    acked_before = quiesced.writer.acked
    shown = cluster.run("group-snapshot-create", "db", "-f", "json").json
    counters = quiesced.snapshot_counters(shown["id"])
    assert is_ordered(counters)
    assert min(counters) >= acked_before


def cut_in_snapshot(quiesced: Quiesced) -> None:
    quiesced.wait_for_snapshot()
    quiesced.server.cut()


def test_hooks_hold_the_writer_and_the_receipt_lies_within_the_hold(quiesced: Quiesced) -> None:
    quiesced.bind(quiesced.pace.patient)
    shown = quiesced.cluster.run("group-snapshot-create", "db", "-f", "json").json
    counters = quiesced.snapshot_counters(shown["id"])
    assert len(set(counters)) == 1  # a complete round: nothing was in flight
    (pre,), (post,) = quiesced.hook_times("pre"), quiesced.hook_times("post")
    began_at, ended_at = (datetime.fromisoformat(shown["hold"][word]) for word in ("began_at", "ended_at"))
    assert pre <= began_at.timestamp() <= ended_at.timestamp() <= post
    assert shown["hold"]["bound_seconds"] == quiesced.pace.patient
    assert_writes_go_on(quiesced.writer, quiesced.pace.slack + 0.5)


@pytest.mark.parametrize("takes", ["short", "for_ever"])
def test_killed_in_the_hold_writes_go_on_and_the_set_is_void(quiesced: Quiesced, takes: str) -> None:
    """Whether the server's script ends by itself, after its caller's death, or has to be ended by its bound."""
    with quiesced.slow(getattr(quiesced.pace, takes)):
        process = quiesced.cluster.start("group-snapshot-create", "db", "--name", "s")
        quiesced.wait_for_snapshot()
        assert quiesced.writer.is_paused
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_writes_go_on(quiesced.writer, quiesced.pace.bound + quiesced.pace.slack)
        assert quiesced.held_seconds() < quiesced.pace.bound + quiesced.pace.slack
        time.sleep(quiesced.pace.bound + quiesced.pace.slack)
    assert_next_command_settles(quiesced)
    assert len(quiesced.hook_times("post")) == 2  # of the killed command, and of the one that came after it


def test_killed_in_the_hold_and_settled_at_once(quiesced: Quiesced) -> None:
    """The next command comes while the dead one's script still runs on the server: it waits for it, then removes."""
    with quiesced.slow(1):
        process = quiesced.cluster.start("group-snapshot-create", "db", "--name", "s")
        quiesced.wait_for_snapshot()
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
    assert_writes_go_on(quiesced.writer, quiesced.pace.slack + 0.5)
    quiesced.cluster.run("group-update", "db", "--metadata", "quiesce_pre=", "quiesce_post=", "quiesce_timeout=")
    assert quiesced.leaves_nothing()
    assert len(quiesced.hook_times("post")) == 1


def test_no_application_is_held_for_a_server_that_cannot_be_reached(quiesced: Quiesced) -> None:
    quiesced.server.stop_sshd()
    try:
        quiesced.cluster.run("group-snapshot-create", "db", expect=8)
    finally:
        quiesced.server.start_sshd()
    assert not quiesced.log.exists()
    assert quiesced.leaves_nothing()


def test_bound_exceeded_is_told_and_leaves_nothing(quiesced: Quiesced) -> None:
    with quiesced.slow(quiesced.pace.for_ever):
        told = quiesced.cluster.run("group-snapshot-create", "db", expect=6)
    assert "error: group snapshot " in told.stderr
    assert "hint: nothing is left of it; try again, or raise `hold_seconds`" in told.stderr
    assert quiesced.held_seconds() < quiesced.pace.bound + quiesced.pace.slack
    assert quiesced.leaves_nothing()
    assert_writes_go_on(quiesced.writer, quiesced.pace.slack + 0.5)


def test_bound_is_kept_on_the_server_without_hooks(quiesced: Quiesced) -> None:
    quiesced.cluster.configure(hold_seconds=quiesced.pace.bound)
    with quiesced.slow(quiesced.pace.for_ever):
        told = quiesced.cluster.run("group-snapshot-create", "db", expect=6)
    assert f" {quiesced.pace.bound} s: nothing of " in told.stderr
    assert quiesced.leaves_nothing()


@pytest.mark.parametrize("takes", ["short", "for_ever"])
def test_link_cut_in_the_hold_for_a_while(quiesced: Quiesced, takes: str) -> None:
    """The answer arrives late, the hold was over by then: the set does not count."""
    with quiesced.slow(getattr(quiesced.pace, takes)):
        process = quiesced.cluster.start("group-snapshot-create", "db")
        quiesced.wait_for_snapshot()
        quiesced.server.cut()
        wait_until(
            lambda: bool(quiesced.hook_times("post")), "the post hook", quiesced.pace.bound + quiesced.pace.slack
        )
        assert quiesced.held_seconds() < quiesced.pace.bound + quiesced.pace.slack
        quiesced.server.join()
        _, told = process.communicate(timeout=30 + quiesced.pace.ends)
    assert process.returncode == 6, told
    assert "nothing is left of it" in told
    assert quiesced.leaves_nothing()
    assert_writes_go_on(quiesced.writer, quiesced.pace.slack + 10)


def test_link_cut_in_the_hold_for_good_is_settled_when_it_is_back(
    quiesced: Quiesced, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cgctl gives the silent server up (30 s, here sooner), not knowing what it has done. The virtual machine we reach
    through a port of this one, which keeps the connection: there it is sshd that does not answer (60 s)."""
    monkeypatch.setattr(liveness, "SLICE_SECONDS", 1.0)
    monkeypatch.setattr(dial, "SILENCE_SECONDS", 3)
    monkeypatch.setattr(dial, "_OPTIONS", (("TCP_KEEPIDLE", 1), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2)))
    with quiesced.slow(1):
        cutter = threading.Thread(target=cut_in_snapshot, args=(quiesced,))
        cutter.start()
        told = quiesced.cluster.run("group-snapshot-create", "db", expect=6)
        cutter.join()
        assert "hint: cgctl recover" in told.stderr
        assert quiesced.held_seconds() < quiesced.pace.bound + quiesced.pace.slack
        if SOAK:  # another command tries for 10 s
            quiesced.cluster.run("group-update", "db", "--description", "while it is cut", expect=8)
        quiesced.server.join()
    assert_writes_go_on(quiesced.writer, quiesced.pace.slack + 10)
    assert_next_command_settles(quiesced)
    assert len(quiesced.hook_times("post")) == 2
