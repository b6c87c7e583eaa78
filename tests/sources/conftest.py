"""An emptied ledger per test, and the way to it that the worker uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger.writer import LedgerWriter
from sinks.books import Books
from tests.sources.booked_ledger import BookedLedger, booked_ledger, ledger_database
from tests.sources.desk import Desk


@pytest.fixture(scope="package")
def ledger_url(postgres: str) -> Iterator[str]:
    with ledger_database(postgres) as url:
        yield url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[BookedLedger]:
    with booked_ledger(ledger_url) as opened:
        yield opened


@pytest.fixture
async def books(ledger_url: str) -> AsyncIterator[Books]:
    writer = LedgerWriter(lambda: psycopg.connect(ledger_url, autocommit=True), asyncio.get_running_loop())
    with ConnectionPool(ledger_url, min_size=1, max_size=2, kwargs={"autocommit": True}) as pool:
        writer.start()
        opened = Books(pool, writer, 2)
        yield opened
        await writer.close(5)
        opened.close()


@pytest.fixture
def desk(ledger: BookedLedger, books: Books) -> Desk:
    return Desk(ledger, books, ledger.add_administration())
