"""What people ask the ledger: lists of postings and rejected input, one in full, counts by state.

A posting's id is its number; rejected input has an `R` before its own. Both are in one list, because to the
person who must act both are a document that is not in the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import TupleRow, dict_row

FINAL = ("booked", "already_booked", "adopted", "filed", "superseded", "discarded")

ANY_POSITION = "[*]"
"""In the field of a filter: whatever the position in the list, as in `$.lines[*].ledger_account`."""

FIELD_WITHOUT_POSITIONS = r"regexp_replace({}.field, '\[[0-9]+\]', '[*]', 'g')"
"""SQL of a field with `ANY_POSITION` for every position; `{}` is the table."""


@dataclass(frozen=True)
class PostingFilter:
    """What to list; empty = everything. `open_only` leaves out what is finished."""

    administration: str | None = None
    package: str | None = None
    kind: str | None = None
    states: Sequence[str] = ()
    code: str | None = None
    field: str | None = None
    numbers: Sequence[str] = ()
    ids: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    open_only: bool = False
    needs_somebody: bool = False


@dataclass(frozen=True)
class ListedPosting:
    """A row of the list, with everything the JSON form shows."""

    id: str
    administration: str | None
    package: str | None
    kind: str
    document_id: str | None
    number: str | None
    revision: int | None
    state: str
    code: str | None
    field: str | None
    message_nl: str | None
    message_en: str | None
    vendor_message: str | None
    who_acts: str | None
    gross: Decimal | None
    attempt: int
    package_number: str | None
    package_id: str | None
    file_sequence: int | None
    file_name: str | None
    source_topic: str
    source_partition: int
    source_offset: int
    event_id: str | None
    received_at: datetime
    changed_at: datetime
    due_at: datetime | None
    attachment_state: str | None
    archived: bool = False
    edit: int = 0

    def as_json(self) -> dict[str, object]:
        """The row as `--json` prints it; absent values are left out, amounts are decimal strings."""
        document = {"number": self.package_number, "id": self.package_id}
        file = {"sequence": self.file_sequence, "name": self.file_name}
        error = {
            "code": self.code,
            "field": self.field,
            "message": {"nl": self.message_nl, "en": self.message_en},
            "vendor_message": self.vendor_message,
            "who_acts": self.who_acts,
            "next_attempt_at": self.due_at.isoformat() if self.due_at else None,
        }
        whole: dict[str, object] = {
            "id": self.id,
            "administration": self.administration,
            "package": self.package,
            "kind": self.kind,
            "document_id": self.document_id,
            "number": self.number,
            "revision": self.revision,
            "outcome": self.state,
            "gross": None if self.gross is None else f"{self.gross:.2f}",
            "error": _without_nothing(error) if self.code else None,
            "package_document": _without_nothing(document)
            if self.package_id or self.package_number
            else None,
            "file": _without_nothing(file) if self.file_sequence else None,
            "attachment": self.attachment_state,
            "attempt": self.attempt,
            "edit": self.edit or None,
            "source_record": _without_nothing(
                {
                    "topic": self.source_topic,
                    "partition": self.source_partition,
                    "offset": self.source_offset,
                    "event_id": self.event_id,
                }
            ),
            "received_at": self.received_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "archived": self.archived or None,
        }
        return _without_nothing(whole)


def _without_nothing(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


_ALL = """
    SELECT p.id::text AS id, p.id AS position, p.administration_id AS administration, p.package, p.kind,
           p.document_id, p.number, p.revision, p.state, p.code, p.field, p.message_nl, p.message_en,
           p.vendor_message, p.who_acts, p.gross, p.attempt, p.package_number, p.package_id,
           f.sequence AS file_sequence,
           (SELECT min(t.name) FROM file_part t WHERE t.file_id = p.file_id) AS file_name,
           p.source_topic, p.source_partition, p.source_offset, p.event_id, p.received_at, p.changed_at,
           p.due_at, p.attachment_state, p.archived, p.edit, p.scope
      FROM posting_all p LEFT JOIN file f ON f.id = p.file_id
    UNION ALL
    SELECT 'R' || r.id, r.id, r.administration_id, a.package, r.kind, r.document_id, r.number, r.revision,
           r.state, r.code, r.field, r.message_nl, r.message_en, NULL, r.who_acts, NULL, 0, NULL, NULL, NULL,
           NULL, r.topic, r.partition, r."offset", r.event_id, r.received_at, r.received_at, NULL,
           NULL, false, 0, NULL
      FROM rejected_input r LEFT JOIN administration a ON a.id = r.administration_id
     WHERE r.state <> 'replayed'
