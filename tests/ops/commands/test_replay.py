"""`koppeling replay`, `postings groups` and `audit`: what a person sees, and what only --go does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.administrations import connect
from ledger.rows import LaneKey
from ops.replay.look_ups import unasked
from ops.replay.runner import ReplayRunner
from schemas.outcome import Package
from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders

Sold = Callable[..., str]
CODE = "not_found_ledger_account"


@pytest.fixture
def rejected(book: Book, sold: Sold) -> Callable[..., str]:
    """One more rejected invoice of an administration that is connected; returns its id."""
    book.ask("DELETE FROM replay")
    key = LaneKey("adm-1001", Package.SNELSTART)
    with book.connection.transaction(), book.connection.cursor() as cursor:
        connect(cursor, key, "c-1", b"secret", {})

    def add(number: str, state: str = "rejected", **columns: object) -> str:
        name = sold(number)
        told = {"code": CODE, "message_nl": "Rekening 8150 bestaat niet.", "due_at": None}
        book.mark(number, state, **{**told, **columns})
        return name

    return add


@contextmanager
def runner(book: Book) -> Iterator[None]:
    """The part of a worker that carries out replays; nobody delivers."""

    def opened() -> psycopg.Connection[TupleRow]:
        return psycopg.connect(book.url, autocommit=True)

    running = ReplayRunner(opened, lambda: datetime.now(UTC), unasked())
    running.start()
    try:
        yield
    finally:
        running.stop(10)
        assert running.failure is None


@contextmanager
def delivery(book: Book, state: str) -> Iterator[None]:
    """Whatever is due ends in that state."""
    stop = threading.Event()

    def deliver() -> None:
        with psycopg.connect(book.url, autocommit=True) as connection:
            while not stop.wait(0.02):
                connection.execute(
                    "UPDATE posting SET state = %s, due_at = NULL, changed_at = clock_timestamp()"
                    " WHERE state = 'received' AND kind = 'sales_invoice'",
                    (state,),
                )

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_without_go_nothing_is_done(terminal: Terminal, book: Book, rejected: Sold) -> None:
    name = rejected("1")
    rejected("2", state="uncertain", intent_step="book")
    shown = terminal.run("replay", "--code", CODE)
    assert shown.exit_code == 0
    told = " ".join(shown.output.split())
    assert "sent again" in told
    assert "only a person can tell" in told
    assert "Rekening 8150 bestaat niet." in told
    assert "add --go" in told
    seen = terminal.json("replay", "--code", CODE)
    assert (seen["count"], seen["would"], seen["left_out"]) == (1, {"send": 1}, {"uncertain": 1})
    assert [row["id"] for row in seen["sample"]] == [name]
    assert terminal.json("replay", "list") == []
    assert book.ask("SELECT state FROM posting WHERE id = %s", name) == [("rejected",)]
    assert book.audited() == []


def test_go_without_a_filter_is_refused(terminal: Terminal, book: Book, rejected: Sold) -> None:
    rejected("1")
    assert "at least one filter" in terminal.said("replay", "--go", code=2)
    assert "5/s" in terminal.said("replay", "--code", CODE, "--rate", "often", code=2)
    assert terminal.json("replay", "list") == []


def test_go_follows_it_to_its_end_and_keeps_the_result(
    terminal: Terminal, book: Book, rejected: Sold
) -> None:
    rejected("1"), rejected("2")
    with runner(book), delivery(book, "booked"):
        command = ("replay", "--code", CODE, "--go", "--rate", "1000/s", "--reason", "rekening gemaakt")
        done = terminal.json(*command)
    assert (done["state"], done["finished"], done["outcomes"]) == ("done", True, {"booked": 2})
    (listed,) = terminal.json("replay", "list")
    assert listed == terminal.json("replay", "show", str(done["id"]))
    assert (listed["why"], listed["filter"]) == ("rekening gemaakt", {"code": CODE})
    assert "booked" in terminal.ok("replay", "show", str(done["id"]), "--items")
    (action,) = terminal.json("audit", "--action", "replay")
    assert (action["action"], action["object"]) == ("replay.start", str(done["id"]))
    assert action["detail"]["filter"] == {"code": CODE}
    assert (action["detail"]["count"], action["detail"]["reason"]) == (2, "rekening gemaakt")


def test_failures_in_a_row_stop_it_and_somebody_is_needed(
    terminal: Terminal, book: Book, rejected: Sold
) -> None:
    for number in range(5):
        rejected(str(number))
    fast = ("--go", "--rate", "1000/s", "--stop-after", "2")
    with runner(book), delivery(book, "rejected"):
        told = " ".join(terminal.ok("replay", "--code", CODE, *fast, code=3).split())
    assert "2 in a row failed again" in told
    assert "goes on with the other 3" in told
    run = terminal.json("replay", "list")[0]["id"]
    assert len(terminal.json("replay", "show", str(run), "--failed")["items"]) == 2
    with runner(book), delivery(book, "booked"):
        terminal.ok("replay", "resume", str(run), code=3)
    assert terminal.json("replay", "list")[0]["outcomes"] == {"booked": 3, "rejected": 2}


def test_another_terminal_cancels_it(terminal: Terminal, book: Book, rejected: Sold) -> None:
    rejected("1")
    run = str(terminal.json("replay", "--code", CODE, "--go", "--no-wait")["id"])
    terminal.ok("replay", "cancel", run, "--reason", "toch niet")
    assert terminal.json("replay", "show", run)["state"] == "cancelled"
    assert "is cancelled, not running" in terminal.said("replay", "cancel", run)
    assert "There is no replay 999" in terminal.said("replay", "show", "999999")
    assert book.audited() == [("replay.start", run), ("replay.cancel", run)]


def test_ids_come_from_a_file(terminal: Terminal, book: Book, rejected: Sold, tmp_path: Path) -> None:
    first, _, third = rejected("1"), rejected("2"), rejected("3")
    file = tmp_path / "ids"
    file.write_text(f"{first}\n{third}\n999999\n")
    seen = terminal.json("replay", "--ids", str(file))
    assert (seen["would"], seen["left_out"]) == ({"send": 2}, {"not_found": 1})
    assert "no ids" in terminal.said("replay", "--ids", "-", stdin="\n")


def test_groups_are_what_needs_somebody_by_what_is_wrong(
    terminal: Terminal, book: Book, rejected: Sold
) -> None:
    rejected("1", field="$.lines[0].ledger_account", who_acts="bookkeeper")
    second = rejected("2", field="$.lines[7].ledger_account", who_acts="bookkeeper")
    rejected("3", code="too_long", who_acts="enk_user")
    rejected("4", state="booked", code=None)
    book.receive(builders.invoice(id="id-5") | {"number": 5})
    groups = terminal.json("postings", "groups")
    found = {(group["code"], group["field"]): group for group in groups}
    assert (groups[0]["code"], groups[0]["count"]) == (CODE, 2)
    by_line = found[CODE, "$.lines[*].ledger_account"]
    assert (by_line["count"], by_line["administrations"], by_line["who_acts"]) == (2, 1, ["bookkeeper"])
    assert by_line["example"] == {
        "id": second,
        "message": {"nl": "Rekening 8150 bestaat niet.", "en": by_line["example"]["message"]["en"]},
    }
    assert found["too_long", None]["count"] == 1
    assert next(group for group in groups if group["example"]["id"].startswith("R"))["count"] == 1
    assert "bookkeeper" in terminal.ok("postings", "groups", "-p", "snelstart")
    assert terminal.json("replay", "--field", "$.lines[*].ledger_account")["count"] == 2
    assert "Nothing needs anybody." in terminal.ok("postings", "groups", "-a", "adm-9")


def test_the_audit_is_found_by_who_what_and_when(terminal: Terminal, book: Book, rejected: Sold) -> None:
    name = rejected("1")
    terminal.ok("postings", "retry", name)
    terminal.ok("administrations", "hold", "adm-1001", "--reason", "jaarafsluiting")
    everything = terminal.json("audit")
    assert [row["action"] for row in everything] == ["administrations.hold", "postings.retry"]
    assert [row["object"] for row in terminal.json("audit", "--action", "postings")] == [name]
    assert len(terminal.json("audit", "--object", "adm-1001")) == 1
    assert terminal.json("audit", "--who", "nobody of that name") == []
    assert terminal.json("audit", "--since", "2999-01-01") == []
    assert len(terminal.json("audit", "--limit", "1")) == 1
    assert "jaarafsluiting" in terminal.ok("audit")
