"""What tests do to a ledger: announce and connect administrations, take in records, lease, look."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, dict_row

from ledger.administrations import administration_changed, connect, set_mapping
from ledger.admission import KafkaRecord
from ledger.inbox import receive
from ledger.leases import LeaseTerms, claim
from ledger.postings import Intent, write_changes, write_intents
from ledger.rows import Change, LaneKey, Lease, PostingId
from schemas.administration import Administration
from schemas.outcome import Package
from schemas.topics import (
    ENK_POSTINGS,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
    sink_topic,
)
from tests.schemas import builders

Json = dict[str, Any]
T = TypeVar("T")

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
TERMS = LeaseTerms(timedelta(seconds=40), timedelta(seconds=30), timedelta(seconds=5))


@dataclass
class Desk:
    """One connection to the ledger, in autocommit mode."""

    url: str
    connection: psycopg.Connection[TupleRow]
    offsets: count[int] = field(default_factory=lambda: count(1))

    def write(self, run: Callable[[Cursor[TupleRow]], T]) -> T:
        """Run in a transaction."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            return run(cursor)

    def rows(self, query: str, *values: object) -> list[Json]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query.encode(), values)
            return cursor.fetchall()

    def value(self, query: str, *values: object) -> Any:
        (row,) = self.rows(query, *values)
        (value,) = row.values()
        return value

    # --- administrations ---

    def administration(
        self,
        name: str = "adm-1001",
        package: Package = Package.SNELSTART,
        *,
        connected: bool = True,
        mapping: Mapping[str, object] | None = None,
        **changes: object,
    ) -> LaneKey:
        """ENK has announced it; by default it is connected as well."""
        key = LaneKey(name, package)
        self.announce(name, package, **changes)
        if mapping is not None:
            self.write(lambda cursor: set_mapping(cursor, key, mapping))
        if connected:
            self.write(lambda cursor: connect(cursor, key, f"{package}:{name}", b"secret", {}))
        return key

    def announce(self, name: str, package: Package = Package.SNELSTART, **changes: object) -> None:
        data = builders.administration(id=name, package=str(package), **changes)
        event = Administration.model_validate_json(json.dumps(data))
        self.write(lambda cursor: administration_changed(cursor, event, 0, next(self.offsets)))

    # --- records ---

    def record(self, data: Json, *, topic: str | None = None, **attributes: Any) -> KafkaRecord:
        """The record as the intake forwards it; a new place on ENK's topic each time."""
        source, key, headers, value = builders.record(data, **attributes)
        offset = next(self.offsets)
        own = [
            (SOURCE_TOPIC_HEADER, source.encode()),
            (SOURCE_PARTITION_HEADER, b"0"),
            (SOURCE_OFFSET_HEADER, str(offset).encode()),
        ]
        return KafkaRecord(topic or sink_topic(Package.SNELSTART), 0, offset, key, [*headers, *own], value)

    def take_in(self, *records: KafkaRecord | Json) -> int:
        """Receive records (or events) in one transaction; how many were new."""
        made = [one if isinstance(one, KafkaRecord) else self.record(one) for one in records]
        return self.write(lambda cursor: receive(cursor, made, NOW))

    # --- what is there ---

    def postings(self) -> list[Json]:
        return self.rows("SELECT * FROM posting ORDER BY id")

    def posting(self, document: str, revision: int | None = None) -> Json:
        return next(
            row
            for row in reversed(self.postings())
            if row["document_id"] == document and revision in (None, row["revision"])
        )

    def states(self) -> list[tuple[str, int, str]]:
        return [(row["document_id"], row["revision"], row["state"]) for row in self.postings()]

    def became(self) -> list[str]:
        """What each input record became, in the order of ENK's topic."""
        return [row["became"] for row in self.rows('SELECT became FROM input_record ORDER BY "offset"')]

    def told(self, document: str | None = None) -> list[Json]:
        """Our own events, in the order in which they will be published."""
        events = [
            json.loads(bytes(row["value"]))
            for row in self.rows("SELECT value FROM outbox WHERE topic = %s ORDER BY id", ENK_POSTINGS)
        ]
        return [event for event in events if document in (None, event["what"].get("id"))]

    def outcomes(self, document: str) -> list[str]:
        return [event["outcome"] for event in self.told(document)]

    # --- delivery ---

    def lease(self, owner: str = "me", terms: LeaseTerms = TERMS) -> Lease:
        """Claim the one connection that has work due."""
        (lease,) = self.leases(owner, terms)
        return lease

    def leases(
        self, owner: str = "me", terms: LeaseTerms = TERMS, packages: Sequence[Package] = tuple(Package)
    ) -> list[Lease]:
        return self.write(lambda cursor: claim(cursor, owner, packages, terms, 50, 0.0))

    def intend(self, lease: Lease, document: str, step: str = "book") -> bool:
        """Whether the intent was written."""
        posting = PostingId(self.posting(document)["id"])
        written = self.write(lambda cursor: write_intents(cursor, [(lease, Intent(posting, step))]))
        return posting in written

    def change(self, lease: Lease, *changes: Change) -> set[PostingId]:
        return self.write(lambda cursor: write_changes(cursor, [(lease, change) for change in changes]))
