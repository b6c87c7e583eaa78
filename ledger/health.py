"""How the work stands, in numbers: what `koppeling status` shows of the ledger. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import TupleRow, class_row

from ledger.overview import StateCount, count_by_state


@dataclass(frozen=True)
class DueLane:
    """The lane that has been due for longest and may be worked on."""

    administration: str
    package: str
    due_at: datetime
    leased: bool


@dataclass(frozen=True)
class PackageProgress:
    """When something was last booked or filed in a package."""

    package: str
    last_booked_at: datetime


@dataclass(frozen=True)
class Need:
    """Postings of a package that wait for the same kind of action.

    `example` is the Dutch sentence of one of them, `oldest` when the first of them got there.
    """

    package: str | None
    code: str
    who_acts: str | None
    count: int
    oldest: datetime
    example: str | None


@dataclass(frozen=True)
class Outbox:
    """Events that are not published yet."""

    size: int
    oldest: datetime | None


@dataclass(frozen=True)
class LeaseHolder:
    """A worker process and how many connections it holds."""

    owner: str
    connections: int
    until: datetime


@dataclass(frozen=True)
class HeldLane:
    """An administration that is not worked on; `probe_at` is when it is tried again by itself."""

    administration: str
    package: str
    code: str
    message_nl: str
    who_acts: str
    since: datetime
    probe_at: datetime | None


@dataclass(frozen=True)
class Breaker:
    """A package that nothing is sent to until somebody releases it."""

    package: str
    code: str
    message: str
    opened_at: datetime


@dataclass(frozen=True)
class StuckFile:
    """An import file that does not get delivered by itself."""

    id: int
    administration: str
    package: str
    sequence: int
    state: str
    message_nl: str | None


@dataclass(frozen=True)
class Standing:
    """Everything at one moment, by the database's clock (`now`)."""

    now: datetime
    states: tuple[StateCount, ...]
    needs: tuple[Need, ...]
    oldest_due: DueLane | None
    progress: tuple[PackageProgress, ...]
    outbox: Outbox
    leases: tuple[LeaseHolder, ...]
    held: tuple[HeldLane, ...]
    breakers: tuple[Breaker, ...]
    stuck_files: tuple[StuckFile, ...]
    missing_in_package: int
    in_recovery: int


_NEEDS = """
    WITH needing AS (
        SELECT package, COALESCE(code, 'internal') AS code, who_acts, changed_at AS at, message_nl FROM
        posting WHERE state = 'rejected' OR state = 'held' OR (state = 'waiting' AND scope = 'overdue')
            OR (state = 'uncertain' AND due_at IS NULL)
        UNION ALL
        SELECT a.package, r.code, r.who_acts, r.received_at, r.message_nl FROM rejected_input r
          LEFT JOIN administration a ON a.id = r.administration_id WHERE r.state IN ('rejected', 'held')
    )
    SELECT package, code, who_acts, count(*) AS count, min(at) AS oldest,
           (array_agg(message_nl ORDER BY at))[1] AS example
      FROM needing GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2
"""

_OLDEST_DUE = """
    SELECT l.administration_id AS administration, l.package, l.due_at,
           COALESCE(c.lease_until > clock_timestamp(), false) AS leased
      FROM lane l JOIN connection c ON c.id = l.connection_id
     WHERE l.due_at <= clock_timestamp()
       AND NOT EXISTS (SELECT 1 FROM package_breaker b WHERE b.package = l.package)
     ORDER BY l.due_at LIMIT 1
"""


def standing(connection: psycopg.Connection[TupleRow]) -> Standing:
    """Everything, in one snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        now = _one(connection, "SELECT clock_timestamp()")
        return Standing(
            now=now,
            states=tuple(count_by_state(connection)),
            needs=tuple(_all(connection, Need, _NEEDS)),
            oldest_due=next(iter(_all(connection, DueLane, _OLDEST_DUE)), None),
            progress=tuple(
                _all(
                    connection,
                    PackageProgress,
                    """
                    SELECT package, max(changed_at) AS last_booked_at FROM posting
                     WHERE state IN ('booked', 'already_booked', 'adopted', 'filed') AND package IS NOT NULL
                     GROUP BY 1 ORDER BY 1
                    """,
                )
            ),
            outbox=_all(connection, Outbox, "SELECT count(*) AS size, min(at) AS oldest FROM outbox")[0],
            leases=tuple(
                _all(
                    connection,
                    LeaseHolder,
                    """
                    SELECT lease_owner AS owner, count(*) AS connections, max(lease_until) AS until
                      FROM connection WHERE lease_owner IS NOT NULL AND lease_until > clock_timestamp()
                     GROUP BY 1 ORDER BY 1
                    """,
                )
            ),
            held=tuple(
                _all(
                    connection,
                    HeldLane,
                    """
                    SELECT administration_id AS administration, package, held_code AS code,
                           held_nl AS message_nl, held_who_acts AS who_acts, held_since AS since, probe_at
                      FROM lane WHERE held_code IS NOT NULL ORDER BY held_since
                    """,
                )
            ),
            breakers=tuple(
                _all(
                    connection,
                    Breaker,
                    "SELECT package, code, message, opened_at FROM package_breaker ORDER BY package",
                )
            ),
            stuck_files=tuple(
                _all(
                    connection,
                    StuckFile,
                    """
                    SELECT id, administration_id AS administration, package, sequence, state, message_nl
                      FROM file WHERE state IN ('uncertain', 'held') ORDER BY id
                    """,
                )
            ),
            missing_in_package=_one(
                connection, "SELECT count(*) FROM receivable WHERE missing_since IS NOT NULL"
            ),
            in_recovery=_one(connection, "SELECT count(*) FROM lane WHERE in_recovery"),
        )


def _all(connection: psycopg.Connection[TupleRow], row: type[Any], query: str) -> list[Any]:
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query.encode()).fetchall()


def _one(connection: psycopg.Connection[TupleRow], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
