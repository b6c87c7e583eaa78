"""What is over, at the terminal: shown, let go of, dropped, erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ledger.archive import drop_year, years
from ledger.schema import WORKER_SESSIONS, program_revision
from tests.ledger.next_release import contracts, expands
from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders


@pytest.fixture
def book(book: Book) -> Iterator[Book]:
    """The archive is emptied as well, and the horizon of what was dropped goes back."""
    yield book
    for one in years(book.connection):
        drop_year(book.connection, one.year)
    book.connection.execute("UPDATE ledger_state SET dropped_before = NULL")


def finished(book: Book, sold: Callable[..., str], number: str, at: str) -> str:
    """An invoice that was booked at that moment."""
    identifier = sold(number, issue_date=at, due_date=at)
    book.ask(
        "UPDATE posting SET state = 'booked', due_at = NULL, changed_at = %s, received_at = %s,"
        " scope = NULL WHERE id = %s",
        at,
        at,
        identifier,
    )
    return identifier


def test_what_is_past_its_retention_is_counted_archived_and_shown(
    book: Book, sold: Callable[..., str], terminal: Terminal
) -> None:
    identifier = finished(book, sold, "1", "2024-02-01")
    assert terminal.json("history", "status")["to_archive"] == 1
    assert terminal.json("history", "run")["archived"] == 1
    assert "Archived 0 documents" in terminal.ok("history", "run")
    shown = terminal.ok("history", "status")
    assert "2024" in shown
    assert terminal.json("history", "status")["to_archive"] == 0
    assert terminal.json("postings", "show", identifier)["archived"] is True
    assert "no longer kept" in terminal.ok("postings", "show", identifier)
    assert "finished and archived" in terminal.said("postings", "retry", identifier, code=3)
    assert ("history.run", "all") in book.audited()


def test_a_year_is_dropped_only_when_it_may_be_and_oldest_first(
    book: Book, sold: Callable[..., str], terminal: Terminal
) -> None:
    finished(book, sold, "1", "2015-02-01")
    finished(book, sold, "2", "2016-02-01")
    finished(book, sold, "3", "2024-02-01")
    terminal.ok("history", "run")
    assert "no year 2014" in terminal.said("history", "drop", "2014")
    assert "must be kept" in terminal.said("history", "drop", "2024", "--go")
    assert "`koppeling history drop 2015`" in terminal.said("history", "drop", "2016", "--go")
    assert "1 documents finished in 2015 would be forgotten" in terminal.ok("history", "drop", "2015")
    assert len(years(book.connection)) == 3
    assert "are forgotten" in terminal.ok("history", "drop", "2015", "--go")
    assert [one.year for one in years(book.connection)] == [2016, 2024]
    assert "issued before 2016-01-01" in terminal.ok("history", "status")
    assert ("history.drop", "2015") in book.audited()


def test_a_relation_is_erased_only_with_go_and_audited_with_the_reason(
    book: Book, sold: Callable[..., str], terminal: Terminal
) -> None:
    finished(book, sold, "1", "2026-02-01")
    arguments = ("erase", "00204", "-a", "adm-1001", "--reason", "verzoek")
    first = terminal.json(*arguments)
    assert (first["relation"], first["done"]) == ("rel-204", False)
    assert book.ask("SELECT count(*) FROM relation") == [(1,)]
    assert "say --go" in terminal.said(*arguments, code=0)
    told = terminal.ok(*arguments, "--go")
    assert "erased" in told
    assert "booked again" in told
    assert book.ask("SELECT count(*) FROM relation") == [(0,)]
    assert book.ask("SELECT detail ->> 'reason' FROM audit WHERE action = 'erase'") == [("verzoek",)]


def test_what_is_not_finished_makes_the_exit_code_3(
    book: Book, sold: Callable[..., str], terminal: Terminal
) -> None:
    sold("1")
    terminal.ok("erase", "rel-204", "-a", "adm-1001", "--reason", "verzoek", "--go", code=3)
    assert book.ask("SELECT count(*) FROM relation") == [(1,)]


def test_a_relation_that_is_not_known_is_said_to_be(book: Book, terminal: Terminal) -> None:
    book.receive(builders.administration())
    assert "no relation" in terminal.said("erase", "rel-1", "-a", "adm-1001", "--reason", "x")


def test_a_file_whose_bytes_are_gone_says_so(book: Book, terminal: Terminal, tmp_path: Path) -> None:
    [(file,)] = book.ask(
        "INSERT INTO file (administration_id, package, sequence, cut_at, state)"
        " VALUES ('adm-1001', 'king', 1, '2010-01-01', 'delivered') RETURNING id"
    )
    book.ask("INSERT INTO file_part VALUES (%s, 1, 'x.xml', 'hash', 3)", file)
    assert "longer ago" in terminal.said("files", "get", str(file), "--to", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_upgrade_that_would_lock_workers_out_is_refused(
    empty_database_url: str, terminal: Terminal, tmp_path: Path
) -> None:
    terminal.environment["DATABASE__URL"] = empty_database_url
    terminal.ok("db", "upgrade")
    ours = program_revision()
    with working(empty_database_url):
        with expands(tmp_path / "one"):
            terminal.ok("db", "upgrade")
            terminal.ok("db", "downgrade", ours, "--yes")
        with contracts(tmp_path / "two"):
            assert "Stop all workers" in terminal.said("db", "upgrade")
            terminal.ok("db", "upgrade", "--force")


@contextmanager
def working(url: str) -> Iterator[None]:
    """A worker is connected."""
    with psycopg.connect(url, application_name=WORKER_SESSIONS):
        yield
