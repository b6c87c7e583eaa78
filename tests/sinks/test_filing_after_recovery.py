"""A ledger that went back in time: what was on its way into a file then may be in a file that it forgot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.file_answers import resolve
from ledger.recovery import Filing, enter_recovery
from schemas.outcome import Package
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import invoice, relation
from tests.sinks.filing_world import AT_ONCE, LATER, FilingWorld, filing_world


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest_asyncio.fixture
async def world(ledger_url: str, tmp_path: Path) -> AsyncIterator[FilingWorld]:
    async with filing_world(ledger_url, tmp_path / "king") as opened:
        yield opened


async def test_a_staged_document_is_put_to_a_person_and_not_cut(world: FilingWorld) -> None:
    world.terms = LATER
    world.receive(relation(), invoice(id="inv-1", number="20260001"))
    await world.run()
    assert world.state("inv-1") == "posting"
    world.write(lambda cursor: enter_recovery(cursor, "restored"))
    world.terms = AT_ONCE
    await world.run()
    assert (world.state("inv-1"), world.posting("inv-1", "code")) == ("held", "recovery")
    assert world.journal_numbers() == []


async def test_a_staged_document_that_our_events_have_in_a_file_is_filed(world: FilingWorld) -> None:
    world.terms = LATER
    world.receive(relation(), invoice(id="inv-1", number="20260001"))
    await world.run()
    known = Filing(world.key.administration, Package.KING, "sales_invoice", "inv-1", 1, 4, "journaal.xml")
    world.write(lambda cursor: enter_recovery(cursor, "restored", filings=[known]))
    world.terms = AT_ONCE
    await world.run()
    assert world.state("inv-1") == "filed"
    assert world.journal_numbers() == []


@pytest.mark.parametrize("step", ["cut", "file_written", "file_renaming"])
@pytest.mark.parametrize("arrived", [True, False])
async def test_a_file_that_was_not_delivered_yet_is_put_to_a_person(
    world: FilingWorld, step: str, arrived: bool
) -> None:
    world.emptied_by_program = True
    world.receive(relation(), invoice(id="inv-1", number="20260001"))
    assert not await world.run(crash_at=step)
    world.write(lambda cursor: enter_recovery(cursor, "restored"))
    await world.run()
    file = world.file(1).summary
    assert (file.state, file.code) == ("uncertain", "recovery")
    assert world.journal_numbers() == []
    world.write(lambda cursor: resolve(cursor, file.id, arrived=arrived))
    await world.run()
    assert world.file(1).summary.state == "delivered"
    assert world.journal_numbers() == ([] if arrived else ["20260001"])


async def test_a_file_that_was_delivered_stays_so(world: FilingWorld) -> None:
    world.receive(relation(), invoice(id="inv-1", number="20260001"))
    await world.run()
    world.write(lambda cursor: enter_recovery(cursor, "restored"))
    await world.run()
    assert world.file(1).summary.state == "delivered"
    assert world.journal_numbers() == ["20260001"]
