"""Order is dependency: what a document waits for, what it is told meanwhile, and what lets it go."""

from __future__ import annotations

import pytest

from schemas.topics import INTAKE_DLQ
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.pipeline.listening import Ear
from tests.schemas import builders

VERLEGD = {"lines": [builders.line("4500.00", "verlegd", "0")]}


def credit(administration: Administration, number: str, of: str, **changes: object) -> dict[str, object]:
    return administration.sale(
        number, kind="los", credits_invoice_number=of, lines=[builders.line("-100.00")], **changes
    )


def test_an_invoice_waits_for_its_relation(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.sale("1"), snelstart.purchase("2"))
    for document in ("s-1", "p-2"):
        (event,) = ear.until_told(snelstart, document, ["waiting"])
        assert event["error"]["code"] == "not_found_relation"
        assert event["error"]["field"] == "$.relation_id"
        assert "rel-204" in event["error"]["message"]["nl"]
    snelstart.publish(snelstart.relation())
    for document in ("s-1", "p-2"):
        ear.until_told(snelstart, document, ["waiting", "booked"])


def test_an_invoice_of_a_rejected_relation_waits_with_that_reason(
    snelstart: Administration, ear: Ear
) -> None:
    wrong = snelstart.relation(kvk_number="1234")
    snelstart.publish(wrong, topic=INTAKE_DLQ)
    (event,) = ear.until_told(snelstart, "rel-204", ["rejected"])
    assert (event["error"]["code"], event["error"]["field"]) == ("bad_format", "$.kvk_number")
    snelstart.publish(snelstart.sale("1"))
    (event,) = ear.until_told(snelstart, "s-1", ["waiting"])
    assert event["error"]["code"] == "not_found_relation"
    assert "afgekeurd" in event["error"]["message"]["nl"]
    assert "KVK" in event["error"]["message"]["nl"]
    snelstart.publish(snelstart.relation(revision=2))
    ear.until_told(snelstart, "s-1", ["waiting", "booked"])
    ear.until_told(snelstart, "rel-204", ["rejected", "booked"])


def test_a_verlegd_invoice_waits_for_the_customers_vat_id(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.relation(vat_identifier=None), snelstart.sale("1", **VERLEGD))
    (event,) = ear.until_told(snelstart, "s-1", ["waiting"])
    assert (event["error"]["code"], event["error"]["field"]) == ("required_field", "$.vat_identifier")
    assert "Groeneveld" in event["error"]["message"]["nl"]
    snelstart.publish(snelstart.sale("2"))
    ear.until_told(snelstart, "s-2", ["booked"])
    snelstart.publish(snelstart.relation(revision=2))
    ear.until_told(snelstart, "s-1", ["waiting", "booked"])


def test_a_credit_waits_for_its_invoice(snelstart: Administration, ear: Ear) -> None:
    late = builders.relation(administration=snelstart.id, id="rel-9", number="9", kvk_number=None)
    snelstart.publish(
        snelstart.relation(), snelstart.sale("1", relation_id="rel-9"), credit(snelstart, "2", "1")
    )
    ear.until_told(snelstart, "s-1", ["waiting"])
    (event,) = ear.until_told(snelstart, "s-2", ["waiting"])
    assert event["error"]["code"] == "waiting_for_invoice"
    assert "factuur 1 " in event["error"]["message"]["nl"]
    snelstart.publish(late)
    ear.until_told(snelstart, "s-1", ["waiting", "booked"])
    ear.until_told(snelstart, "s-2", ["waiting", "booked"])
    assert [row["number"] for row in snelstart.books()["sales"]] == ["1", "2"]


def test_a_purchase_credit_waits_for_the_suppliers_number(snelstart: Administration, ear: Ear) -> None:
    bought = snelstart.purchase("1", lines=[builders.line(ledger_account="9999")])
    returned = snelstart.purchase(
        "2", credits_invoice_number=" l-1", lines=[builders.line("-100.00", ledger_account="7000")]
    )
    snelstart.publish(snelstart.relation(), bought, returned)
    ear.until_told(snelstart, "p-1", ["rejected"])
    (event,) = ear.until_told(snelstart, "p-2", ["waiting"])
    assert "factuur l-1 " in event["error"]["message"]["nl"]
    corrected = [builders.line(ledger_account="7000")]
    snelstart.publish(snelstart.purchase("1", revision=2, lines=corrected))
    ear.until_told(snelstart, "p-2", ["waiting", "booked"])


def test_a_credit_of_an_invoice_that_we_never_saw_goes_out(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(snelstart.relation(), credit(snelstart, "2", "2024-999"))
    ear.until_told(snelstart, "s-2", ["booked"])
    assert [row["gross"] for row in snelstart.books()["sales"]] == ["-121.00"]


def test_what_is_set_aside_holds_back_its_dependants_only(snelstart: Administration, ear: Ear) -> None:
    numbers = [f"{number:03d}" for number in range(40)]
    documents = [snelstart.sale(number) for number in numbers]
    documents[3] = snelstart.sale("003", lines=[builders.line(ledger_account="9999")])
    documents[7] = snelstart.sale("007", relation_id="rel-unknown")
    documents.insert(20, credit(snelstart, "900", "003"))
    snelstart.publish(snelstart.relation(), *documents)
    ear.until_told(snelstart, "s-039", ["booked"])
    assert [row["number"] for row in snelstart.books()["sales"]] == [
        number for number in numbers if number not in ("003", "007")
    ], "in order of arrival"
    states = snelstart.states()
    assert (states["s-003"], states["s-007"], states["s-900"]) == ("rejected", "waiting", "waiting")


def test_a_broken_administration_does_not_slow_another(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    other = pipeline.administration()
    hanging = snelstart.fault("hang", operation="relaties.POST", count=1000)
    snelstart.publish(snelstart.relation(), snelstart.sale("1"))
    until(lambda: snelstart.states().get("rel-204") == "posting", "the broken one is being called")
    other.publish(other.relation(), other.sale("1"))
    ear.until_told(other, "s-1", ["booked"])
    assert snelstart.states()["rel-204"] in ("posting", "uncertain")
    pipeline.http.delete(f"{pipeline.control}/faults/{hanging}")
    snelstart.until_states({"s-1": "booked"})


@pytest.mark.parametrize("direction", ["sales", "purchase"])
def test_a_limit_that_has_passed_names_who_acts_once_more(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear, direction: str
) -> None:
    administration = pipeline.administration()
    document = administration.sale("1") if direction == "sales" else administration.purchase("1")
    name = str(document["id"])
    administration.publish(document)
    ear.until_told(administration, name, ["waiting"])
    pipeline.rows(
        "UPDATE posting SET waiting_until = clock_timestamp(), due_at = clock_timestamp()"
        " WHERE administration_id = %s RETURNING id",
        administration.id,
    )
    pipeline.rows(
        "UPDATE lane SET due_at = clock_timestamp(), due_version = due_version + 1"
        " WHERE administration_id = %s RETURNING package",
        administration.id,
    )
    _, overdue = ear.until_told(administration, name, ["waiting", "waiting"])
    assert overdue["error"]["who_acts"] == "enk_user"
    administration.publish(administration.relation())
    ear.until_told(administration, name, ["waiting", "waiting", "booked"])
