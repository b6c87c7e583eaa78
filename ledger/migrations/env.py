"""Alembic's entry: runs the migrations on the connection that `ledger.schema` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection


def run() -> None:
    """Run on the caller's connection, in one transaction per migration."""
    connection = context.config.attributes["connection"]
    assert isinstance(connection, Connection)
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


run()
