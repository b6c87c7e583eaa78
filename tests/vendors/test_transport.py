"""What a request may have done is decided in the transport; here a real socket cuts, hangs and lies."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from schemas.outcome import Code
from telemetry import tracing
from tests.vendors.wire_server import WireServer, answer, cut, hang, serving
from vendors.answer import Call
from vendors.failure import Failure, NotSent, Refused, Scope, Uncertain
from vendors.pacing import Pacer
from vendors.transport import READ_ATTEMPTS, Transport

HEADERS = {"Accept": "application/json"}


class Waits:
    """Records instead of sleeping."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    async with serving() as server:
        yield server


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def transport(waits: Waits) -> AsyncIterator[Transport]:
    async with Transport(sleep=waits) as transport:
        yield transport


async def read(transport: Transport, wire: WireServer) -> bytes:
    return (await transport.read("lezen", "GET", wire.url + "/x", headers=HEADERS)).body


async def write(transport: Transport, url: str, method: str = "POST") -> bytes:
    return (await transport.write("schrijven", method, url + "/x", headers=HEADERS, content=b"{}")).body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    "reaction", [cut, answer(500), answer(503), answer(408), answer(200, "half", announce=99)]
)
async def test_a_read_that_failed_in_passing_is_tried_again(
    transport: Transport, wire: WireServer, waits: Waits, reaction: object
) -> None:
    wire.will(reaction, reaction, answer(200, "ok"))  # type: ignore[arg-type]
    assert await read(transport, wire) == b"ok"
    assert len(wire.received) == 3
    assert len(waits.seconds) == 2


async def test_a_read_gives_up_after_its_attempts(transport: Transport, wire: WireServer) -> None:
    wire.will(cut)
    with pytest.raises(NotSent) as caught:
        await read(transport, wire)
    assert caught.value.code is Code.UNAVAILABLE
    assert caught.value.scope is Scope.ADMINISTRATION
    assert len(wire.received) == READ_ATTEMPTS


async def test_the_last_5xx_of_a_read_is_handed_over(transport: Transport, wire: WireServer) -> None:
    wire.will(answer(500, "kapot"))
    got = await transport.read("lezen", "GET", wire.url, headers=HEADERS)
    assert (got.status, got.body, len(wire.received)) == (500, b"kapot", READ_ATTEMPTS)


async def test_429_is_not_repeated_and_says_how_long(transport: Transport, wire: WireServer) -> None:
    wire.will(answer(429, "rustig", {"Retry-After": "17"}))
    with pytest.raises(Refused) as caught:
        await read(transport, wire)
    assert caught.value.code is Code.RATE_LIMITED
    assert caught.value.retry_after == timedelta(seconds=17)
    assert len(wire.received) == 1


async def test_retry_after_may_be_a_date(transport: Transport, wire: WireServer) -> None:
    dates = {"Date": "Wed, 25 Nov 2026 10:00:00 GMT", "Retry-After": "Wed, 25 Nov 2026 10:01:30 GMT"}
    wire.will(answer(429, "", dates))
    with pytest.raises(Refused) as caught:
        await write(transport, wire.url)
    assert caught.value.retry_after == timedelta(seconds=90)


@pytest.mark.parametrize("text", ["", "binnenkort", "-3", "Wed, 99 Nov", "²"])
async def test_a_retry_after_that_says_nothing_is_none(
    transport: Transport, wire: WireServer, text: str
) -> None:
    wire.will(answer(429, "", {"Retry-After": text}))
    with pytest.raises(Refused) as caught:
        await write(transport, wire.url)
    assert caught.value.retry_after is None


async def test_a_pause_asked_for_holds_the_connection(waits: Waits, wire: WireServer) -> None:
    now = 100.0
    pacer = Pacer(clock=lambda: now, sleep=waits)
    async with Transport(sleep=waits) as transport:
        wire.will(answer(429, "", {"Retry-After": "60"}))
        with pytest.raises(Refused):
            await transport.write("w", "POST", wire.url, headers=HEADERS, content=b"{}", pacer=pacer)
        with pytest.raises(NotSent) as caught:
            await transport.write("w", "POST", wire.url, headers=HEADERS, content=b"{}", pacer=pacer)
    assert caught.value.code is Code.RATE_LIMITED
    assert len(wire.received) == 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    "reaction", [cut, answer(201, "{", announce=50)], ids=["cut after sending", "cut in the answer"]
)
async def test_a_write_without_a_whole_answer_is_uncertain_and_not_repeated(
    transport: Transport, wire: WireServer, reaction: object, method: str
) -> None:
    wire.will(reaction)  # type: ignore[arg-type]
    with pytest.raises(Uncertain) as caught:
        await write(transport, wire.url, method)
    assert caught.value.code is Code.TIMEOUT_UNCERTAIN
    assert len(wire.received) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_on_a_kept_connection_that_is_cut_is_not_repeated_either(
    transport: Transport, wire: WireServer, method: str
) -> None:
    wire.will(answer(200, "ok"), cut)
    await read(transport, wire)
    with pytest.raises(Uncertain):
        await write(transport, wire.url, method)
    assert wire.connections == 1
    assert [request.method for request in wire.received] == ["GET", method]


async def test_a_write_that_hangs_is_uncertain(wire: WireServer) -> None:
    wire.will(hang)
    async with Transport(timeout=timedelta(milliseconds=80)) as transport:
        with pytest.raises(Uncertain):
            await write(transport, wire.url)


