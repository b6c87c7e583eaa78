"""The ledger's standing for metrics: few numbers, at a price that does not grow with what is finished.

Every query goes through a partial index or over a table that stays small; none reads finished documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg.rows import TupleRow

from ledger.health import Outbox
from ledger.reconciliation_results import doubles_standing

_LOCK = 764_109
"""Of the process that looks and publishes what it sees."""

OPEN_STATES = ("received", "posting", "waiting", "retry", "held", "uncertain", "rejected")


@dataclass(frozen=True)
class OpenState:
    """How many documents of a package are in a state, and for how many seconds the oldest is."""

    package: str | None
    state: str
    count: int
    oldest_seconds: float


@dataclass(frozen=True)
class DueLanes:
    """Lanes of a package that want a worker.

    Attributes:
        oldest_seconds: how long the longest waits.
        late: how many are due for a minute or longer.
        unattended: how many of those no process holds.
    """

    package: str
    oldest_seconds: float
    late: int
    unattended: int


@dataclass(frozen=True)
class LedgerGauges:
    """Everything at one moment, by the database's clock; `held` is by package and code."""

    open: tuple[OpenState, ...]
    due: tuple[DueLanes, ...]
    held: dict[tuple[str, str], int]
    breakers: tuple[str, ...]
    outbox: Outbox
    outbox_oldest_seconds: float
    in_recovery: int
    missing_in_package: int
    doubles: dict[str, int]


def alone(connection: psycopg.Connection[TupleRow], stuck_after: timedelta) -> bool:
    """Whether this session is the one that looks; it stays so as long as it lives.

    The session of a process that stands still (it asked nothing for `stuck_after`) is ended, so that another
    one takes over.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if row is not None and row[0]:
        return True
    connection.execute(
        """
        SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND a.state_change < clock_timestamp() - %s::interval
        """,
        (_LOCK, stuck_after),
    )
    return False


def ledger_gauges(connection: psycopg.Connection[TupleRow]) -> LedgerGauges:
    """Everything; the connection is in autocommit mode."""
    outbox = _one(
        connection,
        "SELECT count(*), min(at), COALESCE(extract(epoch FROM clock_timestamp() - min(at)), 0) FROM outbox",
    )
    return LedgerGauges(
        open=_open(connection),
        due=_due(connection),
        held={
            (package, code): count
            for package, code, count in connection.execute(
                "SELECT package, held_code, count(*) FROM lane WHERE held_code IS NOT NULL GROUP BY 1, 2"
            )
        },
        breakers=tuple(row[0] for row in connection.execute("SELECT package FROM package_breaker")),
        outbox=Outbox(int(outbox[0]), outbox[1]),
        outbox_oldest_seconds=max(0.0, float(outbox[2])),
        in_recovery=_one(connection, "SELECT count(*) FROM lane WHERE in_recovery")[0],
        missing_in_package=_one(
            connection, "SELECT count(*) FROM receivable WHERE missing_since IS NOT NULL"
        )[0],
        doubles={str(package): count for package, count in doubles_standing(connection.cursor()).items()},
    )


def _open(connection: psycopg.Connection[TupleRow]) -> tuple[OpenState, ...]:
    # The states are written out, so that the planner can prove that the index `posting_open` has them all.
    states = ", ".join(f"'{state}'" for state in OPEN_STATES)
    rows = connection.execute(
        f"""
        SELECT package, state, count(*), extract(epoch FROM clock_timestamp() - min(changed_at))
          FROM posting WHERE state IN ({states}) GROUP BY 1, 2
        """.encode()
    )
    return tuple(
        OpenState(package, state, count, max(0.0, float(oldest))) for package, state, count, oldest in rows
    )


def _due(connection: psycopg.Connection[TupleRow]) -> tuple[DueLanes, ...]:
    rows = connection.execute(
        """
        WITH due AS (
            SELECT l.package, clock_timestamp() - l.due_at AS waits,
                   COALESCE(c.lease_until > clock_timestamp(), false) AS attended
              FROM lane l JOIN connection c ON c.id = l.connection_id
             WHERE l.due_at <= clock_timestamp()
               AND COALESCE(l.paused_until <= clock_timestamp(), true)
               AND NOT EXISTS (SELECT 1 FROM package_breaker b WHERE b.package = l.package)
        )
        SELECT package, extract(epoch FROM max(waits)),
               count(*) FILTER (WHERE waits >= interval '1 minute'),
               count(*) FILTER (WHERE waits >= interval '1 minute' AND NOT attended)
          FROM due GROUP BY 1
        """
    )
    return tuple(
        DueLanes(package, max(0.0, float(oldest)), late, unattended)
        for package, oldest, late, unattended in rows
    )


def _one(connection: psycopg.Connection[TupleRow], query: str) -> TupleRow:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row
