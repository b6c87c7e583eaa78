"""A company in SnelStart's simulator, with sink and source opened on it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from sinks.snelstart import SnelStartApp, SnelStartCredentials, SnelStartMapping, SnelStartSink, open_client
from sources.snelstart import SnelStartSource
from vendors.pacing import Pacer
from vendors.simulation.server import running
from vendors.snelstart.client import SnelStartClient
from vendors.transport import Transport

APP = SnelStartApp(
    subscription_key=SecretStr("unused"), base_url="http://unused.invalid", auth_url="http://unused.invalid"
)


async def no_wait(_: float) -> None:
    return


@dataclass
class World:
    """One company, and what is opened on it."""

    company: str
    identity: Mapping[str, str]
    control: httpx.AsyncClient
    client: SnelStartClient
    source: SnelStartSource

    def sink(self, mapping: SnelStartMapping | None = None) -> SnelStartSink:
        return SnelStartSink(self.client, mapping or SnelStartMapping(), time.monotonic)

    async def order(self, path: str, **body: object) -> dict[str, Any]:
        answer = await self.control.post(f"/{path}", json={"company": self.company, **body})
        assert answer.is_success, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def books(self) -> dict[str, Any]:
        answer = await self.control.get("/books", params={"company": self.company})
        result: dict[str, Any] = answer.json()["companies"][0]
        return result


@asynccontextmanager
async def snelstart(**company: object) -> AsyncIterator[World]:
    """Serve the simulator with one new company."""
    async with (
        running(["snelstart"]) as server,
        httpx.AsyncClient(base_url=server.control) as control,
        Transport(sleep=no_wait) as transport,
    ):
        made = (await control.post("/companies", json={"package": "snelstart", **company})).json()
        credentials = SnelStartCredentials.model_validate({**made["credentials"], **made["urls"]})
        pacer = Pacer(sleep=no_wait)
        client = open_client(credentials, APP, transport, pacer, time.monotonic)
        yield World(made["company"], made["identity"], control, client, SnelStartSource(client))
