"""Every outcome that a document can end in, and what ENK is told on the way."""

from __future__ import annotations

import pytest

from ledger.repair import discard, resolve
from tests.pipeline.companies import calls, share_company
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.pipeline.listening import Ear
from tests.schemas import builders

# --- good ---


def test_booked(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("2026001"), snelstart.purchase("501"))
    for document in ("rel-204", "s-2026001", "p-501"):
        (event,) = ear.until_told(snelstart, document, ["booked"])
        assert "error" not in event
        assert event["package"] == "snelstart"
        assert event["attempt"] >= 1
        assert event["package_document"]["id"]
        assert event["source_record"]["event_id"]
    books = snelstart.books()
    assert [(row["number"], row["gross"]) for row in books["sales"]] == [("2026001", "121.00")]
    assert [(row["number"], row["gross"]) for row in books["purchases"]] == [("L-501", "121.00")]
    assert (len(books["debtors"]), len(books["creditors"])) == (1, 1)


def test_already_booked_when_a_later_revision_says_the_same(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1"))
    ear.until_told(snelstart, "s-1", ["booked"])
    snelstart.publish(snelstart.sale("1", revision=3))
    events = ear.until_told(snelstart, "s-1", ["booked", "already_booked"])
    assert [event["what"]["revision"] for event in events] == [1, 3]
    assert snelstart.booked_numbers()["sales"] == ["1"]


def test_filed(king: Administration, ear: Ear) -> None:
    king.publish(king.relation(), king.sale("2026001"), king.purchase("501"))
    for document in ("rel-204", "s-2026001", "p-501"):
        (event,) = ear.until_told(king, document, ["filed"])
        assert event["file"]["sequence"] == 1
        assert event["file"]["name"].endswith(".xml")
    until(lambda: king.books()["purchases"], "King has read the file")
    books = king.books()
    assert [(row["number"], row["gross"]) for row in books["sales"]] == [("2026001", "121.00")]
    assert [(row["number"], row["gross"]) for row in books["purchases"]] == [("L-501", "121.00")]


# --- ended without being sent ---


def test_superseded_by_a_later_revision_that_was_sent_first(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.sale("1"))
    ear.until_told(snelstart, "s-1", ["waiting"])
    snelstart.publish(snelstart.sale("1", revision=2, description="Beter"), snelstart.relation())
    until(lambda: _outcome(snelstart, "s-1", 2) == "booked", "the second revision is booked")
    until(lambda: _outcome(snelstart, "s-1", 1) == "superseded", "the first revision has ended")
    assert snelstart.booked_numbers()["sales"] == ["1"]


def test_superseded_when_a_lower_revision_comes_late(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1", revision=2))
    ear.until_told(snelstart, "s-1", ["booked"])
    snelstart.publish(snelstart.sale("1", revision=1, description="Ouder"))
    events = ear.until_told(snelstart, "s-1", ["booked", "superseded"])
    assert events[1]["what"]["revision"] == 1


def test_discarded_by_an_operator(pipeline: Pipeline, snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.sale("1"))
    ear.until_told(snelstart, "s-1", ["waiting"])
    identifier = str(snelstart.posting("s-1")["id"])
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        assert discard(cursor, identifier, "dubbel ingevoerd") is None
    _, told = ear.until_told(snelstart, "s-1", ["waiting", "discarded"])
    assert "dubbel ingevoerd" in told["error"]["message"]["nl"]
    snelstart.publish(snelstart.relation())
    ear.until_told(snelstart, "rel-204", ["booked"])
    assert snelstart.booked_numbers()["sales"] == []


# --- rejected ---

UNKNOWN_ACCOUNT = {"lines": [builders.line(ledger_account="9999")]}
UNKNOWN_CENTRE = {"lines": [builders.line(cost_centre="4711")]}
NO_VAT_ROW = {"settings": {"missing_vat_rows": ["VerkopenHoog"]}}
CLOSED = {"settings": {"closed_until": "2026-03-31"}}


@pytest.mark.parametrize(
    ("company", "number", "changes", "code", "field", "who"),
    [
        ({}, "1", UNKNOWN_ACCOUNT, "not_found_ledger_account", "$.lines[0].ledger_account", "bookkeeper"),
        ({}, "1", UNKNOWN_CENTRE, "not_found_cost_centre", "$.lines[0].cost_centre", "bookkeeper"),
        (NO_VAT_ROW, "1", {}, "not_found_vat", "$.vat_breakdown", "bookkeeper"),
        (CLOSED, "1", {}, "period_closed", "$.issue_date", "bookkeeper"),
        ({}, "N" * 26, {}, "too_long", "$.number", "enk_user"),
    ],
    ids=["ledger account", "cost centre", "vat", "closed period", "too long"],
)
def test_rejected_with_code_field_and_who_acts(
    pipeline: Pipeline,
    worker: WorkerProcess,
    ear: Ear,
    company: dict[str, object],
    number: str,
    changes: dict[str, object],
    code: str,
    field: str,
    who: str,
) -> None:
    administration = pipeline.administration(company=company)
    administration.publish(
        administration.relation(), administration.sale(number, **changes), administration.purchase("2")
    )
    (event,) = ear.until_told(administration, f"s-{number}", ["rejected"])
    error = event["error"]
    assert (error["code"], error["field"], error["who_acts"]) == (code, field, who)
    assert error["message"]["nl"]
    assert error["message"]["en"]
    assert administration.booked_numbers()["sales"] == []
    if company is not CLOSED:
        ear.until_told(administration, "p-2", ["booked"])


def test_rejected_when_it_changed_after_booking(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1"))
    ear.until_told(snelstart, "s-1", ["booked"])
    snelstart.publish(snelstart.sale("1", revision=2, lines=[builders.line("200.00")]))
    _, told = ear.until_told(snelstart, "s-1", ["booked", "rejected"])
    assert told["error"]["code"] == "changed_after_booking"
    assert [row["gross"] for row in snelstart.books()["sales"]] == ["121.00"]


def test_rejected_when_another_document_has_the_number(snelstart: Administration, ear: Ear) -> None:
    twin = builders.invoice(administration=snelstart.id, id="twin", number="1")
    bought = builders.invoice(
        administration=snelstart.id,
        direction="purchase",
        id="bought-twin",
        number="99",
        supplier_invoice_number=" l-2 ",
        lines=[builders.line(ledger_account="7000")],
    )
    snelstart.publish(snelstart.relation(), snelstart.sale("1"), snelstart.purchase("2"))
    ear.until_told(snelstart, "p-2", ["booked"])
    looked_up = calls(snelstart, "inkoopfacturen.GET")
    snelstart.publish(twin, bought)
    for document, other in (("twin", "s-1"), ("bought-twin", "p-2")):
        (event,) = ear.until_told(snelstart, document, ["rejected"])
        assert event["error"]["code"] == "duplicate_number"
        assert other in event["error"]["message"]["nl"]
    assert snelstart.booked_numbers() == {"sales": ["1"], "purchases": ["L-2"]}
    assert calls(snelstart, "inkoopfacturen.GET") == looked_up, "never looked up, never adopted"


def test_rejected_when_the_package_holds_the_number_with_another_amount(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1"), snelstart.purchase("2"))
    ear.until_told(snelstart, "p-2", ["booked"])
    other = pipeline.administration(connected=False)
    share_company(snelstart, other)
    more = [builders.line("300.00")]
    other.publish(
        other.relation(),
        other.sale("1", lines=more),
        other.purchase("2", lines=[builders.line("300.00", ledger_account="7000")]),
    )
    for document in ("s-1", "p-2"):
        (event,) = ear.until_told(other, document, ["rejected"])
        assert event["error"]["code"] == "duplicate_number"
        assert event["error"]["who_acts"]
    assert [row["gross"] for row in snelstart.books()["sales"]] == ["121.00"]
    assert [row["gross"] for row in snelstart.books()["purchases"]] == ["121.00"]


def test_adopted_when_the_package_holds_exactly_this_document(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1"), snelstart.purchase("2"))
    ear.until_told(snelstart, "p-2", ["booked"])
    other = pipeline.administration(connected=False)
    share_company(snelstart, other)
    other.publish(other.relation(), other.sale("1"), other.purchase("2"))
    for document in ("s-1", "p-2"):
        (event,) = ear.until_told(other, document, ["adopted"])
        assert event["package_document"]["id"] == snelstart.posting(document)["package_id"]
    books = other.books()
    assert (len(books["sales"]), len(books["purchases"]), books["doubles"]) == (1, 1, [])


def test_a_person_who_typed_a_rejected_document_in_says_so(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1", **UNKNOWN_ACCOUNT))
    ear.until_told(snelstart, "s-1", ["rejected"])
    identifier = str(snelstart.posting("s-1")["id"])
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        assert resolve(cursor, identifier, booked_as="2026-77") is None
    _, told = ear.until_told(snelstart, "s-1", ["rejected", "adopted"])
    assert told["package_document"]["number"] == "2026-77"
    assert "error" not in told


def _outcome(administration: Administration, document: str, revision: int) -> str | None:
    for row in administration.postings():
        if (row["document_id"], row["revision"]) == (document, revision):
            return str(row["state"])
    return None
