"""A call whose answer proves nothing: looked up, then adopted or sent again; never booked twice."""

from __future__ import annotations

import pytest

from ledger.repair import resolve
from tests.pipeline.companies import calls, end_fault
from tests.pipeline.harness import Administration, Pipeline, until
from tests.pipeline.listening import Ear

CALL = {"s-1": "verkoopboekingen.POST", "p-1": "inkoopboekingen.POST"}
AFTER = ("cut_after", "status_after", "html_after", "truncated", "hang_after")
BEFORE = ("cut_before", "status", "html", "hang")


def publish(administration: Administration) -> None:
    administration.publish(administration.relation(), administration.sale("1"), administration.purchase("1"))


def assert_booked_once(administration: Administration) -> None:
    assert administration.booked_numbers() == {"sales": ["1"], "purchases": ["L-1"]}
    books = administration.books()
    assert (books["doubles"], books["overlapping_writes"]["count"]) == ([], 0)
    assert [row["gross"] for row in books["sales"] + books["purchases"]] == ["121.00", "121.00"]


@pytest.mark.parametrize("document", CALL)
@pytest.mark.parametrize("kind", AFTER)
def test_a_booking_that_was_made_is_found_and_adopted(
    snelstart: Administration, ear: Ear, kind: str, document: str
) -> None:
    snelstart.fault(kind, operation=CALL[document])
    publish(snelstart)
    doubt, adopted = ear.until_told(snelstart, document, ["uncertain", "adopted"])
    assert doubt["error"]["code"] == "timeout_uncertain"
    assert "error" not in adopted
    assert calls(snelstart, CALL[document]) == 1, "sent once"
    for other in {*CALL} - {document}:
        ear.until_told(snelstart, other, ["booked"])
    assert_booked_once(snelstart)


@pytest.mark.parametrize("document", CALL)
@pytest.mark.parametrize("kind", BEFORE)
def test_a_booking_that_was_not_made_is_sent_again_after_the_look_up(
    snelstart: Administration, ear: Ear, kind: str, document: str
) -> None:
    snelstart.fault(kind, operation=CALL[document])
    publish(snelstart)
    ear.until_told(snelstart, document, ["uncertain", "booked"])
    assert calls(snelstart, CALL[document]) == 2
    for other in {*CALL} - {document}:
        ear.until_told(snelstart, other, ["booked"])
    assert_booked_once(snelstart)


@pytest.mark.parametrize("kind", ["cut_after", "status_after", "cut_before"])
def test_a_relation_in_doubt_is_there_once(snelstart: Administration, kind: str) -> None:
    snelstart.fault(kind, operation="relaties.POST")
    publish(snelstart)
    good = ("booked", "adopted")
    snelstart.until_states({"rel-204": good, **dict.fromkeys(CALL, "booked")})
    books = snelstart.books()
    assert (len(books["debtors"]), len(books["creditors"])) == (1, 1)
    assert_booked_once(snelstart)


def test_a_look_up_that_fails_leaves_the_doubt(snelstart: Administration, ear: Ear) -> None:
    snelstart.fault("cut_after", operation="verkoopboekingen.POST")
    down = snelstart.fault("status", operation="verkoopfacturen.GET", status=503, count=1000)
    publish(snelstart)
    until(lambda: calls(snelstart, "verkoopfacturen.GET") >= 3, "the look-up was tried")
    assert snelstart.states()["s-1"] == "uncertain"
    end_fault(snelstart, down)
    ear.until_told(snelstart, "s-1", ["uncertain", "adopted"])
    snelstart.until_states({"p-1": ("booked", "adopted")})
    assert_booked_once(snelstart)


def test_doubt_without_end_is_for_a_person_and_holds_back_its_next_revision_only(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    broken = snelstart.fault("cut_before", operation="verkoopboekingen.POST", count=1000)
    snelstart.publish(snelstart.relation(), snelstart.sale("1"))
    until(
        lambda: snelstart.states().get("s-1") == "uncertain" and snelstart.posting("s-1")["due_at"] is None,
        "the engine has given up by itself",
    )
    told = ear.events(snelstart, "s-1")
    assert len(told) <= 2, "doubt that lasts is not told again and again"
    end_fault(snelstart, broken)
    first = str(snelstart.posting("s-1")["id"])
    snelstart.publish(snelstart.sale("1", revision=2, description="Anders"), snelstart.sale("2"))
    ear.until_told(snelstart, "s-2", ["booked"])
    assert snelstart.posting("s-1")["state"] == "waiting"
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        assert resolve(cursor, first, booked_as=None) is None
    until(lambda: snelstart.posting("s-1")["state"] == "booked", "the second revision is booked")
    assert snelstart.postings()[1]["state"] == "superseded"
    assert snelstart.booked_numbers()["sales"] == ["1", "2"]
