"""Reading back from Twinfield's simulator: what is open, what moved, and what only looks like an invoice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import cast

import pytest

from schemas.outcome import Package
from schemas.payment import SettledBy
from sources.contract import InvoiceObservation, Pull
from sources.twinfield import TwinfieldSource
from tests.conformance.opening import Bench, opened, purchase, sale
from tests.conformance.test_twinfield import COMPANY


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with opened(Package.TWINFIELD, COMPANY) as bench:
        yield bench


def shown(pull: Pull) -> dict[str, InvoiceObservation]:
    return {one.number: one for one in pull.observations}


async def test_a_payment_has_its_date_and_no_manner(bench: Bench) -> None:
    await bench.book(sale("1"))
    open_ = shown(await bench.source.sweep())["1"]
    assert (open_.settled_by, open_.last_payment_date) == (None, None)
    await bench.order("payments", number="1", amount="21.00", date="2026-04-02")
    part = shown(await bench.source.sweep())["1"]
    assert (part.open, part.settled_by) == (Decimal("100.00"), SettledBy.UNKNOWN)
    assert part.last_payment_date == date(2026, 4, 2)


async def test_receipts_and_purchases_are_no_sales_invoices(bench: Bench) -> None:
    await bench.book(sale("1"))
    await bench.book(purchase("1"))
    await bench.order("payments", number="1", amount="21.00")
    (row,) = (await bench.source.sweep()).observations
    assert row.gross == Decimal("121.00")


async def test_a_payment_that_is_only_proposed_has_not_been_made(bench: Bench) -> None:
    booking = await bench.book(sale("1"))
    await bench.order("settings", settings={"proposed_invoices": ["1"]})
    assert shown(await bench.source.sweep())["1"].open == Decimal("121.00")
    one = await bench.source.invoice(booking)
    assert one is not None
    assert one.open == Decimal("121.00")


async def test_a_pull_shows_what_moved_and_the_sweep_also_what_did_not_say_so(bench: Bench) -> None:
    await bench.book(sale("1"))
    first = await bench.source.pull(None)
    await bench.order("payments", number="1", amount="rest")
    moved = await bench.source.pull(first.cursor)
    assert not moved.complete
    assert shown(moved)["1"].open == 0
    await bench.order("settings", settings={"match_touches_modified": False})
    await bench.book(sale("2"))
    await bench.order("payments", number="2", amount="rest")
    assert shown(await bench.source.sweep())["2"].open == 0


async def test_a_journal_of_the_bookkeepers_own_is_read_too(bench: Bench) -> None:
    await bench.book(sale("1"))
    sink = cast(TwinfieldSource, bench.source)
    other = TwinfieldSource(sink._client, (), None)
    assert set(shown(await other.sweep())) == {"1"}


@pytest.mark.parametrize(
    ("from_year", "today", "years"),
    [
        (2026, date(2026, 11, 25), {"1"}),
        (2025, date(2026, 11, 25), {"0", "1"}),
        (None, date(2026, 11, 25), {"0", "1"}),
        (None, date(2029, 1, 2), set()),
    ],
)
async def test_years_are_read_from_the_first_to_the_next(
    bench: Bench, from_year: int | None, today: date, years: set[str]
) -> None:
    await bench.book(sale("0", issue_date="2025-12-31", due_date="2026-01-31"))
    await bench.book(sale("1", issue_date="2026-01-01", due_date="2026-01-31"))
    client = cast(TwinfieldSource, bench.source)._client
    source = TwinfieldSource(client, (), from_year, lambda: today)
    assert set(shown(await source.sweep())) == years


async def test_the_cursor_is_the_vendors_own_and_goes_back_a_day(bench: Bench) -> None:
    await bench.book(sale("1"))
    first = await bench.source.pull(None)
    assert first.cursor is not None
    assert len(first.cursor["modified"]) == 14
    again = await bench.source.pull(first.cursor)
    assert again.cursor == first.cursor
    assert set(shown(again)) == {"1"}
    later = await bench.source.pull({"modified": "20991231000000"})
    assert (later.observations, later.cursor) == ((), {"modified": "20991231000000"})
