"""What every readback must do; a package's test subclasses `SourceConformance`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import ClassVar

import pytest

from schemas.outcome import Code, Package
from sources.contract import InvoiceObservation, Pull
from tests.conformance.opening import Bench, opened, purchase, sale
from vendors.failure import NotSent, Refused


class SourceConformance:
    """The contract of `sources.contract.Source`, over the simulator, with what the package's sink booked."""

    package: ClassVar[Package]
    company: ClassVar[Mapping[str, object]] = {}
    mapping: ClassVar[Mapping[str, object]] = {}

    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with opened(self.package, self.company, self.mapping) as bench:
            yield bench

    async def test_a_sweep_is_complete_and_names_what_the_sink_booked(self, bench: Bench) -> None:
        ids = [await bench.book(sale(number)) for number in ("1", "2", "3")]
        await bench.book(purchase("9"))
        sweep = await bench.source.sweep()
        assert sweep.complete
        seen = shown(sweep)
        assert set(seen) == set(ids), "sales invoices only, each once"
        for one in seen.values():
            assert (one.gross, one.open) == (Decimal("121.00"), Decimal("121.00"))
            assert isinstance(one.gross, Decimal)
            assert isinstance(one.open, Decimal)
        assert {one.number for one in seen.values()} == {"1", "2", "3"}

    async def test_a_payment_a_part_and_a_reversal_are_seen(self, bench: Bench) -> None:
        booking = await bench.book(sale("1"))
        part = await bench.order("payments", number="1", amount="21.00")
        assert await open_of(bench, booking) == Decimal("100.00")
        rest = await bench.order("payments", number="1")
        assert await open_of(bench, booking) == 0
        await bench.order("payments", reverse=rest["payment"])
        assert await open_of(bench, booking) == Decimal("100.00")
        await bench.order("payments", reverse=part["payment"])
        assert await open_of(bench, booking) == Decimal("121.00")
        await bench.order("payments", number="1", amount="130.00")
        assert await open_of(bench, booking) == Decimal("-9.00"), "more can be paid than was asked"

    async def test_a_credit_is_negative(self, bench: Bench) -> None:
        booking = await bench.book(sale("1", "-100.00", kind="los"))
        observed = shown(await bench.source.sweep())[booking]
        assert (observed.gross, observed.open) == (Decimal("-121.00"), Decimal("-121.00"))

    async def test_one_invoice_is_as_the_sweep_shows_it(self, bench: Bench) -> None:
        booking = await bench.book(sale("1"))
        await bench.order("payments", number="1", amount="0.07")
        assert await bench.source.invoice(booking) == shown(await bench.source.sweep())[booking]

    async def test_an_invoice_that_is_gone_is_none(self, bench: Bench) -> None:
        booking = await bench.book(sale("1"))
        await bench.order("reset")
        assert await bench.source.invoice(booking) is None
        assert (await bench.source.sweep()).observations == ()

    async def test_pulling_from_the_beginning_misses_nothing(self, bench: Bench) -> None:
        booking = await bench.book(sale("1"))
        assert booking in shown(await bench.source.pull(None))

    async def test_a_pull_goes_on_from_its_cursor_with_overlap(self, bench: Bench) -> None:
        await bench.book(sale("1"))
        first = await bench.source.pull(None)
        assert first.cursor is not None
        cursor = json.loads(json.dumps(dict(first.cursor)))
        assert all(isinstance(value, str) for value in cursor.values())
        later = await bench.book(sale("2"))
        second = await bench.source.pull(cursor)
        assert later in shown(second)
        again = await bench.source.pull(second.cursor or cursor)
        assert not second.complete or later in shown(again)

    async def test_an_empty_company_is_read_without_a_word(self, bench: Bench) -> None:
        assert (await bench.source.pull(None)).observations == ()
        sweep = await bench.source.sweep()
        assert (sweep.observations, sweep.complete) == ((), True)

    @pytest.mark.parametrize("kind", ["status", "html", "cut_before", "truncated"])
    async def test_a_reading_that_fails_is_never_taken_for_an_empty_one(
        self, bench: Bench, kind: str
    ) -> None:
        await bench.book(sale("1"))
        await bench.fault(kind, "read", count=100)
        with pytest.raises(NotSent) as failed:
            await bench.source.sweep()
        assert failed.value.code is Code.UNAVAILABLE

    async def test_a_right_that_is_missing_is_refused(self, bench: Bench) -> None:
        await bench.fault("status", "read", status=403, count=100)
        with pytest.raises((Refused, NotSent)):
            await bench.source.sweep()

    async def test_nothing_is_written(self, bench: Bench) -> None:
        booking = await bench.book(sale("1"))
        before = await bench.writes()
        await bench.source.pull(None)
        await bench.source.sweep()
        await bench.source.invoice(booking)
        assert await bench.writes() == before


def shown(pull: Pull) -> dict[str, InvoiceObservation]:
    """By the package's id; each at most once."""
    found = {one.invoice_id: one for one in pull.observations}
    assert len(found) == len(pull.observations)
    return found


async def open_of(bench: Bench, booking: str) -> Decimal:
    return shown(await bench.source.sweep())[booking].open
