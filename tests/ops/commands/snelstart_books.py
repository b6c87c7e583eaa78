"""A company in SnelStart's simulator over HTTP: booked in by us, and by others behind our back."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from schemas.invoice import Invoice
from schemas.relation import Relation, Role
from sinks.contract import RelationReference
from sinks.snelstart import SnelStartApp, SnelStartCredentials, SnelStartMapping, SnelStartSink, open_client
from tests.schemas.builders import Json
from vendors.pacing import Pacer
from vendors.simulation import running
from vendors.snelstart.client import SnelStartClient
from vendors.transport import Transport

T = TypeVar("T")

APP = SnelStartApp(
    subscription_key=SecretStr("unused"), base_url="http://unused.invalid", auth_url="http://unused.invalid"
)


@contextmanager
def served() -> Iterator[str]:
    """The simulator in a thread of its own; the address of its control interface."""
    ready, servers = threading.Event(), []
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with running(["snelstart"]) as server:
            servers.append(server)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield servers[0].control
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
        loop.close()


@dataclass(frozen=True)
class SnelStartBooks:
    """One company."""

    control: str
    made: Json

    @classmethod
    def new(cls, control: str) -> SnelStartBooks:
        answer = httpx.post(f"{control}/companies", json={"package": "snelstart", "name": "Jansen"})
        answer.raise_for_status()
        return cls(control, answer.json())

    @property
    def credentials(self) -> str:
        """As `connect --stdin` takes them."""
        urls, credentials = self.made["urls"], self.made["credentials"]
        assert isinstance(urls, dict)
        assert isinstance(credentials, dict)
        return json.dumps({**credentials, "base_url": urls["api_url"], "auth_url": urls["auth_url"]})

    def fault(self, kind: str, **wanted: object) -> None:
        body = {"kind": kind, "company": self.made["company"], **wanted}
        httpx.post(f"{self.control}/faults", json=body).raise_for_status()

    def relation(self, relation: Json, role: Role) -> str:
        """Its id, made when it is not there yet."""
        model = Relation.model_validate_json(json.dumps(relation))

        async def write(client: SnelStartClient) -> str:
            written = await _sink(client).upsert_relation(model, role, None)
            return written.reference.id

        return self._do(write)

    def book(self, invoice: Json, relation: Json, relation_id: str) -> str:
        """Book as we do; the id of the boeking. Once more is what a worker does that wakes up too late."""
        document = Invoice.model_validate_json(json.dumps(invoice))
        whose = Relation.model_validate_json(json.dumps(relation))

        async def write(client: SnelStartClient) -> str:
            booked = await _sink(client).book(document, whose, RelationReference(relation_id))
            assert booked.id is not None
            return booked.id

        return self._do(write)

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """What any other client of the API does."""

        async def send(client: SnelStartClient) -> Any:
            urls, credentials = self.made["urls"], self.made["credentials"]
            assert isinstance(urls, dict)
            assert isinstance(credentials, dict)
            headers = {
                "Authorization": f"Bearer {await client.tokens.token()}",
                "Ocp-Apim-Subscription-Key": credentials["subscription_key"],
            }
            async with httpx.AsyncClient(base_url=urls["api_url"], headers=headers) as other:
                answer = await other.request(method, path, json=body)
            assert answer.is_success, answer.text
            return answer.json() if answer.content else None

        return self._do(send)

    def _do(self, job: Callable[[SnelStartClient], Awaitable[T]]) -> T:
        async def run() -> T:
            credentials = SnelStartCredentials.model_validate_json(self.credentials)
            async with Transport() as transport:
                return await job(open_client(credentials, APP, transport, Pacer(), time.monotonic))

        return asyncio.run(run())


def _sink(client: SnelStartClient) -> SnelStartSink:
    return SnelStartSink(client, SnelStartMapping(), time.monotonic)
