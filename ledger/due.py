"""Which of the lanes and readbacks that this process holds want a turn now."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.rows import LaneKey
from schemas.outcome import Package


def due_lanes(cursor: Cursor[TupleRow], connections: Sequence[str]) -> list[tuple[str, LaneKey]]:
    """Lanes on these connections that are due, with their connection, longest due first."""
    cursor.execute(
        """
        SELECT l.connection_id, l.administration_id, l.package FROM lane l
         WHERE l.connection_id = ANY(%s) AND l.due_at <= clock_timestamp()
           AND NOT EXISTS (SELECT 1 FROM package_breaker b WHERE b.package = l.package)
         ORDER BY l.due_at
        """,
        (list(connections),),
    )
    return [
        (connection, LaneKey(number, Package(package))) for connection, number, package in cursor.fetchall()
    ]


def due_readbacks(cursor: Cursor[TupleRow], connections: Sequence[str]) -> list[tuple[str, LaneKey]]:
    """Readbacks on these connections that are due."""
    cursor.execute(
        """
        SELECT l.connection_id, l.administration_id, l.package
          FROM readback r JOIN lane l USING (administration_id, package)
         WHERE l.connection_id = ANY(%s) AND LEAST(r.pull_due_at, r.sweep_due_at) <= clock_timestamp()
        """,
        (list(connections),),
    )
    return [
        (connection, LaneKey(number, Package(package))) for connection, number, package in cursor.fetchall()
    ]


def recompute_lanes(cursor: Cursor[TupleRow], packages: Sequence[Package]) -> int:
    """Make lanes due that have work but do not say so; a safety net, run now and then.

    Work is a posting that is due, or one that was left in flight on a connection that nobody holds: whoever
    claims the connection then looks it up.
    """
    cursor.execute(
        """
        UPDATE lane l SET due_at = p.due_at, due_version = due_version + 1
          FROM (SELECT administration_id, package, min(due_at) AS due_at FROM (
                  SELECT administration_id, package, due_at FROM posting
                   WHERE due_at <= clock_timestamp() AND package = ANY(%(packages)s)
                  UNION ALL
                  SELECT i.administration_id, i.package, clock_timestamp() FROM posting i
                    JOIN lane o ON o.administration_id = i.administration_id AND o.package = i.package
                    JOIN connection c ON c.id = o.connection_id
                   WHERE i.intent_step IS NOT NULL AND i.state = 'posting' AND i.package = ANY(%(packages)s)
                     AND (c.lease_owner IS NULL OR c.lease_until < clock_timestamp())
                ) work GROUP BY 1, 2) p
         WHERE l.administration_id = p.administration_id AND l.package = p.package
           AND (l.due_at IS NULL OR l.due_at > p.due_at)
        """,
        {"packages": [str(package) for package in packages]},
    )
    return cursor.rowcount
