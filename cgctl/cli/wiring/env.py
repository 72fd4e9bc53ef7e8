"""The environment of one command, with everything in it."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from threading import Event

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
        shown = progress or TerminalProgress(quiet=invocation.quiet)

        def ask(subject: str, activity_id: str) -> str:
            if isinstance(shown, TerminalProgress):  # a bar would be drawn over the question
                shown.close()
            return on_interrupt(subject, activity_id)

        self._configured = [configured]
        self._idle: list[Environment] = []
        self._interrupted = Event()
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
            on_interrupt=ask,
            interrupted=self._interrupted.is_set,
            show_progress=shown,
        )

    @contextmanager
    def beside(self) -> Iterator[Environment]:
        """The same with connections of its own, for one of several that work at once: it waits for no turn of another,
        and is not cut off with another."""
        try:
            own = self._idle.pop()
        except IndexError:
            own = self._another()
        try:
            yield own
        finally:
            self._idle.append(own)

    def _another(self) -> Environment:
        configured = self._configured[0].beside()
        self._configured.append(configured)
        values = {one.name: getattr(self, one.name) for one in fields(Environment)}
        values |= {"backends": configured, "repositories": ConfiguredRepositories(configured)}
        return Environment(**{**values, "carry": Carrying(configured), "settings": configured.settings})

    def interrupt(self) -> None:
        """Ctrl-C reaches the main thread alone: who works beside it ends as soon as it can."""
        self._interrupted.set()
        self._end_connections()

    def close(self) -> None:
        """End all connections."""
        if isinstance(self.show_progress, TerminalProgress):
            self.show_progress.close()
        self._end_connections()
        self.store.close()

    def _end_connections(self) -> None:
        for configured in list(self._configured):
            configured.close()
