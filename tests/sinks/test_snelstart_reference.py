"""SnelStart's lists are kept for an hour, and read again when something is missing from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from schemas.outcome import Code
from schemas.relation import Role
from sinks.snelstart import SnelStartMapping, SnelStartSink
from sinks.snelstart_reference import HOUR, MINUTE
from tests.sinks.snelstart_samples import Line, books, id_of, invoice, relation
from tests.sinks.snelstart_world import World, snelstart
from vendors.failure import Refused


class Time:
    now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with snelstart() as world:
        yield world


async def lists_read(world: World) -> int:
    log = (await world.control.get("/log")).json()["calls"]
    return sum(call["operation"] == "grootboeken.GET" for call in log)


async def test_what_the_bookkeeper_adds_is_found_a_minute_later(world: World) -> None:
    time = Time()
    sink = SnelStartSink(world.client, SnelStartMapping(), time)
    klant = (await sink.upsert_relation(relation(), Role.DEBTOR, None)).reference
    document = invoice(Line("1.00", more={"cost_centre": "77"}))
    with pytest.raises(Refused):
        await sink.book(document, relation(), klant)
    await world.client.create_cost_centre(77, "Nieuw")
    time.now += MINUTE - 1
    with pytest.raises(Refused) as caught:
        await sink.book(document, relation(), klant)
    assert caught.value.code is Code.NOT_FOUND_COST_CENTRE
    assert await lists_read(world) == 1
    time.now += 1
    await sink.book(document, relation(), klant)
    assert await lists_read(world) == 2


async def test_the_lists_are_read_once_an_hour(world: World) -> None:
    time = Time()
    sink = SnelStartSink(world.client, SnelStartMapping(), time)
    klant = (await sink.upsert_relation(relation(), Role.DEBTOR, None)).reference
    for index in range(3):
        await sink.book(invoice(Line("1.00"), number=f"F{index}", id=f"{index}"), relation(), klant)
    assert await lists_read(world) == 1
    time.now += HOUR
    await sink.book(invoice(Line("1.00"), number="F9", id="9"), relation(), klant)
    assert await lists_read(world) == 2


@pytest.mark.parametrize("text", ["NL", "nl", "NLD", "Nederland", " nederland "])
def test_a_country_is_known_by_its_codes_and_its_name(text: str) -> None:
    assert books().country(text) == id_of("NL")


def test_a_country_that_is_not_there_is_none() -> None:
    assert books().country("Atlantis") is None


@pytest.mark.parametrize(
    ("rate", "day", "soort"),
    [("6", "2018-12-31", "Laag"), ("9", "2019-01-01", "Laag"), ("21", "2026-01-01", "Hoog")],
)
def test_a_rate_has_its_name_on_its_days(rate: str, day: str, soort: str) -> None:
    assert books().vat_soort(Decimal(rate), date.fromisoformat(day), "$") == soort


@pytest.mark.parametrize(("rate", "day"), [("6", "2019-01-01"), ("9", "2018-12-31"), ("19", "2026-01-01")])
def test_a_rate_outside_its_days_is_not_found(rate: str, day: str) -> None:
    with pytest.raises(Refused) as caught:
        books().vat_soort(Decimal(rate), date.fromisoformat(day), "$.x")
    assert (caught.value.code, caught.value.field) == (Code.NOT_FOUND_VAT, "$.x")


@pytest.mark.parametrize("number", ["", "8.000", "-8000", "²", "800000"])
def test_what_is_no_account_number_is_not_found(number: str) -> None:
    with pytest.raises(Refused) as caught:
        books().account(number, "$.x")
    assert caught.value.code is Code.NOT_FOUND_LEDGER_ACCOUNT
