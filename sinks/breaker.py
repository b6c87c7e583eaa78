"""The package breaker: never a thousand rejections because of our own bug.

When several administrations are refused alike, with a code that points at us or at the package, sending
to that package stops, and the rejections of the window become `held`. A person (or a release) closes it.
"""

from __future__ import annotations

import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement
from ledger.outbox import announce
from schemas.outcome import Package, Reason
from sinks.terms import DeliveryTerms

log = structlog.get_logger(__name__)

_ALIKE = (
    "p.package = %s AND p.state = 'rejected' AND p.code = %s"
    " AND p.changed_at > clock_timestamp() - %s::interval"
)


def stop_package_if_alike(
    cursor: Cursor[TupleRow], package: Package, why: Reason, terms: DeliveryTerms
) -> bool:
    """Open the breaker when enough administrations failed alike within the window; True when it is open."""
    values = (str(package), str(why.code), terms.breaker_window)
    cursor.execute(f"SELECT count(DISTINCT administration_id) FROM posting p WHERE {_ALIKE}".encode(), values)
    row = cursor.fetchone()
    if row is None or row[0] < terms.breaker_administrations:
        return False
    cursor.execute(
        "INSERT INTO package_breaker (package, code, message) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (str(package), str(why.code), why.vendor_message or why.en),
    )
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(
            f"""
            UPDATE posting p SET state = 'held', scope = 'package', changed_at = clock_timestamp()
             WHERE {_ALIKE} RETURNING {EVENT_COLUMNS}
            """.encode(),
            values,
        )
        announce(cursor, [posting_announcement(held) for held in named.fetchall()])
    log.error("package.stopped", package=str(package), code=str(why.code))
    return True


def package_stopped(cursor: Cursor[TupleRow], package: Package) -> str | None:
    """The sentence of an open breaker, or None."""
    cursor.execute("SELECT message FROM package_breaker WHERE package = %s", (str(package),))
    row = cursor.fetchone()
    return str(row[0]) if row else None


def let_package_go(cursor: Cursor[TupleRow], package: Package) -> None:
    """Close the breaker and put what it held back to work."""
    cursor.execute("DELETE FROM package_breaker WHERE package = %s", (str(package),))
    cursor.execute(
        """
        UPDATE posting SET state = 'received', scope = NULL, code = NULL, field = NULL, message_nl = NULL,
               message_en = NULL, vendor_message = NULL, who_acts = NULL, due_at = clock_timestamp()
         WHERE package = %s AND state = 'held' AND scope = 'package'
        """,
        (str(package),),
    )
    cursor.execute(
        """
        UPDATE lane SET due_at = clock_timestamp(), due_version = due_version + 1 WHERE package = %s
        """,
        (str(package),),
    )
