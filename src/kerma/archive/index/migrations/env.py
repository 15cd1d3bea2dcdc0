"""Alembic's entry: runs the migrations over the connection that ``migrate.py`` hands in."""

from __future__ import annotations

from alembic import context

from kerma.archive.index.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
