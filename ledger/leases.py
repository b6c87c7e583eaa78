"""Leases: which process works a connection, and when another may take over.

A lease is on the connection (credentials), so the sink and the source of all its administrations run in
one process. It lasts one longest call plus a margin and is renewed well before. Its epoch rises with
every new holder. What the former holder left in flight becomes `uncertain` at take-over, to be looked up
once the former holder's last possible call must have ended (lease end + call time-out + settle time).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.postings import write_changes
from ledger.rows import Change, Lease, PostingId
from schemas.outcome import Code, Outcome, Package, reason


@dataclass(frozen=True)
class LeaseTerms:
    """How long a lease lasts.

    `call_timeout` is the longest call the holder makes, `settle` how long after doubt a look-up can be
    believed.
    """

    length: timedelta
    call_timeout: timedelta
    settle: timedelta


def claim(
    cursor: Cursor[TupleRow],
    owner: str,
    packages: Sequence[Package],
    terms: LeaseTerms,
    limit: int,
    asked_at: float,
) -> list[Lease]:
    """Take free connections that have work due, oldest first; `asked_at` is the caller's monotonic clock.

    Connections of packages with an open breaker are left alone.
    """
    cursor.execute(
        """
        WITH due AS (
            SELECT w.connection_id AS id, min(w.at) AS at
              FROM (
                SELECT l.connection_id, l.due_at AS at FROM lane l
                 WHERE l.due_at <= clock_timestamp() AND l.connection_id IS NOT NULL
                   AND l.package = ANY(%(packages)s)
                   AND NOT EXISTS (SELECT 1 FROM package_breaker b WHERE b.package = l.package)
                UNION ALL
                SELECT l.connection_id, LEAST(r.pull_due_at, r.sweep_due_at) FROM readback r
                  JOIN lane l USING (administration_id, package)
                 WHERE LEAST(r.pull_due_at, r.sweep_due_at) <= clock_timestamp()
                   AND l.connection_id IS NOT NULL AND l.package = ANY(%(packages)s)
                UNION ALL
                SELECT l.connection_id, n.due_at FROM reconciliation_run n
                  JOIN lane l USING (administration_id, package)
                 WHERE n.due_at <= clock_timestamp()
                   AND l.connection_id IS NOT NULL AND l.package = ANY(%(packages)s)
              ) w GROUP BY w.connection_id
        ), free AS (
            SELECT c.id, c.lease_epoch AS former_epoch,
                   GREATEST(c.lease_until + c.call_timeout - clock_timestamp(), interval '0') AS rest
              FROM connection c JOIN due USING (id)
             WHERE c.lease_owner IS NULL OR c.lease_until < clock_timestamp()
             ORDER BY due.at LIMIT %(limit)s
               FOR UPDATE OF c SKIP LOCKED
        )
        UPDATE connection c
           SET lease_owner = %(owner)s, lease_epoch = free.former_epoch + 1,
               lease_until = clock_timestamp() + %(length)s::interval,
               call_timeout = %(call_timeout)s::interval
          FROM free WHERE c.id = free.id
        RETURNING c.id, c.lease_epoch, free.rest
        """,
        {
            "owner": owner,
            "packages": [str(package) for package in packages],
            "length": terms.length,
            "call_timeout": terms.call_timeout,
            "limit": limit,
        },
    )
    return _taken(cursor, terms, asked_at)


def claim_one(
    cursor: Cursor[TupleRow], owner: str, connection: str, terms: LeaseTerms, asked_at: float
) -> Lease | None:
    """Take one connection, whether or not work is due on it; None while another process holds it."""
    cursor.execute(
        """
        WITH free AS (
            SELECT c.id, c.lease_epoch AS former_epoch,
                   GREATEST(c.lease_until + c.call_timeout - clock_timestamp(), interval '0') AS rest
              FROM connection c
             WHERE c.id = %(connection)s AND (c.lease_owner IS NULL OR c.lease_until < clock_timestamp())
               FOR UPDATE OF c SKIP LOCKED
        )
        UPDATE connection c
           SET lease_owner = %(owner)s, lease_epoch = free.former_epoch + 1,
               lease_until = clock_timestamp() + %(length)s::interval,
               call_timeout = %(call_timeout)s::interval
          FROM free WHERE c.id = free.id
        RETURNING c.id, c.lease_epoch, free.rest
        """,
        {
            "connection": connection,
            "owner": owner,
            "length": terms.length,
            "call_timeout": terms.call_timeout,
        },
    )
    taken = _taken(cursor, terms, asked_at)
    return taken[0] if taken else None


def _taken(cursor: Cursor[TupleRow], terms: LeaseTerms, asked_at: float) -> list[Lease]:
    """The leases that were just taken; what their former holders left in flight is in doubt."""
    leases = []
    for connection, epoch, rest in cursor.fetchall():
        lease = Lease(connection, epoch, asked_at + terms.length.total_seconds())
        leases.append(lease)
        _doubt_what_was_left(cursor, lease, (rest or timedelta()) + terms.settle)
    return leases


def renew(
    cursor: Cursor[TupleRow], owner: str, leases: Sequence[Lease], terms: LeaseTerms, asked_at: float
) -> list[Lease]:
    """Prolong the leases that are still ours; those missing from the answer are lost."""
    cursor.execute(
        """
        UPDATE connection c SET lease_until = clock_timestamp() + %s::interval
          FROM unnest(%s::text[], %s::bigint[]) AS v (id, epoch)
         WHERE c.id = v.id AND c.lease_epoch = v.epoch AND c.lease_owner = %s
        RETURNING c.id, c.lease_epoch
        """,
        (terms.length, [lease.connection for lease in leases], [lease.epoch for lease in leases], owner),
    )
    deadline = asked_at + terms.length.total_seconds()
    return [Lease(connection, epoch, deadline) for connection, epoch in cursor.fetchall()]


def release(cursor: Cursor[TupleRow], leases: Sequence[Lease]) -> None:
    """Give leases back; the caller has no call in flight on them any more."""
    cursor.execute(
        """
        UPDATE connection c SET lease_owner = NULL, lease_until = NULL
          FROM unnest(%s::text[], %s::bigint[]) AS v (id, epoch)
         WHERE c.id = v.id AND c.lease_epoch = v.epoch
        """,
        ([lease.connection for lease in leases], [lease.epoch for lease in leases]),
    )


def _doubt_what_was_left(cursor: Cursor[TupleRow], lease: Lease, look_up_in: timedelta) -> None:
    """Turn what an earlier holder left in flight into `uncertain`, to be looked up after `look_up_in`."""
    cursor.execute(
        """
        SELECT p.id, p.number, p.transient
          FROM posting p JOIN lane l ON l.administration_id = p.administration_id AND l.package = p.package
         WHERE l.connection_id = %s AND p.intent_step IS NOT NULL AND p.state = 'posting'
           AND p.intent_epoch < %s
        """,
        (lease.connection, lease.epoch),
    )
    changes = [
        (
            lease,
            Change(
                PostingId(posting),
                Outcome.UNCERTAIN,
                reason(Code.TIMEOUT_UNCERTAIN, number=number),
                due_in=look_up_in,
                keep_intent=True,
                transient=transient,
            ),
        )
        for posting, number, transient in cursor.fetchall()
    ]
    write_changes(cursor, changes)
    if changes:
        cursor.execute(
            """
            UPDATE lane l SET due_at = LEAST(l.due_at, p.due_at), due_version = due_version + 1
              FROM (SELECT administration_id, package, min(due_at) AS due_at FROM posting
                     WHERE id = ANY(%s) GROUP BY 1, 2) p
             WHERE l.administration_id = p.administration_id AND l.package = p.package
            """,
            ([change.posting for _, change in changes],),
        )