async def test_a_write_without_connection_is_not_sent(transport: Transport) -> None:
    with pytest.raises(NotSent) as caught:
        await write(transport, f"http://127.0.0.1:{free_port()}")
    assert caught.value.code is Code.UNAVAILABLE


async def test_a_write_to_an_unknown_host_is_not_sent(transport: Transport) -> None:
    with pytest.raises(NotSent):
        await write(transport, "http://bestaat-niet.invalid")


async def test_a_write_to_no_address_at_all_is_not_sent(transport: Transport) -> None:
    for url in ("http://[", "ftp://127.0.0.1", ""):
        with pytest.raises(NotSent):
            await write(transport, url)


async def test_a_write_whose_tls_handshake_fails_is_not_sent(transport: Transport) -> None:
    async def not_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not TLS\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(not_tls, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotSent):
            await write(transport, f"https://127.0.0.1:{port}")


@pytest.mark.parametrize("status", [200, 400, 404, 500, 502])
async def test_any_status_of_a_write_is_handed_over(
    transport: Transport, wire: WireServer, status: int
) -> None:
    wire.will(answer(status, "tekst"))
    got = await transport.write("w", "POST", wire.url, headers=HEADERS, content=b"{}")
    assert (got.status, got.body, len(wire.received)) == (status, b"tekst", 1)


async def test_a_redirect_is_not_followed(transport: Transport, wire: WireServer) -> None:
    wire.will(answer(302, "", {"Location": wire.url + "/elders"}))
    got = await transport.write("w", "POST", wire.url, headers=HEADERS, content=b"{}")
    assert (got.status, len(wire.received)) == (302, 1)


async def test_the_guard_is_asked_before_every_write_and_never_before_a_read(wire: WireServer) -> None:
    asked: list[str] = []

    def guard() -> None:
        asked.append("guard")
        if len(asked) > 1:
            raise NotSent(Code.INTERNAL, "lease")

    wire.will(answer(200))
    async with Transport(guard=guard) as transport:
        await read(transport, wire)
        await write(transport, wire.url)
        with pytest.raises(NotSent):
            await write(transport, wire.url)
    assert [request.method for request in wire.received] == ["GET", "POST"]


async def test_an_answer_that_is_too_large_is_not_read_to_the_end(wire: WireServer) -> None:
    bomb = gzip.compress(bytes(5_000_000))
    async with Transport(max_bytes=1_000_000) as transport:
        wire.will(answer(200, bomb, {"Content-Encoding": "gzip"}))
        with pytest.raises(NotSent):
            await read(transport, wire)
        with pytest.raises(Uncertain):
            await write(transport, wire.url)


async def test_a_gzipped_answer_is_unpacked(transport: Transport, wire: WireServer) -> None:
    wire.will(answer(200, gzip.compress(b"[1]"), {"Content-Encoding": "gzip"}))
    assert await read(transport, wire) == b"[1]"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "sleutel€"])
async def test_a_header_cannot_be_smuggled_in(transport: Transport, wire: WireServer, value: str) -> None:
    with pytest.raises(NotSent):
        await transport.write("w", "POST", wire.url, headers={"Authorization": value}, content=b"{}")
    assert wire.received == []


RELAYED = [
    (httpx.ConnectError("weg"), NotSent),
    (httpx.ConnectTimeout("weg"), NotSent),
    (httpx.PoolTimeout("vol"), NotSent),
    (httpx.ReadTimeout("stil"), Uncertain),
    (httpx.ReadError("gebroken"), Uncertain),
    (httpx.WriteError("gebroken"), Uncertain),
    (httpx.RemoteProtocolError("raar"), Uncertain),
    (OSError("iets"), Uncertain),
]


@pytest.mark.parametrize(("problem", "failure"), RELAYED, ids=[type(row[0]).__name__ for row in RELAYED])
async def test_through_another_way_to_the_package_httpx_own_errors_decide(
    problem: Exception, failure: type[Failure]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise problem

    async with Transport(inner=httpx.MockTransport(fail)) as transport:
        with pytest.raises(failure):
            await write(transport, "http://relay.invalid")


async def test_every_call_is_reported_with_its_name_and_status(wire: WireServer, waits: Waits) -> None:
    calls: list[Call] = []
    wire.will(cut, answer(200))
    async with Transport(on_call=calls.append, sleep=waits) as transport:
        await read(transport, wire)
    assert [(call.operation, call.status) for call in calls] == [("lezen", None), ("lezen", 200)]


async def test_no_failure_shows_a_header(wire: WireServer) -> None:
    wire.will(cut)
    async with Transport() as transport:
        with pytest.raises(Failure) as caught:
            await transport.write(
                "w", "POST", wire.url, headers={"Authorization": "Bearer geheim"}, content=b"wachtwoord"
            )
    assert "geheim" not in str(caught.value)
    assert "wachtwoord" not in str(caught.value)


@pytest.mark.parametrize("switch", [True, False])
async def test_a_call_carries_the_trace_that_it_is_made_for_unless_that_is_switched_off(
    wire: WireServer, switch: bool
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    wire.will(answer(200))
    async with Transport(send_traceparent=switch) as transport:
        await read(transport, wire)
        with tracing.working_on("deliver", trace, posting=1):
            await read(transport, wire)
            await write(transport, wire.url)
    sent = [request.headers.get("traceparent") for request in wire.received]
    assert sent == ([None, trace, trace] if switch else [None, None, None])
