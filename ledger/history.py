"""What the ledger keeps of what is over, for people. Reads only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import TupleRow

from ledger.archive import FINISHED, ArchivedYear, years
from ledger.retention import Retention, ledger_now


@dataclass(frozen=True)
class History:
    """What is there, and what waits to go.

    Attributes:
        years: the archive.
        newest_droppable: the last year that may be dropped.
        to_archive: finished documents past their retention that are not archived yet.
        unconfirmed: documents of that age in a file that nobody confirmed; they are archived after that.
        unfinished: documents of that age that are not finished.
        files: import files past the legal retention that still have their bytes.
        dropped_before: what was issued before this day was dropped; None when nothing was.
    """

    now: datetime
    years: tuple[ArchivedYear, ...]
    newest_droppable: int
    to_archive: int
    unconfirmed: int
    unfinished: int
    files: int
    dropped_before: date | None

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)


def history(connection: psycopg.Connection[TupleRow], retention: Retention) -> History:
    """Everything at one moment, by the database's clock."""
    now = ledger_now(connection)
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE {FINISHED}),
               count(*) FILTER (WHERE p.state = 'filed' AND NOT {FINISHED}),
               count(*) FILTER (WHERE p.state <> 'filed' AND NOT {FINISHED}),
               (SELECT count(*) FROM file f
                 WHERE f.state IN ('delivered', 'void') AND f.cut_at < %s
                   AND EXISTS (SELECT 1 FROM file_chunk c WHERE c.file_id = f.id)),
               (SELECT dropped_before FROM ledger_state)
          FROM posting p WHERE p.kind <> 'relation' AND p.changed_at < %s
        """.encode(),
        (retention.file_cutoff(now), now - retention.finished),
    ).fetchone()
    assert row is not None
    to_archive, unconfirmed, unfinished, files, dropped_before = row
    return History(
        now=now,
        years=tuple(years(connection)),
        newest_droppable=retention.newest_droppable(now),
        to_archive=to_archive,
        unconfirmed=unconfirmed,
        unfinished=unfinished,
        files=files,
        dropped_before=dropped_before,
    )
