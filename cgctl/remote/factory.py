"""Which runner serves a backend."""

from __future__ import annotations

from cgctl.remote.local import LocalRunner
from cgctl.remote.settings import SshSettings
from cgctl.remote.ssh_runner import SshRunner
from cgctl.remote.transfer import StreamingRunner


def runner_for(ssh: SshSettings | None) -> StreamingRunner:
    """A runner for the server, or for this machine where no server is configured. Connects at the first command."""
    return LocalRunner() if ssh is None else SshRunner(ssh)
