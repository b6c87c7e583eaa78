"""Administrations as people list them, and what is open in each. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import TupleRow, namedtuple_row

from ledger.rows import LaneKey
from schemas.outcome import Package


@dataclass(frozen=True)
class ListedAdministration:
    """One administration in one package.

    Attributes:
        name, active: None while ENK has not sent its event.
        current: the package that ENK says it uses now.
        connected_at: None when not connected.
        company: the pinned company's name in the package.
        held_code, held_nl, held_who_acts, held_since, probe_at: why it is not worked on, if so.
        states: its postings by state.
    """

    id: str
    package: Package
    name: str | None
    active: bool | None
    current: bool
    go_live_date: date | None
    connected_at: datetime | None
    company: str | None
    company_id: str | None
    mapping: Mapping[str, object]
    held_code: str | None
    held_nl: str | None
    held_who_acts: str | None
    held_since: datetime | None
    probe_at: datetime | None
    in_recovery: bool
    due_at: datetime | None
    states: Mapping[str, int]

    @property
    def key(self) -> LaneKey:
        """Administration and package."""
        return LaneKey(self.id, self.package)

    def as_json(self) -> dict[str, object]:
        """For `--json`; absent values are left out."""
        held = {
            "code": self.held_code,
            "message": self.held_nl,
            "who_acts": self.held_who_acts,
            "since": self.held_since,
            "next_attempt_at": self.probe_at,
        }
        whole: dict[str, object] = {
            "id": self.id,
            "package": str(self.package),
            "name": self.name,
            "active": self.active,
            "current": self.current,
            "go_live_date": self.go_live_date,
            "connected_at": self.connected_at,
            "company": {"id": self.company_id, "name": self.company} if self.company_id else None,
            "mapping": dict(self.mapping),
            "held": {name: value for name, value in held.items() if value is not None}
            if self.held_code
            else None,
            "in_recovery": self.in_recovery or None,
            "postings": dict(self.states),
        }
        return {name: value for name, value in whole.items() if value is not None}


def list_administrations(
    connection: psycopg.Connection[TupleRow],
    administration: str | None = None,
    package: Package | None = None,
) -> list[ListedAdministration]:
    """By id; an administration that moved is there once for each package that it was in."""
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute(
            """
            SELECT l.administration_id, l.package, l.identity, l.mapping, l.held_code, l.held_nl,
                   l.held_who_acts, l.held_since, l.probe_at, l.in_recovery, l.due_at, a.name, a.active,
                   a.go_live_date, COALESCE(a.package = l.package, true) AS current,
                   c.connected_at,
                   (SELECT json_object_agg(s.state, s.count)
                      FROM (SELECT state, count(*) FROM posting p
                             WHERE p.administration_id = l.administration_id AND p.package = l.package
                             GROUP BY 1 ORDER BY 1) s) AS states
              FROM lane l LEFT JOIN administration a ON a.id = l.administration_id
              LEFT JOIN connection c ON c.id = l.connection_id
             WHERE (%(administration)s::text IS NULL OR l.administration_id = %(administration)s)
               AND (%(package)s::text IS NULL OR l.package = %(package)s)
             ORDER BY l.administration_id, l.package
            """,
            {"administration": administration, "package": str(package) if package else None},
        )
        rows: list[Any] = cursor.fetchall()
    return [
        ListedAdministration(
            id=row.administration_id,
            package=Package(row.package),
            name=row.name,
            active=row.active,
            current=row.current,
            go_live_date=row.go_live_date,
            connected_at=row.connected_at,
            company=(row.identity or {}).get("name"),
            company_id=(row.identity or {}).get("id"),
            mapping=row.mapping,
            held_code=row.held_code,
            held_nl=row.held_nl,
            held_who_acts=row.held_who_acts,
            held_since=row.held_since,
            probe_at=row.probe_at,
            in_recovery=row.in_recovery,
            due_at=row.due_at,
            states=row.states or {},
        )
        for row in rows
    ]


def current_package(connection: psycopg.Connection[TupleRow], administration: str) -> Package | None:
    """The package of an administration: what ENK says, else the only one that it was set up for."""
    row = connection.execute("SELECT package FROM administration WHERE id = %s", (administration,)).fetchone()
    if row is not None:
        return Package(row[0])
    rows = connection.execute(
        "SELECT package FROM lane WHERE administration_id = %s", (administration,)
    ).fetchall()
    return Package(rows[0][0]) if len(rows) == 1 else None
