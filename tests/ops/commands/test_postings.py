"""`koppeling postings`: finding, explaining, sending again, discarding, resolving."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.ops.commands.conftest import Book, Terminal

Sold = Callable[..., str]


def test_json_is_an_array_with_everything_of_each_posting(terminal: Terminal, sold: Sold) -> None:
    sold("20260001")
    listed = terminal.json("postings", "list", "--kind", "sales_invoice")
    assert [row["number"] for row in listed] == ["20260001"]
    assert listed[0]["gross"] == "121.00"
    assert listed[0]["outcome"] == "held"
    assert listed[0]["error"]["code"] == "mapping_missing"
    assert listed[0]["source_record"]["topic"] == "enk.invoices.v1"


def test_filters_add_up(terminal: Terminal, book: Book, sold: Sold) -> None:
    sold("1"), sold("2"), sold("3")
    book.mark("1", "rejected", code="not_found_ledger_account", field="$.lines[0].ledger_account")
    book.mark("2", "rejected", code="too_long")
    book.mark("3", "booked", code=None)

    def numbers(*filters: str) -> list[str]:
        return [row["number"] for row in terminal.json("postings", "list", *filters)]

    invoices = ("--kind", "sales_invoice")
    assert numbers(*invoices, "--state", "rejected") == ["1", "2"]
    assert numbers("--state", "rejected", "--code", "too_long") == ["2"]
    assert numbers("--field", "$.lines[0].ledger_account") == ["1"]
    assert numbers("-n", "3", "-n", "1") == ["1", "3"]
    assert numbers(*invoices, "--open") == ["1", "2"]
    assert numbers(*invoices, "--needs-somebody") == ["1", "2"]
    assert numbers(*invoices, "-a", "adm-9") == []
    assert numbers(*invoices, "--since", "1h") == ["1", "2", "3"]
    assert numbers(*invoices, "--since", "2999-01-01") == []


def test_the_table_names_who_acts_and_why(terminal: Terminal, book: Book, sold: Sold) -> None:
    sold("1")
    book.mark("1", "rejected", code="too_long", message_nl="Het nummer is te lang.", who_acts="enk_user")
    table = terminal.ok("postings", "list", "--needs-somebody", "--kind", "sales_invoice")
    assert "Het nummer is te lang." in table
    assert "enk_user" in table


def test_nothing_that_matches_is_a_sentence(terminal: Terminal, book: Book) -> None:
    assert "No posting matches." in terminal.ok("postings", "list")


def test_a_wrong_kind_or_moment_is_a_wrong_command_line(terminal: Terminal, book: Book) -> None:
    assert "sales_invoice" in terminal.said("postings", "list", "--kind", "invoice", code=2)
    assert "7d" in terminal.said("postings", "list", "--since", "yesterday", code=2)


def test_show_tells_what_can_be_done(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    book.mark("1", "uncertain", code="timeout_uncertain", due_at=None)
    told = " ".join(terminal.ok("postings", "show", name).split())
    assert f"koppeling postings resolve {name} --booked-as NUMBER" in told
    assert terminal.json("postings", "show", name)["number"] == "1"


def test_show_gives_the_payload_byte_for_byte(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    assert json.loads(terminal.ok("postings", "show", name, "--payload"))["number"] == "1"
    book.receive(b"\xff not JSON")
    rejected = terminal.json("postings", "list", "--state", "rejected")[0]["id"]
    assert rejected.startswith("R")
    assert terminal.run("postings", "show", rejected, "--payload").stdout_bytes == b"\xff not JSON"


def test_a_posting_that_does_not_exist(terminal: Terminal, book: Book) -> None:
    assert "There is no posting 4711" in terminal.said("postings", "show", "4711")
    assert "There is no posting 4711" in terminal.said("postings", "retry", "4711")


def test_retry_sends_again_and_is_audited(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    book.mark("1", "rejected", code="not_found_ledger_account", scope=None, due_at=None)
    assert "1 of 1 sent again" in terminal.ok("postings", "retry", name)
    assert book.ask("SELECT state, code, due_at IS NULL FROM posting WHERE number = '1'") == [
        ("received", None, False)
    ]
    assert book.audited() == [("postings.retry", name)]


def test_retry_by_filter_asks_first(terminal: Terminal, book: Book, sold: Sold) -> None:
    sold("1"), sold("2")
    book.mark("1", "rejected", code="not_found_ledger_account")
    book.mark("2", "rejected", code="too_long")
    by_code = ("postings", "retry", "--code", "not_found_ledger_account")
    terminal.ok(*by_code, stdin="n\n", code=1)
    assert book.ask("SELECT count(*) FROM posting WHERE state = 'rejected'") == [(2,)]
    terminal.ok(*by_code, stdin="y\n")
    assert book.ask("SELECT number FROM posting WHERE state = 'rejected'") == [("2",)]


def test_retry_without_ids_and_filters_is_refused(terminal: Terminal, book: Book) -> None:
    assert "at least one filter" in terminal.said("postings", "retry", code=2)


def test_what_is_booked_is_not_sent_again(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    book.mark("1", "booked", code=None)
    assert "nothing to send again" in terminal.said("postings", "retry", name, code=3)
    assert book.audited() == []


def test_discard_needs_a_reason_and_keeps_it(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    terminal.said("postings", "discard", name, "--reason", " ", code=2)
    terminal.ok("postings", "discard", name, "--reason", "dubbel ingevoerd")
    assert book.ask("SELECT state, message_nl FROM posting WHERE id = %s", name) == [
        ("discarded", "Vervallen verklaard: dubbel ingevoerd")
    ]
    assert book.ask("SELECT detail ->> 'reason' FROM audit") == [("dubbel ingevoerd",)]


def test_resolve_links_what_a_person_found(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    book.mark("1", "uncertain", code="timeout_uncertain", intent_step="book")
    terminal.said("postings", "resolve", name, code=2)
    terminal.said("postings", "resolve", name, "--booked-as", "1", "--not-booked", code=2)
    terminal.ok("postings", "resolve", name, "--booked-as", "V-77", "--package-id", "abc")
    assert book.ask("SELECT state, package_number, package_id FROM posting WHERE id = %s", name) == [
        ("adopted", "V-77", "abc")
    ]


def test_resolve_sends_again_what_is_not_there(terminal: Terminal, book: Book, sold: Sold) -> None:
    name = sold("1")
    assert "not uncertain" in terminal.said("postings", "resolve", name, "--not-booked")
    book.mark("1", "uncertain", code="timeout_uncertain", intent_step="book")
    terminal.ok("postings", "resolve", name, "--not-booked")
    assert book.ask("SELECT state, look_up_first FROM posting WHERE id = %s", name) == [("received", True)]


def test_resolve_says_how_payments_are_found_and_refuses_what_contradicts(
    terminal: Terminal, book: Book, sold: Sold
) -> None:
    name = sold("1")
    book.mark("1", "waiting", code="not_found_relation", scope=None)
    terminal.said("postings", "resolve", name, "--booked-as", " ", code=2)
    terminal.said("postings", "resolve", name, "--not-booked", "--package-id", "x", code=2)
    assert "found that number" in terminal.ok("postings", "resolve", name, "--booked-as", "V-77")
    assert book.ask("SELECT state, package_number, waiting_key FROM posting WHERE id = %s", name) == [
        ("adopted", "V-77", None)
    ]
    other = sold("2")
    book.mark("1", "adopted", package_id="abc")
    assert "linked to abc already" in terminal.said(
        "postings", "resolve", other, "--booked-as", "V-77", "--package-id", "abc"
    )
