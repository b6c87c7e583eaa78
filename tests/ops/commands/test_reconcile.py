"""`koppeling reconcile`, without a worker, against SnelStart's simulator over HTTP and against files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ledger.schema import WORKER_SESSIONS
from schemas.relation import Role
from tests.ops.commands.conftest import Book, Terminal
from tests.ops.commands.snelstart_books import SnelStartBooks, served
from tests.schemas import builders
from tests.schemas.builders import Json

RELATION = builders.relation(roles=["debtor", "creditor"])


@pytest.fixture(scope="module")
def control() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(autouse=True)
def _nothing_compared(book: Book) -> None:
    book.ask("DELETE FROM reconciliation_run")


class Books:
    """adm-1001: what ENK published, what our ledger says, and what SnelStart holds, kept the same."""

    def __init__(self, book: Book, snelstart: SnelStartBooks) -> None:
        self.book = book
        self.snelstart = snelstart
        self.relations = {role: snelstart.relation(RELATION, role) for role in Role}
        for role, package_id in self.relations.items():
            book.ask(
                "INSERT INTO reference VALUES ('adm-1001', 'snelstart', %s, 'rel-204', %s, NULL, '', now())",
                str(role),
                package_id,
            )

    def publish(self, invoice: Json, state: str | None = None, **columns: object) -> str:
        """ENK's invoice in the ledger; its posting's id."""
        self.book.receive(invoice)
        if state is not None:
            self.book.mark(str(invoice["number"]), state, **{"code": None, "due_at": None, **columns})
        return str(self.book.ask("SELECT id FROM posting WHERE number = %s", invoice["number"])[0][0])

    def booked(self, invoice: Json) -> tuple[str, str]:
        """Booked by us: the posting's id, and that of the boeking."""
        identity = self.again(invoice)
        number = invoice.get("supplier_invoice_number") or invoice["number"]
        return self.publish(invoice, "booked", package_id=identity, package_number=number), identity

    def again(self, invoice: Json) -> str:
        """In SnelStart only: what somebody else books, or a worker that woke up too late."""
        role = Role.CREDITOR if invoice["direction"] == "purchase" else Role.DEBTOR
        return self.snelstart.book(invoice, RELATION, self.relations[role])


@pytest.fixture
def books(terminal: Terminal, book: Book, control: str) -> Books:
    book.receive(builders.administration(), RELATION)
    snelstart = SnelStartBooks.new(control)
    terminal.ok("connect", "adm-1001", "--stdin", stdin=snelstart.credentials)
    return Books(book, snelstart)


def sale(number: str, net: str = "100.00", **changes: object) -> Json:
    return builders.invoice([builders.line(net)], id=f"s-{number}", number=number, **changes)


def purchase(number: str, net: str = "100.00", **changes: object) -> Json:
    return builders.invoice(
        [builders.line(net, ledger_account="7000")],
        direction="purchase",
        id=f"p-{number}",
        number=number,
        supplier_invoice_number=f"L-{number}",
        **changes,
    )


def compared(terminal: Terminal, code: int = 0, *more: str) -> Any:
    return terminal.json("reconcile", "adm-1001", "--month", "2026-03", *more, code=code)


def differences(answer: Any, kind: str) -> list[Any]:
    (run,) = answer["reconciliations"]
    return [one for one in run["differences"] if one["kind"] == kind]


def test_books_that_agree(terminal: Terminal, books: Books) -> None:
    books.booked(sale("1"))
    books.booked(sale("2", "-50.00", kind="los", credits_invoice_number="1"))
    books.booked(purchase("3", "10.00"))
    answer = compared(terminal)
    (run,) = answer["reconciliations"]
    assert (run["state"], run["differences"], answer["doubles"]) == ("done", [], [])
    sales, purchases = run["totals"]["directions"]
    assert sales["enk"] == sales["booked"] == sales["in_package"] == {"documents": 2, "gross": "60.50"}
    assert purchases["in_package"] == {"documents": 1, "gross": "12.10"}
    assert {"direction": "sales", "kind": "hoog", "rate": "21", "net": "50.00", "vat": "10.50"} in run[
        "totals"
    ]["vat"]
    assert "VAT kind: Snelstart's list does not give it." in [said["en"] for said in run["not_compared"]]
    # The lease that the command took is free again.
    assert books.book.ask("SELECT lease_owner FROM connection") == [(None,)]


