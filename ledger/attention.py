"""What needs somebody, told once per case: found, compared with what was told, and put in the outbox.

A pass is one transaction under an advisory lock, so that of several workers only one tells, and what is
written down as told is told. What is in the table `attention` is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, dict_row

from ledger.attention_cases import AttentionTerms, CaseKey, OpenCase, cases, changes
from ledger.attention_findings import findings
from ledger.events import event_id, outbound
from ledger.outbox import Announcement, OutboundRecord, announce
from ledger.retention import REMOVED_EN, REMOVED_NL
from schemas.attention import AttentionChanged, AttentionKind, AttentionStatus
from schemas.attention_sentences import sentence
from schemas.outcome import Package, WhoActs, parse_code
from schemas.posting import Message
from schemas.publishing import attention_record

_LOCK = 764_107
"""Of the process whose pass it is; another one does nothing meanwhile."""

_OF_DOCUMENTS = (AttentionKind.REJECTED, AttentionKind.HELD, AttentionKind.WAITING, AttentionKind.UNCERTAIN)
"""Cases whose examples are documents, and whose reason is that of the oldest."""


@dataclass(frozen=True)
class Told:
    """How many events a pass brought."""

    opened: int
    grown: int
    resolved: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.opened + self.grown + self.resolved


def tell(
    connection: psycopg.Connection[TupleRow], terms: AttentionTerms, now: datetime | None = None
) -> Told | None:
    """One pass; None when another process is at it. `now` is the database's clock by default."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s), clock_timestamp()", (_LOCK,))
        row = cursor.fetchone()
        assert row is not None
        mine, database_now = row
        if not mine:
            return None
        moment = now or database_now
        known = {case.key: case for case in _open(cursor, None, None)}
        brought = changes(known, cases(findings(cursor, moment, terms)), moment, terms)
        stand = (*brought.opened, *brought.grown)
        _write(cursor, (*stand, *brought.noted))
        _delete(cursor, brought.resolved)
        events = [_announcement(case, AttentionStatus.OPEN, moment) for case in stand]
        events += [_announcement(case, AttentionStatus.RESOLVED, moment) for case in brought.resolved]
        announce(cursor, events)
    return Told(len(brought.opened), len(brought.grown), len(brought.resolved))


def open_cases(
    connection: psycopg.Connection[TupleRow],
    administration: str | None = None,
    who_acts: WhoActs | None = None,
) -> list[OpenCase]:
    """What was told and is not over, the oldest first."""
    with connection.cursor() as cursor:
        return _open(cursor, administration, who_acts)


def forget_documents(cursor: Cursor[TupleRow], administration: str, names: Sequence[str], *, go: bool) -> int:
    """Open cases that name these documents; with `go` they, and the reason, are taken out of them.

    Returns how many. A case that stands for other documents as well has its text back after the next pass;
    one that is over is told to be over without it.
    """
    if go:
        # A pass that is under way would write down what it found before.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    named = [
        case
        for case in _open(cursor, administration, None)
        if case.key.kind in _OF_DOCUMENTS and not set(names).isdisjoint(case.examples)
    ]
    if go:
        _write(cursor, [_without(case, names) for case in named])
    return len(named)


def _without(case: OpenCase, names: Sequence[str]) -> OpenCase:
    examples = tuple(name for name in case.examples if name not in names)
    why = Message(nl=REMOVED_NL, en=REMOVED_EN)
    return replace(case, examples=examples, message=sentence(case.key.kind, case.count, examples, why))


def _open(cursor: Cursor[TupleRow], administration: str | None, who_acts: WhoActs | None) -> list[OpenCase]:
    with cursor.connection.cursor(row_factory=dict_row) as named:
        named.execute(
            """
            SELECT administration_id, package, kind, who_acts, code, message_nl, message_en, count, examples,
                   since, opened_at, told_at, told_count, gone_at
              FROM attention
             WHERE (%(administration)s::text IS NULL OR administration_id = %(administration)s)
               AND (%(who)s::text IS NULL OR who_acts = %(who)s) AND kind = ANY(%(kinds)s)
             ORDER BY opened_at, administration_id, kind, id
            """,
            # Kinds of a newer release are left to its own workers, which may run beside this one.
            {
                "administration": administration,
                "who": who_acts,
                "kinds": [kind.value for kind in AttentionKind],
            },
        )
        return [_case(row) for row in named.fetchall()]


def _case(row: dict[str, Any]) -> OpenCase:
    return OpenCase(
        key=CaseKey(
            administration=row["administration_id"],
            package=Package(row["package"]) if row["package"] else None,
            kind=AttentionKind(row["kind"]),
            who_acts=WhoActs(row["who_acts"]),
            code=parse_code(row["code"]) if row["code"] else None,
        ),
        message=Message(nl=row["message_nl"], en=row["message_en"]),
        count=row["count"],
        examples=tuple(row["examples"]),
        since=row["since"],
        opened_at=row["opened_at"],
        told_at=row["told_at"],
        told_count=row["told_count"],
        gone_at=row["gone_at"],
    )


_UPSERT = """
    INSERT INTO attention (id, administration_id, package, kind, who_acts, code, message_nl, message_en,
                           count, examples, since, opened_at, told_at, told_count, gone_at)
    VALUES (%(id)s, %(administration)s, %(package)s, %(kind)s, %(who_acts)s, %(code)s, %(nl)s, %(en)s,
            %(count)s, %(examples)s, %(since)s, %(opened_at)s, %(told_at)s, %(told_count)s, %(gone_at)s)
    ON CONFLICT (id) DO UPDATE
       SET message_nl = EXCLUDED.message_nl, message_en = EXCLUDED.message_en, count = EXCLUDED.count,
           examples = EXCLUDED.examples, since = EXCLUDED.since, told_at = EXCLUDED.told_at,
           told_count = EXCLUDED.told_count, gone_at = EXCLUDED.gone_at
"""


def _write(cursor: Cursor[TupleRow], stand: Sequence[OpenCase]) -> None:
    cursor.executemany(
        _UPSERT,
        [
            {
                "id": case.key.id,
                "administration": case.key.administration,
                "package": case.key.package,
                "kind": case.key.kind,
                "who_acts": case.key.who_acts,
                "code": case.key.code,
                "nl": case.message.nl,
                "en": case.message.en,
                "count": case.count,
                "examples": list(case.examples),
                "since": case.since,
                "opened_at": case.opened_at,
                "told_at": case.told_at,
                "told_count": case.told_count,
                "gone_at": case.gone_at,
            }
            for case in stand
        ],
    )


def _delete(cursor: Cursor[TupleRow], over: Sequence[OpenCase]) -> None:
    cursor.execute("DELETE FROM attention WHERE id = ANY(%s)", ([case.key.id for case in over],))


def _announcement(case: OpenCase, status: AttentionStatus, now: datetime) -> Announcement:
    key = case.key

    def build(sequence: int) -> OutboundRecord:
        event = AttentionChanged(
            id=key.id,
            status=status,
            administration=key.administration,
            package=key.package,
            kind=key.kind,
            who_acts=key.who_acts,
            code=key.code,
            message=case.message,
            count=case.count,
            examples=case.examples,
            since=case.since,
            opened_at=case.opened_at,
            sequence=sequence,
            occurred_at=now,
        )
        return outbound(attention_record(event, event_id=event_id(key.name, sequence)))

    return Announcement(key.name, build)
