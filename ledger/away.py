"""What is raised when the database is away, restarts, or has ended our session."""

from __future__ import annotations

import psycopg


class WriterClosed(Exception):
    """The writer was stopped before this could be written."""


LEDGER_AWAY: tuple[type[Exception], ...] = (
    psycopg.OperationalError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    WriterClosed,
)
"""Try again with a new connection. A process that was stopped in a transaction has its session ended."""
