"""The form in which a command reaches a login shell, and how its answer is told from the shell's own noise.

The login shell is somebody else's: it may be bash with a talkative profile, csh, which knows no newline within quotes,
or fish, which reads backslashes within them. It therefore gets one line of plain words only, in which everything that
such shells treat in their own way is an octal escape; `sh` decodes it (`printf %b`). `frame.sh` then runs the command
between two marks with a random nonce. The marks never stand in the line as such, so a profile with `set -x` cannot
show them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from importlib import resources

from drivers.command import Command
from drivers.runner import Completed

LINE_LIMIT_BYTES = 128 * 1024 - 1
"""The longest single argument that Linux hands to a program (execve(2), MAX_ARG_STRLEN): the login shell's `-c`."""

_DECODE = 'eval "$(printf %b "$0")"'
_SPECIAL = re.compile(rb"[^\x20-\x7e]|[\\'!]")


def _script(file_name: str) -> str:
    return resources.files(__package__).joinpath(file_name).read_text()


class Frame:
    """One execution: the line to send, and the two outputs that come back."""

    def __init__(self, command: Command, sudo: bool) -> None:
        self._nonce = secrets.token_hex(16)
        self._sudo = sudo
        self.line = self._line(command)
        self.stdout = MarkedOutput(self._nonce, "begin")
        self.stderr = MarkedOutput(self._nonce, "ready" if sudo else "begin")

    def _line(self, command: Command) -> str:
        as_root = ("sudo", "-n", "--", "sh", "-c", _script("ready.sh"), "cgctl", self._nonce) if self._sudo else ()
        framed = ("exec", "sh", "-c", _script("frame.sh"), "cgctl", self._nonce, *as_root, *command.argv)
        return Command(("sh", "-c", _DECODE, _encode(Command(framed).to_shell()))).to_shell()

    def entered(self) -> bool:
        """The login shell got as far as the frame; without it, nothing ran."""
        return self.stdout.has_begun()

    def began(self) -> bool:
        """The command itself was started; with sudo, as root."""
        return self.stdout.has_begun() and self.stderr.has_begun()

    def completed(self) -> Completed | None:
        """The command's own exit status and outputs; None when the end did not arrive."""
        status = self.stdout.end_status()
        if status is None or self.stderr.end_status() is None:
            return None
        return Completed(status, self.stdout.text(), self.stderr.text())


class MarkedOutput:
    """What arrived on one stream."""

    def __init__(self, nonce: str, begin_word: str) -> None:
        self._nonce = nonce
        self._received = bytearray()
        self._begin = f"{nonce}-{begin_word}\n".encode()
        self._ending = f"\n{nonce}-end ".encode()
        self._end = re.compile(rf"\n{nonce}-end (\d+)\n".encode())
        self.longest_end = len(f"\n{nonce}-end 255\n")

    @property
    def begin_mark(self) -> bytes:
        return self._begin

    def find_end(self, received: bytearray, begin: int, end: int) -> int | None:
        """Where the end mark begins, between these."""
        at = received.find(self._ending, begin, end)  # quicker by far than a pattern, over a stream's bytes
        found = self._end.search(received, at, end) if at >= 0 else None
        return found.start() if found else None

    def feed(self, chunk: bytes) -> bool:
        """Take what arrived; True when the end mark is in it."""
        searched = max(0, len(self._received) - self.longest_end)
        self._received += chunk
        return self._end.search(self._received, searched) is not None

    def has_begun(self) -> bool:
        return self._begin in self._received

    def end_status(self) -> int | None:
        end = self._end.search(self._received)
        return int(end[1]) if end else None

    def text(self) -> str:
        """What lies between the marks, byte for byte but for what is not UTF-8."""
        mark = self._received.find(self._begin)
        begin = mark + len(self._begin) if mark >= 0 else 0
        end = self._end.search(self._received, begin)
        return bytes(self._received[begin : end.start() if end else None]).decode(errors="replace")

    def noise(self) -> str:
        """Everything but the marks: what shells and sudo said, when the command did not begin."""
        lines = bytes(self._received).decode(errors="replace").splitlines()
        return "\n".join(line for line in lines if self._nonce not in line)


class PassedOn:
    """The bytes between the marks of an output, handed on as they come; only the marks are kept in the output.

    They are many, so they are not copied: what is handed on is good until the next call.
    """

    def __init__(self, output: MarkedOutput, piece_bytes: int) -> None:
        self._output = output
        self._begun = False
        self._buffer = bytearray(output.longest_end + piece_bytes)
        self._rest = b""

    @property
    def has_ended(self) -> bool:
        return self._output.end_status() is not None

    def pass_on(self, receive: Callable[[memoryview], int]) -> memoryview | None:
        """What is certainly not part of a mark, and may be nothing; None when `receive` has filled in no byte."""
        view, held = memoryview(self._buffer), len(self._rest)
        view[:held] = self._rest
        count = receive(view[held:])
        if not count:
            return None
        begin, filled = self._begin(held + count), held + count
        end = self._output.find_end(self._buffer, begin, filled)
        keep = max(begin, filled - self._output.longest_end) if end is None else end
        self._rest = bytes(view[keep:filled])
        if end is not None:
            self._output.feed(self._rest)
        return view[begin:keep]

    def _begin(self, filled: int) -> int:
        """Where the stream begins in the buffer; the mark may still be to come."""
        if self._begun:
            return 0
        mark = self._output.begin_mark
        found = self._buffer.find(mark, 0, filled)
        if found < 0:
            return max(0, filled - self._output.longest_end)
        self._output.feed(mark)
        self._begun = True
        return found + len(mark)


def _encode(text: str) -> str:
    """Octal escapes of printf(1)'s %b for all that a login shell could treat in its own way."""
    raw = text.encode(errors="surrogateescape")
    return _SPECIAL.sub(lambda found: f"\\0{found[0][0]:03o}".encode(), raw).decode("ascii")
