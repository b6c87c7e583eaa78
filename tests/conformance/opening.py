"""Any package, opened on its simulator by what `ops.packages` says of it: no suite knows a package."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from ops.packages import PACKAGES, Apps, DirectPackage, Opened
from ops.simulated_company import credentials_of
from schemas.invoice import Invoice
from schemas.outcome import Code, Package
from schemas.relation import Relation, Role
from sinks.contract import DirectSink, RelationReference
from sinks.snelstart_settings import SnelStartApp
from sinks.turn import role_of
from sources.contract import Source
from tests.schemas import builders
from vendors.failure import NotSent
from vendors.pacing import Pacer
from vendors.simulation import running
from vendors.transport import Transport

Json = dict[str, Any]

APPS = Apps(
    SnelStartApp(
        subscription_key=SecretStr("unused"),
        base_url="http://unused.invalid",
        auth_url="http://unused.invalid",
    )
)
COST_CENTRES = [{"number": "100", "name": "Service"}, {"number": "200", "name": "Projecten"}]


async def no_wait(_: float) -> None:
    return


@dataclass
class Guard:
    """The lease as the transport asks for it before every write."""

    ends: bool = False

    def __call__(self) -> None:
        if self.ends:
            raise NotSent(Code.UNAVAILABLE, "too little of the lease is left")


@dataclass
class Bench:
    """One company of a package in its simulator, and the package opened on it."""

    package: Package
    control: httpx.AsyncClient
    made: Json
    opened: Opened
    guard: Guard
    references: dict[Role, RelationReference] = field(default_factory=dict)

    @property
    def sink(self) -> DirectSink:
        return self.opened.sink

    @property
    def source(self) -> Source:
        assert self.opened.source is not None, f"{self.package} is not read back"
        return self.opened.source

    @property
    def company(self) -> str:
        return str(self.made["company"])

    async def order(self, path: str, **body: Any) -> Json:
        answer = await self.control.post(f"/{path}", json={"company": self.company, **body})
        assert answer.is_success, answer.text
        result: Json = answer.json()
        return result

    async def fault(self, kind: str, operation: str | None = "write", **wanted: Any) -> None:
        await self.order("faults", kind=kind, operation=operation, **wanted)

    async def books(self) -> Json:
        answer = await self.control.get("/books", params={"company": self.company})
        books: Json = answer.json()["companies"][0]
        return books

    async def writes(self) -> int:
        """How many writes the package has carried out."""
        return len((await self.books())["arrivals"])

    async def calls(self) -> int:
        answer = await self.control.get("/log", params={"company": self.company})
        return len(answer.json()["calls"])

    async def reference(self, role: Role) -> RelationReference:
        """The usual relation, in that role."""
        if role not in self.references:
            written = await self.sink.upsert_relation(relation(), role, None)
            self.references[role] = written.reference
        return self.references[role]

    async def book(self, document: Invoice) -> str:
        """Check and book; the id of the booking in the package."""
        self.sink.check_invoice(document, relation())
        booked = await self.sink.book(document, relation(), await self.reference(role_of(document)))
        assert booked.id is not None
        return booked.id


@asynccontextmanager
async def opened(
    package: Package, company: Mapping[str, object] | None = None, mapping: Mapping[str, object] | None = None
) -> AsyncIterator[Bench]:
    """Serve the package's simulator with one new company, and open the package on it."""
    how = PACKAGES[package]
    assert isinstance(how, DirectPackage)
    guard = Guard()
    async with (
        running([str(package)]) as server,
        httpx.AsyncClient(base_url=server.control) as control,
        Transport(timeout=timedelta(seconds=2), guard=guard, sleep=no_wait) as transport,
    ):
        wanted = {"package": str(package), "cost_centres": COST_CENTRES, **(company or {})}
        answer = await control.post("/companies", json=wanted)
        assert answer.is_success, answer.text
        made = answer.json()
        credentials = how.credentials.model_validate_json(json.dumps(credentials_of(made)))
        open_package = how.open(
            credentials,
            how.mapping.model_validate(dict(mapping or {})),
            APPS,
            transport,
            Pacer(sleep=no_wait),
            time.monotonic,
        )
        try:
            yield Bench(package, control, made, open_package, guard)
        finally:
            await open_package.sink.close()
            if open_package.source is not None:
                await open_package.source.close()


def relation(**changes: object) -> Relation:
    """The usual relation, in both roles."""
    return Relation.model_validate(builders.relation(**{"roles": ["debtor", "creditor"], **changes}))


def sale(number: str, net: str = "100.00", **changes: object) -> Invoice:
    lines = changes.pop("lines", [builders.line(net)])
    return Invoice.model_validate(builders.invoice(lines, id=f"s-{number}"[:50], number=number, **changes))  # type: ignore[arg-type]


def purchase(number: str, net: str = "100.00", **changes: object) -> Invoice:
    lines = changes.pop("lines", [builders.line(net, ledger_account="7000")])
    return Invoice.model_validate(
        builders.invoice(
            lines,  # type: ignore[arg-type]
            direction="purchase",
            id=f"p-{number}",
            number=f"ENK-{number}",
            supplier_invoice_number=number,
            **changes,
        )
    )
