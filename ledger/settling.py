"""Whether everything that came in has come to rest, and what a person would find to do.

For whoever waits until the pipeline is quiet and then judges it (`koppeling chaos`).
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow, class_row

from ledger.files import FileId
from ledger.rows import LaneKey, PostingId
from schemas.outcome import Package

_FINAL = "('booked', 'already_booked', 'adopted', 'filed', 'superseded', 'discarded')"


@dataclass(frozen=True)
class Rest:
    """Where everything stands.

    Attributes:
        records: records of ENK's topics that left a trace.
        rejected: of those, that are kept as rejected input.
        moving: open rows that go on by themselves.
        somebody: open rows at rest that say who must act.
        nobody: open rows at rest that do not.
        outbox: events that are not published yet.
        files: import files that are not delivered yet.
        adopted: documents (not relations) found by a look-up and linked.
        held_lanes: administrations that are held.
    """

    records: int
    rejected: int
    moving: int
    somebody: int
    nobody: int
    outbox: int
    files: int
    adopted: int
    held_lanes: int


def rest(connection: psycopg.Connection[TupleRow]) -> Rest:
    """Where everything stands, in one look."""
    with connection.cursor(row_factory=class_row(Rest)) as cursor:
        found = cursor.execute(
            f"""
            WITH open AS (
                SELECT due_at IS NOT NULL OR intent_step IS NOT NULL OR state IN ('received', 'posting')
                       AS moves, who_acts
                  FROM posting WHERE state NOT IN {_FINAL}
            )
            SELECT (SELECT count(*) FROM input_record WHERE topic LIKE 'enk.%%') AS records,
                   (SELECT count(*) FROM rejected_input) AS rejected,
                   (SELECT count(*) FROM open WHERE moves) AS moving,
                   (SELECT count(*) FROM open WHERE NOT moves AND who_acts IS NOT NULL) AS somebody,
                   (SELECT count(*) FROM open WHERE NOT moves AND who_acts IS NULL) AS nobody,
                   (SELECT count(*) FROM outbox) AS outbox,
                   (SELECT count(*) FROM file WHERE state NOT IN ('delivered', 'void')) AS files,
                   (SELECT count(*) FROM posting WHERE state = 'adopted' AND kind <> 'relation') AS adopted,
                   (SELECT count(*) FROM lane WHERE held_code IS NOT NULL) AS held_lanes
            """.encode(),
            (),
        ).fetchone()
        assert found is not None
        return found


@dataclass(frozen=True)
class OpenRow:
    """A row at rest that says who must act."""

    id: PostingId
    administration: str
    package: str
    kind: str
    number: str
    match_key: str
    state: str
    code: str | None
    scope: str | None
    who_acts: str | None
    message: str | None

    @property
    def key(self) -> LaneKey:
        """Its lane."""
        return LaneKey(self.administration, Package(self.package))


def open_rows(connection: psycopg.Connection[TupleRow], limit: int = 5_000) -> list[OpenRow]:
    """Open rows at rest, oldest first."""
    with connection.cursor(row_factory=class_row(OpenRow)) as cursor:
        return cursor.execute(
            f"""
            SELECT id, administration_id AS administration, COALESCE(package, '') AS package, kind, number,
                   match_key, state, code, scope, who_acts, COALESCE(vendor_message, message_en) AS message
              FROM posting
             WHERE state NOT IN {_FINAL} AND state NOT IN ('received', 'posting') AND due_at IS NULL
               AND waiting_key IS NULL
             ORDER BY id LIMIT %s
            """.encode(),
            (limit,),
        ).fetchall()


@dataclass(frozen=True)
class DoubtfulFile:
    """An import file of which it is not certain whether it arrived; `invoices` are (kind, match key)."""

    id: FileId
    administration: str
    invoices: list[list[str]]


def doubtful_files(connection: psycopg.Connection[TupleRow]) -> list[DoubtfulFile]:
    """Files that only a person can judge."""
    with connection.cursor(row_factory=class_row(DoubtfulFile)) as cursor:
        return cursor.execute(
            """
            SELECT f.id, f.administration_id AS administration,
                   COALESCE((SELECT array_agg(ARRAY[p.kind, p.match_key] ORDER BY m.position)
                               FROM file_member m JOIN posting p ON p.id = m.posting_id
                              WHERE m.file_id = f.id AND m.state <> 'released' AND p.kind <> 'relation'),
                            '{}') AS invoices
              FROM file f WHERE f.state = 'uncertain' ORDER BY f.id
            """
        ).fetchall()


def lanes_held_by(connection: psycopg.Connection[TupleRow], codes: tuple[str, ...]) -> list[LaneKey]:
    """Administrations that are held with one of these codes."""
    rows = connection.execute(
        "SELECT administration_id, package FROM lane WHERE held_code = ANY(%s) ORDER BY 1", (list(codes),)
    ).fetchall()
    return [LaneKey(administration, Package(package)) for administration, package in rows]
