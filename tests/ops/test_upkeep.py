"""What a worker does beside the work, by the hour and every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger import schema
from ledger.retention import Retention
from ledger.schema import SchemaMismatch
from ops.upkeep import Upkeep
from tests.ledger.fresh_ledger import fresh_ledger
from tests.ledger.next_release import contracts, expands
from tests.ops.waiting import until

SOON = timedelta(milliseconds=20)


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as found:
        yield found


class Counted:
    """Opens ledger connections, and counts them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opened = 0

    def __call__(self) -> psycopg.Connection[TupleRow]:
        self.opened += 1
        return psycopg.connect(self.url, autocommit=True)

    def once_more(self) -> Callable[[], bool]:
        so_far = self.opened
        return lambda: self.opened > so_far + 1


@pytest.fixture
def connect(url: str) -> Counted:
    return Counted(url)


@pytest.fixture
def upkeep(connect: Counted) -> Iterator[Upkeep]:
    found = Upkeep(connect, Retention(), every=timedelta(0), check_every=SOON)
    found.start()
    yield found
    found.stop(10)


def old_file(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            WITH f AS (INSERT INTO file (administration_id, package, sequence, cut_at, state)
                       VALUES ('a', 'king', 1, '2001-01-01', 'delivered') RETURNING id),
                 p AS (INSERT INTO file_part SELECT id, 1, 'x', 'h', 1 FROM f RETURNING file_id)
            SELECT 1 FROM p
            """
        )
        connection.execute("INSERT INTO file_chunk SELECT id, 1, 0, 'x' FROM file")


def test_what_is_past_its_retention_goes_by_itself(url: str, upkeep: Upkeep) -> None:
    old_file(url)
    with psycopg.connect(url, autocommit=True) as connection:
        until(lambda: connection.execute("SELECT count(*) FROM file_chunk").fetchone() == (0,))


def test_an_expansion_leaves_it_running(url: str, connect: Counted, upkeep: Upkeep, tmp_path: Path) -> None:
    with expands(tmp_path / "next"):
        schema.upgrade(url)
    until(connect.once_more())
    assert upkeep.failure is None


def test_a_contraction_ends_the_process_with_a_sentence(url: str, upkeep: Upkeep, tmp_path: Path) -> None:
    with contracts(tmp_path / "next"):
        schema.upgrade(url)
    until(lambda: upkeep.failure is not None)
    assert isinstance(upkeep.failure, SchemaMismatch)
    assert "start a newer release" in str(upkeep.failure)


def test_a_ledger_that_is_away_only_postpones_it(url: str) -> None:
    connect = Counted(url.replace("127.0.0.1", "127.0.0.9"))
    upkeep = Upkeep(connect, Retention(), every=timedelta(0), check_every=SOON)
    upkeep.start()
    until(connect.once_more())
    connect.url = url
    old_file(url)
    with psycopg.connect(url, autocommit=True) as connection:
        until(lambda: connection.execute("SELECT count(*) FROM file_chunk").fetchone() == (0,))
    upkeep.stop(10)
    assert upkeep.failure is None
