"""A ledger, and `koppeling` as a person runs it, in this process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
import pytest
import structlog
from cryptography.fernet import Fernet
from psycopg.rows import TupleRow
from typer.testing import CliRunner, Result

from ledger.admission import KafkaRecord
from ledger.inbox import receive
from ledger.migrations.versions import m0001_ledger
from ops.cli import app
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas import builders
from tests.schemas.builders import Json

_OFFSETS = count(1)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set up logging for their process, which here goes on."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    configured = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    structlog.configure(**configured)


@dataclass
class Terminal:
    """Runs commands; `environment` is all that they see of ours."""

    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin, env=dict(self.environment))

    def ok(self, *arguments: str, stdin: str | bytes | None = None, code: int = 0) -> str:
        """What it printed; fails with everything it said when the exit code is another."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result.stdout

    def said(self, *arguments: str, stdin: str | None = None, code: int = 1) -> str:
        """What it said beside its result, on one line; by default it must be in trouble."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return " ".join(result.stderr.split())

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.ok(*arguments, "--json", code=code))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("KAFKA__BOOTSTRAP_SERVERS", "DATABASE__URL", "CREDENTIALS__KEYS", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


@dataclass
class Book:
    """A ledger to put things in and to look at."""

    url: str
    connection: psycopg.Connection[TupleRow]

    def receive(self, *events: Json | bytes) -> list[tuple[str, int, int]]:
        """Events (bytes: a record that is nothing) as the intake hands them on; where each was published."""
        records, places = [], []
        for event in events:
            place = next(_OFFSETS)
            topic, key, headers, value = (
                ("enk.invoices.v1", b"adm-1001", [], event)
                if isinstance(event, bytes)
                else builders.record(event)
            )
            source = [
                ("koppeling_source_topic", topic.encode()),
                ("koppeling_source_partition", b"0"),
                ("koppeling_source_offset", str(place).encode()),
            ]
            records.append(
                KafkaRecord("koppeling.sink.snelstart.v1", 0, place, key, [*headers, *source], value)
            )
            places.append((topic, 0, place))
        with self.connection.transaction(), self.connection.cursor() as cursor:
            receive(cursor, records, datetime.now(UTC))
        return places

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def mark(self, number: str, state: str, **columns: object) -> str:
        """Put the posting with that number in a state; returns its id."""
        values = {"state": state, **columns}
        assignments = ", ".join(f"{name} = %s" for name in values)
        rows = self.ask(
            f"UPDATE posting SET {assignments} WHERE number = %s RETURNING id", *values.values(), number
        )
        return str(rows[0][0])

    def audited(self) -> Sequence[tuple[str, str]]:
        return [(action, thing) for action, thing in self.ask("SELECT action, object FROM audit ORDER BY id")]


@pytest.fixture(scope="session")
def commands_ledger(postgres: str) -> Iterator[str]:
    """One database for all tests here, emptied for each: cheaper than a new one."""
    with fresh_ledger(postgres) as url:
        yield url


@pytest.fixture
def book(commands_ledger: str, terminal: Terminal) -> Iterator[Book]:
    """An empty ledger that the terminal's commands work on."""
    url = commands_ledger
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for table in m0001_ledger.NAMES.split():
                if table != "ledger_state":
                    connection.execute(f"DELETE FROM {table}".encode())
        terminal.environment |= {"DATABASE__URL": url, "CREDENTIALS__KEYS": Fernet.generate_key().decode()}
        yield Book(url, connection)


@pytest.fixture
def sold(book: Book) -> Callable[..., str]:
    """Receives one more invoice with that number, and returns its posting's id."""
    book.receive(builders.administration(), builders.relation())

    def add(number: str, **changes: object) -> str:
        book.receive(builders.invoice(id=f"id-{number}", number=number, **changes))
        return str(book.ask("SELECT id FROM posting WHERE number = %s", number)[0][0])

    return add