def test_a_purchase_that_a_stopped_worker_booked_twice_is_named_with_both_ids(
    terminal: Terminal, books: Books
) -> None:
    posting, first = books.booked(purchase("1"))
    second = books.again(purchase("1"))
    answer = compared(terminal, 3)
    (double,) = answer["doubles"]
    assert set(double.pop("package_ids")) == {first, second}
    assert double == {
        "administration": "adm-1001",
        "direction": "purchase",
        "number": "L-1",
        "relation": "rel-204",
        "gross": "121.00",
        "posting": posting,
    }
    table = terminal.ok("reconcile", "adm-1001", "-m", "2026-03", "--last", code=3)
    shown = "".join(table.split())
    assert first in shown
    assert second in shown


def test_what_was_done_behind_our_back(terminal: Terminal, books: Books) -> None:
    _, gone = books.booked(sale("1"))
    _, changed = books.booked(purchase("2"))
    books.again(sale("3", "7.00"))
    books.snelstart.call("DELETE", f"/verkoopboekingen/{gone}")
    boeking = books.snelstart.call("GET", f"/inkoopboekingen/{changed}")
    kept = {name: boeking[name] for name in ("id", "factuurnummer", "factuurdatum", "omschrijving")}
    (line,) = boeking["boekingsregels"]
    line = {"grootboek": {"id": line["grootboek"]["id"]}, "bedrag": 200.0, "omschrijving": "x"}
    body = {
        **kept,
        "leverancier": {"id": boeking["leverancier"]["id"]},
        "factuurbedrag": 242.0,
        "boekingsregels": [{**line, "btwSoort": "Hoog"}],
        "btw": [{"btwSoort": "InkopenHoog", "btwBedrag": 42.0}],
    }
    books.snelstart.call("PUT", f"/inkoopboekingen/{changed}", body)
    answer = compared(terminal, 3)
    (missing,) = differences(answer, "missing")
    assert (missing["number"], missing["who_acts"]) == ("1", "bookkeeper")
    (amount,) = differences(answer, "amount")
    assert (amount["our_gross"], amount["package_gross"]) == ("121.00", "242.00")
    (foreign,) = differences(answer, "foreign")
    assert (foreign["number"], foreign["needs_somebody"]) == ("3", False)
    table = terminal.ok("reconcile", "adm-1001", "--month", "2026-03", code=3)
    assert "1 documents were typed in by hand or come from elsewhere" in table


def test_a_document_that_the_package_dates_far_away_is_found_by_its_number(
    terminal: Terminal, books: Books
) -> None:
    identity = books.again(sale("1", issue_date="2026-09-30", due_date="2026-10-30"))
    books.publish(sale("1"), "booked", package_id=identity, package_number="1")
    (moved,) = differences(compared(terminal), "moved")
    assert moved["package_ids"] == [identity]


def test_what_is_not_booked_says_why_and_what_was_typed_in_can_be_linked(
    terminal: Terminal, books: Books
) -> None:
    posting = books.publish(
        sale("1"), "rejected", code="too_long", message_nl="Te lang.", who_acts="enk_user"
    )
    books.publish(sale("2"), "rejected", code="too_long", message_nl="Te lang.", who_acts="enk_user")
    identity = books.again(sale("2"))
    books.book.receive(sale("3") | {"totals": {"net": "1.00", "vat": "0.00", "gross": "999.00"}})
    answer = compared(terminal, 3)
    by_hand = differences(answer, "unlinked")
    assert [one["package_ids"] for one in by_hand] == [[identity]]
    first, refused = sorted(differences(answer, "open"), key=lambda one: one["number"])
    assert (first["posting"], first["who_acts"], first["message"]["nl"]) == (posting, "enk_user", "Te lang.")
    assert (refused["number"], refused["posting"][0], refused["our_gross"]) == ("3", "R", "999.00")
    (run,) = answer["reconciliations"]
    assert run["totals"]["directions"][0]["enk"] == {"documents": 3, "gross": "1241.00"}


