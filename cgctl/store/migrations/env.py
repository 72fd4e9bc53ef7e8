"""Alembic's environment: runs on the connection (and in the transaction) that cgctl.store.schema hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
