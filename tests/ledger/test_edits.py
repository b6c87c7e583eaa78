"""Editing a document before it is booked: checked like ENK's own, the same document, ENK's stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from ledger.edits import Edited, Editor, Invalid, Opened, Refused, edit, open_for_editing
from ledger.postings import Intent, write_intents
from ledger.rows import Change, LaneKey, Lease, PostingId
from ledger.work import due_postings
from schemas.outcome import Code, Outcome, Package, reason
from schemas.topics import INTAKE_DLQ
from tests.ledger.desk import NOW, Desk
from tests.schemas.builders import Json, cloud_event, invoice, line, relation

BY = Editor("anna@office", "grootboekrekening")
UNSENT = [Outcome.RECEIVED, Outcome.RETRY, Outcome.WAITING, Outcome.HELD, Outcome.REJECTED]
NOT_UNSENT = [
    Outcome.UNCERTAIN,
    Outcome.BOOKED,
    Outcome.FILED,
    Outcome.ADOPTED,
    Outcome.SUPERSEDED,
    Outcome.DISCARDED,
]
OTHER = invoice([line("250.00", ledger_account="8010")], issue_date="2026-03-30")


@dataclass
class Case:
    """A ledger with one invoice, and an editor at it."""

    desk: Desk

    def brought_to(self, outcome: Outcome, document: str = "inv-9001", lease: Lease | None = None) -> Case:
        if outcome is not Outcome.RECEIVED:
            lease = lease or self.desk.lease()
            assert self.desk.intend(lease, document)
            why = None if outcome.is_final else reason(Code.NOT_FOUND_LEDGER_ACCOUNT, field="$.x")
            keep = outcome is Outcome.UNCERTAIN
            posting = PostingId(self.desk.posting(document)["id"])
            assert self.desk.change(lease, Change(posting, outcome, why, scope="document", keep_intent=keep))
        self.desk.connection.execute("TRUNCATE outbox")
        return self

    def edit(
        self, content: Json | bytes, which: str | None = None, **more: Any
    ) -> Edited | Invalid | Refused:
        name = which or str(self.desk.posting("inv-9001")["id"])
        value = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.desk.write(lambda cursor: edit(cursor, name, value, BY, NOW, **more))

    @property
    def row(self) -> dict[str, Any]:
        return self.desk.posting("inv-9001")


@pytest.fixture
def case(desk: Desk) -> Case:
    desk.administration()
    desk.take_in(invoice())
    return Case(desk)


def each(desk: Desk, outcomes: list[Outcome]) -> Iterator[tuple[Outcome, Json, str]]:
    """One invoice for each outcome, brought to it: the outcome, its data and its posting's id."""
    desk.administration()
    events = {outcome: invoice(id=f"i-{outcome}", number=f"n-{outcome}") for outcome in outcomes}
    desk.take_in(*events.values())
    lease = desk.lease()
    for outcome, event in events.items():
        Case(desk).brought_to(outcome, str(event["id"]), lease)
        yield outcome, event, str(desk.posting(str(event["id"]))["id"])


def test_what_was_refused_or_never_sent_takes_the_edit_and_goes_out(desk: Desk) -> None:
    for _outcome, event, name in each(desk, UNSENT):
        before = desk.posting(str(event["id"]))
        assert Case(desk).edit(OTHER | {"id": event["id"], "number": event["number"]}, name) == Edited(
            PostingId(before["id"]), 1
        )
        row = desk.posting(str(event["id"]))
        assert (row["state"], row["code"], row["due_at"] is not None) == ("received", None, True)
        assert json.loads(bytes(row["payload"]))["lines"][0]["ledger_account"] == "8010"
        assert (row["gross"], str(row["issue_date"])) == (Decimal("302.50"), "2026-03-30")
        assert row["content_hash"] != before["content_hash"]
        assert (row["original_hash"], row["original_payload"]) == (before["content_hash"], before["payload"])
        (kept,) = desk.rows("SELECT * FROM posting_edit WHERE posting_id = %s", row["id"])
        assert (kept["n"], kept["who"], kept["why"]) == (1, "anna@office", "grootboekrekening")
        assert (kept["previous"], kept["payload"]) == (before["payload"], row["payload"])
        (told,) = desk.told(str(event["id"]))
        assert (told["outcome"], told["edit"], told["what"]["revision"]) == ("received", 1, 1)


def test_what_may_be_in_the_package_or_has_ended_is_not_edited(desk: Desk) -> None:
    for outcome, event, name in each(desk, NOT_UNSENT):
        before = desk.posting(str(event["id"]))
        refused = Case(desk).edit(OTHER | {"id": event["id"], "number": event["number"]}, name)
        assert isinstance(refused, Refused)
        assert str(outcome) in refused.why
        assert (desk.posting(str(event["id"])), desk.told()) == (before, [])


def test_what_is_being_sent_is_not_edited(case: Case) -> None:
    assert case.desk.intend(case.desk.lease(), "inv-9001")
    assert isinstance(case.edit(OTHER), Refused)


