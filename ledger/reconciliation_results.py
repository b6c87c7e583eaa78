"""What reconciliations found: stored whole, the newest per administration and month kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, namedtuple_row
from pydantic import TypeAdapter

from ledger.reconciliation_rows import (
    Difference,
    DifferenceKind,
    Result,
    Run,
    RunId,
    RunState,
    Said,
    Totals,
)
from ledger.retention import REMOVED_EN, REMOVED_NL
from ledger.rows import LaneKey
from schemas.outcome import Package

_TOTALS: TypeAdapter[Totals] = TypeAdapter(Totals)

_INSERT_DIFFERENCES = """
    INSERT INTO reconciliation_difference
           (run_id, position, kind, direction, number, relation_id, document_id, posting, our_gross,
            package_gross, package_ids, state, code, who_acts, message_nl, message_en, needs_somebody)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class OpenDifference:
    """A difference that needs somebody, and of which month of which administration it is."""

    key: LaneKey
    month: date
    difference: Difference


def store_result(cursor: Cursor[TupleRow], run: RunId, result: Result) -> int:
    """Keep what a run found in the place of what an earlier one found; returns how many doubles are new.

    A run that was withdrawn, or whose result is there already, changes nothing.
    """
    cursor.execute(
        """
        UPDATE reconciliation_run
           SET state = 'done', due_at = NULL, finished_at = clock_timestamp(), code = NULL,
               message_nl = NULL, message_en = NULL, who_acts = NULL, totals = %s, left_out = %s
         WHERE id = %s AND due_at IS NOT NULL RETURNING administration_id, package, month
        """,
        (_TOTALS.dump_json(result.totals).decode(), result.left_out, run),
    )
    row = cursor.fetchone()
    if row is None:
        return 0
    cursor.execute(
        """
        SELECT d.package_ids FROM reconciliation_difference d JOIN reconciliation_run r ON r.id = d.run_id
         WHERE r.administration_id = %s AND r.package = %s AND d.kind = 'double'
        """,
        (row[0], row[1]),
    )
    known = {frozenset(ids) for (ids,) in cursor.fetchall()}
    cursor.execute(
        """
        DELETE FROM reconciliation_run
         WHERE administration_id = %s AND package = %s AND month = %s AND id <> %s AND due_at IS NULL
        """,
        (*row, run),
    )
    cursor.executemany(
        _INSERT_DIFFERENCES,
        [_row(run, position, difference) for position, difference in enumerate(result.differences)],
    )
    doubles = [one for one in result.differences if one.kind is DifferenceKind.DOUBLE]
    return sum(frozenset(double.package_ids) not in known for double in doubles)


def find_runs(connection: psycopg.Connection[TupleRow], ids: Sequence[RunId]) -> list[Run]:
    """These runs, in order of asking; one that was withdrawn, or overtaken by a newer one, is missing."""
    return _runs(connection, "r.id = ANY(%(ids)s)", {"ids": list(ids)})


def latest_runs(
    connection: psycopg.Connection[TupleRow], month: date, key: LaneKey | None = None
) -> list[Run]:
    """The newest results of a month, of one administration or of all, in order of administration."""
    return _runs(
        connection,
        """
        r.state <> 'asked' AND r.month = %(month)s
        AND (%(administration)s::text IS NULL
             OR (r.administration_id = %(administration)s AND r.package = %(package)s))
        AND NOT EXISTS (SELECT 1 FROM reconciliation_run n
                         WHERE n.administration_id = r.administration_id AND n.package = r.package
                           AND n.month = r.month AND n.id > r.id AND n.state <> 'asked')
        """,
        {
            "month": month,
            "administration": key.administration if key else None,
            "package": str(key.package) if key else None,
        },
    )


def open_differences(cursor: Cursor[TupleRow]) -> list[OpenDifference]:
    """What differs by the newest results and needs somebody, for whoever tells people.

    By administration and month, most urgent first. Kinds `open` and `unconfirmed` are also what the posting
    and the file say themselves.
    """
    cursor.execute(
        """
        SELECT r.administration_id, r.package, r.month, d.kind, d.direction, d.number, d.relation_id,
               d.document_id, d.posting, d.our_gross, d.package_gross, d.package_ids, d.state, d.code,
               d.who_acts, d.message_nl, d.message_en, d.needs_somebody
          FROM reconciliation_difference d JOIN reconciliation_run r ON r.id = d.run_id
         WHERE d.needs_somebody AND r.state = 'done' ORDER BY r.administration_id, r.month, d.position
        """
    )
    return [
        OpenDifference(LaneKey(row[0], Package(row[1])), row[2], _difference(row[3:]))
        for row in cursor.fetchall()
    ]


