"""What a person does to a posting: send it again, discard it, say what became of a doubtful one.

Only a row whose last attempt is proven refused or never sent may be sent again or discarded; a doubtful
one is resolved by looking it up, or by a person who looked. Every action is told to ENK; the caller
audits it. Editing one is in `ledger.edits`.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger import resend
from ledger.admission import Command, Refusal, read_content
from ledger.archive import is_archived
from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement, rejection_announcement
from ledger.inbox import receive_commands
from ledger.outbox import announce
from ledger.postings import remember, wake
from ledger.readbacks import run_soon
from ledger.references import save_reference
from ledger.rejected_input import locked_rejected, rejected_id, take_out
from ledger.resend import Locked, Refused, locked
from ledger.rows import StoredReference, document_key, number_key, relation_key
from schemas import posting as events
from schemas.catalogue import ROW_OF_PACKAGE
from schemas.outcome import Code, Outcome, WhoActs
from schemas.relation import Relation

__all__ = ["Refused", "discard", "reread", "reread_ahead", "resolve", "retry"]


def retry(cursor: Cursor[TupleRow], identifier: str, now: datetime) -> Refused | None:
    """Send a posting again, or read rejected input again; None when done.

    A doubtful posting is looked up now rather than sent.
    """
    if identifier.startswith("R"):
        number = rejected_id(identifier)
        return (
            Refused(f"there is no rejected input {identifier}")
            if number is None
            else reread(cursor, number, now)
        )
    row = locked(cursor, identifier)
    if row is None:
        return _absent(cursor, identifier)
    return resend.send_again(cursor, row)


def discard(cursor: Cursor[TupleRow], identifier: str, why: str) -> Refused | None:
    """End a posting or rejected input that will never be booked, with a person's reason; None when done."""
    nl, en = f"Vervallen verklaard: {why}", f"Discarded: {why}"
    if identifier.startswith("R"):
        return _discard_rejected(cursor, identifier, nl, en)
    row = locked(cursor, identifier)
    if row is None:
        return _absent(cursor, identifier)
    if row.state == Outcome.UNCERTAIN:
        return Refused(
            f"posting {identifier} is uncertain: it may be in the package; look there, then "
            f"`koppeling postings resolve {identifier} --booked-as NUMBER` or `--not-booked`"
        )
    if not row.unsent:
        return Refused(
            f"posting {identifier} is {row.state}: only what was never sent, or was refused, can be discarded"
        )
    _end(cursor, row, Outcome.DISCARDED, str(Code.HELD_BY_OPERATOR), nl, en)
    _wake_dependants(cursor, row)
    return None


def _discard_rejected(cursor: Cursor[TupleRow], identifier: str, nl: str, en: str) -> Refused | None:
    number = rejected_id(identifier)
    if number is None:
        return Refused(f"there is no rejected input {identifier}")
    cursor.execute(
        """
        UPDATE rejected_input r SET state = 'discarded'
         WHERE r.id = %s AND r.state IN ('rejected', 'held')
        RETURNING r.administration_id,
                  (SELECT a.package FROM administration a WHERE a.id = r.administration_id), r.kind,
                  r.document_id, r.number, r.revision, r.topic, r.partition, r."offset", r.event_id, r.key,
                  clock_timestamp()
        """,
        (number,),
    )
    row = cursor.fetchone()
    if row is None:
        return Refused(f"{identifier} is not open")
    administration, package, kind, document, shown, revision, topic, partition, offset, event_id, key, at = (
        row
    )
    error = events.PostingError(
        code=Code.HELD_BY_OPERATOR,
        field=None,
        message=events.Message(nl=nl, en=en),
        vendor_message=None,
        who_acts=WhoActs.SUPPORT,
        next_attempt_at=None,
    )
    told = rejection_announcement(
        administration=administration,
        package=package,
        kind=kind,
        document_id=document,
        number=shown,
        revision=revision,
        source=events.SourceRecord(topic=topic, partition=partition, offset=offset, event_id=event_id),
        outcome=Outcome.DISCARDED,
        error=error,
        occurred_at=at,
        key=bytes(key) if key is not None else None,
    )
    announce(cursor, [told])
    return None


