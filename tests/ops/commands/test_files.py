"""`koppeling files`: what a bookkeeper does with import files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders

CONTENT = b"<KING_JOURNAAL/>"


@pytest.fixture
def file(book: Book) -> str:
    """The id of a delivered file with the invoices 1 and 2."""
    book.receive(
        builders.administration(package="king"),
        builders.relation(),
        builders.invoice(number="1", id="1"),
        builders.invoice(number="2", id="2"),
    )
    file = book.ask(
        "INSERT INTO file (administration_id, package, sequence, cut_at, state, delivered_at)"
        " VALUES ('adm-1001', 'king', 1, now(), 'delivered', now()) RETURNING id"
    )[0][0]
    book.ask(
        "INSERT INTO file_part (file_id, position, name, sha256, size, state)"
        " VALUES (%s, 1, 'journaal.xml', %s, %s, 'delivered')",
        file,
        hashlib.sha256(CONTENT).digest(),
        len(CONTENT),
    )
    book.ask(
        "INSERT INTO file_chunk (file_id, position, chunk, content) VALUES (%s, 1, 0, %s)", file, CONTENT
    )
    for position, number in enumerate(("1", "2"), start=1):
        posting = book.mark(number, "filed", file_id=file, scope=None, code=None)
        book.ask(
            "INSERT INTO file_member (file_id, posting_id, position) VALUES (%s, %s, %s)",
            file,
            posting,
            position,
        )
    return str(file)


def members(book: Book) -> list[str]:
    return [state for (state,) in book.ask("SELECT state FROM file_member ORDER BY position")]


def test_list_and_show(terminal: Terminal, file: str) -> None:
    assert terminal.json("files", "list", "--state", "delivered")[0]["documents"] == 2
    assert terminal.json("files", "list", "-a", "adm-9") == []
    shown = terminal.json("files", "show", file)
    assert [member["number"] for member in shown["members"]] == ["1", "2"]
    assert shown["parts"][0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert "journaal.xml" in terminal.ok("files", "show", file)
    terminal.said("files", "list", "--state", "gone", code=2)


def test_get_writes_the_bytes_and_says_when_it_was_done_before(
    terminal: Terminal, file: str, tmp_path: Path
) -> None:
    to = tmp_path / "new"
    assert "before" not in terminal.said("files", "get", file, "--to", str(to), code=0)
    assert (to / "journaal.xml").read_bytes() == CONTENT
    assert "already has journaal.xml" in terminal.said("files", "get", file, "--to", str(to))
    again = terminal.said("files", "get", file, "--to", str(to), "--force", code=0)
    assert "downloaded 1 time before" in again


def test_confirm_per_document(terminal: Terminal, book: Book, file: str) -> None:
    terminal.ok("files", "confirm", file, "--document", "2")
    assert members(book) == ["filed", "confirmed"]
    terminal.ok("files", "confirm", file)
    assert members(book) == ["confirmed", "confirmed"]
    assert book.audited() == [("files.confirm", file)] * 2


def test_release_per_document(terminal: Terminal, book: Book, file: str) -> None:
    terminal.said("files", "release", file, "--reason", "", code=2)
    terminal.ok("files", "release", file, "--reason", "grootboek ontbreekt", "-n", "1")
    assert members(book) == ["released", "filed"]
    assert book.ask("SELECT state FROM posting WHERE number = '1'") == [("received",)]


def test_what_is_not_possible_is_a_sentence_and_not_audited(
    terminal: Terminal, book: Book, file: str
) -> None:
    terminal.ok("files", "confirm", file)
    assert "in the books" in terminal.said("files", "release", file, "--reason", "x", "-n", "1")
    assert "no document 9" in terminal.said("files", "confirm", file, "-n", "9")
    assert "Nothing is uncertain" in terminal.said("files", "resolve", file, "--arrived")
    assert "There is no file 4711" in terminal.said("files", "show", "4711")
    assert [action for action, _ in book.audited()] == ["files.confirm"]


def test_an_uncertain_file_is_resolved(terminal: Terminal, book: Book, file: str) -> None:
    book.ask("UPDATE file SET state = 'uncertain'")
    terminal.ok("files", "resolve", file, "--arrived")
    assert book.ask("SELECT state FROM file") == [("delivered",)]
    book.ask("UPDATE file SET state = 'uncertain'")
    terminal.ok("files", "resolve", file, "--not-arrived")
    assert book.ask("SELECT state, due_at IS NOT NULL FROM file") == [("cut", True)]


def test_cut_takes_what_is_ready(terminal: Terminal, book: Book, file: str) -> None:
    assert "Nothing of adm-1001 is ready" in terminal.ok("files", "cut", "adm-1001")
    book.mark("1", "posting", due_at="2999-01-01")
    assert "1 documents are put in a file now" in terminal.ok("files", "cut", "adm-1001")
    assert book.ask("SELECT due_at < now() + interval '1 minute' FROM posting WHERE number = '1'") == [
        (True,)
    ]
