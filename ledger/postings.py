"""Writing what happened to postings: intents and changes, in batches, guarded by the lease's epoch.

Every function runs inside the caller's transaction. A row is written only while the connection's lease
still has the writer's epoch; what was not written is returned as missing, and its lane stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.dead_letters import is_dead, publish_dead_letters
from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement
from ledger.outbox import announce
from ledger.rows import Change, Lease, PostingId, document_key, number_key, relation_key
from schemas.outcome import Outcome


@dataclass(frozen=True)
class Intent:
    """About to call the package for this step: committed before the call starts.

    `version` is that of the row whose content is about to be sent; None when it does not matter.
    """

    posting: PostingId
    step: str
    version: int | None = None


def write_intents(cursor: Cursor[TupleRow], intents: Sequence[tuple[Lease, Intent]]) -> set[PostingId]:
    """Record intents; returns the postings that were written (the others are fenced or moved on).

    The same intent under the same epoch may be written twice: a commit whose answer was lost is repeated
    by the writer before any call starts.
    """
    if not intents:
        return set()
    cursor.execute(
        """
        UPDATE posting p
           SET state = 'posting', intent_step = v.step, intent_at = clock_timestamp(), intent_epoch = v.epoch,
               attempt = p.attempt + 1, due_at = NULL, waiting_key = NULL, waiting_until = NULL,
               changed_at = clock_timestamp()
          FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::integer[])
               AS v (id, step, connection, epoch, version)
          JOIN connection c ON c.id = v.connection AND c.lease_epoch = v.epoch
         WHERE p.id = v.id
           AND (p.intent_step IS NULL OR p.state = 'uncertain'
                OR (p.intent_epoch = v.epoch AND p.intent_step = v.step))
           AND p.state IN ('received', 'posting', 'retry', 'waiting', 'held', 'uncertain')
           AND (v.version IS NULL OR v.version = p.version)
        RETURNING p.id
        """,
        (
            [intent.posting for _, intent in intents],
            [intent.step for _, intent in intents],
            [lease.connection for lease, _ in intents],
            [lease.epoch for lease, _ in intents],
            [intent.version for _, intent in intents],
        ),
    )
    return {PostingId(row[0]) for row in cursor.fetchall()}


def finish_step(cursor: Cursor[TupleRow], lease: Lease, posting: PostingId) -> bool:
    """A step that was answered is over and the posting goes on to its next; False when fenced."""
    cursor.execute(
        """
        UPDATE posting p SET intent_step = NULL, due_at = clock_timestamp()
          FROM connection c
         WHERE p.id = %s AND c.id = %s AND c.lease_epoch = %s
        RETURNING p.id
        """,
        (posting, lease.connection, lease.epoch),
    )
    return cursor.fetchone() is not None


def write_changes(cursor: Cursor[TupleRow], changes: Sequence[tuple[Lease, Change]]) -> set[PostingId]:
    """Record changes, tell ENK, and wake what waited; returns the postings that were written.

    A relation that changed while it was being written (`again`) goes back to `received`. What was decided on
    an older version of the row is not written, and counts as written: what a person did meanwhile stands.
    """
    if not changes:
        return set()
    by_id = {change.posting: change for _, change in changes}
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(_CHANGE, _columns(changes))
        rows = named.fetchall()
    written = {PostingId(row.id) for row in rows}
    if len(written) < len(changes):
        written |= _outdated(cursor, changes)
    told = [row for row in rows if by_id[row.id].announce]
    announce(cursor, [posting_announcement(row) for row in told])
    if told:
        remember(cursor, told)
        publish_dead_letters(
            cursor, [row.id for row in told if is_dead(row.state, by_id[row.id].scope, row.due_at)]
        )
    wake(cursor, [(row.administration_id, key) for row in rows for key in by_id[row.id].wakes])
    return written


def _outdated(cursor: Cursor[TupleRow], changes: Sequence[tuple[Lease, Change]]) -> set[PostingId]:
    """Those of an older version than the row has, handed in by the lease's holder."""
    cursor.execute(
        """
        SELECT p.id FROM posting p
          JOIN unnest(%s::bigint[], %s::text[], %s::bigint[], %s::integer[])
               AS v (id, connection, epoch, version) ON v.id = p.id
          JOIN connection c ON c.id = v.connection AND c.lease_epoch = v.epoch
         WHERE v.version <> p.version
        """,
        (
            [change.posting for _, change in changes],
            [lease.connection for lease, _ in changes],
            [lease.epoch for lease, _ in changes],
            [change.version for _, change in changes],
        ),
    )
    return {PostingId(row[0]) for row in cursor.fetchall()}


def remember(cursor: Cursor[TupleRow], rows: Sequence[EventRow], message: str | None = None) -> None:
    """Add where these postings stand now to their histories; the message is theirs unless one is given."""
    cursor.execute(
        """
        INSERT INTO posting_history (posting_id, state, code, attempt, message)
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::integer[], %s::text[])
        """,
        (
            [row.id for row in rows],
            [row.state for row in rows],
            [row.code for row in rows],
            [row.attempt for row in rows],
            [message or row.vendor_message or row.message_en for row in rows],
        ),
    )


