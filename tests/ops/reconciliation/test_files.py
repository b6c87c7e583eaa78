"""A package that reads files: against what was put in files, confirmed and not released."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.file_answers import confirm, release
from ledger.reconciliation_rows import DifferenceKind, Result, Sum
from ops.reconciliation.files import reconcile_files
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import Json, invoice, line, relation
from tests.sinks.filing_world import LATER, FilingWorld, filing_world

MARCH = date(2026, 3, 1)


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest_asyncio.fixture
async def world(ledger_url: str, tmp_path: Path) -> AsyncIterator[FilingWorld]:
    async with filing_world(ledger_url, tmp_path / "king") as opened:
        yield opened


def sale(number: int) -> Json:
    return invoice(id=f"s-{number}", number=f"2026{number:04d}")


def purchase(number: int) -> Json:
    return invoice(
        [line(ledger_account="7000")],
        direction="purchase",
        id=f"p-{number}",
        number=f"I{number}",
        supplier_invoice_number=f"Lev {number}",
    )


def reconciled(world: FilingWorld, later: timedelta = timedelta()) -> Result:
    now = datetime.now(UTC) + later
    with world.connection.transaction():
        return reconcile_files(world.connection, world.key, MARCH, now)


def kinds(result: Result) -> list[tuple[str, str]]:
    return [(str(one.kind), one.number) for one in result.differences]


async def filed(world: FilingWorld) -> None:
    world.receive(relation(roles=["debtor", "creditor"]), sale(1), sale(2), purchase(3))
    await world.run()


async def test_what_is_in_a_file_counts_as_booked(world: FilingWorld) -> None:
    await filed(world)
    result = reconciled(world)
    assert result.differences == ()
    sales, purchases = result.totals.directions
    assert sales.enk == sales.booked == sales.ours == Sum(2, Decimal("242.00"))
    assert purchases.ours == Sum(1, Decimal("121.00"))
    assert "What King itself holds cannot be read" in result.totals.not_compared[0].en


async def test_a_file_that_nobody_answers_for_is_named_once(world: FilingWorld) -> None:
    await filed(world)
    (waiting, other) = reconciled(world, timedelta(days=4)).differences
    assert {waiting.kind, other.kind} == {DifferenceKind.UNCONFIRMED}
    assert {waiting.direction, other.direction} == {"sales", "purchase"}
    assert waiting.who_acts == "bookkeeper"
    world.write(lambda cursor: confirm(cursor, world.file().summary.id))
    assert reconciled(world, timedelta(days=4)).differences == ()


async def test_what_was_released_is_open_until_it_is_in_the_next_file(world: FilingWorld) -> None:
    await filed(world)
    file = world.file()
    first = next(member.posting for member in file.members if member.document_id == "s-1")
    world.write(lambda cursor: release(cursor, file.summary.id, [first], "afgekeurd"))
    result = reconciled(world)
    assert kinds(result) == [("open", "20260001")]
    assert not result.needs_somebody
    assert result.totals.directions[0].ours == Sum(1, Decimal("121.00"))
    await world.run()
    assert reconciled(world).differences == ()


async def test_what_the_ledger_calls_filed_and_no_file_has_is_missing(world: FilingWorld) -> None:
    await filed(world)
    world.connection.execute(
        "DELETE FROM file_member m USING posting p WHERE p.id = m.posting_id AND p.document_id = 's-2'"
        " AND p.administration_id = %s",
        (world.key.administration,),
    )
    result = reconciled(world)
    assert kinds(result) == [("missing", "20260002")]
    assert "in geen enkel bestand" in result.differences[0].said.nl


async def test_a_document_in_two_files_is_double(world: FilingWorld) -> None:
    await filed(world)
    world.receive(sale(9))
    await world.run()
    world.connection.execute(
        "INSERT INTO file_member (file_id, posting_id, position)"
        " SELECT f.id, p.id, 99 FROM file f JOIN posting p USING (administration_id)"
        " WHERE p.document_id = 's-1' AND f.sequence = 2 AND p.administration_id = %s",
        (world.key.administration,),
    )
    (double,) = reconciled(world).differences
    assert double.kind is DifferenceKind.DOUBLE
    assert sorted(identity.split("/")[0] for identity in double.package_ids) == ["1", "2"]


async def test_what_a_person_typed_in_and_linked_is_in_the_package(world: FilingWorld) -> None:
    world.terms = LATER
    world.receive(relation(), sale(1))
    await world.run()
    world.connection.execute(
        "UPDATE posting SET state = 'adopted', due_at = NULL, package_number = 'V-77'"
        " WHERE document_id = 's-1' AND administration_id = %s",
        (world.key.administration,),
    )
    result = reconciled(world)
    assert result.differences == ()
    assert result.totals.directions[0].ours == Sum(1, Decimal("121.00"))
