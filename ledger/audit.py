"""Every action by a person: who, when, what, on what, and as far as they said so why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, class_row


@dataclass(frozen=True)
class Action:
    """One action.

    Attributes:
        who: name and machine, or the record that a tool put back.
        action: `postings.retry`, `files.confirm`, `connect`, ….
        what: what it was done to.
        detail: what differs by action: the filter, how many, the reason.
    """

    id: int
    at: datetime
    who: str
    action: str
    what: str
    detail: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return {
            "id": self.id,
            "at": self.at,
            "who": self.who,
            "action": self.action,
            "object": self.what,
            "detail": dict(self.detail),
        }


@dataclass(frozen=True)
class ActionFilter:
    """Which actions; empty = all.

    Attributes:
        who: part of the name, whatever its case.
        action: the action, or its group: `postings` is every `postings.…`.
        what: exactly that, or an administration in whatever package (`adm-1001` is `adm-1001@snelstart`).
    """

    who: str | None = None
    action: str | None = None
    what: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def record_action(
    cursor: Cursor[TupleRow], who: str, action: str, what: str, detail: Mapping[str, object]
) -> None:
    """Write an audit row in the transaction of the action; never a secret."""
    cursor.execute(
        "INSERT INTO audit (who, action, object, detail) VALUES (%s, %s, %s, %s)",
        (who, action, what, json.dumps(dict(detail), default=str)),
    )


def actions(
    connection: psycopg.Connection[TupleRow], wanted: ActionFilter, limit: int | None = None
) -> list[Action]:
    """What was done, newest first."""
    with connection.cursor(row_factory=class_row(Action)) as named:
        named.execute(
            """
            SELECT id, at, who, action, object AS what, detail FROM audit
             WHERE (%(who)s::text IS NULL OR strpos(lower(who), lower(%(who)s)) > 0)
               AND (%(action)s::text IS NULL OR action = %(action)s OR starts_with(action, %(action)s || '.'))
               AND (%(what)s::text IS NULL OR object = %(what)s OR starts_with(object, %(what)s || '@'))
               AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
               AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
             ORDER BY id DESC LIMIT %(limit)s
            """,
            {
                "who": wanted.who,
                "action": wanted.action,
                "what": wanted.what,
                "since": wanted.since,
                "until": wanted.until,
                "limit": limit,
            },
        )
        return named.fetchall()
