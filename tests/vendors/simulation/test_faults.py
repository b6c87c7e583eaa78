"""Faults of every kind, as a client over a real socket meets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.vendors.simulation.driving import Control, Hands, Json, Office, open_office, serving, until

BOOK = "verkoopboekingen.POST"


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def office(clock: Hands) -> AsyncIterator[Office]:
    async with serving(clock=clock) as (_, control):
        yield await open_office(control)


async def sales(office: Office) -> list[str]:
    return [sale["number"] for sale in (await office.control.books(office.id))["sales"]]


async def until_under_way(control: Control, fault: str, calls: int = 1) -> None:
    """Wait until calls hang on the fault."""

    async def hangs() -> bool:
        return int((await control.ask("GET", f"faults/{fault}"))["hits"]) == calls

    await until(hangs)


async def test_cut_before_books_nothing_and_cut_after_books(office: Office) -> None:
    customer = await office.make_relation()
    await office.control.fault("cut_before", operation=BOOK)
    with pytest.raises(httpx.TransportError):
        await office.sell(office.sale(customer, "F1"))
    assert await sales(office) == []
    await office.control.fault("cut_after", operation="write", company=office.id)
    with pytest.raises(httpx.TransportError):
        await office.sell(office.sale(customer, "F1"))
    assert await sales(office) == ["F1"]
    calls = await office.control.log(company=office.id, operation=BOOK)
    assert [(call["status"], call["fault"]) for call in calls] == [(None, "fault-1"), (None, "fault-2")]


@pytest.mark.parametrize(
    ("kind", "more", "status", "booked"),
    [
        ("status", {}, 503, []),
        ("status", {"status": 500}, 500, []),
        ("status_after", {}, 502, ["F1"]),
        ("html", {}, 200, []),
        ("html_after", {"status": 502}, 502, ["F1"]),
        ("maintenance", {}, 503, []),
        ("rate_limit", {"retry_after": 7}, 429, []),
        ("token_revoked", {}, 401, []),
    ],
)
async def test_kinds_that_answer(
    office: Office, kind: str, more: Json, status: int, booked: list[str]
) -> None:
    customer = await office.make_relation()
    await office.control.fault(kind, operation="write", **more)
    answer = await office.sell(office.sale(customer, "F1"))
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == (str(more["retry_after"]) if "retry_after" in more else None)
    is_html = kind in {"html", "html_after", "maintenance"}
    assert answer.headers["Content-Type"].startswith("text/html" if is_html else "application/json")
    assert await sales(office) == booked


async def test_truncated_is_a_complete_answer_with_half_a_body(office: Office) -> None:
    customer = await office.make_relation()
    await office.control.fault("truncated", operation="write")
    answer = await office.sell(office.sale(customer, "F1"))
    assert answer.status_code == 201
    assert answer.text.startswith('{"factuurnummer":"F1"')
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert await sales(office) == ["F1"]


async def test_after_kinds_wait_for_a_call_that_took_effect(office: Office) -> None:
    customer = await office.make_relation()
    fault = await office.control.fault("status_after", operation=BOOK)
    assert (await office.sell(office.sale(customer, "x" * 26))).status_code == 400
    assert (await office.control.ask("GET", f"faults/{fault}"))["hits"] == 0
    assert (await office.sell(office.sale(customer))).status_code == 502


async def test_hang_until_cleared(office: Office) -> None:
    customer = await office.make_relation()
    fault = await office.control.fault("hang", operation="write")
    call = asyncio.create_task(office.sell(office.sale(customer, "F1")))
    await until_under_way(office.control, fault)
    assert await sales(office) == []
    await office.control.ask("DELETE", f"faults/{fault}")
    assert (await call).status_code == 201


async def test_hang_after_has_booked_while_it_hangs(office: Office) -> None:
    customer = await office.make_relation()
    fault = await office.control.fault("hang_after", operation="write")
    call = asyncio.create_task(office.sell(office.sale(customer, "F1")))
    await until_under_way(office.control, fault)
    assert await sales(office) == ["F1"]
    await office.control.ask("DELETE", "faults")
    assert (await call).status_code == 201


async def test_hang_seconds_ends_one_call(office: Office) -> None:
    await office.control.fault("hang", operation="read", hang_seconds=0.01)
    assert (await office.get("landen")).status_code == 200


@pytest.mark.parametrize("late", [False, True])
async def test_a_client_that_left_during_a_hang(office: Office, late: bool) -> None:
    customer = await office.make_relation()
    fault = await office.control.fault("hang", operation="write", late_commit=late)
    async with httpx.AsyncClient(verify=False) as hasty:
        call = asyncio.create_task(
            hasty.post(
                f"{office.company['urls']['api_url']}/verkoopboekingen",
                json=office.sale(customer, "F1"),
                headers=office.headers,
            )
        )
        await until_under_way(office.control, fault)
        call.cancel()
        await asyncio.wait([call])
    if late:
        assert (await office.sell(office.sale(customer, "F2"))).status_code == 201
        await office.control.ask("DELETE", "faults")

    async def has_ended() -> bool:
        return any(call["fault"] for call in await office.control.log(operation=BOOK))

    await until(has_ended)
    assert await sales(office) == (["F2", "F1"] if late else [])
    assert (await office.control.books(office.id))["overlapping_writes"]["count"] == 0


async def test_overlapping_writes_of_clients_that_are_both_there(office: Office) -> None:
    customer = await office.make_relation()
    fault = await office.control.fault("hang", operation="write")
    call = asyncio.create_task(office.sell(office.sale(customer, "F1")))
    await until_under_way(office.control, fault)
    assert (await office.sell(office.sale(customer, "F2"))).status_code == 201
    other = await open_office(office.control)
    await other.make_relation()
    await office.control.ask("DELETE", "faults")
    await call
    overlaps = (await office.control.books(office.id))["overlapping_writes"]
    assert overlaps["count"] == 1
    assert (overlaps["list"][0]["first"], overlaps["list"][0]["second"]) == (BOOK, BOOK)
    assert (await office.control.books(other.id))["overlapping_writes"]["count"] == 0
    assert [arrival["number"] for arrival in (await office.control.books(office.id))["arrivals"]] == [
        "10423",
        "F2",
        "F1",
    ]


async def test_count_company_and_operation_choose_the_calls(office: Office) -> None:
    other = await open_office(office.control)
    await office.control.fault("status", company=office.id, operation="landen.*", count=2)
    assert [(await other.get("landen")).status_code for _ in range(2)] == [200, 200]
    assert (await office.get("dagboeken")).status_code == 200
    assert [(await office.get("landen")).status_code for _ in range(3)] == [503, 503, 200]


async def test_duration_ends_by_the_clock(office: Office, clock: Hands) -> None:
    await office.control.fault("maintenance", duration=60)
    assert (await office.get("landen")).status_code == 503
    assert (await office.log_in()).status_code == 503
    clock.move(seconds=61)
    assert (await office.get("landen")).status_code == 200


async def test_ratio_is_the_same_for_the_same_seed() -> None:
    async def statuses(seed: int) -> list[int]:
        async with serving(seed=seed) as (_, control):
            office = await open_office(control)
            await control.fault("status", operation="read", ratio=0.3)
            return [(await office.get("landen")).status_code for _ in range(40)]

    first = await statuses(7)
    assert first == await statuses(7)
    assert first != await statuses(8)
    assert 3 <= first.count(503) <= 25


async def test_latency_of_the_server_and_of_a_fault(clock: Hands) -> None:
    async with serving(clock=clock, latency_ms=5) as (_, control):
        office = await open_office(control)
        await control.fault("latency", operation="landen.GET", latency_ms=20)
        await office.get("landen")
        await office.get("dagboeken")
        durations = {call["operation"]: call["duration_ms"] for call in await control.log(company=office.id)}
        assert durations["landen.GET"] >= 25
        assert durations["dagboeken.GET"] >= 5


async def test_too_many_calls_at_once_are_refused(office: Office) -> None:
    await office.settings(limits="ontwikkeling")
    fault = await office.control.fault("hang", operation="read", count=5)
    calls = [asyncio.create_task(office.get("landen")) for _ in range(5)]
    await until_under_way(office.control, fault, calls=5)
    assert (await office.get("dagboeken")).status_code == 429
    await office.control.ask("DELETE", "faults")
    assert [(await call).status_code for call in calls] == [200] * 5
    assert (await office.get("dagboeken")).status_code == 200


async def test_faults_are_listed_with_their_hits(office: Office) -> None:
    await office.control.fault("status", operation="read", count=2)
    await office.get("landen")
    [fault] = (await office.control.ask("GET", "faults"))["faults"]
    assert (fault["hits"], fault["active"]) == (1, True)
    await office.control.ask("DELETE", "faults/fault-99", status=404)
