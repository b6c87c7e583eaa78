"""One token, fetched once, renewed early; a refused koppelsleutel is not offered again by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from schemas.outcome import Code
from tests.vendors.wire_server import WireServer, answer, cut, serving
from vendors.failure import NotSent, Refused, Scope
from vendors.snelstart.auth import TokenSource
from vendors.transport import Transport

KOPPELSLEUTEL = "ab+/c=="


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def no_wait(_: float) -> None:
    return


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def tokens(wire: WireServer, time: Time) -> AsyncIterator[TokenSource]:
    async with Transport(sleep=no_wait) as transport:
        yield TokenSource(transport, f"{wire.url}/b2b/token", SecretStr(KOPPELSLEUTEL), time)


def token(value: str = "t1", seconds: object = 3599) -> object:
    return {"access_token": value, "token_type": "bearer", "expires_in": seconds}


async def test_the_koppelsleutel_is_sent_urlencoded_and_nothing_else(
    tokens: TokenSource, wire: WireServer
) -> None:
    wire.will(answer(200, token()))
    assert await tokens.token() == "t1"
    (request,) = wire.received
    assert (request.method, request.path) == ("POST", "/b2b/token")
    assert request.body == b"grant_type=clientkey&clientkey=ab%2B%2Fc%3D%3D"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "ocp-apim-subscription-key" not in request.headers


async def test_it_is_kept_until_a_minute_before_its_end(
    tokens: TokenSource, wire: WireServer, time: Time
) -> None:
    wire.will(answer(200, token("t1")), answer(200, token("t2")))
    await tokens.token()
    time.now = 3_538
    assert await tokens.token() == "t1"
    time.now = 3_539
    assert await tokens.token() == "t2"


async def test_many_callers_make_one_call(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(answer(200, token("t1")), answer(200, token("t2")))
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"t1"}
    assert len(wire.received) == 1


async def test_dropping_an_old_token_keeps_the_new_one(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(answer(200, token("t1")), answer(200, token("t2")))
    old = await tokens.token()
    tokens.drop(old)
    assert await tokens.token() == "t2"
    tokens.drop(old)
    assert await tokens.token() == "t2"
    assert len(wire.received) == 2


REFUSED = {"error": f"Parameter clientkey does not contain a valid value {KOPPELSLEUTEL}"}


@pytest.mark.parametrize("reaction", [answer(400, REFUSED), answer(401, REFUSED), answer(401, "")])
async def test_a_refused_koppelsleutel_is_revoked_access_and_is_not_offered_again(
    tokens: TokenSource, wire: WireServer, reaction: object
) -> None:
    wire.will(reaction)  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            await tokens.token()
        assert (caught.value.code, caught.value.scope) == (Code.AUTH_REVOKED, Scope.ADMINISTRATION)
        assert KOPPELSLEUTEL not in str(caught.value)
    assert len(wire.received) == 1


async def test_a_probe_may_offer_it_once_more(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(answer(400, REFUSED), answer(200, token("t2")))
    with pytest.raises(Refused):
        await tokens.token()
    tokens.retry_refused()
    assert await tokens.token() == "t2"


@pytest.mark.parametrize(
    "reaction",
    [
        cut,
        answer(503, "onderhoud"),
        answer(400, "<html>"),
        answer(404, ""),
        answer(200, "<html>"),
        answer(200, {"expires_in": 3599}),
        answer(200, {"access_token": "", "expires_in": 3599}),
        answer(200, {"access_token": "a\r\nb", "expires_in": 3599}),
        answer(200, {"access_token": "abc"}),
        answer(200, {"access_token": "abc", "expires_in": True}),
        answer(200, ["abc"]),
    ],
)
async def test_a_token_endpoint_that_is_out_of_order_is_not_the_customers_fault(
    tokens: TokenSource, wire: WireServer, reaction: object
) -> None:
    wire.will(reaction)  # type: ignore[arg-type]
    with pytest.raises(NotSent) as caught:
        await tokens.token()
    assert (caught.value.code, caught.value.scope) == (Code.UNAVAILABLE, Scope.ADMINISTRATION)
    wire.will(answer(200, token("later")))
    assert await tokens.token() == "later"


async def test_a_busy_token_endpoint_is_a_rate_limit(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(answer(429, "", {"Retry-After": "5"}))
    with pytest.raises(NotSent) as caught:
        await tokens.token()
    assert caught.value.code is Code.RATE_LIMITED


async def test_a_lifetime_may_be_text_and_short(tokens: TokenSource, wire: WireServer, time: Time) -> None:
    wire.will(answer(200, token("t1", "30")), answer(200, token("t2")))
    assert await tokens.token() == "t1"
    time.now = 2
    assert await tokens.token() == "t2"
