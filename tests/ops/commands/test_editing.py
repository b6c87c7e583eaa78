"""`koppeling postings edit`: an editor, what it says of mistakes, and what it leaves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders

Sold = Callable[..., str]

EDITOR = """
import pathlib, sys
pairs = {pairs!r}
path = pathlib.Path(sys.argv[1])
turn = pathlib.Path(__file__).with_suffix(".turn")
number = int(turn.read_text()) if turn.exists() else 0
turn.write_text(str(number + 1))
old, new = pairs[min(number, len(pairs) - 1)]
text = path.read_text("utf-8")
assert old in text, text
path.write_text(text.replace(old, new), "utf-8")
"""


@pytest.fixture
def editor(terminal: Terminal, tmp_path: Path) -> Callable[..., None]:
    """Sets EDITOR to one that replaces text: the first pair the first time, and so on."""

    def set_to(*pairs: tuple[str, str]) -> None:
        script = tmp_path / "editor.py"
        script.write_text(EDITOR.format(pairs=pairs))
        terminal.environment |= {"EDITOR": f"{sys.executable} {script}", "VISUAL": ""}

    return set_to


def test_an_edit_is_stored_sent_told_and_audited(
    terminal: Terminal, book: Book, sold: Sold, editor: Callable[..., None]
) -> None:
    name = sold("1")
    book.mark("1", "rejected", code="not_found_ledger_account", scope=None, due_at=None)
    editor(('"ledger_account": "8000"', '"ledger_account": "8010"'))
    said = terminal.ok("postings", "edit", name, "--reason", "rekening van maart")
    assert f"Edit 1 of posting {name} is stored" in said
    ((state, edit, payload),) = book.ask("SELECT state, edit, payload FROM posting WHERE id = %s", name)
    assert (state, edit) == ("received", 1)
    assert json.loads(bytes(payload))["lines"][0]["ledger_account"] == "8010"
    assert terminal.json("postings", "show", name)["edit"] == 1
    assert "Edit 1 by" in terminal.ok("postings", "show", name)
    assert book.audited() == [("postings.edit", name)]
    assert book.ask("SELECT detail ->> 'edit', detail ->> 'reason' FROM audit") == [
        ("1", "rekening van maart")
    ]
    assert book.ask("SELECT why FROM posting_edit") == [("rekening van maart",)]


def test_a_mistake_is_named_and_can_be_mended(
    terminal: Terminal, book: Book, sold: Sold, editor: Callable[..., None]
) -> None:
    name = sold("1")
    book.mark("1", "rejected", code="internal", scope=None)
    editor(('"gross": "121.00"', '"gross": "122.00"'), ('"gross": "122.00"', '"gross": "121.00"'))
    said = terminal.said("postings", "edit", name, stdin="n\n")
    assert "$.totals.gross" in said
    assert book.ask("SELECT edit FROM posting WHERE id = %s", name) == [(0,)]
    (turn,) = Path(terminal.environment["EDITOR"].split()[1]).parent.glob("*.turn")
    turn.unlink()
    assert "nothing was changed" in terminal.said("postings", "edit", name, stdin="y\n")
    assert turn.read_text() == "2"
    assert book.audited() == []


def test_from_a_file_or_standard_input(terminal: Terminal, book: Book, sold: Sold, tmp_path: Path) -> None:
    name = sold("1")
    book.mark("1", "rejected", code="internal", scope=None)
    data = builders.invoice([builders.line("50.00")], id="id-1", number="1")
    (tmp_path / "1.json").write_text(json.dumps(data))
    terminal.ok("postings", "edit", name, "--file", str(tmp_path / "1.json"))
    terminal.ok("postings", "edit", name, "--file", "-", stdin=json.dumps(data | {"description": "x"}))
    assert book.ask("SELECT edit, gross::text FROM posting WHERE id = %s", name) == [(2, "60.50")]
    assert "cannot be read" in terminal.said("postings", "edit", name, "--file", str(tmp_path / "no.json"))
    wrong = terminal.said("postings", "edit", name, "--file", "-", stdin=json.dumps(data | {"number": "2"}))
    assert "$.number: This field says which document it is" in wrong


def test_what_cannot_be_edited_is_said_before_an_editor_opens(
    terminal: Terminal, book: Book, sold: Sold
) -> None:
    name = sold("1")
    book.mark("1", "booked", code=None)
    terminal.environment |= {"EDITOR": "/does/not/exist", "VISUAL": ""}
    assert f"{name}: posting {name} is booked" in terminal.said("postings", "edit", name)
    assert "There is no posting 4711" in terminal.said("postings", "edit", "4711")
    book.mark("1", "rejected", code="internal")
    assert "cannot be started" in terminal.said("postings", "edit", name)


def test_rejected_input_is_mended(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration(), builders.relation(), builders.invoice(currency="USD"))
    ((number,),) = book.ask("SELECT id FROM rejected_input WHERE state = 'rejected'")
    good = json.dumps(builders.invoice())
    assert "Edit 1 of posting" in terminal.ok("postings", "edit", f"R{number}", "--file", "-", stdin=good)
    assert book.ask("SELECT edit FROM posting WHERE kind = 'sales_invoice'") == [(1,)]
    assert book.audited() == [("postings.edit", f"R{number}")]
