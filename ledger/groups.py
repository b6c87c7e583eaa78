"""What needs somebody, grouped by what is wrong: by package, code and field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow, class_row

from ledger.overview import FIELD_WITHOUT_POSITIONS


@dataclass(frozen=True)
class Group:
    """Everything that waits for the same.

    Attributes:
        field: with `[*]` for whatever position in a list.
        count: postings and rejected input.
        oldest: when the oldest of them was received.
        who_acts: everybody who is named, most often one.
        example: an id, and what it says in `message_nl` and `message_en`.
    """

    package: str | None
    code: str | None
    field: str | None
    count: int
    administrations: int
    oldest: datetime
    who_acts: Sequence[str]
    example: str
    message_nl: str | None
    message_en: str | None

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return {
            "package": self.package,
            "code": self.code,
            "field": self.field,
            "count": self.count,
            "administrations": self.administrations,
            "oldest": self.oldest,
            "who_acts": list(self.who_acts),
            "example": {
                "id": self.example,
                "message": {"nl": self.message_nl, "en": self.message_en},
            },
        }


def groups(
    connection: psycopg.Connection[TupleRow], administration: str | None = None, package: str | None = None
) -> list[Group]:
    """Most first. The example is the newest of its group: the oldest may tell of what was mended since."""
    wanted = {"administration": administration, "package": package}
    with connection.cursor(row_factory=class_row(Group)) as named:
        named.execute(_GROUPS.encode(), wanted)
        return named.fetchall()


_GROUPS = f"""
    WITH x AS (
        SELECT p.package, p.code, p.field, p.administration_id, p.received_at, p.who_acts,
               p.id, false AS is_rejected
          FROM posting p
         WHERE p.state IN ('rejected', 'held', 'waiting', 'uncertain')
           AND (p.state IN ('rejected', 'held') OR (p.state = 'waiting' AND p.scope = 'overdue')
                OR (p.state = 'uncertain' AND p.due_at IS NULL))
        UNION ALL
        SELECT a.package, r.code, r.field, r.administration_id, r.received_at, r.who_acts, r.id, true
          FROM rejected_input r LEFT JOIN administration a ON a.id = r.administration_id
         WHERE r.state IN ('rejected', 'held')
    ), g AS (
        SELECT x.package, x.code, {FIELD_WITHOUT_POSITIONS.format("x")} AS field, count(*) AS count,
               count(DISTINCT x.administration_id) AS administrations, min(x.received_at) AS oldest,
               array_agg(DISTINCT x.who_acts) FILTER (WHERE x.who_acts IS NOT NULL) AS who_acts,
               max(x.id) FILTER (WHERE NOT x.is_rejected) AS posting, max(x.id) AS rejected
          FROM x
         WHERE (%(administration)s::text IS NULL OR x.administration_id = %(administration)s)
           AND (%(package)s::text IS NULL OR x.package = %(package)s)
         GROUP BY 1, 2, 3
    )
    SELECT g.package, g.code, g.field, g.count, g.administrations, g.oldest,
           COALESCE(g.who_acts, '{{}}') AS who_acts, COALESCE(g.posting::text, 'R' || g.rejected) AS example,
           COALESCE(p.message_nl, r.message_nl) AS message_nl,
           COALESCE(p.message_en, r.message_en) AS message_en
      FROM g LEFT JOIN posting p ON p.id = g.posting
      LEFT JOIN rejected_input r ON g.posting IS NULL AND r.id = g.rejected
     ORDER BY g.count DESC, g.oldest
"""
