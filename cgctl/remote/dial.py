"""The TCP connection below SSH."""

from __future__ import annotations

import socket

from cgctl.remote.settings import SshSettings
from drivers.errors import HandshakeBroken, NothingListens, Unreachable

SILENCE_SECONDS = 30
"""After so long without any answer from the server's kernel, the connection counts as lost."""

_OPTIONS = (
    ("TCP_NODELAY", 1),  # a command is two small packets: without it the second waits 40 ms for the first's ACK
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 4),
)


def dial(settings: SshSettings) -> socket.socket:
    """Connect, to any of the host's addresses. Raises Unreachable, and its kinds where the server's kernel answers."""
    server = settings.server
    timeout = settings.connect_timeout_seconds
    try:
        connection = socket.create_connection((settings.host, settings.port), timeout)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else str(error)
        raise Unreachable(f"{server}: the name {settings.host} cannot be resolved: {reason}") from error
    except TimeoutError as error:
        raise Unreachable(f"{server}: no answer within {timeout:g} s") from error
    except ConnectionRefusedError as error:
        hint = f"is sshd running on {settings.host}, and is {settings.port} its port?"
        raise NothingListens(f"{server}: connection refused", hint) from error
    except ConnectionResetError as error:
        raise HandshakeBroken(f"{server}: the connection was reset") from error
    except OSError as error:
        raise Unreachable(f"{server}: {error.strerror or error}") from error
    try:
        _set_options(connection)
    except OSError as error:  # it is closed already
        connection.close()
        raise HandshakeBroken(f"{server}: the connection was closed") from error
    return connection


def _set_options(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_OPTIONS, ("TCP_USER_TIMEOUT", SILENCE_SECONDS * 1000)):
        option = getattr(socket, name, None)  # not every system has all of them
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
