"""Streams between two commands: whole or failed, watched for stalls, at a given pace. Real processes; under 5 s."""

from __future__ import annotations

import time
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cgctl.remote.framing import Frame, PassedOn
from cgctl.remote.local import LocalRunner
from cgctl.remote.stream import relay
from cgctl.remote.transfer import End, Errand, Limits, transfer
from drivers import errors
from drivers.command import Command

SEND_A_MEGABYTE = Command(("sh", "-c", "head -c 1048576 /dev/zero"))
SWALLOW = Command(("sh", "-c", "cat >/dev/null; echo done"))


def moved(send: Command, receive: Command, limits: Limits = Limits()) -> int:  # noqa: B008 (a value)
    return transfer(errand(send, receive), limits, lambda _passed: None).stream_bytes


def errand(send: Command, receive: Command) -> Errand:
    here = LocalRunner()
    return Errand("owner", "group", End("alpha", here), send, End("beta", here), receive)


def test_everything_is_passed_on() -> None:
    here = LocalRunner()
    sender, receiver = here.stream(SEND_A_MEGABYTE, reads=False), here.stream(SWALLOW, reads=True)
    relayed = relay(sender, receiver)
    assert relayed.stream_bytes == 1048576
    assert (relayed.sent.exit_status, relayed.received.exit_status, relayed.received.stdout) == (0, 0, "done\n")


def test_a_sender_that_fails_is_told() -> None:
    with pytest.raises(errors.ServerFailed, match="broken disk"):
        moved(Command(("sh", "-c", "echo half; echo broken disk >&2; exit 4")), SWALLOW)


def test_a_receiver_that_refuses_is_told_and_not_its_senders_broken_pipe() -> None:
    refuse = Command(("sh", "-c", "head -c 10 >/dev/null; echo 'cgctl-refused pool-full: no room' >&2; exit 3"))
    with pytest.raises(errors.PoolFull, match="no room"):
        moved(Command(("sh", "-c", "cat /dev/zero")), refuse)


@pytest.mark.parametrize(
    ("send", "receive"),
    [("sleep 60", "cat >/dev/null"), ("cat /dev/zero", "sleep 60")],
    ids=["sender", "receiver"],
)
def test_a_transfer_in_which_nothing_moves_is_ended(send: str, receive: str) -> None:
    began = time.monotonic()
    sender, receiver = (Command(("sh", "-c", f"exec {words}")) for words in (send, receive))
    with pytest.raises(errors.TimedOut, match="nothing moved"):
        moved(sender, receiver, Limits(stall_seconds=0.4))
    assert time.monotonic() - began < 30


def test_who_follows_a_transfer_hears_of_it_while_nothing_moves_and_may_end_it() -> None:
    heard = list[int]()

    def enough(passed: int) -> str | None:
        heard.append(passed)
        return "somebody else wants the servers" if len(heard) == 3 else None

    send = Command(("sh", "-c", "head -c 100000 /dev/zero; exec sleep 60"))
    with pytest.raises(errors.TimedOut, match="somebody else wants the servers"):
        transfer(errand(send, SWALLOW), Limits(stall_seconds=2), enough)
    assert heard[-1] == 100000


def test_a_pace_is_kept() -> None:
    began = time.monotonic()
    assert moved(SEND_A_MEGABYTE, SWALLOW, Limits(bytes_per_second=2 * 1024 * 1024)) == 1048576
    assert time.monotonic() - began >= 0.4


@given(some.binary(max_size=200), some.lists(some.integers(1, 60), max_size=20))
def test_only_what_lies_between_the_marks_is_passed_on_however_it_is_cut(payload: bytes, cuts: list[int]) -> None:
    frame = Frame(Command(("true",)), sudo=False)
    nonce = frame.stdout.begin_mark.partition(b"-")[0]
    received = b"motd\n" * 20 + frame.stdout.begin_mark + payload + b"\n" + nonce + b"-end 7\n"
    stream, arriving, passed = PassedOn(frame.stdout, 64), BytesIO(received), b""

    def receive(room: memoryview) -> int:
        piece = arriving.read(min(cuts.pop(), len(room)) if cuts else len(room))
        room[: len(piece)] = piece
        return len(piece)

    while (piece := stream.pass_on(receive)) is not None:
        passed += piece
    assert passed == payload
    assert stream.has_ended
    assert frame.stdout.end_status() == 7
