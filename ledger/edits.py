"""Editing what ENK sent, before it is booked: the same rules as at the intake, and the same document.

An edit is number n of its posting: ENK's original stays, and stays what a record that comes again is compared
with; what is derived from the content follows the edit. ENK's next revision takes its place. Only what is
proven refused or never sent can be edited. Rejected input can be edited too (`ledger.mending`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.admission import credits_key, match_key, read_content
from ledger.edit_identity import Identity, other_than
from ledger.edit_rows import Edited, Editor, Invalid, note_edit, send_edited, why_no_event
from ledger.mending import mend
from ledger.original_event import EVENT_OF_POSTING, OriginalEvent
from ledger.postings import wake
from ledger.rejected_input import locked_rejected, rejected_id
from ledger.resend import Locked, Refused, locked
from ledger.rows import relation_key
from schemas.invoice import Invoice
from schemas.reading import ReadEvent
from schemas.relation import Relation

__all__ = ["Edited", "Editor", "Invalid", "Opened", "Refused", "edit", "open_for_editing"]


@dataclass(frozen=True)
class Opened:
    """A document as it is edited.

    Attributes:
        content: its data as JSON; of rejected input the value of its record, whatever that is.
        version: as of which version of the row; None for rejected input.
    """

    content: bytes
    version: int | None


def open_for_editing(cursor: Cursor[TupleRow], identifier: str) -> Opened | Refused:
    """The content to edit, or why it cannot be edited now."""
    if identifier.startswith("R"):
        number = rejected_id(identifier)
        rejected = None if number is None else locked_rejected(cursor, number)
        if rejected is None:
            return Refused(f"{identifier} is not open")
        return Opened(rejected.value or b"", None)
    found = _editable(cursor, identifier)
    return found if isinstance(found, Refused) else Opened(bytes(found[1].payload), found[1].version)


def edit(
    cursor: Cursor[TupleRow],
    identifier: str,
    content: bytes,
    by: Editor,
    now: datetime,
    *,
    version: int | None = None,
) -> Edited | Invalid | Refused:
    """Put `content` in the place of what ENK sent; ENK is told, the caller audits it.

    Must run inside a transaction; nothing was written when it is `Invalid` or `Refused`.

    Args:
        cursor: of the transaction.
        identifier: the posting's id, or that of rejected input.
        content: the whole data as JSON. For rejected input it may be a whole CloudEvent in JSON as well,
            whose attributes then take the place of the record's.
        by: who edits.
        now: stamps what ENK is told.
        version: as `open_for_editing` gave it: refused when the posting was changed since.
    """
    if identifier.startswith("R"):
        return mend(cursor, identifier, content, by, now)
    found = _editable(cursor, identifier)
    if isinstance(found, Refused):
        return found
    posting, row = found
    if version is not None and version != row.version:
        return Refused(f"posting {identifier} was changed meanwhile: edit it anew")
    read = read_content(row.source_topic, row.key, row.headers, content)
    if not isinstance(read, ReadEvent):
        return Invalid(why_no_event(read))
    for wrong in other_than(row.identity, read):
        return Invalid(wrong)
    if read.content_hash == bytes(row.content_hash) and read.data_bytes == bytes(row.payload):
        return Refused("nothing was changed")
    return _store(cursor, posting, row, read, by)


@dataclass
class _Editable(OriginalEvent):
    """A posting that can be edited, locked."""

    kind: str
    revision: int
    number: str
    relation_id: str
    payload: bytes
    content_hash: bytes
    version: int

    @property
    def identity(self) -> Identity:
        """What the edit must leave as it is."""
        return Identity(
            self.administration_id, self.kind, self.document_id, self.revision, self.number, self.relation_id
        )


def _editable(cursor: Cursor[TupleRow], identifier: str) -> tuple[Locked, _Editable] | Refused:
    row = locked(cursor, identifier)
    if row is None:
        return Refused(f"there is no posting {identifier}")
    if not row.unsent:
        return Refused(
            f"posting {identifier} is {row.state}: only what was never sent, or was refused, can be edited"
        )
    with cursor.connection.cursor(row_factory=class_row(_Editable)) as named:
        named.execute(
            f"""
            SELECT {EVENT_OF_POSTING}, p.kind, p.revision, p.number, p.relation_id, p.payload,
                   p.content_hash, p.version
              FROM posting p WHERE p.id = %s
            """.encode(),
            (row.id,),
        )
        found = named.fetchone()
    assert found is not None
    return row, found


def _store(cursor: Cursor[TupleRow], posting: Locked, row: _Editable, read: ReadEvent, by: Editor) -> Edited:
    n = note_edit(cursor, posting.id, by, previous=bytes(row.payload), payload=read.data_bytes)
    data = read.data
    if isinstance(data, Relation):
        cursor.execute(
            """
            UPDATE relation SET payload = %s, content_hash = %s,
                   original_hash = COALESCE(original_hash, content_hash)
             WHERE administration_id = %s AND relation_id = %s
            """,
            (read.data_bytes, read.content_hash, row.administration_id, row.document_id),
        )
        wake(cursor, [(row.administration_id, relation_key(row.document_id))])
    invoice = data if isinstance(data, Invoice) else None
    cursor.execute(
        """
        UPDATE posting
           SET payload = %s, content_hash = %s, edit = %s,
               original_payload = CASE WHEN original_hash = '' THEN original_payload
                                       ELSE COALESCE(original_payload, payload) END,
               original_hash = COALESCE(original_hash, content_hash),
               match_key = COALESCE(%s, match_key), credits_key = %s, issue_date = %s, gross = %s
         WHERE id = %s
        """,
        (
            read.data_bytes,
            read.content_hash,
            n,
            match_key(invoice) if invoice else None,
            credits_key(invoice) if invoice else None,
            invoice.issue_date if invoice else None,
            invoice.totals.gross if invoice else None,
            posting.id,
        ),
    )
    send_edited(cursor, posting, by, n)
    return Edited(posting.id, n)
