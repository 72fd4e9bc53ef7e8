"""The work of an activity of this machine: several servers read, all at once. `python -m cgctl.cli.reader <readings`.

As cgctl.cli.relay, a process of its own that outlives who began it. What the servers print, and why one of them failed,
is kept in the activity's directory when all have ended. When it ends before, the readers on the servers end, too:
nobody reads what they print.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from cgctl.cli.invocation import Invocation
from cgctl.cli.passages import read_readings
from cgctl.cli.relay import keep, note
from cgctl.cli.wiring.configured import Configured
from cgctl.errors import CgctlError
from cgctl.failures import explain
from cgctl.manager.readings import RESULT, Answer, Reading, answer_told
from cgctl.remote.stream import Stream
from cgctl.remote.transfer import StreamingRunner
from drivers import refusals
from drivers.errors import DriverError, ServerFailed, TimedOut
from drivers.runner import Completed

STALL_SECONDS = 300.0
"""In which a server says nothing: it may wait for a lock first, and then tells every 16 MiB."""
LOOK_SECONDS = 0.5


class Reader:
    """One reading; `read` runs in a thread of its own. Bytes are those that its server says it has read."""

    def __init__(self, reading: Reading, runner: StreamingRunner) -> None:
        self.reading, self._runner = reading, runner
        self.done_bytes, self.total_bytes = 0, reading.size_bytes
        self._stream: Stream | None = None
        self._heard_at = time.monotonic()
        self._is_ended = self._is_stalled = False

    def read(self) -> Answer:
        """To its end."""
        try:
            return Answer(self.reading.host, self.reading.key, self._printed())
        except DriverError as error:
            sys.stderr.write(f"{self.reading.host}: {error}\n")
            failure = explain(error, self.reading.subject)
            return Answer(self.reading.host, self.reading.key, error=failure)

    def end_stalled(self) -> None:
        """End it where nothing was heard for too long."""
        if self._stream and time.monotonic() - self._heard_at > STALL_SECONDS:
            self._is_stalled = True
            self.end()

    def end(self) -> None:
        """Now, if it runs; else it does not begin any more."""
        self._is_ended = True
        if self._stream:
            self._stream.abort()

    def _printed(self) -> str:
        stream = self._stream = self._runner.stream(self.reading.command, reads=False)
        self._heard_at = time.monotonic()
        try:
            kept = [] if self._is_ended else list(self._kept_lines(stream))
            completed = stream.finish()
        except DriverError:
            self._refuse_stalled()
            raise
        except OSError as error:
            self._refuse_stalled()
            raise ServerFailed(f"{stream.server}: {error}") from error
        finally:
            stream.abort()
        self._refuse_stalled()
        printed = Completed(completed.exit_status, "".join(f"{line}\n" for line in kept), completed.stderr)
        return refusals.result(printed, stream.server)

    def _refuse_stalled(self) -> None:
        if self._is_stalled:
            raise TimedOut(f"{self._runner.server}: nothing was read for {STALL_SECONDS:g} s")

    def _kept_lines(self, stream: Stream) -> Iterator[str]:
        for line in _lines(stream):
            self._heard_at = time.monotonic()
            if line.startswith("read "):
                _, done, total = line.split()
                self.done_bytes, self.total_bytes = int(done), int(total)
            else:
                yield line


def _lines(stream: Stream) -> Iterator[str]:
    rest = b""
    while piece := stream.read():
        *lines, rest = (rest + bytes(piece)).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")


def read_all(readers: Sequence[Reader]) -> list[Answer]:
    """All at once: what one of them opens is open while another one is read."""
    with ThreadPoolExecutor(max_workers=max(1, len(readers))) as pool:
        try:
            futures = [pool.submit(one.read) for one in readers]
            while wait(futures, LOOK_SECONDS).not_done:
                note(sum(one.done_bytes for one in readers), sum(one.total_bytes for one in readers))
                for one in readers:
                    one.end_stalled()
        finally:
            for one in readers:
                one.end()
    total = sum(one.total_bytes for one in readers)
    note(total, total)
    return [one.result() for one in futures]


def main() -> int:
    """Read and keep the answers; 1 when nothing could be begun."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    configuration, readings, known = read_readings(sys.stdin.read())
    configured = Configured(Invocation(config=configuration))
    try:
        readers = [Reader(one, configured.runner(one.host)) for one in readings]
        answers = [*known, *read_all(readers)]
        keep(RESULT, json.dumps([answer_told(one) for one in answers]))
    except CgctlError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        configured.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
