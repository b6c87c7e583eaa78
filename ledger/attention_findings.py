"""What needs somebody right now, read from the ledger: one statement per place where it shows.

Documents held by a package's breaker and records of no known administration are not among it: they concern
everybody, and the platform hears of them by other ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row

from ledger.attention_cases import AttentionTerms, Finding
from schemas.attention import MOST_EXAMPLES, AttentionKind
from schemas.attention_sentences import WHAT_TO_DO
from schemas.outcome import Code, Package, WhoActs, parse_code
from schemas.posting import Message


@dataclass
class _Row:
    administration: str
    package: str | None
    kind: str
    code: str | None
    who_acts: str | None
    count: int
    since: datetime
    examples: list[str]
    message_nl: str | None
    message_en: str | None


# The grouping carries ids only: the names and the sentence are fetched for the few that are shown.
_DOCUMENTS = """
    WITH grouped AS (
        SELECT administration_id, package, state, COALESCE(code, 'internal') AS code, who_acts,
               count(*) AS count, min(since) AS since, (array_agg(id ORDER BY id))[1:%(examples)s] AS ids
          FROM (SELECT id, administration_id, package, state, code, who_acts,
                       CASE state WHEN 'waiting' THEN waiting_until
                                  WHEN 'uncertain' THEN COALESCE(intent_at, changed_at)
                                  ELSE changed_at END AS since
                  FROM posting
                 WHERE state IN ('rejected', 'held', 'waiting', 'uncertain')
                   AND scope IS DISTINCT FROM 'package') p
         WHERE (state <> 'waiting' OR since <= %(now)s)
           AND (state <> 'uncertain' OR since <= %(doubt_since)s)
         GROUP BY 1, 2, 3, 4, 5
    )
    SELECT g.administration_id AS administration, g.package, g.state AS kind, g.code, g.who_acts, g.count,
           g.since, ARRAY(SELECT e.number FROM posting e WHERE e.id = ANY(g.ids) ORDER BY e.id) AS examples,
           p.message_nl, p.message_en
      FROM grouped g JOIN posting p ON p.id = g.ids[1]
"""

_INPUT = """
    WITH grouped AS (
        SELECT administration_id, state, code, who_acts, count(*) AS count, min(received_at) AS since,
               (array_agg(id ORDER BY id))[1:%(examples)s] AS ids
          FROM rejected_input
         WHERE state IN ('rejected', 'held') AND administration_id IS NOT NULL
         GROUP BY 1, 2, 3, 4
    )
    SELECT g.administration_id AS administration, a.package, g.state AS kind, g.code, g.who_acts, g.count,
           g.since, ARRAY(SELECT COALESCE(e.number, e.document_id, 'R' || e.id) FROM rejected_input e
                           WHERE e.id = ANY(g.ids) ORDER BY e.id) AS examples,
           r.message_nl, r.message_en
      FROM grouped g JOIN rejected_input r ON r.id = g.ids[1]
      JOIN administration a ON a.id = g.administration_id
"""

# The documents of a held administration are counted above; here it is held, whether it has any or not.
_ADMINISTRATIONS = """
    SELECT l.administration_id AS administration, l.package, 'held' AS kind, l.held_code AS code,
           l.held_who_acts AS who_acts, 0 AS count, l.held_since AS since, ARRAY[]::text[] AS examples,
           l.held_nl AS message_nl, l.held_en AS message_en
      FROM lane l JOIN administration a ON a.id = l.administration_id AND a.package = l.package
     WHERE l.held_code IS NOT NULL AND a.active
"""

_NUMBERS = """
    SELECT n.administration_id AS administration, a.package, 'numbers' AS kind,
           'number_range_full' AS code, NULL AS who_acts, count(*) AS count, %(now)s::timestamptz AS since,
           (array_agg(n.space ORDER BY n.space))[1:%(examples)s] AS examples, NULL AS message_nl,
           NULL AS message_en
      FROM number_space n JOIN administration a ON a.id = n.administration_id
     WHERE n.next_number - n.first_number >= %(numbers)s * (n.last_number - n.first_number + 1)
     GROUP BY 1, 2
"""

_FILES = """
    WITH unanswered AS (
        SELECT f.administration_id, f.package, f.id, f.sequence, k.kind, k.code, k.since, f.message_nl,
               f.message_en
          FROM file f
         CROSS JOIN LATERAL (
               SELECT 'file_ready' AS kind, NULL AS code, COALESCE(f.delivered_at, f.cut_at) AS since
                WHERE f.state = 'delivered'
               UNION ALL
               SELECT 'file_unconfirmed', NULL, COALESCE(f.delivered_at, f.cut_at)
                WHERE f.state = 'delivered'
                  AND COALESCE(f.delivered_at, f.cut_at) <= %(unconfirmed_since)s
               UNION ALL
               SELECT 'file_stuck', COALESCE(f.code, 'internal'), COALESCE(f.intent_at, f.cut_at)
                WHERE (f.state = 'held' AND COALESCE(f.intent_at, f.cut_at) <= %(stuck_since)s)
                   OR (f.state = 'uncertain' AND COALESCE(f.intent_at, f.cut_at) <= %(doubt_since)s)
                   OR (f.state IN ('cut', 'delivering') AND f.code IS NOT NULL
                       AND f.cut_at <= %(held_since)s)) k
         WHERE EXISTS (SELECT 1 FROM file_member m WHERE m.file_id = f.id AND m.state = 'filed')
    )
    SELECT administration_id AS administration, package, kind, code, NULL AS who_acts, count(*) AS count,
           min(since) AS since,
           ARRAY(SELECT (SELECT t.name FROM file_part t WHERE t.file_id = e.id ORDER BY t.position LIMIT 1)
                   FROM unnest((array_agg(id ORDER BY id))[1:%(examples)s]) AS e (id)) AS examples,
           (array_agg(message_nl ORDER BY id))[1] AS message_nl,
           (array_agg(message_en ORDER BY id))[1] AS message_en
      FROM unanswered GROUP BY 1, 2, 3, 4
"""

_STATEMENTS = (_DOCUMENTS, _INPUT, _ADMINISTRATIONS, _NUMBERS, _FILES)


def findings(cursor: Cursor[TupleRow], now: datetime, terms: AttentionTerms) -> list[Finding]:
    """Everything that needs somebody, in no order; must run inside a transaction."""
    values: Mapping[str, object] = {
        "now": now,
        "examples": MOST_EXAMPLES,
        "numbers": terms.numbers,
        "doubt_since": now - terms.uncertain,
        "unconfirmed_since": now - terms.unconfirmed,
        "stuck_since": now - terms.settle,
        "held_since": now - terms.held,
    }
    return [finding for query in _STATEMENTS for finding in _found(cursor, query, values)]


def _found(cursor: Cursor[TupleRow], query: str, values: Mapping[str, object]) -> Iterator[Finding]:
    with cursor.connection.cursor(row_factory=class_row(_Row)) as named:
        named.execute(query.encode(), values)
        for row in named.fetchall():
            kind = AttentionKind(row.kind)
            yield Finding(
                administration=row.administration,
                package=Package(row.package) if row.package else None,
                kind=kind,
                code=_code(row.code),
                who_acts=WhoActs(row.who_acts) if row.who_acts else None,
                count=row.count,
                since=row.since,
                examples=tuple(row.examples),
                why=WHAT_TO_DO.get(kind) or Message(nl=row.message_nl or "", en=row.message_en or ""),
            )


def _code(text: str | None) -> Code | None:
    return None if text is None else parse_code(text)
