"""Alembic's entry: it runs in the connection and the transaction that ``familiar.records.migrate`` opened."""

from alembic import context

from familiar.records.schema import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transactional_ddl=False
)
context.run_migrations()
