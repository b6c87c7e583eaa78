"""Delivering a cut: which file is next, and the intents and outcomes of putting its parts in place.

    cut ──► delivering ──► delivered            (file)
     ▲          │
     └─ retry ──┤                               the folder cannot be written: nothing of it is there
                ├──► uncertain                  it may have been there and be gone: a person says which
                └──► held                       something else is there under its name: a person looks

    cut ──► writing ──► renaming ──► delivered  (part)

`writing` is an intent too, but what it does is invisible to the package; only `renaming` can be in doubt.
Files of one administration are delivered in their order, the parts of a file as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.files import FileId, require_lease
from ledger.rows import LaneKey, Lease
from schemas.outcome import Reason


@dataclass(frozen=True)
class DeliveryPart:
    """A part as it stands.

    Attributes:
        in_doubt: an attempt was stopped while the part got its final name.
        earlier: hashes of parts of earlier files that were put in place under the same name.
    """

    position: int
    name: str
    sha256: bytes
    size: int
    in_doubt: bool
    earlier: frozenset[bytes]


@dataclass(frozen=True)
class Delivery:
    """The next file of a lane, with the parts that are not in place yet, in order; `attempt` so far."""

    file: FileId
    sequence: int
    attempt: int
    parts: tuple[DeliveryPart, ...]


def next_delivery(connection: psycopg.Connection[TupleRow], key: LaneKey) -> Delivery | None:
    """The lane's oldest file that is not delivered, when it is due; later ones wait for it."""
    row = connection.execute(
        """
        SELECT id, sequence, attempt FROM (
            SELECT id, sequence, attempt, due_at FROM file
             WHERE administration_id = %s AND package = %s AND state NOT IN ('delivered', 'void')
             ORDER BY sequence LIMIT 1) f
         WHERE due_at <= clock_timestamp()
        """,
        (key.administration, str(key.package)),
    ).fetchone()
    if row is None:
        return None
    file = FileId(row[0])
    parts = connection.execute(
        """
        SELECT t.position, t.name, t.sha256, t.size, t.state = 'renaming',
               ARRAY(SELECT DISTINCT o.sha256 FROM file_part o JOIN file f ON f.id = o.file_id
                      WHERE f.administration_id = %s AND f.package = %s AND f.id < t.file_id
                        AND o.name = t.name AND o.state = 'delivered')
          FROM file_part t WHERE t.file_id = %s AND t.state <> 'delivered' ORDER BY t.position
        """,
        (key.administration, str(key.package), file),
    ).fetchall()
    return Delivery(
        file,
        int(row[1]),
        int(row[2]),
        tuple(
            DeliveryPart(
                int(position),
                str(name),
                bytes(sha256),
                int(size),
                bool(in_doubt),
                frozenset(bytes(one) for one in earlier),
            )
            for position, name, sha256, size, in_doubt, earlier in parts
        ),
    )


def begin_part(cursor: Cursor[TupleRow], lease: Lease, file: FileId, position: int) -> bool:
    """Intent to write a part; False when the file is not to be delivered any more (released, confirmed)."""
    require_lease(cursor, lease)
    cursor.execute(
        """
        UPDATE file SET state = 'delivering', intent_at = clock_timestamp(), intent_epoch = %s,
               attempt = attempt + 1
         WHERE id = %s AND state NOT IN ('delivered', 'void')
        """,
        (lease.epoch, file),
    )
    if cursor.rowcount == 0:
        return False
    _part_state(cursor, file, position, "writing")
    return True


def begin_renaming(cursor: Cursor[TupleRow], lease: Lease, file: FileId, position: int) -> None:
    """Intent to give a part, written and verified, its final name."""
    require_lease(cursor, lease)
    _part_state(cursor, file, position, "renaming")


def part_delivered(cursor: Cursor[TupleRow], lease: Lease, file: FileId, position: int) -> None:
    """The part is in place under its final name."""
    require_lease(cursor, lease)
    _part_state(cursor, file, position, "delivered")


def file_delivered(cursor: Cursor[TupleRow], lease: Lease, key: LaneKey, file: FileId) -> None:
    """Every part is in place: the next file may go."""
    require_lease(cursor, lease)
    cursor.execute(
        """
        UPDATE file SET state = 'delivered', delivered_at = clock_timestamp(), due_at = NULL, code = NULL,
               message_nl = NULL, message_en = NULL
         WHERE id = %s AND state NOT IN ('delivered', 'void')
        """,
        (file,),
    )
    next_may_go(cursor, key)


def not_delivered(
    cursor: Cursor[TupleRow],
    lease: Lease,
    file: FileId,
    why: Reason,
    *,
    state: str | None,
    due_in: timedelta | None,
) -> None:
    """The file is not in place yet; `state` None = by what its parts prove.

    A part in doubt stays in doubt; one that was being written is as if it had not begun.
    """
    require_lease(cursor, lease)
    cursor.execute("UPDATE file_part SET state = 'cut' WHERE file_id = %s AND state = 'writing'", (file,))
    cursor.execute(
        """
        UPDATE file f
           SET state = COALESCE(%s, (SELECT CASE WHEN bool_or(t.state = 'renaming') THEN 'uncertain'
                                                 WHEN bool_or(t.state = 'delivered') THEN 'delivering'
                                                 ELSE 'cut' END
                                       FROM file_part t WHERE t.file_id = f.id)),
               due_at = clock_timestamp() + %s::interval, attempt = attempt + 1,
               code = %s, message_nl = %s, message_en = %s
         WHERE id = %s AND state NOT IN ('delivered', 'void')
        """,
        (state, due_in, str(why.code), why.nl, why.en, file),
    )


def not_renamed(cursor: Cursor[TupleRow], lease: Lease, file: FileId, position: int) -> None:
    """The final name was proven not to be given: the part is as it was before it began."""
    require_lease(cursor, lease)
    _part_state(cursor, file, position, "cut")


def in_flight(cursor: Cursor[TupleRow], file: FileId) -> bool:
    """Whether a worker is putting a part in place, or was stopped while it did."""
    cursor.execute(
        """
        SELECT EXISTS (SELECT 1 FROM file_part WHERE file_id = %s AND state IN ('writing', 'renaming'))
           AND EXISTS (SELECT 1 FROM file WHERE id = %s AND state = 'delivering')
        """,
        (file, file),
    )
    row = cursor.fetchone()
    return bool(row and row[0])


def next_may_go(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """Make the lane's oldest file that is not delivered due, when it waited for an earlier one."""
    cursor.execute(
        """
        UPDATE file SET due_at = clock_timestamp()
         WHERE id = (SELECT id FROM file
                      WHERE administration_id = %s AND package = %s AND state NOT IN ('delivered', 'void')
                      ORDER BY sequence LIMIT 1)
           AND state = 'cut' AND due_at IS NULL
        """,
        (key.administration, str(key.package)),
    )


def _part_state(cursor: Cursor[TupleRow], file: FileId, position: int, state: str) -> None:
    cursor.execute(
        "UPDATE file_part SET state = %s WHERE file_id = %s AND position = %s", (state, file, position)
    )
