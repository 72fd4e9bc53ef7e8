"""The environment of one command, with everything in it."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable

from cgctl.cli.invocation import Invocation
from cgctl.cli.progress import TerminalProgress
from cgctl.cli.wiring.carrying import Carrying
from cgctl.cli.wiring.configured import Configured
from cgctl.cli.wiring.hooks import quiesced, run_here
from cgctl.cli.wiring.repositories import ConfiguredRepositories
from cgctl.config.places import state_url
from cgctl.manager.environment import Environment, ShowProgress, leave_running
from cgctl.store.database import Store

_log = logging.getLogger(__name__)


class Env(Environment):
    """The environment of one command."""

    def __init__(
        self,
        invocation: Invocation,
        on_interrupt: Callable[[str, str], str] = leave_running,
        progress: ShowProgress | None = None,
    ) -> None:
        configured = Configured(invocation)
        configured.require_named_file()
        super().__init__(
            store=Store(state_url(invocation.state, configured.state)),
            backends=configured,
            repositories=ConfiguredRepositories(configured),
            quiesced=quiesced,
            carry=Carrying(configured),
            run_here=run_here,
            warn=_log.warning,
            settings=configured.settings,
            command_line=shlex.join(["cgctl", *invocation.command_line]),
            dry_run=invocation.dry_run,
            lock_timeout_seconds=invocation.lock_timeout_seconds,
            on_interrupt=on_interrupt,
            show_progress=progress or TerminalProgress(quiet=invocation.quiet),
        )

    def close(self) -> None:
        """End all connections."""
        if isinstance(self.show_progress, TerminalProgress):
            self.show_progress.close()
        assert isinstance(self.backends, Configured)
        self.backends.close()
        self.store.close()
