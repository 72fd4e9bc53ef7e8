"""Quiesce hooks with real guards and real signals: post runs once, in time, whatever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cgctl.remote.hooks import HookRunner, Hooks
from drivers.errors import HoldBroken, HookFailed

ENVIRONMENT = {"CGCTL_GROUP_ID": "g-1", "CGCTL_GROUP_NAME": "it's $HOME", "CGCTL_OPERATION_ID": "op-1"}


class Witness:
    """A file to which hooks write that they ran."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = f'echo "$CGCTL_HOOK" >> {path}'

    def ran(self) -> list[str]:
        return self.path.read_text().split() if self.path.exists() else []

    def hooks(self, pre: str = ":", post: str = ":", timeout_seconds: float = 5) -> Hooks:
        return Hooks(f"{self.line}; {pre}", f"{self.line}; {post}", timeout_seconds)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "ran")


def hold(hooks: Hooks, bound_seconds: float = 5, body: Callable[[], object] = lambda: None) -> None:
    """Run the body between the hooks."""
    with HookRunner().quiesced(hooks, bound_seconds, {}):
        body()


def never() -> None:
    pytest.fail("the body ran")


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> float:
    """How long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - began


def guards(marker: str) -> list[int]:
    """The guards whose hooks write to this file."""
    found = []
    for directory in Path("/proc").iterdir():
        try:
            ours = b"cgctl-hook-guard" in (directory / "cmdline").read_bytes()
            if ours and marker.encode() in (directory / "environ").read_bytes():
                found.append(int(directory.name))
        except (OSError, ValueError):
            continue
    return found


@contextmanager
def another_cgctl(witness: Witness, bound_seconds: float, body: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that is within its hold when this begins."""
    program = (
        "import sys, time\n"
        "from cgctl.remote.hooks import HookRunner, Hooks\n"
        "pre, post, bound = sys.argv[1:]\n"
        "with HookRunner().quiesced(Hooks(pre, post, 5), float(bound), {}):\n"
        "    print('held', flush=True)\n"
        f"    {body}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, witness.line, witness.line, str(bound_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # it is stopped (tests/e2e/local_sshd.py)
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_pre_runs_before_the_body_and_post_after_it(witness: Witness) -> None:
    with HookRunner().quiesced(witness.hooks(), 5, ENVIRONMENT):
        assert witness.ran() == ["pre"]
    assert witness.ran() == ["pre", "post"]


def test_hooks_see_the_operation_in_their_environment(tmp_path: Path) -> None:
    out = tmp_path / "out"
    line = f'echo "$CGCTL_HOOK|$CGCTL_GROUP_ID|$CGCTL_GROUP_NAME|$CGCTL_OPERATION_ID" >> {out}; cat >> {out}'
    with HookRunner().quiesced(Hooks(line, line, 5), 5, ENVIRONMENT):
        pass
    assert out.read_text() == "pre|g-1|it's $HOME|op-1\npost|g-1|it's $HOME|op-1\n"


@pytest.mark.parametrize("missing", ["pre", "post"])
def test_one_hook_alone_is_enough(witness: Witness, missing: str) -> None:
    pre, post = (None if missing == phase else witness.line for phase in ("pre", "post"))
    with HookRunner().quiesced(Hooks(pre, post, 5), 5, {}):
        pass
    assert witness.ran() == [phase for phase in ("pre", "post") if phase != missing]


def test_pre_that_fails_is_told_with_its_last_line_and_post_has_run(witness: Witness) -> None:
    hooks = witness.hooks(pre="echo first >&2; echo no such database >&2; exit 3")
    with pytest.raises(HookFailed, match=r"pre hook failed: exit status 3: no such database$") as failed:
        hold(hooks, body=never)
    assert failed.value.phase == "pre"
    assert witness.ran() == ["pre", "post"]


def test_pre_that_hangs_is_killed_in_time_and_post_has_run(witness: Witness) -> None:
    began = time.monotonic()
    with pytest.raises(HookFailed, match=r"pre hook failed: it did not end within 0.3 s"):
        hold(witness.hooks(pre="sleep 60; :", timeout_seconds=0.3), body=never)
    assert time.monotonic() - began < 3
    assert witness.ran() == ["pre", "post"]


def test_pre_that_ignores_sigterm_is_killed_all_the_same(witness: Witness) -> None:
    with pytest.raises(HookFailed, match="did not end within"):
        hold(witness.hooks(pre="trap '' TERM; sleep 60; sleep 60", timeout_seconds=0.3), body=never)
    assert witness.ran() == ["pre", "post"]


def test_post_that_fails_is_told_with_its_own_last_line(witness: Witness) -> None:
    with pytest.raises(HookFailed, match=r"post hook failed: exit status 4: still held$") as failed:
        hold(witness.hooks(pre="echo from pre >&2", post="echo still held >&2; exit 4"))
    assert failed.value.phase == "post"
    assert failed.value.hint


def test_silent_post_is_not_blamed_with_the_words_of_pre(witness: Witness) -> None:
    with pytest.raises(HookFailed, match=r"exit status 4$"):
        hold(witness.hooks(pre="echo from pre >&2", post="exit 4"))


def test_error_of_the_body_comes_first_and_the_failed_post_is_told_beside_it(witness: Witness) -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        hold(witness.hooks(post="exit 4"), body=lambda: 1 / 0)
    assert failed.value.__notes__ == ["this machine: the post hook failed: exit status 4"]
    assert witness.ran() == ["pre", "post"]


def test_ctrl_c_in_the_body_runs_post(witness: Witness) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        hold(witness.hooks(), body=interrupt)
    assert witness.ran() == ["pre", "post"]


def test_exceeded_bound_breaks_the_hold_and_post_ran_once(witness: Witness) -> None:
    def dawdle() -> None:
        assert wait_until(lambda: witness.ran() == ["pre", "post"]) < 2
        time.sleep(0.2)

    with pytest.raises(HoldBroken, match=r"bound of 0.3 s"):
        hold(witness.hooks(), 0.3, dawdle)
    assert witness.ran() == ["pre", "post"]


def test_slow_pre_does_not_use_up_the_bound(witness: Witness) -> None:
    with HookRunner().quiesced(witness.hooks(pre="sleep 0.6"), 0.5, {}):
        pass
    assert witness.ran() == ["pre", "post"]


def test_broken_hold_outweighs_a_failed_post(witness: Witness) -> None:
    with pytest.raises(HoldBroken, match=r"post hook failed too: exit status 4"):
        hold(witness.hooks(post="exit 4"), 0.2, lambda: time.sleep(0.5))


@pytest.mark.parametrize("fatal", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killed_cgctl_is_followed_by_post_well_within_the_bound(witness: Witness, fatal: signal.Signals) -> None:
    with another_cgctl(witness, 30, "time.sleep(60)") as process:
        process.send_signal(fatal)
        assert wait_until(lambda: "post" in witness.ran()) < 3
    wait_until(lambda: not guards(str(witness.path)))
    assert witness.ran() == ["pre", "post"]


def test_cgctl_killed_during_pre_is_followed_by_post(witness: Witness, tmp_path: Path) -> None:
    program = "import sys; from cgctl.remote.hooks import *; HookRunner().quiesced(Hooks(*sys.argv[1:], 5), 5, {})"
    program += ".__enter__()"
    with subprocess.Popen([sys.executable, "-c", program, f"{witness.line}; sleep 0.5", witness.line]) as process:
        wait_until(lambda: witness.ran() == ["pre"])
        process.kill()
    wait_until(lambda: not guards(str(witness.path)))
    assert witness.ran() == ["pre", "post"]


def test_bound_also_counts_while_cgctl_is_stopped(witness: Witness) -> None:
    with another_cgctl(witness, 0.5, "sys.stdin.readline()") as process:
        process.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: "post" in witness.ran()) < 3
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=10)
    assert "HoldBroken" in errors
    assert witness.ran() == ["pre", "post"]


