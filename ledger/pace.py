"""What a connection has used of its package's budgets, kept for the next process that holds it.

Written with each renewal of the lease and when it is given back; read when a process opens the connection.
After a kill, the calls since the last renewal are unknown: the distance between our limits and the
package's own covers them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.rows import Lease


@dataclass(frozen=True)
class Used:
    """Calls of one budget: `period` in seconds; each slot is (seconds ago, calls)."""

    period: float
    calls: Sequence[tuple[float, int]]


def remember_pace(cursor: Cursor[TupleRow], used: Mapping[Lease, Sequence[Used]]) -> None:
    """Store what was used under leases that are still held; others are left as they are."""
    if not used:
        return
    cursor.execute(
        """
        UPDATE connection c SET pace = v.pace::jsonb, pace_at = clock_timestamp()
          FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS v (id, epoch, pace)
         WHERE c.id = v.id AND c.lease_epoch = v.epoch
        """,
        (
            [lease.connection for lease in used],
            [lease.epoch for lease in used],
            [
                json.dumps([{"period": budget.period, "calls": list(budget.calls)} for budget in budgets])
                for budgets in used.values()
            ],
        ),
    )


def recall_pace(cursor: Cursor[TupleRow], connection: str) -> list[Used]:
    """What earlier holders used, with ages as of now; slots older than their period are left out."""
    cursor.execute(
        "SELECT pace, EXTRACT(epoch FROM clock_timestamp() - pace_at)::float8 FROM connection"
        " WHERE id = %s AND pace IS NOT NULL",
        (connection,),
    )
    row = cursor.fetchone()
    if row is None:
        return []
    budgets, since = row
    return [
        Used(
            float(budget["period"]),
            [
                (float(age) + since, int(calls))
                for age, calls in budget["calls"]
                if age + since < budget["period"]
            ],
        )
        for budget in budgets
    ]
