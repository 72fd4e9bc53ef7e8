"""SSH by paramiko: a connection with a proven server, and commands on it. The only importer of paramiko.

paramiko's SSHClient is not used: of several pinned keys it takes the first of a type only, and asks the server for
the first type only; what is trusted is decided by `host_keys`. Importing paramiko takes 130 ms, so this module is
imported when a connection is needed.
"""

from __future__ import annotations

import contextlib
import logging
import shlex
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko

from cgctl.remote import host_keys
from cgctl.remote.dial import dial
from cgctl.remote.framing import Frame, MarkedOutput
from cgctl.remote.known_hosts import HostKey
from cgctl.remote.liveness import Listening, Watch
from cgctl.remote.settings import SshSettings
from drivers import errors

ASKING = "keepalive@openssh.com"
"""No server knows a global request of this name, and each must say so: OpenSSH's own asks so, too."""
DEFAULT_IDENTITY_FILES = ("id_ed25519", "id_ecdsa", "id_rsa")
SLICES = 20
"""Of the time that a handshake may take."""
_CHUNK_BYTES = 256 * 1024
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""Preferred: less work for each byte than paramiko's own first."""
REKEY_BYTES = 1 << 36
"""As RFC 4344 (3.2) allows AES. paramiko's own 512 MiB loses a stream that ends while the keys are exchanged: the
thread that has to answer the end is the one that exchanges them."""
_BROKEN = (paramiko.SSHException, EOFError, OSError)

_PARAMIKO_LOGGER = f"{__name__}.paramiko"
# paramiko logs what is refused as errors with a traceback; what matters is raised here.
logging.getLogger(_PARAMIKO_LOGGER).disabled = True


class BrokenInLogin(errors.HandshakeBroken):
    """The server closed the connection when it was shown a key. Servers count logins: this is not tried often."""


class NotSent(Exception):
    """The connection turned out to be dead before anything was sent over it."""


@dataclass(frozen=True)
class Ending:
    """How an execution ended: the login shell's exit status where it was waited for, and whether the time ran out."""

    exit_status: int | None = None
    timed_out: bool = False


class Connection:
    """A connection that is logged in."""

    def __init__(self, settings: SshSettings) -> None:
        """Connect, prove the server, log in. Raises the classes of ServerNotReached."""
        self._settings = settings
        identity = _identity(settings)
        self._socket = Listening(dial(settings))
        self._transport = paramiko.Transport(self._socket)
        self._watch = Watch(self._socket.heard, self._ask, self.close)
        self._transport.set_log_channel(_PARAMIKO_LOGGER)
        self._transport.packetizer.REKEY_BYTES = REKEY_BYTES
        try:
            _negotiate(self._transport, settings)
            _log_in(self._transport, settings, identity)
        except BaseException:
            self.close()
            raise
        self._watch.begin()

    def is_alive(self) -> bool:
        return self._transport.is_active()

    def close(self) -> None:
        """End it at once, also while another thread waits on it."""
        self._watch.end()
        self._transport.close()
        self._socket.close()

    def execute(self, frame: Frame, stdin: bytes, timeout_seconds: float) -> Ending:
        """Run a frame's line until its outputs have ended, which are left in the frame.

        Raises NotSent, or LoginRefused, when the server ran nothing.
        """
        channel = self._open_channel()
        with self._deadline(timeout_seconds) as expired, contextlib.closing(channel):
            status = self._exchange(channel, frame, stdin) if self._send(channel, frame.line) else None
        return Ending(status, expired.is_set())

    def begin(self, line: str) -> paramiko.Channel:
        """Send a line and leave its channel to the caller. Raises NotSent, or LoginRefused, when nothing ran."""
        channel = self._open_channel()
        if not self._send(channel, line):
            raise errors.ConnectionLost(f"{self._settings.server}: the connection was lost")
        return channel

    def _ask(self) -> None:
        with contextlib.suppress(*_BROKEN):
            self._transport.global_request(ASKING)

    def _open_channel(self) -> paramiko.Channel:
        try:
            return self._transport.open_session(timeout=self._settings.connect_timeout_seconds)
        except paramiko.ChannelException as error:
            raise errors.LoginRefused(f"{self._settings.server}: no session was granted: {error.text}") from error
        except _BROKEN as error:
            raise NotSent(str(error)) from error

    @contextlib.contextmanager
    def _deadline(self, timeout_seconds: float) -> Iterator[threading.Event]:
        """Ends the connection when the time is up: that wakes every call which waits on it, whatever for.

        Nothing is lost by it: a connection with an answer outstanding is of no use to the next command.
        """
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self.close()

        timer = threading.Timer(timeout_seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def _send(self, channel: paramiko.Channel, line: str) -> bool:
        """False when the connection broke on the way: the line may have arrived."""
        try:
            channel.exec_command(line)
        except _BROKEN as error:
            if self.is_alive():
                raise errors.LoginRefused(f"{self._settings.server}: the server refuses to run commands") from error
            return False
        return True

    def _exchange(self, channel: paramiko.Channel, frame: Frame, stdin: bytes) -> int | None:
        """Input and both outputs at the same time: a full pipe of one must not stop the others."""
        reader = threading.Thread(target=_receive, args=(channel.recv_stderr, frame.stderr), daemon=True)
        reader.start()
        threading.Thread(target=_feed, args=(channel, stdin), daemon=True).start()
        ended = _receive(channel.recv, frame.stdout)
        reader.join()
        if ended:
            return None
        status = channel.recv_exit_status()
        return status if status >= 0 else None


def _feed(channel: paramiko.Channel, stdin: bytes) -> None:
    """A program need not read what it is given: it may be gone before."""
    with contextlib.suppress(*_BROKEN):
        channel.sendall(stdin)
        channel.shutdown_write()


def _receive(receive: Callable[[int], bytes], output: MarkedOutput) -> bool:
    """Read up to the end mark (True), so that a daemon which keeps the stream open is not waited for, or to the end."""
    with contextlib.suppress(*_BROKEN):
        while chunk := receive(_CHUNK_BYTES):
            if output.feed(chunk):
                return True
    return False


def _negotiate(transport: paramiko.Transport, settings: SshSettings) -> None:
    """The key exchange, and the proof that the server is the pinned one."""
    trusted = host_keys.trusted_by(settings)
    options = transport.get_security_options()
    options.ciphers = (*CIPHERS, *(one for one in options.ciphers if one not in CIPHERS))
    options.key_types = host_keys.preferred(trusted, tuple(options.key_types))
    timeout = settings.connect_timeout_seconds
    transport.banner_timeout = transport.handshake_timeout = SLICES * timeout  # _await_keys is stricter
    transport.auth_timeout = timeout
    try:
        _await_keys(transport, timeout)
        shown = transport.get_remote_server_key()
    except _BROKEN as error:
        reason = str(error) or "the connection was closed"
        raise errors.HandshakeBroken(f"{settings.server}: no SSH connection: {reason}") from error
    host_keys.verify(settings, trusted, HostKey(shown.get_name(), shown.asbytes()))


def _await_keys(transport: paramiko.Transport, timeout_seconds: float) -> None:
    """Until keys are exchanged. Raises SSHException, EOFError.

    Not `start_client(timeout=…)`: that returns in silence when the time is up, and by the wall clock. When this machine
    itself stood still for a while (a paused virtual machine, a load of 30), only a slice of the time is up, and the
    server gets the rest to answer.
    """
    ended = threading.Event()
    transport.start_client(event=ended)
    if not any(ended.wait(timeout_seconds / SLICES) for _ in range(SLICES)):
        raise paramiko.SSHException(
            f"the server accepts connections, and no handshake ended within {timeout_seconds:g} s"
        )
    if not transport.is_active():
        raise transport.get_exception() or paramiko.SSHException("the handshake failed")


def _identity(settings: SshSettings) -> paramiko.PKey | None:
    """The configured key. Raises LoginRefused when it cannot be used; nobody is asked for a passphrase."""
    path = settings.identity_file
    if path is None:
        return None
    try:
        return _load(path)
    except OSError as error:
        message = f"{settings.server}: the identity file {path} cannot be read: {error.strerror}"
        keygen = shlex.join(("ssh-keygen", "-t", "ed25519", "-N", "", "-f", str(path)))
        raise errors.LoginRefused(message, f"a new key without a passphrase is made by: {keygen}") from error
    except (paramiko.PasswordRequiredException, TypeError) as error:
        message = f"{settings.server}: the identity file {path} is protected by a passphrase"
        hint = "name a key without one, or no identity_file and load the key into ssh-agent"
        raise errors.LoginRefused(message, hint) from error
    except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, ValueError) as error:
        hint = "it must be a private key of type ed25519, ecdsa or rsa, not the .pub file"
        raise errors.LoginRefused(f"{settings.server}: {path} is not a usable private key", hint) from error


