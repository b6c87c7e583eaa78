"""A King administration with a real ledger and a real folder, whose lane can be stopped at any step."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool
from tenacity import wait_none

from ledger.admission import KafkaRecord
from ledger.file_listing import FileDetail, FileSummary, list_files, show_file
from ledger.inbox import receive
from ledger.rows import LaneKey, Lease
from ledger.work import lane
from ledger.writer import LedgerWriter
from schemas.outcome import Package
from sinks.books import Books
from sinks.contract import FileSink
from sinks.filing import FileLane
from sinks.king import KingSink
from sinks.king_settings import KingMapping
from sinks.terms import DeliveryTerms
from tests.schemas import builders
from tests.schemas.builders import Json

NOW = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
AT_ONCE = DeliveryTerms(cut_quiet=timedelta(), retry_wait=wait_none(), probe_wait=wait_none())
LATER = replace(AT_ONCE, cut_quiet=timedelta(hours=1))

_OFFSETS = count(1)
_ADMINISTRATIONS = count(1001)


T = TypeVar("T")


class Crash(Exception):
    """The process ends here."""


@dataclass(frozen=True)
class Target:
    folder: Path
    emptied_by_program: bool = False


@dataclass
class FilingWorld:
    connection: psycopg.Connection[TupleRow]
    key: LaneKey
    books: Books
    folder: Path
    terms: DeliveryTerms = AT_ONCE
    mapping: KingMapping = field(default_factory=KingMapping)
    sink: FileSink = field(default_factory=KingSink)
    emptied_by_program: bool = False

    @property
    def connection_id(self) -> str:
        return f"king:{self.key.administration}"

    def receive(self, *events: Json) -> None:
        records = []
        for event in events:
            own = event | {"administration": self.key.administration}
            topic, key, headers, value = builders.record(own)
            records.append(KafkaRecord(topic, 0, next(_OFFSETS), key, headers, value))
        with self.connection.transaction(), self.connection.cursor() as cursor:
            receive(cursor, records, NOW)

    def new_lease(self) -> Lease:
        row = self.connection.execute(
            "UPDATE connection SET lease_epoch = lease_epoch + 1 WHERE id = %s RETURNING lease_epoch",
            (self.connection_id,),
        ).fetchone()
        assert row is not None
        return Lease(self.connection_id, row[0], float("inf"))

    def lane(self, crash_at: str | None = None, lease: Lease | None = None, nth: int = 1) -> FileLane:
        """The lane as a worker that has just leased it runs it; it may crash at the nth time of a step."""
        configured = lane(self.connection, self.key)
        assert configured is not None
        mine = lease or self.new_lease()
        seen = count(1)

        async def checkpoint(step: str) -> None:
            if step == crash_at and next(seen) == nth:
                raise Crash(step)

        return FileLane(
            configured,
            self.mapping,
            self.sink,
            self.books,
            self.terms,
            lambda: mine,
            lambda: False,
            Target(self.folder, self.emptied_by_program),
            checkpoint,
            clock=lambda: NOW,
        )

    async def run(self, crash_at: str | None = None) -> bool:
        """Run the lane until nothing is due; False when it crashed."""
        try:
            await self.lane(crash_at).run()
        except Crash:
            return False
        return True

    def states(self) -> dict[tuple[str, int], str]:
        """The state of every posting, by document and revision."""
        rows = self.connection.execute(
            "SELECT document_id, revision, state FROM posting WHERE administration_id = %s",
            (self.key.administration,),
        ).fetchall()
        return {(document, revision): state for document, revision, state in rows}

    def state(self, document: str, revision: int = 1) -> str:
        return self.states()[document, revision]

    def posting(self, document: str, column: str, revision: int = 1) -> object:
        row = self.connection.execute(
            f"""
            SELECT {column} FROM posting
             WHERE administration_id = %s AND document_id = %s AND revision = %s
            """.encode(),
            (self.key.administration, document, revision),
        ).fetchone()
        assert row is not None
        return row[0]

    def published(self, document: str) -> list[Mapping[str, object]]:
        """Our posting events about a document, oldest first."""
        rows = self.connection.execute(
            "SELECT value FROM outbox WHERE key = %s AND topic = 'enk.postings.v1' ORDER BY id",
            (self.key.administration.encode(),),
        ).fetchall()
        events = [json.loads(bytes(value)) for (value,) in rows]
        return [event for event in events if event["what"].get("id") == document]

    def files(self) -> list[FileSummary]:
        """All cuts, oldest first."""
        return list_files(self.connection, administration=self.key.administration)[::-1]

    def file(self, sequence: int = 1) -> FileDetail:
        found = next(one for one in self.files() if one.sequence == sequence)
        detail = show_file(self.connection, found.id)
        assert detail is not None
        return detail

    def names(self) -> list[str]:
        """What is in the folder, hidden files too."""
        return sorted(path.name for path in self.folder.iterdir())

    def journal_numbers(self) -> list[str]:
        """The invoice numbers of every journal post in the folder, in the order of the files' names."""
        return self._in_folder("journaal", r"<JP_STUKNUMMER>([^<]*)<")

    def debtor_numbers(self) -> list[str]:
        return self._in_folder("debiteuren", r"<NAW_NUMMER>([^<]*)<")

    def write(self, run: Callable[[Cursor[TupleRow]], T]) -> T:
        """What a person does, in a transaction."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            return run(cursor)

    def _in_folder(self, part: str, pattern: str) -> list[str]:
        files = [path for path in sorted(self.folder.iterdir()) if part in path.name and path.is_file()]
        return [match for path in files for match in re.findall(pattern, path.read_text())]


@asynccontextmanager
async def filing_world(database_url: str, folder: Path) -> AsyncIterator[FilingWorld]:
    """A new administration in King, connected, with an empty folder; the ledger may have others."""
    key = LaneKey(f"adm-{next(_ADMINISTRATIONS)}", Package.KING)

    def connect() -> psycopg.Connection[TupleRow]:
        return psycopg.connect(database_url, autocommit=True)

    writer = LedgerWriter(connect, asyncio.get_running_loop())
    writer.start()
    folder.mkdir(exist_ok=True)
    with ConnectionPool(database_url, min_size=1, max_size=2, open=True) as pool, connect() as connection:
        books = Books(pool, writer, 2)
        connection.execute(
            """
            INSERT INTO administration
                   (id, name, package, active, go_live_date, source_partition, source_offset)
            VALUES (%s, 'Jansen', 'king', true, '2015-01-01', 0, 0)
            """,
            (key.administration,),
        )
        connection.execute("UPDATE ledger_state SET recovered_at = NULL")
        world = FilingWorld(connection, key, books, folder)
        connection.execute("INSERT INTO connection (id, package) VALUES (%s, 'king')", (world.connection_id,))
        connection.execute(
            "INSERT INTO lane (administration_id, package, connection_id) VALUES (%s, 'king', %s)",
            (key.administration, world.connection_id),
        )
        try:
            yield world
        finally:
            await writer.close(5)
            books.close()
