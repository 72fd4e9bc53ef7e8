"""Activities on every driver's server: detached, watched, ended, lost; and copies that run as one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.activities.place import ActivityPlace, progress, script, supervisor
from drivers.activities.sequence import in_sequence
from drivers.activities.values import ActivityReport, ActivityState, Program
from drivers.command import Command, Secret
from drivers.contract import Volume
from drivers.errors import Busy, NotOnServer, ServerRefused
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.linting import complaints

SCRIPTS = ("start", "poll", "settle", "log", "forget")


@pytest.fixture
def place(directory_bench: Bench) -> ActivityPlace:
    directory_bench.driver.claim_activities(directory_bench.context)
    return ActivityPlace(directory_bench.runner, directory_bench.driver.activity_directory)


@pytest.fixture
def local(local_bench: Bench) -> ActivityPlace:
    """One place is enough for what no driver has a part in."""
    local_bench.driver.claim_activities(local_bench.context)
    return ActivityPlace(local_bench.runner, local_bench.driver.activity_directory)


def shell(text: str, *parameters: str, stdin: str = "") -> Command:
    return Command(("sh", "-c", text, "work", *parameters), stdin)


def started(place: ActivityPlace, work: str, undo: str = "exit 0", *, leashed: bool = False) -> str:
    key = new_id()
    place.start(key, "owner", Program(shell(work), shell(undo), "a label"), leashed=leashed)
    return key


def seen(place: ActivityPlace, key: str, until: Callable[[ActivityReport], bool]) -> ActivityReport:
    """What is seen when this is so; it has to be so within ten seconds."""
    give_up_at = time.monotonic() + 10
    while time.monotonic() < give_up_at:
        report = place.poll([key])[key]
        if until(report):
            return report
        time.sleep(0.02)
    raise AssertionError(report)


def over(place: ActivityPlace, key: str) -> ActivityReport:
    return seen(place, key, lambda one: one.state.is_over)


def own_file(place: ActivityPlace, key: str, name: str) -> Path:
    return Path(place.directory, key, name)


def supervisor_of(place: ActivityPlace, key: str) -> int:
    return int(own_file(place, key, "state").read_text().split()[5])


def test_a_work_reads_its_input_and_its_end_and_log_are_kept(local: ActivityPlace) -> None:
    key = new_id()
    local.start(key, "me", Program(shell('cat; echo "$1"', "second", stdin="first\n"), None, "two  words\n"))
    report = over(local, key)
    assert (report.state, report.exit_status, report.owner, report.label) == ("succeeded", 0, "me", "two words")
    assert local.log(key).text == "first\nsecond\n"
    assert [one.id for one in local.find_all()] == [key]
    assert local.notes([key]) == {}
    noted = new_id()
    local.start(noted, "me", Program(shell("exit 0"), note='{"a note": "in one line"}'))
    assert local.notes([key, noted, new_id()]) == {noted: '{"a note": "in one line"}'}


def test_a_work_goes_on_in_a_session_of_its_own_when_who_started_it_is_gone(place: ActivityPlace) -> None:
    key = started(place, 'while [ ! -e "$CGCTL_ACTIVITY/go" ]; do sleep 0.02; done; cat /proc/$$/stat')
    assert place.poll([key])[key].state is ActivityState.RUNNING
    place.runner.run(Command(("touch", f"{place.directory}/{key}/go")), 5)
    assert over(place, key).state is ActivityState.SUCCEEDED
    stat = place.log(key).text.split()
    assert stat[0] == stat[4] == stat[5]  # leads its group and its session


def test_a_failed_work_is_undone_and_says_why(local: ActivityPlace) -> None:
    mark = Path(local.directory, "undone")
    key = started(local, "echo begun; echo why not >&2; exit 7", f"echo undone >>'{mark}'")
    report = over(local, key)
    assert (report.state, report.exit_status, report.reason) == ("failed", 7, "why not")
    assert mark.read_text() == "undone\n"


def test_a_refusal_of_a_script_is_kept_in_its_form(local: ActivityPlace) -> None:
    key = started(local, "echo 'cgctl-refused pool-full: no room' >&2; echo noise >&2; exit 3")
    assert over(local, key).reason == "cgctl-refused pool-full: no room"


def test_the_same_start_again_finds_the_first_one(local: ActivityPlace) -> None:
    key, mark = new_id(), Path(local.directory, "mark")
    program = Program(shell(f"echo once >>'{mark}'"))
    for _ in range(3):
        local.start(key, "owner", program)
    assert over(local, key).state is ActivityState.SUCCEEDED
    local.start(key, "owner", program)
    assert mark.read_text() == "once\n"


def test_a_cancelled_pipeline_leaves_no_process_and_is_undone_once(place: ActivityPlace) -> None:
    key = started(place, "sleep 4711 | sleep 4711 | sleep 4711", 'echo x >>"$CGCTL_ACTIVITY/undone"')
    first, second = place.cancel(key), place.cancel(key)
    assert first
    assert second
    assert first.state is second.state is ActivityState.CANCELLED
    left = place.runner.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")), 5).stdout
    assert "sleep 4711" not in left
    assert place.runner.run(Command(("cat", f"{place.directory}/{key}/undone")), 5).stdout == "x\n"


def test_to_cancel_what_is_over_or_not_there_changes_nothing(local: ActivityPlace) -> None:
    key = started(local, "exit 0")
    over(local, key)
    report = local.cancel(key)
    assert report
    assert report.state is ActivityState.SUCCEEDED
    assert local.cancel(new_id()) is None


def test_several_run_at_once_and_do_not_know_each_other(local: ActivityPlace) -> None:
    keys = [started(local, f"sleep 4712; exit {number}") for number in range(4)]
    assert {one.state for one in local.poll(keys).values()} == {ActivityState.RUNNING}
    local.cancel(keys[1])
    assert [local.poll(keys)[key].state.value for key in keys] == ["running", "cancelled", "running", "running"]
    for key in keys:
        local.cancel(key)


def test_whose_supervisor_was_killed_is_lost_and_is_put_right(local: ActivityPlace) -> None:
    mark = Path(local.directory, "undone")
    key = started(local, "sleep 4713", f"echo undone >>'{mark}'")
    leader = int(seen_file(own_file(local, key, "group")).split()[0])
    os.kill(supervisor_of(local, key), signal.SIGKILL)
    assert seen(local, key, lambda one: one.state is ActivityState.LOST).ended_at is None
    report = local.settle_lost(key)
    assert report
    assert report.state is ActivityState.LOST
    assert report.ended_at is not None
    assert mark.read_text() == "undone\n"
    assert is_gone(leader)


def test_what_ran_when_the_server_was_rebooted_is_lost_whatever_has_its_pid_now(local: ActivityPlace) -> None:
    key = started(local, "sleep 4714")
    state = own_file(local, key, "state")
    words = seen_file(state).split()
    leader = int(seen_file(own_file(local, key, "group")).split()[0])
    os.kill(supervisor_of(local, key), signal.SIGKILL)
    os.killpg(leader, signal.SIGKILL)
    # The same pid and birth as a process that lives now, of another boot.
    born = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    state.write_text(" ".join([*words[:4], "11111111-2222-3333-4444-555555555555", str(os.getpid()), born, "\n"]))
    assert local.poll([key])[key].state is ActivityState.LOST
    report = local.settle_lost(key)
    assert report
    assert report.ended_at is not None


def test_what_lives_is_not_settled_as_lost(local: ActivityPlace) -> None:
    key = started(local, "sleep 4715")
    report = local.settle_lost(key)
    assert report
    assert report.state is ActivityState.RUNNING
    local.cancel(key)


def test_an_undo_that_fails_is_told_and_run_again(local: ActivityPlace) -> None:
    gate = Path(local.directory, "gate")
    key = started(local, "exit 1", f"test -e '{gate}'")
    assert over(local, key).remains
    with pytest.raises(Busy, match="could not be removed"):
        local.forget(key)
    gate.touch()
    report = local.cancel(key)
    assert report
    assert not report.remains
    local.forget(key)
    assert local.find_all() == []


def test_of_parts_that_are_cut_short_nothing_is_run_and_nothing_undone(tmp_path: Path) -> None:
    """Half a line is another command."""
    ran = tmp_path / "ran"
    part = Program(Command(("touch", str(ran))), Command(("touch", f"{ran}-undone")), "one")
    sequence = in_sequence([(part, 1)], "one")
    environment = {**os.environ, "CGCTL_ACTIVITY": str(tmp_path)}
    cut = sequence.work.stdin_bytes[: -len("-undone")]
    begun = subprocess.run(sequence.work.argv, input=cut, env=environment, capture_output=True, check=False)
    assert (begun.returncode, b"cut short" in begun.stderr) == (1, True)
    assert sequence.undo is not None
    subprocess.run(sequence.undo.argv, env=environment, check=True)
    assert not list(tmp_path.glob("ran*"))


def test_a_sequence_of_any_length_runs_in_order_and_is_undone_as_a_whole(local: ActivityPlace, tmp_path: Path) -> None:
    """As arguments, the scripts of a group of forty volumes were more than a kernel takes."""
    done, undone, members = tmp_path / "done", tmp_path / "undone", 80
    long = f"# {'x' * 40_000}"
    parts = [
        (Program(shell(f'echo {number} >>"$1" {long}', str(done)), shell(f'echo {number} >>"$1"', str(undone))), 1)
        for number in range(members)
    ]
    for more, state in (([], ActivityState.SUCCEEDED), ([(Program(shell("exit 3")), 1)], ActivityState.FAILED)):
        done.write_text("")
        key = new_id()
        local.start(key, "owner", in_sequence([*parts, *more], "many"))
        assert over(local, key).state is state, local.log(key)
        assert done.read_text().split() == [str(number) for number in range(members)]
        assert undone.exists() is (state is ActivityState.FAILED)
    assert sorted(map(int, undone.read_text().split())) == list(range(members))


def test_a_log_is_bounded_keeps_the_newest_and_is_read_on_from_where_one_was(local: ActivityPlace) -> None:
    key = started(local, "yes 012345678 | head -c 2000000")
    over(local, key)
    piece = local.log(key)
    assert piece.next_offset == 2_000_000
    assert len(piece.text) < 450_000
    assert local.log(key, 1_999_990).text == "012345678\n"
    assert local.log(key, piece.next_offset).text == ""


def test_a_log_is_read_while_the_work_writes_it(local: ActivityPlace) -> None:
    key = started(local, "echo first; sleep 4716")
    seen(local, key, lambda _: local.log(key).text == "first\n")
    local.cancel(key)


def test_what_runs_is_not_forgotten_and_what_is_over_is(local: ActivityPlace) -> None:
    key = started(local, "sleep 4717")
    with pytest.raises(Busy, match="running"):
        local.forget(key)
    local.cancel(key)
    local.forget(key)
    local.forget(key)
    assert list(Path(local.directory).iterdir()) == []


def test_whose_handle_ends_with_its_connection_ends_when_nobody_watches_it(local: ActivityPlace) -> None:
    key = started(local, "sleep 4718", leashed=True)
    alive = own_file(local, key, "alive")
    assert local.poll([key], watches=True)[key].state is ActivityState.RUNNING
    os.utime(alive, (1, 1))
    assert over(local, key).state is ActivityState.CANCELLED


def test_progress_is_what_the_kernel_has_counted(local: ActivityPlace) -> None:
    work = (
        f"{progress()}\nmeasured 100 1000 wchar 1 sh -c 'head -c 500 /dev/zero >/dev/null; printf 123456; sleep 4719'"
    )
    key = started(local, work)
    report = seen(local, key, lambda one: one.done_bytes > 600)
    assert (report.done_bytes, report.total_bytes) == (606, 1000)  # its children's, once they have ended
    local.cancel(key)
    key = started(local, f"{progress()}\nmeasured 100 1000 wchar 2 sh -c 'printf %0600d 1'; echo written; sleep 4719")
    while "written" not in local.log(key).text:
        time.sleep(0.02)
    report = seen(local, key, lambda one: one.total_bytes > 0)
    assert 400 <= report.done_bytes <= 420  # while it is written to the disk; what the shell itself wrote is in it
    local.cancel(key)
    local.cancel(key)


def test_a_place_that_is_not_there_starts_nothing(tmp_path: Path, local: ActivityPlace) -> None:
    with pytest.raises(NotOnServer, match="is the pool there"):
        started(ActivityPlace(local.runner, str(tmp_path / "not-there")), "exit 0")
    assert ActivityPlace(local.runner, str(tmp_path / "not-there")).find_all() == []


def test_what_is_no_id_or_carries_a_secret_is_refused(local: ActivityPlace) -> None:
    with pytest.raises(ServerRefused):
        local.start("../../etc", "owner", Program(shell("exit 0")))
    with pytest.raises(TypeError):
        local.start(new_id(), "owner", Program(Command(("cat",), Secret("hidden"))))


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_has_no_complaint_about_the_scripts(name: str) -> None:
    assert complaints(script(name).text, "SC2034") == ""  # not every script uses all that the shared head reads


def test_shellcheck_has_no_complaint_about_what_runs_on_the_server() -> None:
    assert complaints(supervisor()) == ""
    assert complaints(f"set -eu\nrefuse() {{ exit 3; }}\n{progress()}", "SC2329", "SC2317") == ""


def test_a_copy_runs_as_an_activity_and_is_there_once(bench: Bench) -> None:
    place = ActivityPlace(bench.runner, bench.driver.activity_directory)
    bench.driver.claim_activities(bench.context)
    source, copy, key = bench.volume(size_bytes=MIB, data=b"precious" * 1000), Volume(new_id(), 2 * MIB), new_id()
    with bench.image(source) as path:
        place.start(key, "owner", bench.driver.copy_program(bench.context, copy, path))
        report = over_slowly(place, key)
    assert report.state is ActivityState.SUCCEEDED, place.log(key)
    assert report.done_bytes == report.total_bytes > 0
    assert bench.read(copy, 8000) == b"precious" * 1000
    assert bench.size(copy) == 2 * MIB


def test_a_stream_becomes_a_volume_or_nothing(bench: Bench) -> None:
    source = bench.volume(size_bytes=MIB, data=b"precious" * 1000)
    whole = MIB * bench.scale
    with bench.image(source) as path:
        before = bench.objects()
        for more, is_well in ((0, True), (-1, False), (1, False)):
            copy = Volume(new_id(), MIB)
            receive = bench.driver.receive_program(bench.context, copy, whole).work
            line = f'cat "$0" /dev/zero | head -c {whole + more} | "$@"'
            completed = bench.runner.run(Command(("sh", "-c", line, path, *receive.argv)), 300)
            assert (completed.exit_status == 0) == is_well, completed
            if is_well:
                assert bench.read(copy, 8000) == b"precious" * 1000
                bench.driver.delete_volume(bench.context, copy)
        assert bench.objects() == before


def seen_file(path: Path) -> str:
    give_up_at = time.monotonic() + 10
    while not path.exists() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return path.read_text()


def is_gone(pid: int) -> bool:
    """Also when nobody has taken its end yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def over_slowly(place: ActivityPlace, key: str) -> ActivityReport:
    """On a virtual machine everything takes its time."""
    for _ in range(600):
        report = place.poll([key])[key]
        if report.state.is_over:
            return report
        time.sleep(0.1)
    raise AssertionError(report)
