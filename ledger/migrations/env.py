"""Alembic's entry: runs the migrations on the connection that `ledger.schema` hands over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script.revision import Revision
from sqlalchemy import Connection, text

from ledger.schema import FIRST_WITH_READABLE_FROM, readable_from


def run() -> None:
    """Run on the caller's connection, in one transaction per migration."""
    connection = context.config.attributes["connection"]
    assert isinstance(connection, Connection)
    context.configure(
        connection=connection, transaction_per_migration=True, on_version_apply=_remember_who_may_work
    )
    with context.begin_transaction():
        context.run_migrations()


def _remember_who_may_work(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """In the transaction of each step: which is the oldest program that may work with what is there now."""
    revision = step.up_revision if step.is_upgrade else _below(step.up_revision)
    if revision is None or revision.revision < FIRST_WITH_READABLE_FROM:
        return
    assert ctx.connection is not None
    ctx.connection.execute(
        text("UPDATE ledger_state SET readable_from = :oldest"), {"oldest": readable_from(revision)}
    )


def _below(revision: Revision | None) -> Revision | None:
    down = revision.down_revision if revision else None
    return context.script.get_revision(down) if isinstance(down, str) else None


run()
