"""Input that could not become a posting: reading a row of it, and letting it be received once more."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass

from psycopg import Cursor
from psycopg.rows import TupleRow, dict_row

from ledger.admission import Headers, SourceRecord


@dataclass(frozen=True)
class RejectedInput:
    """One record with its original bytes, and what was recognisable of it; locked until commit.

    `kind` is `record` when nothing was; `field` is what it was refused for.
    """

    id: int
    source: SourceRecord
    key: bytes | None
    headers: Headers
    value: bytes | None
    administration: str | None
    kind: str
    document_id: str | None
    number: str | None
    revision: int | None
    field: str | None
    state: str


def rejected_id(identifier: str) -> int | None:
    """The number in the id of rejected input (`R12`); None when it is no such id."""
    digits = identifier[1:]
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= 18
    return int(digits) if identifier.startswith("R") and is_number else None


def locked_rejected(cursor: Cursor[TupleRow], number: int) -> RejectedInput | None:
    """Lock a row of rejected input that is open; None when there is none."""
    with cursor.connection.cursor(row_factory=dict_row) as named:
        named.execute(
            'SELECT id, topic, partition, "offset", key, headers, value, administration_id, kind,'
            " document_id, number, revision, field, state FROM rejected_input"
            " WHERE id = %s AND state IN ('rejected', 'held') FOR UPDATE",
            (number,),
        )
        row = named.fetchone()
    if row is None:
        return None
    return RejectedInput(
        id=row["id"],
        source=SourceRecord(row["topic"], row["partition"], row["offset"]),
        key=_bytes(row["key"]),
        headers=[(name, b64decode(text)) for name, text in _pairs(row["headers"])],
        value=_bytes(row["value"]),
        administration=row["administration_id"],
        kind=row["kind"],
        document_id=row["document_id"],
        number=row["number"],
        revision=row["revision"],
        field=row["field"],
        state=row["state"],
    )


def take_out(cursor: Cursor[TupleRow], row: RejectedInput) -> None:
    """It is no rejection any more: its record may be received again."""
    cursor.execute("UPDATE rejected_input SET state = 'replayed' WHERE id = %s", (row.id,))
    cursor.execute(
        'DELETE FROM input_record WHERE topic = %s AND partition = %s AND "offset" = %s',
        (row.source.topic, row.source.partition, row.source.offset),
    )


def _pairs(headers: object) -> list[tuple[str, str]]:
    values = json.loads(headers) if isinstance(headers, str) else headers
    assert isinstance(values, list)
    return [(str(name), str(text)) for name, text in values]


def _bytes(value: object) -> bytes | None:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else None
