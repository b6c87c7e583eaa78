"""Sending a posting again: what may be, and how; used by people, replays and records that are put back."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.rows import LaneKey, PostingId
from ledger.work import make_due
from schemas.outcome import Outcome, Package

SENDABLE = (Outcome.RETRY, Outcome.WAITING, Outcome.HELD, Outcome.REJECTED, Outcome.RECEIVED)
"""States in which a posting without an intent is proven refused or never sent."""


@dataclass(frozen=True)
class Refused:
    """Why an action is not possible, in English; shown to the person."""

    why: str


@dataclass
class Locked:
    """A posting that nobody else changes until commit."""

    id: PostingId
    administration_id: str
    package: str | None
    kind: str
    document_id: str
    number: str
    match_key: str
    relation_id: str
    state: str
    scope: str | None
    intent_step: str | None

    @property
    def unsent(self) -> bool:
        """Proven refused or never sent; also what is staged for a file that has not been cut."""
        return self.intent_step is None and self.state in (*SENDABLE, Outcome.POSTING)

    @property
    def lane(self) -> LaneKey | None:
        """Its administration in its package, where that is known."""
        return LaneKey(self.administration_id, Package(self.package)) if self.package else None


def locked(cursor: Cursor[TupleRow], identifier: str) -> Locked | None:
    """Lock a posting by the id that people type; None when there is none."""
    if not (identifier.isascii() and identifier.isdecimal()) or len(identifier) > 18:
        return None
    with cursor.connection.cursor(row_factory=class_row(Locked)) as named:
        named.execute(
            """
            SELECT id, administration_id, package, kind, document_id, number, match_key, relation_id, state,
                   scope, intent_step
              FROM posting WHERE id = %s FOR UPDATE
            """,
            (identifier,),
        )
        return named.fetchone()


def send_again(cursor: Cursor[TupleRow], posting: Locked) -> Refused | None:
    """Make a posting go out again, or a doubtful one be looked up, now; None when done."""
    if posting.state == Outcome.UNCERTAIN:
        cursor.execute("UPDATE posting SET due_at = clock_timestamp() WHERE id = %s", (posting.id,))
    elif posting.state not in SENDABLE or posting.intent_step is not None:
        return Refused(f"posting {posting.id} is {posting.state}: there is nothing to send again")
    else:
        make_received(cursor, posting.id)
    wake_lane(cursor, posting)
    return None


def make_received(cursor: Cursor[TupleRow], posting: PostingId) -> None:
    """Back to the beginning, due now; what its lane has decided about it meanwhile is not written."""
    cursor.execute(
        """
        UPDATE posting SET state = 'received', scope = NULL, code = NULL, field = NULL, message_nl = NULL,
               message_en = NULL, vendor_message = NULL, who_acts = NULL, waiting_key = NULL,
               waiting_until = NULL, transient = 0, due_at = clock_timestamp(), version = version + 1
         WHERE id = %s
        """,
        (posting,),
    )


def wake_lane(cursor: Cursor[TupleRow], posting: Locked) -> None:
    """Its lane has something to do."""
    if posting.lane is not None:
        make_due(cursor, [posting.lane])
        cursor.execute("SELECT pg_notify('koppeling_due', '')")
