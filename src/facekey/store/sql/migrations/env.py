"""Alembic's entry: migrate over the connection that `migrate.py` hands in."""

from alembic import context

from facekey.store.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