def test_a_package_that_cannot_be_read_is_trouble_and_keeps_the_last_result(
    terminal: Terminal, books: Books
) -> None:
    books.booked(sale("1"))
    compared(terminal)
    books.snelstart.fault("status", operation="verkoopfacturen.GET", status=403, count=50)
    (run,) = compared(terminal, 1)["reconciliations"]
    assert run["state"] == "failed"
    assert run["error"]["message"]["nl"]
    assert books.book.ask("SELECT count(*) FROM reconciliation_run WHERE state = 'done'") == [(1,)]
    assert books.book.ask("SELECT lease_owner FROM connection") == [(None,)]


def test_the_other_company_is_never_compared(terminal: Terminal, books: Books) -> None:
    books.book.ask("""UPDATE lane SET identity = '{"id": "another", "name": "Pietersen"}'""")
    (run,) = compared(terminal, 1)["reconciliations"]
    assert run["error"]["code"] == "wrong_company"


def test_a_worker_that_does_not_come_is_not_waited_for_longer_than_it_takes(
    terminal: Terminal, books: Books
) -> None:
    books.booked(sale("1"))
    ((version,),) = books.book.ask("SELECT lease_epoch FROM connection")
    with psycopg.connect(books.book.url, application_name=WORKER_SESSIONS):
        answer = compared(terminal)
    assert answer["reconciliations"][0]["state"] == "done"
    assert books.book.ask("SELECT lease_epoch, lease_owner FROM connection") == [(version + 1, None)]


def test_a_held_connection_is_left_to_its_holder(terminal: Terminal, books: Books) -> None:
    books.book.ask("UPDATE connection SET lease_owner = 'a worker', lease_until = now() + interval '1 hour'")
    said = terminal.said("reconcile", "adm-1001", "-m", "2026-03", "--timeout", "1")
    assert "as soon as a worker can" in said
    assert books.book.ask("SELECT state, started_at FROM reconciliation_run") == [("asked", None)]


def test_without_a_month_every_month_that_was_touched_is_compared(terminal: Terminal, books: Books) -> None:
    books.booked(sale("1"))
    books.booked(sale("2", issue_date="2026-01-05", due_date="2026-02-05"))
    answer = terminal.json("reconcile", "--all")
    months = [run["month"] for run in answer["reconciliations"]]
    assert {"2026-01", "2026-03"} < set(months)
    assert {run["state"] for run in answer["reconciliations"]} == {"done"}
    assert "no documents" in terminal.ok("reconcile", "adm-1001")


def test_only_the_newest_result_of_a_month_is_kept(terminal: Terminal, books: Books) -> None:
    books.booked(purchase("1"))
    books.again(purchase("1"))
    compared(terminal, 3)
    compared(terminal, 3)
    assert books.book.ask("SELECT count(*) FROM reconciliation_run") == [(1,)]
    assert books.book.ask("SELECT count(*) FROM reconciliation_difference") == [(1,)]


def test_a_package_that_reads_files_needs_no_connection_and_no_worker(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration(package="king"), builders.relation(), sale("1"))
    with psycopg.connect(book.url, application_name=WORKER_SESSIONS):
        answer = compared(terminal, 3)
    (waiting,) = differences(answer, "open")
    assert (waiting["number"], waiting["outcome"]) == ("1", "held")
    assert book.ask("SELECT count(*) FROM connection") == [(0,)]


def test_what_must_be_given(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration())
    assert "name an administration" in terminal.said("reconcile", code=2)
    assert "write 2026-03" in terminal.said("reconcile", "adm-1001", "-m", "maart", code=2)
    assert "koppeling connect adm-1001" in terminal.said("reconcile", "adm-1001")
    assert "not compared yet" in terminal.said("reconcile", "adm-1001", "--last")
    assert "No administration is connected" in terminal.said("reconcile", "--all")
