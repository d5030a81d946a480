"""Alembic's entry: runs the migrations on the connection that `capstan.store.migrate` opened."""

from alembic import context

from capstan.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
