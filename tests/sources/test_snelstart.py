"""Reading back from SnelStart's simulator: what is open, what moved, and what is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import pytest

from schemas.outcome import Code
from schemas.payment import SettledBy
from schemas.relation import Role
from sources.contract import InvoiceObservation
from tests.sinks.snelstart_samples import Line, invoice, relation
from tests.sinks.snelstart_world import World, snelstart
from vendors.failure import Refused


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with snelstart() as world:
        yield world


async def book(world: World, number: str, net: str = "100.00") -> str:
    sink = world.sink()
    klant = (await sink.upsert_relation(relation(), Role.DEBTOR, None)).reference
    booked = await sink.book(invoice(Line(net), number=number, id=number), relation(), klant)
    assert booked.id is not None
    return booked.id


async def seen(world: World, invoice_id: str) -> InvoiceObservation:
    found = await world.source.invoice(invoice_id)
    assert found is not None
    return found


async def test_the_first_pull_is_everything_and_its_cursor_moves_on(world: World) -> None:
    ids = {await book(world, f"F{index}") for index in range(3)}
    first = await world.source.pull(None)
    assert first.complete
    assert {row.invoice_id for row in first.observations} == ids
    assert first.cursor is not None
    later = await world.source.pull(first.cursor)
    assert not later.complete
    assert later.cursor == first.cursor
    assert {row.invoice_id for row in later.observations} == ids


async def test_nothing_booked_is_nothing_seen_and_no_cursor(world: World) -> None:
    pull = await world.source.pull(None)
    assert (pull.observations, pull.complete, pull.cursor) == ((), True, None)


async def test_an_open_invoice_is_open_for_all_of_it(world: World) -> None:
    row = await seen(world, await book(world, "F1"))
    assert (row.number, row.gross, row.open, row.settled_by) == (
        "F1",
        Decimal("121.00"),
        Decimal("121.00"),
        None,
    )


async def test_a_partial_payment_a_full_one_and_its_reversal(world: World) -> None:
    booked = await book(world, "F1")
    await world.order("payments", number="F1", amount="21.00")
    part = await seen(world, booked)
    assert (part.open, part.settled_by) == (Decimal("100.00"), SettledBy.UNKNOWN)
    rest = await world.order("payments", number="F1", amount="rest")
    assert (await seen(world, booked)).open == 0
    await world.order("payments", reverse=rest["payment"])
    assert (await seen(world, booked)).open == Decimal("100.00")


async def test_paid_too_much_shows_as_an_open_amount_of_the_other_sign(world: World) -> None:
    booked = await book(world, "F1")
    await world.order("payments", number="F1", amount="130.00")
    assert (await seen(world, booked)).open == Decimal("-9.00")


async def test_a_credit_is_negative(world: World) -> None:
    row = await seen(world, await book(world, "C1", "-100.00"))
    assert (row.gross, row.open) == (Decimal("-121.00"), Decimal("-121.00"))


async def test_the_sweep_sees_a_payment_that_did_not_touch_modified_on(world: World) -> None:
    booked = await book(world, "F1")
    await world.order("settings", settings={"payment_bumps_modified_on": False})
    await world.order("payments", number="F1", amount="rest")
    sweep = await world.source.sweep()
    assert sweep.complete
    assert {row.invoice_id: row.open for row in sweep.observations} == {booked: Decimal("0.00")}


async def test_a_booking_that_does_not_exist_is_none(world: World) -> None:
    assert await world.source.invoice(str(UUID(int=9))) is None


async def test_reading_invoices_needs_a_right_of_its_own(world: World) -> None:
    await world.order("settings", settings={"scopes": ["boekhouden:read"]})
    with pytest.raises(Refused) as caught:
        await world.source.sweep()
    assert caught.value.code is Code.MODULE_MISSING