def session_of(pid: int) -> set[int]:
    """All processes of its session; none where it has just ended, as the guard's short-lived children do."""
    try:
        leader = os.getsid(pid)
    except ProcessLookupError:
        return set()
    found = subprocess.run(["pgrep", "-s", str(leader)], capture_output=True, text=True, check=False)
    return {int(other) for other in found.stdout.split()}


def test_end_of_the_whole_service_by_sigterm_releases_the_hold(witness: Witness) -> None:
    def terminate() -> None:
        for pid in set().union(*map(session_of, guards(str(witness.path)))):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: "post" in witness.ran())

    with pytest.raises(HoldBroken):
        hold(witness.hooks(), 30, terminate)
    assert witness.ran() == ["pre", "post"]


def test_killed_guard_is_replaced_so_that_post_runs_and_the_hold_counts_as_broken(witness: Witness) -> None:
    def kill() -> None:
        for guard in guards(str(witness.path)):
            with suppress(ProcessLookupError):
                os.kill(guard, signal.SIGKILL)

    with pytest.raises(HoldBroken, match="the guard of the hooks has ended"):
        hold(witness.hooks(), 30, kill)
    assert witness.ran() == ["pre", "post"]


def test_text_of_a_hook_is_not_in_the_process_list(tmp_path: Path) -> None:
    lines = tmp_path / "ps"
    with HookRunner().quiesced(Hooks(f": hush-hush; ps -ewwo args > {lines}", ": hush-hush", 5), 5, {}):
        lines.write_text(lines.read_text() + subprocess.check_output(["ps", "-ewwo", "args"], text=True))
    assert "cgctl-hook-guard" in lines.read_text()
    assert "hush-hush" not in lines.read_text()


def test_hook_that_writes_much_is_neither_blocked_nor_killed(witness: Witness) -> None:
    noise = "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero"
    with HookRunner().quiesced(witness.hooks(pre=noise, post=noise), 5, {}):
        pass
    assert witness.ran() == ["pre", "post"]


def test_daemon_left_by_a_hook_is_not_waited_for(witness: Witness) -> None:
    began = time.monotonic()
    with HookRunner().quiesced(witness.hooks(pre="sleep 7 &", post="sleep 7 &"), 5, {}):
        pass
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("bound", "timeout"), [(0, 5), (5, 0), (-1, 5)])
def test_no_time_at_all_is_refused_because_timeout_would_take_it_for_ever(bound: float, timeout: float) -> None:
    with pytest.raises(ValueError, match="longer than 0"), HookRunner().quiesced(Hooks("", "", timeout), bound, {}):
        pass