WRONG: list[tuple[Json | bytes, str]] = [
    (invoice(totals={"net": "100.00", "vat": "21.00", "gross": "122.00"}), "$.totals.gross"),
    (invoice(currency="USD"), "$.currency"),
    (invoice(colour="red"), "$.colour"),
    (b"{", "value"),
    (b"null", "$"),
]
ANOTHER: list[tuple[Json | bytes, str]] = [
    (invoice(id="inv-2"), "$.id"),
    (invoice(number="2"), "$.number"),
    (invoice(revision=2), "$.revision"),
    (invoice(relation_id="rel-2"), "$.relation_id"),
    (invoice(direction="purchase", id="inv-9001"), "$.direction"),
    (invoice(administration="adm-2"), "$.administration"),
]


@pytest.mark.parametrize("cases", [WRONG, ANOTHER], ids=["wrong", "another document"])
def test_an_edit_that_cannot_be_names_the_field_and_changes_nothing(
    case: Case, cases: list[tuple[Json | bytes, str]]
) -> None:
    before = case.brought_to(Outcome.REJECTED).row
    for content, field in cases:
        wrong = case.edit(content)
        assert isinstance(wrong, Invalid), field
        assert wrong.reason.field == field
        assert wrong.reason.nl
    assert case.row == before


def test_edits_are_numbered_and_the_first_original_stays(case: Case) -> None:
    original = case.row["payload"]
    assert case.edit(OTHER) == Edited(PostingId(case.row["id"]), 1)
    assert case.edit(invoice([line("9.00")])) == Edited(PostingId(case.row["id"]), 2)
    assert case.row["original_payload"] == original
    assert case.edit(invoice([line("9.00")])) == Refused("nothing was changed")


def test_the_supplier_number_of_a_purchase_may_be_corrected_and_is_matched_by_it(case: Case) -> None:
    purchase = invoice(direction="purchase", id="p-1", number="1", supplier_invoice_number="F-1O")
    case.desk.take_in(purchase)
    name = str(case.desk.posting("p-1")["id"])
    assert isinstance(case.edit(purchase | {"supplier_invoice_number": "F-10"}, name), Edited)
    assert case.desk.posting("p-1")["match_key"] == "rel-204|f-10"


def test_an_editor_that_was_overtaken_starts_anew(case: Case) -> None:
    name = str(case.row["id"])
    opened = case.desk.write(lambda cursor: open_for_editing(cursor, name))
    assert isinstance(opened, Opened)
    assert json.loads(opened.content)["number"] == "20260123"
    assert isinstance(case.edit(OTHER), Edited)
    refused = case.edit(invoice([line("1.00")]), version=opened.version)
    assert isinstance(refused, Refused)
    assert "meanwhile" in refused.why


def test_an_edit_of_what_is_held_with_its_administration_stays_held(desk: Desk) -> None:
    desk.take_in(invoice(administration="adm-unknown"))
    case = Case(desk)
    assert isinstance(case.edit(OTHER | {"administration": "adm-unknown"}), Edited)
    assert (case.row["state"], case.row["code"], case.row["edit"]) == ("held", "unknown_administration", 1)
    assert desk.told()[-1]["edit"] == 1


# --- what ENK sends afterwards ---


def test_enks_own_record_once_more_is_a_repetition_and_other_content_a_contradiction(case: Case) -> None:
    case.edit(OTHER)
    case.desk.take_in(invoice())
    case.desk.take_in(OTHER)
    assert case.desk.became() == ["posting", "repeated", "rejected"]
    assert case.row["edit"] == 1


def test_enks_next_revision_is_compared_with_what_is_booked(case: Case) -> None:
    case.edit(OTHER)
    case.desk.take_in(OTHER | {"revision": 2})
    first, second = case.desk.postings()
    assert first["content_hash"] == second["content_hash"]
    assert (second["edit"], second["original_hash"]) == (0, None)


def relation_case(desk: Desk) -> tuple[Case, str]:
    desk.administration()
    desk.take_in(relation())
    return Case(desk), str(desk.posting("rel-204")["id"])


def test_an_edited_relation_is_what_its_invoices_are_sent_with(desk: Desk) -> None:
    case, name = relation_case(desk)
    assert isinstance(case.edit(relation(name="Groeneveld B.V."), name), Edited)
    (due,) = due_postings(desk.connection, LaneKey("adm-1001", Package.SNELSTART), 5)
    assert json.loads(due.relation_payload or b"")["name"] == "Groeneveld B.V."
    desk.take_in(relation())
    assert desk.became() == ["posting", "unchanged"]