def resolve(
    cursor: Cursor[TupleRow], identifier: str, *, booked_as: str | None, package_id: str | None = None
) -> Refused | None:
    """A person looked: it is booked under that number, or (None) it is not in the package; None when done.

    `booked_as` is also for documents that were refused or never sent and that somebody typed in by hand:
    they are linked for readback and never sent again. Without `package_id` the next complete readback finds
    a sales invoice by that number (`ledger.receivables.link_by_number`).
    """
    if identifier.startswith("R"):
        return Refused(
            f"{identifier} is rejected input, no posting: mend it with `koppeling postings edit "
            f"{identifier}`, or close it with `koppeling postings discard {identifier} --reason …`"
        )
    row = locked(cursor, identifier)
    if row is None:
        return _absent(cursor, identifier)
    state = Outcome(row.state)
    if booked_as is None:
        if state is not Outcome.UNCERTAIN:
            return Refused(f"posting {identifier} is {state}, not uncertain: use `postings retry`")
        cursor.execute(
            "UPDATE posting SET intent_step = NULL, look_up_first = true WHERE id = %s", (identifier,)
        )
        resend.make_received(cursor, row.id)
        resend.wake_lane(cursor, row)
        return None
    if not row.unsent and state is not Outcome.UNCERTAIN:
        return Refused(f"posting {identifier} is {state}: there is nothing to resolve")
    taken = _linked_elsewhere(cursor, row, package_id)
    if taken is not None:
        return Refused(f"posting {taken} is linked to {package_id} already")
    if row.kind == "relation":
        refused = _link_relation(cursor, row, booked_as, package_id)
        if refused is not None:
            return refused
    cursor.execute(
        "UPDATE posting SET package_number = %s, package_id = COALESCE(%s, package_id) WHERE id = %s",
        (booked_as, package_id, identifier),
    )
    _end(cursor, row, Outcome.ADOPTED, None, None, None)
    if row.kind == "sales_invoice" and row.lane is not None:
        run_soon(cursor, row.lane, sweep=True)
    _wake_dependants(cursor, row)
    return None


def _link_relation(
    cursor: Cursor[TupleRow], row: Locked, code: str, package_id: str | None
) -> Refused | None:
    """Its documents name the relation by the package's own id; in import files that is its code."""
    if row.lane is None:
        return Refused(f"the package of {row.administration_id} is not known yet")
    if package_id is None and ROW_OF_PACKAGE[row.lane.package].is_direct:
        return Refused("a relation is linked by the package's own id: add --package-id")
    cursor.execute("SELECT payload FROM posting WHERE id = %s", (row.id,))
    found = cursor.fetchone()
    assert found is not None
    for role in Relation.model_validate_json(bytes(found[0])).roles:
        reference = StoredReference(package_id or code, code, b"")
        save_reference(cursor, row.lane, str(role), row.document_id, reference)
    return None


def _linked_elsewhere(cursor: Cursor[TupleRow], row: Locked, package_id: str | None) -> int | None:
    """Another document's posting that has that id in the package."""
    cursor.execute(
        """
        SELECT id FROM posting_all
         WHERE administration_id = %s AND package = %s AND package_id = %s AND kind = %s AND document_id <> %s
         LIMIT 1
        """,
        (row.administration_id, row.package, package_id, row.kind, row.document_id),
    )
    found = cursor.fetchone()
    return None if found is None else int(found[0])


def reread(cursor: Cursor[TupleRow], number: int, now: datetime) -> Refused | None:
    """Read rejected or too new input again with this release; None when it became a posting."""
    row = locked_rejected(cursor, number)
    if row is None:
        return Refused(f"R{number} is not open")
    content = read_content(row.source.topic, row.key, row.headers, row.value)
    if isinstance(content, Refusal):
        return Refused(f"R{number} is still refused: {content.reason.en}")
    take_out(cursor, row)
    receive_commands(cursor, [Command(row.source, row.key, row.headers, row.value, content)], now)
    return None


def reread_ahead(cursor: Cursor[TupleRow], now: datetime) -> int:
    """Read everything again that was too new for an earlier release, in order; returns how much went out."""
    cursor.execute("SELECT id FROM rejected_input WHERE state = 'held' ORDER BY id FOR UPDATE SKIP LOCKED")
    return sum(reread(cursor, row[0], now) is None for row in cursor.fetchall())


def _absent(cursor: Cursor[TupleRow], identifier: str) -> Refused:
    if identifier.isdecimal() and is_archived(cursor, int(identifier)):
        return Refused(f"posting {identifier} is finished and archived: nothing can be done to it any more")
    return Refused(f"there is no posting {identifier}")


def _end(
    cursor: Cursor[TupleRow],
    posting: Locked,
    outcome: Outcome,
    code: str | None,
    nl: str | None,
    en: str | None,
) -> None:
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(
            f"""
            UPDATE posting p
               SET state = %s, code = %s, field = NULL, message_nl = %s, message_en = %s,
                   vendor_message = NULL, scope = NULL,
                   who_acts = CASE WHEN %s::text IS NULL THEN NULL ELSE 'support' END,
                   due_at = NULL, intent_step = NULL, waiting_key = NULL, waiting_until = NULL,
                   version = version + 1, changed_at = clock_timestamp()
             WHERE id = %s RETURNING {EVENT_COLUMNS}
            """.encode(),
            (str(outcome), code, nl, en, code, posting.id),
        )
        rows = named.fetchall()
    announce(cursor, [posting_announcement(row) for row in rows])
    remember(cursor, rows, en or "Resolved by a person.")


def _wake_dependants(cursor: Cursor[TupleRow], row: Locked) -> None:
    keys = [
        document_key(row.kind, row.document_id),
        number_key(row.kind, row.match_key),
        relation_key(row.relation_id),
    ]
    wake(cursor, [(row.administration_id, key) for key in keys])
    resend.wake_lane(cursor, row)
