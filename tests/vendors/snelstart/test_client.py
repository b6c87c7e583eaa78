"""SnelStart's API as it is spoken: headers, filters, pages, tokens that end, unreadable answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from pydantic import SecretStr

from schemas.outcome import Code
from tests.vendors.wire_server import Reaction, Received, WireServer, answer, cut, serving
from vendors.failure import NotSent, Refused, Scope, Uncertain
from vendors.pacing import Pacer
from vendors.snelstart.client import Endpoint, SnelStartClient
from vendors.snelstart.session import PAGE
from vendors.transport import Transport

ID = UUID("9e3d3f0a-4b0e-4a7c-8d1e-2f7d0f6a1b11")
OTHER = UUID("5830cec3-8929-4703-80b4-bd695402a7b0")
TOKEN = answer(200, {"access_token": "t1", "token_type": "bearer", "expires_in": 3599})


async def no_wait(_: float) -> None:
    return


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def client(wire: WireServer) -> AsyncIterator[SnelStartClient]:
    endpoint = Endpoint("abonnement", f"{wire.url}/v2/", f"{wire.url}/token")
    async with Transport(sleep=no_wait, timeout=timedelta(seconds=5)) as transport:
        yield SnelStartClient(transport, Pacer(sleep=no_wait), endpoint, SecretStr("sleutel"), lambda: 0.0)


def query(request: Received) -> dict[str, list[str]]:
    return parse_qs(request.target.partition("?")[2])


def relation_row(**more: object) -> dict[str, object]:
    return {"id": str(OTHER), "relatiecode": 7, "relatiesoort": ["Klant"], "naam": "O'Neill", **more}


async def test_every_call_carries_both_keys(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, answer(200, {"administratieIdentifier": str(ID), "kvKNummer": "12345678"}))
    company = await client.company_info()
    assert (company.administratie_identifier, company.kvk_nummer) == (ID, "12345678")
    request = wire.received[-1]
    assert request.target == "/v2/companyInfo"
    assert request.headers["authorization"] == "Bearer t1"
    assert request.headers["ocp-apim-subscription-key"] == "abonnement"
    assert request.headers["accept"] == "application/json"


async def test_a_filter_is_odata_3_with_capitals_and_quotes_doubled(
    client: SnelStartClient, wire: WireServer
) -> None:
    wire.will(TOKEN, answer(200, [relation_row(), relation_row(id=str(ID), naam="O'Neill & Zn")]))
    found = await client.relations_by_name("O'Neill")
    assert [row.id for row in found] == [OTHER]
    assert query(wire.received[-1])["$filter"] == ["Naam eq 'O''Neill'"]


async def test_a_filter_that_is_ignored_does_not_find_another(
    client: SnelStartClient, wire: WireServer
) -> None:
    wire.will(TOKEN, answer(200, [relation_row(relatiecode=7), relation_row(relatiecode=8, id=str(ID))]))
    assert [row.relatiecode for row in await client.relations_by_code(8)] == [8]
    assert query(wire.received[-1])["$filter"] == ["Relatiecode eq 8"]


def invoice_row(number: int) -> dict[str, object]:
    return {
        "id": str(UUID(int=number)),
        "factuurnummer": f"F{number}",
        "factuurBedrag": 10.1,
        "openstaandSaldo": 0,
        "modifiedOn": "2018-08-07T06:24:48.12",
    }


async def test_pages_are_read_until_one_is_not_full_and_no_row_comes_twice(
    client: SnelStartClient, wire: WireServer
) -> None:
    first = [invoice_row(number) for number in range(PAGE)]
    second = [invoice_row(number) for number in range(PAGE - 1, PAGE + 2)]
    wire.will(TOKEN, answer(200, first), answer(200, second))
    rows = [row async for row in client.sales_invoices(None)]
    assert [row.factuurnummer for row in rows] == [f"F{number}" for number in range(PAGE + 2)]
    assert [query(request)["$skip"] for request in wire.received[1:]] == [["0"], [str(PAGE)]]
    assert rows[0].factuur_bedrag == Decimal("10.10")
    assert rows[0].modified_on is not None
    assert rows[0].modified_on.microsecond == 120_000


async def test_a_list_that_ignores_skip_ends_all_the_same(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, answer(200, [invoice_row(number) for number in range(PAGE)]))
    assert len([row async for row in client.sales_invoices(None)]) == PAGE


async def test_an_active_relation_that_is_gone_is_none(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, answer(404, ""))
    assert await client.relation(ID) is None


async def test_a_relation_keeps_everything_that_snelstart_said_of_it(
    client: SnelStartClient, wire: WireServer
) -> None:
    wire.will(TOKEN, answer(200, b'{"id":"%s","kredietLimiet":1000.10,"x":[null]}' % str(ID).encode()))
    record = await client.relation(ID)
    assert record is not None
    assert record.body == {"id": str(ID), "kredietLimiet": Decimal("1000.10"), "x": [None]}


def booking(client: SnelStartClient) -> Callable[[], Awaitable[object]]:
    return lambda: client.create_sales_booking({"factuurbedrag": Decimal("1028.50")})


async def test_a_booking_is_posted_with_exact_numbers_and_gives_its_id(
    client: SnelStartClient, wire: WireServer
) -> None:
    wire.will(TOKEN, answer(201, {"id": str(ID), "factuurbedrag": 1028.5}))
    assert await booking(client)() == ID
    request = wire.received[-1]
    assert (request.method, request.target) == ("POST", "/v2/verkoopboekingen")
    assert request.body == b'{"factuurbedrag":1028.50}'
    assert request.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "reaction",
    [
        answer(201, ""),
        answer(201, "{}"),
        answer(201, {"id": "nee"}),
        answer(200, "<html>"),
        answer(204, ""),
        cut,
    ],
)
async def test_a_booking_whose_answer_has_no_id_is_uncertain(
    client: SnelStartClient, wire: WireServer, reaction: Reaction
) -> None:
    wire.will(TOKEN, reaction)
    with pytest.raises(Uncertain):
        await booking(client)()
    assert len(wire.received) == 2


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_booking_answered_by_5xx_is_uncertain_and_not_repeated(
    client: SnelStartClient, wire: WireServer, status: int
) -> None:
    wire.will(TOKEN, answer(status, "<html>"))
    with pytest.raises(Uncertain):
        await booking(client)()
    assert len(wire.received) == 2


async def test_a_token_that_ended_is_renewed_and_the_write_made_once_more(
    client: SnelStartClient, wire: WireServer
) -> None:
    second = answer(200, {"access_token": "t2", "expires_in": 3599})
    wire.will(TOKEN, answer(401, ""), second, answer(201, {"id": str(ID)}))
    assert await booking(client)() == ID
    assert [request.headers.get("authorization") for request in wire.received] == [
        None,
        "Bearer t1",
        None,
        "Bearer t2",
    ]


async def test_a_new_token_that_is_refused_as_well_ends_it(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, answer(401, ""), TOKEN, answer(401, ""))
    with pytest.raises(Refused) as caught:
        await booking(client)()
    assert (caught.value.code, caught.value.scope) == (Code.AUTH_EXPIRED, Scope.ADMINISTRATION)
    assert len(wire.received) == 4


async def test_a_refused_subscription_key_is_not_answered_with_a_new_token(
    client: SnelStartClient, wire: WireServer
) -> None:
    body = {"statusCode": 401, "message": "Access denied due to invalid subscription key."}
    wire.will(TOKEN, answer(401, body))
    with pytest.raises(Refused) as caught:
        await booking(client)()
    assert caught.value.code is Code.AUTH_REVOKED
    assert len(wire.received) == 2


async def test_a_spent_quota_pauses_the_connection(client: SnelStartClient, wire: WireServer) -> None:
    body = {"statusCode": 403, "message": "Out of call volume quota."}
    wire.will(TOKEN, answer(403, body, {"Retry-After": "1200"}))
    with pytest.raises(Refused):
        await booking(client)()
    with pytest.raises(NotSent) as caught:
        await booking(client)()
    assert caught.value.code is Code.RATE_LIMITED
    assert len(wire.received) == 2


UNREADABLE = {
    "html": "<html>Onderhoud</html>",
    "an object for a list": {"a": 1},
    "an amount in words": [invoice_row(1) | {"factuurBedrag": "veel"}],
    "a part of a cent": [invoice_row(1) | {"openstaandSaldo": 0.001}],
    "no amount": [{"id": str(ID), "factuurnummer": "F1"}],
    "an id that is none": [invoice_row(1) | {"id": "1"}],
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_list_that_cannot_be_read_is_unavailable(
    client: SnelStartClient, wire: WireServer, body: object
) -> None:
    wire.will(TOKEN, answer(200, body))
    with pytest.raises(NotSent) as caught:
        _ = [row async for row in client.sales_invoices(None)]
    assert caught.value.code is Code.UNAVAILABLE


async def test_amounts_may_be_numbers_or_text(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, answer(200, [invoice_row(1) | {"factuurBedrag": "121.00", "openstaandSaldo": 1e2}]))
    (row,) = [row async for row in client.sales_invoices(None)]
    assert (row.factuur_bedrag, row.openstaand_saldo) == (Decimal("121.00"), Decimal("100.00"))


async def test_an_attachment_is_posted_under_its_booking(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, answer(201, {"id": str(OTHER)}))
    await client.add_attachment("Verkoopboekingen", ID, "F1.pdf", b"%PDF")
    request = wire.received[-1]
    assert request.target == "/v2/documenten/Verkoopboekingen"
    assert json.loads(request.body) == {
        "parentIdentifier": str(ID),
        "fileName": "F1.pdf",
        "content": "JVBERg==",
        "readOnly": False,
    }


async def test_no_failure_shows_a_key(client: SnelStartClient, wire: WireServer) -> None:
    wire.will(TOKEN, cut)
    with pytest.raises(Uncertain) as caught:
        await booking(client)()
    shown = repr(caught.value) + str(caught.value) + str(vars(caught.value))
    for secret in ("sleutel", "abonnement", "t1"):
        assert secret not in shown
