"""Whether a document may go out now: pure decisions about revisions, twins, credits and relations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.postings import GOOD
from ledger.rows import PostingId
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome
from schemas.relation import Relation
from sinks.turn import (
    End,
    Go,
    Wait,
    after_credited,
    among_revisions,
    among_twins,
    recheck_after,
    relation_present,
)
from sinks.waiting import not_now
from tests.schemas import builders
from tests.sinks.postings import NOW, due, sibling

LIMIT = timedelta(hours=1)
OPEN = [Outcome.RECEIVED, Outcome.RETRY, Outcome.WAITING, Outcome.HELD, Outcome.REJECTED]


def invoice(**changes: object) -> Invoice:
    return Invoice.model_validate(builders.invoice(**changes))  # type: ignore[arg-type]


def relation(**changes: object) -> Relation:
    return Relation.model_validate(builders.relation(**changes))


# --- revisions ---


def test_a_document_alone_goes() -> None:
    assert among_revisions(due(), []) == Go()


@pytest.mark.parametrize("state", Outcome)
def test_a_later_revision_ends_an_earlier_one_whatever_became_of_it(state: Outcome) -> None:
    assert among_revisions(due(), [sibling(3, state)]) == End(Outcome.SUPERSEDED, None)


@pytest.mark.parametrize("state", OPEN)
def test_an_unsent_earlier_revision_ends_with_this_one(state: Outcome) -> None:
    assert among_revisions(due(), [sibling(1, state)]) == Go((PostingId(1),))


@pytest.mark.parametrize("state", sorted(GOOD))
def test_a_booked_revision_stays_as_it_is(state: Outcome) -> None:
    same = among_revisions(due(), [sibling(1, state, content_hash=b"mine")])
    assert same == End(Outcome.ALREADY_BOOKED, None)
    changed = among_revisions(due(), [sibling(1, state)])
    assert isinstance(changed, End)
    assert changed.outcome is Outcome.REJECTED
    assert changed.reason is not None
    assert changed.reason.code is Code.CHANGED_AFTER_BOOKING


@pytest.mark.parametrize(
    "other",
    [sibling(1, Outcome.UNCERTAIN), sibling(1, Outcome.POSTING), sibling(1, Outcome.HELD, in_doubt=True)],
)
def test_an_earlier_revision_that_may_be_booked_is_waited_for(other: object) -> None:
    verdict = among_revisions(due(), [other])  # type: ignore[list-item]
    assert isinstance(verdict, Wait)
    assert verdict.key == "document:sales_invoice:inv-9001"


@pytest.mark.parametrize("state", [Outcome.SUPERSEDED, Outcome.DISCARDED])
def test_what_ended_before_is_no_matter(state: Outcome) -> None:
    assert among_revisions(due(), [sibling(1, state)]) == Go()


# --- twins ---


def test_a_second_document_with_the_number_is_a_duplicate_that_names_the_first() -> None:
    verdict = among_twins(due(), [sibling(1, document_id="inv-1")])
    assert isinstance(verdict, End)
    assert verdict.reason is not None
    assert verdict.reason.code is Code.DUPLICATE_NUMBER
    assert "inv-1" in verdict.reason.nl
    assert "inv-1" in verdict.reason.en


def test_the_first_of_two_goes_unless_the_second_may_be_booked() -> None:
    later = sibling(20, document_id="inv-2")
    assert among_twins(due(), [later]) == Go()
    assert isinstance(among_twins(due(), [sibling(20, Outcome.BOOKED, document_id="inv-2")]), End)
    assert isinstance(among_twins(due(), [sibling(20, document_id="inv-2", in_doubt=True)]), End)


# --- credits ---


@pytest.mark.parametrize("state", [*OPEN, Outcome.UNCERTAIN, Outcome.POSTING])
def test_a_credit_waits_for_an_invoice_that_we_have_and_that_is_not_booked(state: Outcome) -> None:
    verdict = after_credited(due(credits_key="20250001"), [sibling(1, state)])
    assert isinstance(verdict, Wait)
    assert verdict.key == "number:sales_invoice:20250001"
    assert "20250001" in verdict.reason.nl


def test_a_purchase_credit_names_the_suppliers_number_only() -> None:
    bought = due(kind="purchase_invoice", credits_key="rel-204|f-55012")
    verdict = after_credited(bought, [sibling(1)])
    assert isinstance(verdict, Wait)
    assert "factuur f-55012 " in verdict.reason.nl
    assert "rel-204" not in verdict.reason.nl


@pytest.mark.parametrize("state", [*sorted(GOOD), Outcome.SUPERSEDED, Outcome.DISCARDED])
def test_a_credit_goes_when_its_invoice_is_booked_or_will_never_be(state: Outcome) -> None:
    assert after_credited(due(credits_key="20250001"), [sibling(1, state)]) == Go()
    assert after_credited(due(credits_key="20250001"), []) == Go()


# --- relations ---


def test_a_relation_that_is_missing_is_waited_for_with_why_it_was_rejected() -> None:
    verdict = relation_present(due(relation_problem="Het KVK-nummer klopt niet."), None, invoice())
    assert isinstance(verdict, Wait)
    assert (verdict.reason.code, verdict.key) == (Code.NOT_FOUND_RELATION, "relation:rel-204")
    assert "Het KVK-nummer klopt niet." in verdict.reason.nl


@pytest.mark.parametrize("kind", ["verlegd", "icp"])
def test_reverse_charge_and_icp_sales_need_the_customers_vat_id(kind: str) -> None:
    sold = invoice(lines=[builders.line("10.00", kind, "0")])
    assert isinstance(relation_present(due(), relation(vat_identifier=None), sold), Wait)
    assert relation_present(due(), relation(), sold) == Go()


def test_purchases_and_other_sales_do_not_need_it() -> None:
    bought = invoice(lines=[builders.line("10.00", "verlegd", "0")], direction="purchase")
    assert relation_present(due(), relation(vat_identifier=None), bought) == Go()
    assert relation_present(due(), relation(vat_identifier=None), invoice()) == Go()


# --- waiting ---


def test_waiting_is_told_once_and_once_more_after_the_limit() -> None:
    wait = relation_present(due(), None, invoice())
    assert isinstance(wait, Wait)
    first = not_now(due(), wait, LIMIT, NOW)
    assert (first.state, first.announce, first.waiting_for, first.scope) == (
        Outcome.WAITING,
        True,
        LIMIT,
        None,
    )
    waiting = due(state=Outcome.WAITING, code="not_found_relation", waiting_until=NOW + LIMIT)
    assert not not_now(waiting, wait, LIMIT, NOW).announce
    late = not_now(waiting, wait, LIMIT, NOW + LIMIT)
    assert (late.announce, late.scope) == (True, "overdue")
    told = due(state=Outcome.WAITING, code="not_found_relation", waiting_until=NOW + LIMIT, scope="overdue")
    again = not_now(told, wait, LIMIT, NOW + 2 * LIMIT)
    assert (again.announce, again.scope) == (False, "overdue")


def test_waiting_keeps_that_it_must_be_looked_up_first() -> None:
    wait = relation_present(due(), None, invoice())
    assert isinstance(wait, Wait)
    assert not_now(due(look_up_first=True), wait, LIMIT, NOW).look_up_first


@pytest.mark.parametrize(("waited", "again"), [(0, 2), (30, 30), (3600, 60)])
def test_a_waiting_document_is_looked_at_now_and_then(waited: int, again: int) -> None:
    assert recheck_after(timedelta(seconds=waited)) == timedelta(seconds=again)
