"""Connecting again where a handshake broke: what passes by itself is no state of the server.

sshd drops connections at random beyond its MaxStartups, is killed and started anew in an update, or is overloaded for a
moment. Where nothing listens, where no route leads and where a key is refused, another try would tell the same.
"""

from __future__ import annotations

import logging
import time

from cgctl.remote.settings import SshSettings
from cgctl.remote.ssh import BrokenInLogin, Connection
from drivers.errors import HandshakeBroken

log = logging.getLogger(__name__)
PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6, 1.6)


def connect(settings: SshSettings) -> Connection:
    """Logged in. Raises the classes of ServerNotReached.

    A handshake that broke is made again, with pauses, within connect_timeout_seconds; once even when that is over.
    """
    give_up_at = time.monotonic() + settings.connect_timeout_seconds
    for number, pause in enumerate(PAUSES_SECONDS):
        try:
            return Connection(settings)
        except HandshakeBroken as error:
            if number and (isinstance(error, BrokenInLogin) or time.monotonic() + pause > give_up_at):
                raise
            log.debug("%s; again in %g s", error.message, pause)
        time.sleep(pause)
    return Connection(settings)