"""


@dataclass
class _Condition:
    parts: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, part: str, *values: object) -> None:
        self.parts.append(part)
        self.values.extend(values)


def list_postings(
    connection: psycopg.Connection[TupleRow], wanted: PostingFilter, limit: int | None = None
) -> list[ListedPosting]:
    """Postings and rejected input that match, in order of arrival."""
    where = _Condition()
    for column in ("administration", "package", "kind", "code"):
        value = getattr(wanted, column)
        if value is not None:
            where.add(f"x.{column} = %s", value)
    if wanted.field is not None:
        column = FIELD_WITHOUT_POSITIONS if ANY_POSITION in wanted.field else "{}.field"
        where.add(f"{column.format('x')} = %s", wanted.field)
    if wanted.states:
        where.add("x.state = ANY(%s)", list(wanted.states))
    if wanted.numbers:
        where.add("x.number = ANY(%s)", list(wanted.numbers))
    if wanted.ids:
        # The number finds the row by its index, the text says which of the two kinds it is.
        numbers = [int(digits) for one in wanted.ids if (digits := one.removeprefix("R")).isdecimal()]
        where.add("x.position = ANY(%s::bigint[]) AND x.id = ANY(%s)", numbers, list(wanted.ids))
    if wanted.since is not None:
        where.add("x.received_at >= %s", wanted.since)
    if wanted.until is not None:
        where.add("x.received_at < %s", wanted.until)
    if wanted.open_only:
        where.add("x.state <> ALL(%s)", list(FINAL))
    if wanted.needs_somebody:
        where.add(NEEDS_SOMEBODY)
    condition = " AND ".join(where.parts) or "true"
    query = f"SELECT * FROM ({_ALL}) x WHERE {condition} ORDER BY x.received_at, x.position"
    if limit is not None:
        query += f" LIMIT {int(limit)}"
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query.encode(), where.values)
        return [_listed(row) for row in cursor.fetchall()]


NEEDS_SOMEBODY = (
    "(x.state IN ('rejected') OR x.state = 'held'"
    " OR (x.state = 'waiting' AND x.scope = 'overdue')"
    " OR (x.state = 'uncertain' AND x.due_at IS NULL))"
)
"""Rows on which nothing happens until somebody (named in `who_acts`) does something."""


def _listed(row: dict[str, Any]) -> ListedPosting:
    return ListedPosting(**{name: row[name] for name in ListedPosting.__dataclass_fields__})


def posting_history(
    connection: psycopg.Connection[TupleRow], posting_id: int
) -> list[tuple[datetime, str, str | None, int, str | None]]:
    """Every published change: when, outcome, code, attempt, message; archived ones have no message."""
    return connection.execute(
        """
        SELECT at, state, code, attempt, message FROM posting_history WHERE posting_id = %(id)s
        UNION ALL
        SELECT (h.change ->> 0)::timestamptz, h.change ->> 1, h.change ->> 2, (h.change ->> 3)::integer, NULL
          FROM posting_archive a, jsonb_array_elements(a.history) AS h (change) WHERE a.id = %(id)s
         ORDER BY 1
        """,
        {"id": posting_id},
    ).fetchall()


def posting_payload(connection: psycopg.Connection[TupleRow], identifier: str) -> bytes | None:
    """ENK's data of a posting, or the original bytes of rejected input.

    None when there is no such row, or when they are gone: past their retention, or erased.
    """
    if identifier.startswith("R"):
        row = connection.execute(
            "SELECT value FROM rejected_input WHERE id = %s", (identifier[1:],)
        ).fetchone()
    else:
        row = connection.execute("SELECT payload FROM posting WHERE id = %s", (identifier,)).fetchone()
    return bytes(row[0]) if row and row[0] else None


@dataclass(frozen=True)
class Followed:
    """What became of a record of an input topic; None fields while it has not been received."""

    became: str | None
    posting: ListedPosting | None


def follow(
    connection: psycopg.Connection[TupleRow], sources: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], Followed]:
    """Where each record (topic, partition, offset) has got to; one that is not received yet is missing."""
    rows = connection.execute(
        """
        SELECT i.topic, i.partition, i."offset", i.became,
               COALESCE(i.posting_id::text, 'R' || i.rejected_id) FROM input_record i
          JOIN unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, o)
            ON i.topic = v.topic AND i.partition = v.partition AND i."offset" = v.o
        """,
        ([s[0] for s in sources], [s[1] for s in sources], [s[2] for s in sources]),
    ).fetchall()
    ids = sorted({row[4] for row in rows if row[4]})
    listed = {item.id: item for item in list_postings(connection, PostingFilter(ids=ids))} if ids else {}
    return {(row[0], row[1], row[2]): Followed(row[3], listed.get(row[4] or "")) for row in rows}


@dataclass(frozen=True)
class StateCount:
    """How many postings of a package are in a state."""

    package: str | None
    state: str
    count: int


def count_by_state(connection: psycopg.Connection[TupleRow]) -> list[StateCount]:
    """Postings and rejected input by package and state."""
    rows = connection.execute(
        """
        SELECT package, state, count(*) FROM posting GROUP BY 1, 2
        UNION ALL
        SELECT a.package, r.state, count(*) FROM rejected_input r
          LEFT JOIN administration a ON a.id = r.administration_id WHERE r.state <> 'replayed' GROUP BY 1, 2
        """
    ).fetchall()
    counts: dict[tuple[str | None, str], int] = {}
    for package, state, number in rows:
        counts[package, state] = counts.get((package, state), 0) + number
    return [
        StateCount(package, state, number)
        for (package, state), number in sorted(
            counts.items(), key=lambda item: (item[0][0] or "", item[0][1])
        )
    ]