def forget_sentences(
    cursor: Cursor[TupleRow], administration: str, postings: Sequence[str], *, go: bool
) -> int:
    """Differences that repeat what was said of these postings; with `go` they do not any more.

    Returns how many. The other kinds of difference say what the package has, in amounts and numbers.
    """
    values = {
        "administration": administration,
        "postings": list(postings),
        "nl": REMOVED_NL,
        "en": REMOVED_EN,
        "kind": str(DifferenceKind.OPEN),
    }
    matching = """d.posting = ANY(%(postings)s) AND d.kind = %(kind)s AND d.message_nl <> %(nl)s
        AND d.run_id IN (SELECT r.id FROM reconciliation_run r
                          WHERE r.administration_id = %(administration)s)"""
    if go:
        query = (
            "UPDATE reconciliation_difference d SET message_nl = %(nl)s, message_en = %(en)s"
            f" WHERE {matching}"
        )
        return cursor.execute(query.encode(), values).rowcount
    cursor.execute(f"SELECT count(*) FROM reconciliation_difference d WHERE {matching}".encode(), values)
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def doubles_standing(cursor: Cursor[TupleRow]) -> Mapping[Package, int]:
    """Double bookings by package that the newest results show."""
    cursor.execute(
        """
        SELECT r.package, count(DISTINCT (r.administration_id, d.package_ids))
          FROM reconciliation_difference d JOIN reconciliation_run r ON r.id = d.run_id
         WHERE d.kind = 'double' AND d.needs_somebody AND r.state = 'done' GROUP BY 1
        """
    )
    return {Package(package): count for package, count in cursor.fetchall()}


def _runs(
    connection: psycopg.Connection[TupleRow], condition: str, values: Mapping[str, object]
) -> list[Run]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute(
            "SELECT r.id, r.administration_id, r.package, r.month, r.state, r.asked_by, r.asked_at, r.due_at,"
            " r.started_at, r.finished_at, r.attempts_left, r.code, r.message_nl, r.message_en, r.who_acts,"
            f" r.totals, r.left_out FROM reconciliation_run r WHERE {condition}"
            " ORDER BY r.administration_id, r.package, r.month, r.id".encode(),
            dict(values),
        )
        rows: list[Any] = cursor.fetchall()
    found: dict[int, list[Difference]] = {}
    for row in connection.execute(
        """
        SELECT run_id, kind, direction, number, relation_id, document_id, posting, our_gross, package_gross,
               package_ids, state, code, who_acts, message_nl, message_en, needs_somebody
          FROM reconciliation_difference WHERE run_id = ANY(%s) ORDER BY run_id, position
        """,
        ([row.id for row in rows],),
    ):
        found.setdefault(row[0], []).append(_difference(row[1:]))
    return [_run(row, tuple(found.get(row.id, ()))) for row in rows]


def _run(row: Any, differences: tuple[Difference, ...]) -> Run:
    state = RunState(row.state)
    return Run(
        id=RunId(row.id),
        key=LaneKey(row.administration_id, Package(row.package)),
        month=row.month,
        state=state,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        due_at=row.due_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        attempts_left=row.attempts_left,
        code=row.code,
        said=None if row.message_nl is None else Said(row.message_nl, row.message_en),
        who_acts=row.who_acts,
        result=Result(_TOTALS.validate_python(row.totals), differences, row.left_out)
        if state is RunState.DONE
        else None,
    )


def _row(run: RunId, position: int, one: Difference) -> tuple[object, ...]:
    return (
        run,
        position,
        str(one.kind),
        one.direction,
        one.number,
        one.relation,
        one.document_id,
        one.posting,
        one.our_gross,
        one.package_gross,
        list(one.package_ids),
        one.state,
        one.code,
        one.who_acts,
        one.said.nl,
        one.said.en,
        one.needs_somebody,
    )


def _difference(row: tuple[Any, ...]) -> Difference:
    kind, direction, number, relation, document_id, posting, ours, theirs, ids = row[:9]
    state, code, who_acts, nl, en, needs_somebody = row[9:]
    return Difference(
        kind=DifferenceKind(kind),
        direction=direction,
        number=number,
        relation=relation,
        document_id=document_id,
        posting=posting,
        our_gross=ours,
        package_gross=theirs,
        package_ids=tuple(ids),
        state=state,
        code=code,
        who_acts=who_acts,
        said=Said(nl, en),
        needs_somebody=needs_somebody,
    )
