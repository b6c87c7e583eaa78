"""Which document an edited event is: an edit changes a document, never which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.admission import kind_of
from ledger.rejected_input import RejectedInput
from schemas.administration import Administration
from schemas.invoice import Invoice
from schemas.outcome import Code, Reason, reason
from schemas.reading import ReadEvent


@dataclass(frozen=True)
class Identity:
    """What an edit of a posting must leave as it is."""

    administration: str
    kind: str
    document_id: str
    revision: int
    number: str
    relation_id: str


def other_than(row: Identity, read: ReadEvent) -> Iterator[Reason]:
    """What makes the edited document another one than the posting's; nothing when it is the same."""
    data = read.data
    if kind_of(read) != row.kind:
        yield _fixed("$.direction", row.kind)
    if data.id != row.document_id:
        yield _fixed("$.id", row.document_id)
    if isinstance(data, Administration):
        return
    if data.administration != row.administration:
        yield _fixed("$.administration", row.administration)
    if data.revision != row.revision:
        yield _fixed("$.revision", str(row.revision))
    if data.number != row.number:
        yield _fixed("$.number", row.number)
    if isinstance(data, Invoice) and data.relation_id != row.relation_id:
        yield _fixed("$.relation_id", row.relation_id)


def other_than_recognised(row: RejectedInput, read: ReadEvent) -> Iterator[Reason]:
    """What could be recognised of the record must stay; but its administration may become its key's."""
    data, kind = read.data, kind_of(read)
    own_key = (row.key or b"").decode("utf-8", "replace")
    if row.administration is not None and read.administration not in (row.administration, own_key):
        yield _fixed("$.administration", row.administration)
    if row.kind not in ("record", kind):
        yield _fixed("$.direction", row.kind)
    if row.document_id is not None and row.document_id != data.id:
        yield _fixed("$.id", row.document_id)
    if isinstance(data, Administration):
        return
    if row.number is not None and row.number != data.number:
        yield _fixed("$.number", row.number)
    if row.revision is not None and row.revision != data.revision:
        yield _fixed("$.revision", str(row.revision))


def _fixed(field: str, was: str) -> Reason:
    base = reason(Code.INVALID_EVENT, field=field)
    return Reason(
        code=base.code,
        field=field,
        nl=f"Dit veld zegt welk document het is en kan hier niet gewijzigd worden: het moet {was} blijven.",
        en=f"This field says which document it is and cannot be changed here: it must stay {was}.",
        who_acts=base.who_acts,
    )
