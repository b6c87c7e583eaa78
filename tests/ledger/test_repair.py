"""What a person may do to a document, and what never: nothing that may be booked is sent again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ledger.repair import Refused, discard, reread, reread_ahead, resolve, retry
from ledger.rows import Change, PostingId
from ledger.work import due_postings
from schemas.outcome import Code, Outcome, reason
from schemas.topics import INTAKE_DLQ
from tests.ledger.desk import NOW, Desk
from tests.schemas.builders import invoice, line, relation

UNSENT = [Outcome.RETRY, Outcome.WAITING, Outcome.HELD, Outcome.REJECTED]
ENDED = [Outcome.BOOKED, Outcome.ALREADY_BOOKED, Outcome.ADOPTED, Outcome.FILED, Outcome.SUPERSEDED]


@dataclass
class Case:
    """One invoice, brought to an outcome."""

    desk: Desk
    identifier: str

    def brought_to(self, outcome: Outcome) -> Case:
        lease = self.desk.lease()
        assert self.desk.intend(lease, "inv-9001")
        change = Change(
            PostingId(int(self.identifier)),
            outcome,
            reason(Code.INTERNAL, vendor_message="x") if outcome not in ENDED else None,
            keep_intent=outcome is Outcome.UNCERTAIN,
        )
        assert self.desk.change(lease, change)
        self.desk.connection.execute("TRUNCATE outbox")
        self.desk.connection.execute("UPDATE lane SET due_at = NULL")
        return self

    def retry(self) -> Refused | None:
        return self.desk.write(lambda cursor: retry(cursor, self.identifier, NOW))

    def discard(self) -> Refused | None:
        return self.desk.write(lambda cursor: discard(cursor, self.identifier, "dubbel"))

    def resolve(self, booked_as: str | None) -> Refused | None:
        return self.desk.write(lambda cursor: resolve(cursor, self.identifier, booked_as=booked_as))

    @property
    def row(self) -> dict[str, object]:
        return self.desk.posting("inv-9001")

    @property
    def lane_is_due(self) -> bool:
        return bool(self.desk.value("SELECT COALESCE(due_at <= clock_timestamp(), false) FROM lane"))


@pytest.fixture
def case(desk: Desk) -> Case:
    desk.administration()
    desk.take_in(invoice())
    return Case(desk, str(desk.posting("inv-9001")["id"]))


@pytest.mark.parametrize("outcome", UNSENT)
def test_what_was_refused_or_never_sent_goes_again(case: Case, outcome: Outcome) -> None:
    assert case.brought_to(outcome).retry() is None
    assert (case.row["state"], case.row["code"], case.row["due_at"] is not None) == ("received", None, True)
    assert case.lane_is_due


@pytest.mark.parametrize("outcome", ENDED)
def test_what_has_ended_is_not_sent_again_nor_discarded(case: Case, outcome: Outcome) -> None:
    case.brought_to(outcome)
    for done in (case.retry(), case.discard(), case.resolve("77")):
        assert isinstance(done, Refused)
        assert str(outcome) in done.why
    assert case.row["state"] == outcome
    assert case.desk.told() == []


def test_what_is_in_flight_is_left_alone(case: Case) -> None:
    lease = case.desk.lease()
    assert case.desk.intend(lease, "inv-9001")
    assert isinstance(case.retry(), Refused)
    assert isinstance(case.discard(), Refused)
    assert isinstance(case.resolve(None), Refused)
    assert case.row["state"] == "posting"


def test_a_doubtful_one_is_looked_up_now_and_not_discarded(case: Case) -> None:
    case.brought_to(Outcome.UNCERTAIN)
    assert isinstance(case.discard(), Refused)
    assert case.retry() is None
    assert (case.row["state"], case.row["intent_step"]) == ("uncertain", "book")
    assert case.row["due_at"] is not None
    assert case.lane_is_due


def test_a_person_found_it(case: Case) -> None:
    case.brought_to(Outcome.UNCERTAIN)
    assert case.resolve("2026-77") is None
    assert (case.row["state"], case.row["package_number"], case.row["intent_step"]) == (
        "adopted",
        "2026-77",
        None,
    )
    (event,) = case.desk.told()
    assert (event["outcome"], event["package_document"]["number"]) == ("adopted", "2026-77")


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.HELD])
def test_what_a_person_typed_in_is_linked_and_never_sent(case: Case, outcome: Outcome) -> None:
    case.brought_to(outcome)
    assert case.resolve("2026-77") is None
    assert (case.row["state"], case.row["due_at"], case.row["waiting_key"]) == ("adopted", None, None)


def test_a_relation_that_a_person_typed_in_is_linked_by_the_packages_id(desk: Desk) -> None:
    key = desk.administration()
    desk.take_in(relation(roles=["debtor", "creditor"]))
    name = str(desk.posting("rel-204")["id"])
    refused = desk.write(lambda cursor: resolve(cursor, name, booked_as="12"))
    assert isinstance(refused, Refused)
    assert "--package-id" in refused.why
    assert desk.write(lambda cursor: resolve(cursor, name, booked_as="12", package_id="abc")) is None
    assert desk.rows("SELECT role, package_id, code FROM reference ORDER BY role") == [
        {"role": "creditor", "package_id": "abc", "code": "12"},
        {"role": "debtor", "package_id": "abc", "code": "12"},
    ]
    desk.take_in(invoice())
    (due,) = [one for one in due_postings(desk.connection, key, 5) if one.kind != "relation"]
    assert due.references["debtor"].package_id == "abc"


def test_a_person_did_not_find_it(case: Case) -> None:
    case.brought_to(Outcome.UNCERTAIN)
    assert case.resolve(None) is None
    assert (case.row["state"], case.row["look_up_first"]) == ("received", True)
    assert case.lane_is_due


def test_only_what_is_in_doubt_can_be_said_not_to_be_booked(case: Case) -> None:
    case.brought_to(Outcome.REJECTED)
    assert isinstance(case.resolve(None), Refused)


@pytest.mark.parametrize("outcome", UNSENT)
def test_discarding_ends_it_tells_enk_and_lets_its_dependants_look_again(
    case: Case, outcome: Outcome
) -> None:
    case.brought_to(outcome)
    credit = invoice([line("-100.00")], id="2", number="2", kind="los", credits_invoice_number="20260123")
    case.desk.take_in(credit)
    case.desk.connection.execute(
        "UPDATE posting SET state = 'waiting', waiting_key = 'number:sales_invoice:20260123', due_at = NULL"
        " WHERE document_id = '2'"
    )
    assert case.discard() is None
    (event,) = case.desk.told()
    assert (event["outcome"], "dubbel" in event["error"]["message"]["nl"]) == ("discarded", True)
    assert case.desk.posting("2")["due_at"] is not None
    assert case.lane_is_due


@pytest.mark.parametrize("identifier", ["999999", "abc", "1; DROP TABLE posting"])
def test_what_is_not_there_is_said(case: Case, identifier: str) -> None:
    case.identifier = identifier
    for done in (case.retry(), case.discard(), case.resolve("1")):
        assert isinstance(done, Refused)


# --- rejected input ---


def rejected(desk: Desk, state: str) -> int:
    (row,) = desk.rows("SELECT id FROM rejected_input WHERE state = %s", state)
    return int(row["id"])


def test_input_of_a_newer_release_goes_out_when_it_can_be_read(desk: Desk) -> None:
    desk.administration()
    desk.take_in(relation(), desk.record(invoice() | {"korting": "x"}))
    number = rejected(desk, "held")
    refused = desk.write(lambda cursor: retry(cursor, f"R{number}", NOW))
    assert isinstance(refused, Refused)
    assert "still" in refused.why
    value = desk.record(invoice()).value
    desk.connection.execute("UPDATE rejected_input SET value = %s", [value])
    assert desk.write(lambda cursor: reread_ahead(cursor, NOW)) == 1
    assert desk.states()[-1] == ("inv-9001", 1, "received")
    assert desk.value("SELECT state FROM rejected_input") == "replayed"
    assert desk.write(lambda cursor: reread_ahead(cursor, NOW)) == 0
    assert isinstance(desk.write(lambda cursor: reread(cursor, number, NOW)), Refused)


def test_rejected_input_can_be_closed_once(desk: Desk) -> None:
    desk.administration()
    desk.take_in(desk.record(invoice(currency="USD"), topic=INTAKE_DLQ))
    number = rejected(desk, "rejected")
    assert desk.write(lambda cursor: discard(cursor, f"R{number}", "oud")) is None
    told = desk.told("inv-9001")[-1]
    assert (told["outcome"], told["error"]["message"]["nl"]) == ("discarded", "Vervallen verklaard: oud")
    assert isinstance(desk.write(lambda cursor: discard(cursor, f"R{number}", "oud")), Refused)


@pytest.mark.parametrize("identifier", ["R", "Rx", "R999", "R1 OR true"])
def test_an_id_of_rejected_input_that_cannot_be_is_said(desk: Desk, identifier: str) -> None:
    assert isinstance(desk.write(lambda cursor: retry(cursor, identifier, NOW)), Refused)
    assert isinstance(desk.write(lambda cursor: discard(cursor, identifier, "x")), Refused)
