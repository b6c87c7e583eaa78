"""From refresh token to grant: once, early, at the right cluster, and no secret in any message."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from schemas.outcome import Code, WhoActs
from tests.vendors.wire_server import WireServer, answer, cut
from vendors.failure import NotSent, Refused, Scope
from vendors.transport import Transport
from vendors.twinfield.auth import App, TokenSource
from vendors.twinfield.consent import code_from, consent_url, refresh_token_for

REFRESH = "9f2c1e-geheim"
CLUSTER = "https://api.accounting.twinfield.com"


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
async def transport() -> AsyncIterator[Transport]:
    async with Transport(sleep=no_wait) as transport:
        yield transport


def app(wire: WireServer) -> App:
    return App("enk-sink", SecretStr("s3cret"), wire.url)


@pytest.fixture
def tokens(wire: WireServer, transport: Transport, time: Time) -> TokenSource:
    return TokenSource(transport, app(wire), SecretStr(REFRESH), time)


def token(value: str = "t1", **more: object) -> Any:
    body = {
        "access_token": value,
        "expires_in": 3600,
        "token_type": "Bearer",
        "refresh_token": REFRESH,
        **more,
    }
    return answer(200, body)


def claims(**more: object) -> Any:
    known = {
        "twf.organisationUserCode": "ENKAPI",
        "twf.organisationCode": "INSTALBV",
        "twf.organisationId": "5f0d1c9a-1111-4222-8333-abcdefabcdef",
        "twf.clusterUrl": CLUSTER + "/",
    }
    return answer(200, {name: value for name, value in (known | more).items() if value is not None})


async def test_a_grant_is_a_token_its_cluster_and_whose_it_is(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(token(), claims())
    grant = await tokens.grant()
    assert (grant.token, grant.cluster) == ("t1", CLUSTER)
    assert (grant.organisation.code, grant.organisation.user) == ("INSTALBV", "ENKAPI")
    asked, validated = wire.received
    assert (asked.method, asked.path) == ("POST", "/auth/authentication/connect/token")
    assert parse_qs(asked.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": [REFRESH]}
    basic = "Basic " + base64.b64encode(b"enk-sink:s3cret").decode()
    assert asked.headers["authorization"] == basic
    assert validated.target == "/auth/authentication/connect/accesstokenvalidation?token=t1"


async def test_it_is_kept_until_a_minute_before_its_end(
    tokens: TokenSource, wire: WireServer, time: Time
) -> None:
    wire.will(token("t1"), claims(), token("t2"), claims())
    await tokens.grant()
    time.now = 3_539
    assert (await tokens.grant()).token == "t1"
    time.now = 3_540
    assert (await tokens.grant()).token == "t2"


async def test_many_callers_make_one_call(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(token(), claims())
    grants = await asyncio.gather(*(tokens.grant() for _ in range(20)))
    assert {grant.token for grant in grants} == {"t1"}
    assert len(wire.received) == 2


async def test_dropping_an_old_grant_keeps_the_new_one(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(token("t1"), claims(), token("t2"), claims())
    old = await tokens.grant()
    tokens.drop(old)
    assert (await tokens.grant()).token == "t2"
    tokens.drop(old)
    assert (await tokens.grant()).token == "t2"


async def test_a_cluster_that_is_left_out_is_the_last_one_known(
    tokens: TokenSource, wire: WireServer
) -> None:
    wire.will(token("t1"), claims(), token("t2"), claims(**{"twf.clusterUrl": None}))
    tokens.drop(await tokens.grant())
    grant = await tokens.grant()
    assert (grant.token, grant.cluster) == ("t2", CLUSTER)


async def test_a_cluster_that_was_never_told_is_asked_for_again(
    tokens: TokenSource, wire: WireServer
) -> None:
    silent = claims(**{"twf.clusterUrl": None})
    wire.will(token(), silent, claims())
    assert (await tokens.grant()).cluster == CLUSTER
    assert len(wire.received) == 3


async def test_without_any_cluster_nothing_is_called(tokens: TokenSource, wire: WireServer) -> None:
    wire.will(token(), claims(**{"twf.clusterUrl": ""}))
    with pytest.raises(NotSent) as caught:
        await tokens.grant()
    assert (caught.value.code, caught.value.scope) == (Code.UNAVAILABLE, Scope.ADMINISTRATION)


async def test_a_new_refresh_token_is_stored_before_its_access_token_is_used(
    wire: WireServer, transport: Transport, time: Time
) -> None:
    kept: list[tuple[str, int]] = []

    async def keep(secret: SecretStr) -> None:
        kept.append((secret.get_secret_value(), len(wire.received)))

    tokens = TokenSource(transport, app(wire), SecretStr(REFRESH), time, keep=keep)
    wire.will(token("t1", refresh_token="nieuw"), claims(), token("t2", refresh_token="nieuw"), claims())
    tokens.drop(await tokens.grant())
    await tokens.grant()
    assert kept == [("nieuw", 1)]
    assert b"refresh_token=nieuw" in wire.received[2].body


@pytest.mark.parametrize(
    ("status", "error", "who_acts"),
    [
        (400, "invalid_grant", None),
        (400, "invalid_client", WhoActs.PLATFORM),
        (401, "invalid_client", WhoActs.PLATFORM),
    ],
)
async def test_a_refusal_is_revoked_access_and_is_not_offered_again(
    tokens: TokenSource, wire: WireServer, status: int, error: str, who_acts: WhoActs | None
) -> None:
    wire.will(answer(status, {"error": error, "error_description": f"no {REFRESH}"}), token(), claims())
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            await tokens.grant()
        assert (caught.value.code, caught.value.scope) == (Code.AUTH_REVOKED, Scope.ADMINISTRATION)
        assert caught.value.values.get("who_acts") == who_acts
        assert REFRESH not in str(caught.value)
    assert len(wire.received) == 1
    tokens.retry_refused()
    assert (await tokens.grant()).token == "t1"


@pytest.mark.parametrize(
    "reaction",
    [
        answer(200, "geen json"),
        answer(200, {"expires_in": 3600}),
        answer(200, {"access_token": "t"}),
        answer(200, {"access_token": "t\nx", "expires_in": 3600}),
        answer(400, {"error": "invalid_request"}),
        answer(503, "onderhoud"),
        answer(429, "", {"Retry-After": "7"}),
        cut,
    ],
)
async def test_no_usable_answer_is_no_refusal(tokens: TokenSource, wire: WireServer, reaction: Any) -> None:
    wire.will(reaction)
    with pytest.raises(NotSent) as caught:
        await tokens.grant()
    assert caught.value.scope is Scope.ADMINISTRATION


@pytest.mark.parametrize("reaction", [answer(400, {"Message": "invalid t1"}), answer(200, "<html/>"), cut])
async def test_a_validation_that_fails_is_no_refusal_and_names_no_token(
    tokens: TokenSource, wire: WireServer, reaction: Any
) -> None:
    wire.will(token(), reaction)
    with pytest.raises(NotSent) as caught:
        await tokens.grant()
    assert "t1" not in str(caught.value.vendor_message)


# --- consent ---


def test_the_address_to_consent_at(wire: WireServer) -> None:
    url = consent_url(app(wire), "http://127.0.0.1:8400/terug", "st", "no")
    assert url.startswith(f"{wire.url}/auth/authentication/connect/authorize?client_id=enk-sink&")
    assert "scope=openid+twf.user+twf.organisation+twf.organisationUser+offline_access" in url
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fterug" in url
    assert "nonce=no" in url
    assert "s3cret" not in url


def test_the_code_is_in_the_address_that_the_browser_came_back_to() -> None:
    assert code_from("http://127.0.0.1:8400/terug?code=c1&state=st", "st") == "c1"
    for wrong in ("http://x/?code=c1&state=other", "http://x/?state=st", "geen adres", ""):
        with pytest.raises(Refused) as caught:
            code_from(wrong, "st")
        assert caught.value.code is Code.BAD_FORMAT
    with pytest.raises(Refused) as caught:
        code_from("http://x/?error=access_denied&state=st", "st")
    assert caught.value.code is Code.AUTH_REVOKED


async def test_a_code_buys_a_refresh_token(wire: WireServer, transport: Transport) -> None:
    wire.will(token(refresh_token="rt"))
    bought = await refresh_token_for(transport, app(wire), "c1", "http://x/terug")
    assert bought.get_secret_value() == "rt"
    wire.will(token(refresh_token=None))
    with pytest.raises(Refused):
        await refresh_token_for(transport, app(wire), "c1", "http://x/terug")
