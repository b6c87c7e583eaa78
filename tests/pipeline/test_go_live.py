"""The go-live date: what is older was booked by the old coupling, and is linked or ended, never sent."""

from __future__ import annotations

import pytest

from ledger.administrations import set_mapping
from schemas.outcome import Package
from tests.pipeline.companies import calls, share_company
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess
from tests.pipeline.listening import Ear
from tests.schemas import builders

OLD = {"issue_date": "2025-12-31", "due_date": "2026-01-30"}
FIRST_DAY = {"issue_date": "2026-01-01", "due_date": "2026-01-31"}


def test_documents_of_the_day_itself_are_sent_and_older_ones_end(snelstart: Administration, ear: Ear) -> None:
    snelstart.publish(
        snelstart.relation(),
        snelstart.sale("old", **OLD),
        snelstart.purchase("old", **OLD),
        snelstart.sale("new", **FIRST_DAY),
        snelstart.purchase("new", **FIRST_DAY),
    )
    for document in ("s-new", "p-new"):
        ear.until_told(snelstart, document, ["booked"])
    for document in ("s-old", "p-old"):
        (event,) = ear.until_told(snelstart, document, ["discarded"])
        assert event["error"]["code"] == "before_go_live"
        assert "31-12-2025" in event["error"]["message"]["nl"]
        assert "01-01-2026" in event["error"]["message"]["nl"]
    assert snelstart.booked_numbers() == {"sales": ["new"], "purchases": ["L-new"]}


def test_an_older_document_that_the_package_holds_is_linked_for_readback(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    before = pipeline.administration(mapping={"go_live_date": "2025-01-01"})
    before.publish(before.relation(), before.sale("1", **OLD), before.purchase("2", **OLD))
    ear.until_told(before, "p-2", ["booked"])
    sent = calls(before, "verkoopboekingen.POST")
    after = pipeline.administration(connected=False)
    share_company(before, after)
    after.publish(after.relation(), after.sale("1", **OLD), after.purchase("2", **OLD))
    for document in ("s-1", "p-2"):
        (event,) = ear.until_told(after, document, ["adopted"])
        assert event["package_document"]["id"] == before.posting(document)["package_id"]
    assert calls(before, "verkoopboekingen.POST") == sent


def test_an_older_document_that_differs_from_what_the_package_holds_is_for_a_person(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    before = pipeline.administration(mapping={"go_live_date": "2025-01-01"})
    before.publish(before.relation(), before.sale("1", **OLD))
    ear.until_told(before, "s-1", ["booked"])
    after = pipeline.administration(connected=False)
    share_company(before, after)
    after.publish(after.relation(), after.sale("1", lines=[builders.line("7.00")], **OLD))
    (event,) = ear.until_told(after, "s-1", ["rejected"])
    assert event["error"]["code"] == "duplicate_number"
    assert "121,00" in event["error"]["message"]["nl"]


def test_the_mappings_date_goes_before_enks(pipeline: Pipeline, worker: WorkerProcess, ear: Ear) -> None:
    administration = pipeline.administration(mapping={"go_live_date": "2026-03-01"})
    administration.publish(
        administration.relation(),
        administration.sale("1", issue_date="2026-02-28", due_date="2026-03-28"),
        administration.sale("2", issue_date="2026-03-01", due_date="2026-03-31"),
    )
    ear.until_told(administration, "s-1", ["discarded"])
    ear.until_told(administration, "s-2", ["booked"])


@pytest.mark.parametrize("package", [Package.SNELSTART, Package.KING])
def test_without_any_date_the_administration_is_held(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear, package: Package
) -> None:
    administration = pipeline.administration(package, go_live_date=None)
    administration.publish(administration.relation(), administration.sale("1"))
    (event,) = ear.until_told(administration, "s-1", ["held"])
    assert event["error"]["code"] == "mapping_missing"
    assert "go_live_date" in event["error"]["message"]["nl"]
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        set_mapping(cursor, administration.key, {"go_live_date": "2026-01-01"})
    good = "booked" if package is Package.SNELSTART else "filed"
    ear.until_told(administration, "s-1", ["held", good])


def test_a_file_package_sets_older_documents_aside_with_that_reason(king: Administration, ear: Ear) -> None:
    king.publish(king.relation(), king.sale("old", **OLD), king.sale("new", **FIRST_DAY))
    (event,) = ear.until_told(king, "s-old", ["discarded"])
    assert event["error"]["code"] == "before_go_live"
    ear.until_told(king, "s-new", ["filed"])
