"""Credits: the pace that an uncertified registration is allowed, on a clock that sleeping moves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from ops.packages import PACKAGES, Apps, DirectPackage
from ops.simulated_company import credentials_of
from schemas.outcome import Package
from schemas.relation import Role
from sinks.twinfield_settings import TwinfieldMapping
from tests.conformance.opening import APPS, relation, sale
from vendors.pacing import Limit, Pacer
from vendors.simulation import running
from vendors.transport import Transport

MINUTES = 8


class Time:
    """Seconds, and the same moment as a date."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def date(self) -> datetime:
        return datetime(2026, 4, 1, tzinfo=UTC) + timedelta(seconds=self.now)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def credits_of(operation: str) -> int:
    return 3 if operation in {"transactions", "dimensions"} else 1


def spent(calls: list[Mapping[str, object]]) -> int:
    return sum(credits_of(str(call["operation"])) for call in calls)


async def test_nine_tenths_of_the_credits_are_used_and_never_more_than_all() -> None:
    time = Time()
    package = PACKAGES[Package.TWINFIELD]
    assert isinstance(package, DirectPackage)
    async with (
        running(["twinfield"], clock=time.date) as server,
        httpx.AsyncClient(base_url=server.control) as control,
        Transport(sleep=time.sleep) as transport,
    ):
        wanted = {"package": "twinfield", "settings": {"limits": "uncertified", "years": [2026]}}
        made = (await control.post("/companies", json=wanted)).json()
        pacer = Pacer(
            9,
            (Limit(Apps(APPS.snelstart).twinfield_credits, timedelta(minutes=1)),),
            longest_wait=timedelta(hours=1),
            clock=time,
            sleep=time.sleep,
        )
        credentials = package.credentials.model_validate_json(json.dumps(credentials_of(made)))
        sink = package.open(credentials, TwinfieldMapping(), APPS, transport, pacer, time).sink
        reference = (await sink.upsert_relation(relation(), Role.DEBTOR, None)).reference
        begun, number = time.now, 0
        before = (await control.get("/log", params={"company": made["company"]})).json()["last"]
        while time.now < begun + 60 * MINUTES:
            number += 1
            assert not await sink.find_invoice(sale(str(number)), reference)
            await sink.book(sale(str(number)), relation(), reference)
        answer = await control.get("/log", params={"company": made["company"], "since": before})
    calls = answer.json()["calls"]
    assert {call["status"] for call in calls} == {200}
    minutes = (time.now - begun) / 60
    assert spent(calls) >= 0.9 * 25 * minutes
    assert number >= 5.6 * minutes, "nearly six invoices a minute, four credits each"
