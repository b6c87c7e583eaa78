"""`koppeling attention`: what is open, for whom, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from ledger.attention import tell
from ledger.attention_cases import AttentionTerms
from tests.ops.commands.conftest import Book, Terminal


@pytest.fixture
def open_ones(book: Book, sold: Callable[..., str]) -> Iterator[None]:
    """Two cases: one of the bookkeeper, one of whoever uses ENK."""
    for number, code, who in (("N1", "period_closed", "bookkeeper"), ("N2", "bad_format", "enk_user")):
        sold(number)
        book.mark(
            number,
            "rejected",
            code=code,
            who_acts=who,
            message_nl="Open de periode.",
            message_en="Open the period.",
            scope=None,
        )
    tell(book.connection, AttentionTerms(settle=timedelta()))
    yield
    book.ask("DELETE FROM attention")


def test_nothing_needs_anybody(book: Book, terminal: Terminal) -> None:
    assert "Nothing needs anybody." in terminal.ok("attention")
    assert terminal.json("attention") == []


@pytest.mark.usefixtures("open_ones")
def test_open_cases_are_listed_with_what_to_do(terminal: Terminal) -> None:
    table = terminal.ok("attention", "--who", "bookkeeper")
    assert "period_closed" in table
    assert "Niet geboekt: 1 document (N1). Open de periode." in " ".join(table.split())
    assert "bad_format" not in table
    assert "adm-1001" in terminal.ok("attention", "-a", "adm-1001")
    assert "Nothing needs anybody." in terminal.ok("attention", "-a", "adm-1002")


@pytest.mark.usefixtures("open_ones")
def test_as_json_a_case_reads_like_its_event(terminal: Terminal) -> None:
    (case,) = (one for one in terminal.json("attention") if one["who_acts"] == "enk_user")
    assert case["kind"] == "rejected"
    assert (case["administration"], case["package"], case["code"]) == ("adm-1001", "snelstart", "bad_format")
    assert (case["count"], case["examples"]) == (1, ["N2"])
    assert case["message"]["en"] == "Not booked: 1 document (N2). Open the period."
    assert {"id", "since", "opened_at", "told_at"} <= set(case)


def test_somebody_unknown_is_a_wrong_command_line(book: Book, terminal: Terminal) -> None:
    assert "bookkeeper" in terminal.said("attention", "--who", "platform", code=2)