def wake(cursor: Cursor[TupleRow], keys: Sequence[tuple[str, str]]) -> None:
    """Make the postings that wait for these keys due now."""
    if not keys:
        return
    cursor.execute(
        """
        UPDATE posting p SET due_at = clock_timestamp()
          FROM unnest(%s::text[], %s::text[]) AS v (administration, key)
         WHERE p.administration_id = v.administration AND p.waiting_key = v.key
        """,
        ([administration for administration, _ in keys], [key for _, key in keys]),
    )


def good(change: Change, kind: str, document_id: str, match_key: str, relation_id: str) -> Change:
    """Add to a good outcome what it releases: the relation's documents, credits, later revisions."""
    keys = [document_key(kind, document_id)]
    if kind == "relation":
        keys.append(relation_key(relation_id))
    else:
        keys.append(number_key(kind, match_key))
    return replace(change, wakes=(*change.wakes, *keys))


_FIELDS: tuple[tuple[str, str], ...] = (
    ("id", "bigint"),
    ("connection", "text"),
    ("epoch", "bigint"),
    ("state", "text"),
    ("code", "text"),
    ("field", "text"),
    ("message_nl", "text"),
    ("message_en", "text"),
    ("vendor_message", "text"),
    ("who_acts", "text"),
    ("scope", "text"),
    ("due_in", "interval"),
    ("keep_intent", "boolean"),
    ("transient", "integer"),
    ("waiting_key", "text"),
    ("waiting_for", "interval"),
    ("look_up_first", "boolean"),
    ("attachment_state", "text"),
    ("package_number", "text"),
    ("package_id", "text"),
    ("package_journal", "text"),
    ("package_year", "integer"),
    ("package_period", "integer"),
    ("package_url", "text"),
    ("version", "integer"),
)

_CHANGE = f"""
    UPDATE posting p
       SET state = CASE WHEN p.again AND NOT v.keep_intent THEN 'received' ELSE v.state END,
           code = v.code, field = v.field, message_nl = v.message_nl, message_en = v.message_en,
           vendor_message = v.vendor_message, who_acts = v.who_acts, scope = v.scope,
           due_at = CASE WHEN p.again AND NOT v.keep_intent THEN clock_timestamp()
                         ELSE clock_timestamp() + v.due_in END,
           intent_step = CASE WHEN v.keep_intent THEN p.intent_step END,
           again = p.again AND v.keep_intent,
           transient = v.transient,
           waiting_key = v.waiting_key,
           waiting_until = CASE WHEN v.waiting_key IS NULL THEN NULL
                                ELSE COALESCE(p.waiting_until, clock_timestamp() + v.waiting_for) END,
           look_up_first = v.look_up_first,
           attachment_state = COALESCE(v.attachment_state, p.attachment_state),
           package_number = COALESCE(v.package_number, p.package_number),
           package_id = COALESCE(v.package_id, p.package_id),
           package_journal = COALESCE(v.package_journal, p.package_journal),
           package_year = COALESCE(v.package_year, p.package_year),
           package_period = COALESCE(v.package_period, p.package_period),
           package_url = COALESCE(v.package_url, p.package_url),
           changed_at = clock_timestamp()
      FROM unnest({", ".join(f"%b::{kind}[]" for _, kind in _FIELDS)})
           AS v ({", ".join(name for name, _ in _FIELDS)})
      JOIN connection c ON c.id = v.connection AND c.lease_epoch = v.epoch
     WHERE p.id = v.id AND (v.version IS NULL OR v.version = p.version)
    RETURNING {EVENT_COLUMNS}
"""


def _columns(changes: Sequence[tuple[Lease, Change]]) -> tuple[list[object], ...]:
    rows = [_values(lease, change) for lease, change in changes]
    return tuple(list(column) for column in zip(*rows, strict=True))


def _values(lease: Lease, change: Change) -> tuple[object, ...]:
    reason = change.reason
    due_in: timedelta | None = change.due_in
    return (
        change.posting,
        lease.connection,
        lease.epoch,
        str(change.state),
        str(reason.code) if reason else None,
        reason.field if reason else None,
        reason.nl if reason else None,
        reason.en if reason else None,
        reason.vendor_message if reason else None,
        str(reason.who_acts) if reason else None,
        change.scope,
        due_in,
        change.keep_intent,
        change.transient,
        change.waiting_key,
        change.waiting_for,
        change.look_up_first,
        change.attachment_state,
        change.package_number,
        change.package_id,
        change.package_journal,
        change.package_year,
        change.package_period,
        change.package_url,
        change.version,
    )


GOOD = frozenset({Outcome.BOOKED, Outcome.ALREADY_BOOKED, Outcome.ADOPTED, Outcome.FILED})
"""Outcomes that count as booked for everything that depends on the document."""

FINISHED = GOOD | {Outcome.REJECTED, Outcome.SUPERSEDED, Outcome.DISCARDED}
"""Outcomes after which a lane has nothing more to do for the document by itself."""