def _load(path: Path) -> paramiko.PKey:
    return paramiko.PKey.from_path(path.expanduser())


def _log_in(transport: paramiko.Transport, settings: SshSettings, identity: paramiko.PKey | None) -> None:
    offered = 0
    with contextlib.ExitStack() as stack:
        for key in [identity] if identity else _found_keys(stack):
            offered += 1
            if _accepts(transport, settings, key):
                return
    if not offered:
        hint = "set identity_file for this server, or load a key into ssh-agent"
        raise errors.LoginRefused(f"{settings.server}: there is no key to log in with", hint)
    raise errors.LoginRefused(f"{settings.server}: the server refuses user or key", _key_hint(settings))


def _key_hint(settings: SshSettings) -> str:
    public = f"{settings.identity_file}.pub" if settings.identity_file else "a public key of yours"
    copy = shlex.join(("ssh-copy-id", "-p", str(settings.port), f"{settings.user}@{settings.host}"))
    return f"does the user {settings.user} exist there, with {public} in ~/.ssh/authorized_keys? See also: {copy}"


def _broken_in_login(settings: SshSettings) -> BrokenInLogin:
    return BrokenInLogin(f"{settings.server}: the connection was closed during the login", _key_hint(settings))


def _accepts(transport: paramiko.Transport, settings: SshSettings, key: paramiko.PKey) -> bool:
    server = settings.server
    try:
        further = transport.auth_publickey(settings.user, key)
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error).lower():
            raise errors.HandshakeBroken(f"{server}: no answer to the login") from error
        if not transport.is_active():
            raise _broken_in_login(settings) from error
        return False
    except _BROKEN as error:
        raise _broken_in_login(settings) from error
    if further:
        raise errors.LoginRefused(f"{server}: the server wants more than a key: {', '.join(further)}")
    return True


def _found_keys(stack: contextlib.ExitStack) -> Iterator[paramiko.PKey]:
    """The agent's keys, then ~/.ssh's; what cannot be used without asking is passed over."""
    agent = paramiko.Agent()
    stack.callback(agent.close)
    yield from agent.get_keys()
    for name in DEFAULT_IDENTITY_FILES:
        with contextlib.suppress(OSError, TypeError, ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
            yield _load(Path("~/.ssh", name))
