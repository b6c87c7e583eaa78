"""How one worker process opens its sessions with the ledger, and sees that it went back in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from ledger.place_in_time import PlaceInTime, place_in_time, went_back
from ledger.schema import WORKER_SESSIONS


class WentBack(Exception):
    """The database is not what it was when this process last looked: a restore, or a fail-over.

    Attributes:
        since: when that was, on the database's clock.
    """

    def __init__(self, cause: str, since: datetime) -> None:
        super().__init__(cause)
        self.since = since


@dataclass(frozen=True)
class SessionTerms:
    """How long a session may take to come about, a statement to answer, and a transaction to idle."""

    connect: timedelta = timedelta(seconds=5)
    statement: timedelta = timedelta(seconds=30)
    idle_transaction: timedelta = timedelta(seconds=10)

    @property
    def arguments(self) -> dict[str, Any]:
        """For `psycopg.connect`: a process that is stopped in a transaction must not keep its locks."""
        statement = int(self.statement.total_seconds() * 1000)
        idle = int(self.idle_transaction.total_seconds() * 1000)
        return {
            "autocommit": True,
            "connect_timeout": max(1, int(self.connect.total_seconds())),
            "application_name": WORKER_SESSIONS,
            "options": f"-c statement_timeout={statement} -c lock_timeout={statement}"
            f" -c idle_in_transaction_session_timeout={idle}",
        }


class LedgerConnections:
    """Opens sessions for every part of the process; any thread."""

    def __init__(self, database_url: str, terms: SessionTerms) -> None:
        self.database_url = database_url
        self.terms = terms
        self.went_back: WentBack | None = None
        self._seen_at: PlaceInTime | None = None

    def connect(self) -> psycopg.Connection[TupleRow]:
        """A ledger connection in autocommit mode with a statement time-out.

        A database that went back in time since the last one is as good as away, until the process has ended.
        """
        # Taken before the question, so that what another thread sees meanwhile is no step back.
        before = self._seen_at
        connection = self.connect_unseen()
        try:
            now = place_in_time(connection)
            cause = went_back(before, now) if before is not None else None
            if before is not None and cause is not None:
                self.went_back = WentBack(cause, before.at)
                raise psycopg.OperationalError(cause)
        except BaseException:
            connection.close()
            raise
        self._seen_at = now
        return connection

    def connect_unseen(self) -> psycopg.Connection[TupleRow]:
        """The same, whatever time the database is in: to begin recovery."""
        return psycopg.connect(self.database_url, **self.terms.arguments)
