"""`group-verify-replica` on two real servers, as an activity: what runs where, and what is left when it ends before."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.replicated import Pair

pytestmark = pytest.mark.lab

VERIFY = ("group-verify-replica", "db")
READERS = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^# [W]hat is in disks: ' || :"
SIGNAL = """
tries=0 found=''
while [ -z "$found" ] && [ "$tries" -lt 600 ]; do
    found=$(find /proc/[0-9]*/fd -lname '*/groupsnap/*/disk' 2>/dev/null | sed 's|/proc/||; s|/.*||' | sort -u)
    tries=$((tries + 1))
    sleep 0.02
done
kill -s "$1" $found
"""
"""To whatever has a disk open: who was only begun may not find it any more."""


class Verifying:
    """A replicated group of holes: to read one takes time, to make it does not."""

    def __init__(self, cluster: Cluster, size: str) -> None:
        self.cluster = cluster
        self.pair = Pair.build(cluster, count=1, size=size)

    def begin(self) -> str:
        return self.cluster.run(*VERIFY, "--detach", "-f", "value", "-c", "id").value

    def place(self, key: str) -> Path:
        """The activity's directory, on this machine."""
        return Path(self.cluster.activity(key)["directory"]) / key

    def is_read(self) -> list[bool]:
        """Whether anything reads, on either server."""
        return [self.pair.host(one).script(READERS).strip() != "0" for one in ("alpha", "beta")]

    def signal(self, name: str) -> None:
        """To what reads on both servers, once it reads."""
        for one in ("alpha", "beta"):
            self.pair.host(one).script(SIGNAL, name)

    def until_read(self, *wanted: bool) -> None:
        for _ in range(600):
            if self.is_read() == list(wanted):
                return
            time.sleep(0.1)
        raise AssertionError(self.is_read())


def test_it_outlives_its_command_and_whatever_ends_it_leaves_no_reader_on_either_server(cluster: Cluster) -> None:
    one = Verifying(cluster, "64G")
    command = cluster.start(*VERIFY)
    one.until_read(True, True)
    command.send_signal(signal.SIGKILL)
    command.communicate()
    cluster.run("recover")
    (shown,) = cluster.run("activity-list", "--running", "-f", "json").json
    key, total = shown["id"], 2 * 64 * 1024**3
    first = cluster.until_activity(key, lambda shown: shown["done_bytes"] > 0)
    later = cluster.until_activity(key, lambda shown: shown["done_bytes"] > first["done_bytes"])
    assert (later["state"], later["host"], later["total_bytes"]) == ("running", None, total)
    cluster.run("activity-cancel", key)
    one.until_read(False, False)
    assert cluster.activity(key)["state"] == "cancelled"
    assert [one.name for one in one.place(key).iterdir() if one.name.startswith(("readings", "verdict"))] == []

    key = one.begin()
    one.until_read(True, True)
    os.killpg(int((one.place(key) / "group").read_text().split()[0]), signal.SIGKILL)
    one.until_read(False, False)
    assert cluster.cgctl("activity-wait", key).exit_code == 6


def test_points_that_go_meanwhile_are_read_to_their_end(cluster: Cluster) -> None:
    one = Verifying(cluster, "512M")
    key = one.begin()
    one.signal("STOP")
    cluster.run("group-sync-replication", "db")
    cluster.run("group-disable-replication", "db")
    assert cluster.activity(key)["state"] == "running"
    one.signal("CONT")
    cluster.run("activity-wait", key, "--timeout", "100")
    shown = cluster.activity(key)
    assert (shown["state"], shown["percent"]) == ("succeeded", 100)
    assert one.is_read() == [False, False]