def test_enks_next_revision_of_a_relation_takes_the_place_of_the_edit(desk: Desk) -> None:
    case, name = relation_case(desk)
    case.edit(relation(name="Groeneveld B.V."), name)
    desk.take_in(relation(revision=2))
    row = desk.posting("rel-204")
    assert (row["revision"], row["edit"], row["original_hash"]) == (2, 0, None)
    assert desk.value("SELECT original_hash FROM relation") is None
    assert json.loads(bytes(row["payload"]))["name"] == "Bouwbedrijf Groeneveld B.V."


# --- a lane at the same time ---


def test_what_a_lane_read_before_the_edit_is_neither_sent_nor_decided(case: Case) -> None:
    lease = case.desk.lease()
    (due,) = due_postings(case.desk.connection, LaneKey("adm-1001", Package.SNELSTART), 5)
    case.edit(OTHER)
    decided = Change(due.id, Outcome.REJECTED, reason(Code.INTERNAL), version=due.version)
    assert case.desk.change(lease, decided) == {due.id}
    assert case.row["state"] == "received"
    stale = Intent(due.id, "book", due.version)
    assert case.desk.write(lambda cursor: write_intents(cursor, [(lease, stale)])) == set()
    fresh = Intent(due.id, "book", case.row["version"])
    assert case.desk.write(lambda cursor: write_intents(cursor, [(lease, fresh)])) == {due.id}


# --- rejected input ---


def rejected(desk: Desk, *events: Json) -> str:
    desk.take_in(*(desk.record(event, topic=INTAKE_DLQ) for event in events))
    (row,) = desk.rows("SELECT id FROM rejected_input WHERE state = 'rejected'")
    return f"R{row['id']}"


def test_rejected_input_becomes_the_posting_that_it_should_have_been(desk: Desk) -> None:
    desk.administration()
    broken = invoice(currency="USD")
    name = rejected(desk, broken)
    opened = desk.write(lambda cursor: open_for_editing(cursor, name))
    assert isinstance(opened, Opened)
    assert json.loads(opened.content) == broken
    result = Case(desk).edit(invoice(), name)
    row = desk.posting("inv-9001")
    assert result == Edited(PostingId(row["id"]), 1)
    assert (row["state"], row["edit"], row["event_id"] is not None) == ("received", 1, True)
    assert desk.became() == ["posting"]
    (kept,) = desk.rows("SELECT state, value FROM rejected_input")
    assert (kept["state"], json.loads(bytes(kept["value"]))) == ("replayed", broken)
    assert desk.told("inv-9001")[-1]["edit"] == 1
    assert isinstance(Case(desk).edit(invoice(), name), Refused)


def test_mended_input_keeps_what_was_recognised(desk: Desk) -> None:
    desk.administration()
    name = rejected(desk, invoice(currency="USD"))
    for change, field in (
        ({"number": "2"}, "$.number"),
        ({"id": "2"}, "$.id"),
        ({"revision": 3}, "$.revision"),
    ):
        assert isinstance(wrong := Case(desk).edit(invoice(**change), name), Invalid)
        assert wrong.reason.field == field
    assert desk.became() == ["rejected"]


def test_a_whole_event_mends_what_is_wrong_around_the_data(desk: Desk) -> None:
    desk.administration()
    record = desk.record(invoice(), topic=INTAKE_DLQ, ce_time=None)
    desk.take_in(record)
    (row,) = desk.rows("SELECT id FROM rejected_input")
    name = f"R{row['id']}"
    assert isinstance(wrong := Case(desk).edit(invoice(), name), Invalid)
    assert wrong.reason.field == "headers.ce_time"
    assert isinstance(Case(desk).edit(cloud_event(invoice()), name), Edited)
    assert desk.states() == [("inv-9001", 1, "received")]


def test_what_enk_sends_itself_takes_the_place_of_what_was_mended(desk: Desk) -> None:
    desk.administration()
    Case(desk).edit(invoice(), rejected(desk, invoice(currency="USD")))
    desk.take_in(OTHER)
    row = desk.posting("inv-9001")
    assert (row["edit"], row["original_hash"], row["gross"]) == (0, None, Decimal("302.50"))
    assert desk.became() == ["posting", "posting"]


def test_what_enk_sends_after_the_mended_one_was_booked_is_a_change_after_booking(desk: Desk) -> None:
    desk.administration()
    Case(desk).edit(invoice(), rejected(desk, invoice(currency="USD")))
    Case(desk).brought_to(Outcome.BOOKED)
    desk.take_in(invoice())
    assert desk.became()[-1] == "repeated"
    desk.take_in(OTHER)
    assert desk.told()[-1]["error"]["code"] == "changed_after_booking"
    assert desk.posting("inv-9001")["state"] == "booked"


def test_mending_into_what_contradicts_an_earlier_revision_changes_nothing(desk: Desk) -> None:
    desk.administration()
    desk.take_in(invoice())
    name = rejected(desk, OTHER | {"currency": "USD"})
    refused = Case(desk).edit(OTHER, name)
    assert isinstance(refused, Refused)
    assert desk.became() == ["posting", "rejected"]
    assert desk.value("SELECT state FROM rejected_input") == "rejected"
