"""Messages: what is left of failures. `cgctl.store.messages` writes them; here they go."""

from __future__ import annotations

from cgctl.errors import DryRun
from cgctl.manager.environment import Environment
from cgctl.model.tables import Message
from cgctl.store.queries import find_nameless


def delete_message(env: Environment, reference: str) -> None:
    """Remove one message. Raises NotFound."""
    with env.store.write() as session:
        row = find_nameless(session, Message, reference)
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: delete message {row.id}"])
        session.delete(row)
