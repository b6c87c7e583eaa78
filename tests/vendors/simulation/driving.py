"""Drives simulators from outside, over real sockets, as a foreign client would from published facts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from vendors.simulation import Running, running

Json = dict[str, Any]

START = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


@dataclass
class Hands:
    """A clock that moves only when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


@dataclass
class Control:
    """The control interface."""

    url: str
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Json | None = None, status: int = 200) -> Json:
        answer = await self.http.request(method, f"{self.url}/{path}", json=body)
        assert answer.status_code == status, answer.text
        result: Json = answer.json()
        return result

    async def company(self, package: str = "snelstart", **wanted: Any) -> Json:
        return await self.ask("POST", "companies", {"package": package, **wanted})

    async def fault(self, kind: str, **wanted: Any) -> str:
        return str((await self.ask("POST", "faults", {"kind": kind, **wanted}))["fault"])

    async def books(self, company: str) -> Json:
        books: Json = (await self.ask("GET", f"books?company={company}"))["companies"][0]
        return books

    async def log(self, **query: str | int) -> list[Json]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        calls: list[Json] = (await self.ask("GET", f"log?{asked}"))["calls"]
        return calls


@dataclass
class Office:
    """One administration in the simulated SnelStart, with a token and its accounts by number."""

    control: Control
    company: Json
    http: httpx.AsyncClient
    token: str = ""
    accounts: dict[int, str] = field(default_factory=dict)
    cost_centres: dict[int, str] = field(default_factory=dict)
    countries: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.company["company"])

    @property
    def headers(self) -> dict[str, str]:
        key = self.company["credentials"]["subscription_key"]
        return {"Authorization": f"Bearer {self.token}", "Ocp-Apim-Subscription-Key": key}

    async def log_in(self) -> httpx.Response:
        form = {"grant_type": "clientkey", "clientkey": self.company["credentials"]["koppelsleutel"]}
        answer = await self.http.post(self.company["urls"]["auth_url"], data=form)
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.http.request(
            method, f"{self.company['urls']['api_url']}/{path}", json=body, headers=self.headers, **options
        )

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.call("GET", path, params={f"${name}": value for name, value in query.items()})

    async def settings(self, **changes: Any) -> None:
        await self.control.ask("POST", "settings", {"company": self.id, "settings": changes})

    def relation(self, code: int | None = 10423, sort: str = "Klant", **changes: Any) -> Json:
        body: Json = {
            "relatiesoort": [sort],
            "relatiecode": code,
            "naam": "Installatiebedrijf Van der Berg B.V.",
            "vestigingsAdres": {
                "straat": "Industrieweg 12",
                "postcode": "3044 AS",
                "plaats": "Rotterdam",
                "land": {"id": self.countries["NL"]},
            },
            "email": "administratie@vanderberg.example",
            "kvkNummer": "24123456",
            "krediettermijn": 30,
            "iban": "NL91ABNA0417164300",
        }
        body.update(changes)
        return {name: value for name, value in body.items() if value is not None}

    async def make_relation(self, code: int | None = 10423, sort: str = "Klant", **changes: Any) -> str:
        answer = await self.call("POST", "relaties", self.relation(code, sort, **changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def line(self, account: int = 8000, amount: Any = 100, soort: str | None = "Hoog", **more: Any) -> Json:
        body: Json = {"omschrijving": "Arbeid", "grootboek": {"id": self.accounts[account]}, "bedrag": amount}
        if soort is not None:
            body["btwSoort"] = soort
        return {**body, **more}

    def sale(self, customer: str, number: str = "F2026-0815", **changes: Any) -> Json:
        body: Json = {
            "factuurnummer": number,
            "factuurdatum": "2026-03-14T00:00:00",
            "betalingstermijn": 30,
            "klant": {"id": customer},
            "omschrijving": "werk 26.0142",
            "factuurbedrag": 121,
            "boekingsregels": [self.line()],
            "btw": [{"btwSoort": "VerkopenHoog", "btwBedrag": 21}],
        }
        return {**body, **changes}

    def purchase(self, supplier: str, number: str = "TU-449120", **changes: Any) -> Json:
        body: Json = {
            "factuurnummer": number,
            "factuurdatum": "2026-03-10T00:00:00",
            "leverancier": {"id": supplier},
            "factuurbedrag": 774.40,
            "boekingsregels": [self.line(7000, 640, "Hoog")],
            "btw": [{"btwSoort": "InkopenHoog", "btwBedrag": 134.40}],
        }
        return {**body, **changes}

    async def sell(self, body: Json) -> httpx.Response:
        return await self.call("POST", "verkoopboekingen", body)

    async def buy(self, body: Json) -> httpx.Response:
        return await self.call("POST", "inkoopboekingen", body)


@asynccontextmanager
async def serving(
    *packages: str, clock: Callable[[], datetime] | None = None, **options: Any
) -> AsyncIterator[tuple[Running, Control]]:
    async with (
        running(packages or ("snelstart",), clock=clock or Hands(), **options) as server,
        httpx.AsyncClient(timeout=20, verify=False) as http,
    ):
        yield server, Control(server.control, http)


async def open_office(control: Control, **wanted: Any) -> Office:
    office = Office(control, await control.company(**wanted), control.http)
    assert (await office.log_in()).status_code == 200
    office.accounts = {row["nummer"]: row["id"] for row in (await office.get("grootboeken")).json()}
    office.cost_centres = {row["nummer"]: row["id"] for row in (await office.get("kostenplaatsen")).json()}
    office.countries = {row["landcode"]: row["id"] for row in (await office.get("landen")).json()}
    return office


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; the time-out of the test is the limit."""
    while not await holds():  # noqa: ASYNC110 - what is waited for is in another process or behind HTTP
        await asyncio.sleep(0.005)


def codes(answer: httpx.Response) -> list[str]:
    """The error codes of a refusal by business rules."""
    assert answer.status_code in {400, 404}, answer.text
    return [error["errorCode"] for error in answer.json()]
