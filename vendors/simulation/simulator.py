"""What a package's simulator is to the server: companies with books, calls, settings.

Where a package's simulator is found: `vendors.simulation.packages`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any, ClassVar
from uuid import UUID

from aiohttp import web
from pydantic import JsonValue

from vendors.simulation.books import BookedDocument, Books
from vendors.simulation.calls import HTML, Call, CallLog, Calls
from vendors.simulation.contract import CompanyAnswer, Kind, NewCompany
from vendors.simulation.faults import Fault, Faults
from vendors.simulation.writes import Writes

Clock = Callable[[], datetime]
"""The time now, with a time zone."""


class Stage:
    """What all simulators of one server share: clock, ids, faults, calls and their log."""

    def __init__(self, clock: Clock, *, seed: int = 0, latency: float = 0.0) -> None:
        self.clock = clock
        self.seed = seed
        self.faults = Faults(clock, seed)
        self.writes = Writes(clock)
        self.log = CallLog()
        self.calls = Calls(clock, self.faults, self.writes, self.log, latency)
        self._random = Random(seed)

    def new_id(self) -> str:
        """A GUID; the same seed gives the same ones in the same order."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def id_state(self) -> object:
        """Where the row of ids and secrets has got to."""
        return self._random.getstate()

    def set_id_state(self, state: Any) -> None:
        """Go on where `id_state` was, so that no id is given twice."""
        self._random.setstate(state)

    def new_secret(self, digits: int = 32) -> str:
        """A secret of hexadecimal digits."""
        return f"{self._random.getrandbits(digits * 4):0{digits}x}"


class Company(ABC):
    """A company in a package."""

    id: str
    name: str
    books: Books

    @abstractmethod
    def describe(self, url: str) -> CompanyAnswer:
        """What its owner would tell: credentials, addresses (below `url`), identity, master data."""

    @abstractmethod
    def change_settings(self, changes: Mapping[str, JsonValue]) -> None:
        """Change settings; those not named stay.

        Raises:
            pydantic.ValidationError: unknown setting or impossible value; nothing was changed.
        """

    @abstractmethod
    def empty(self) -> None:
        """Empty the books; credentials, chart and settings stay."""

    def was_paid(self, document: BookedDocument) -> None:  # noqa: B027 - most packages need do nothing
        """A payment on the document was entered in the package."""

    def reports(self) -> list[str]:
        """Reports of imports, oldest first."""
        return []


class Simulator(ABC):
    """A strict, stateful stand-in for one package."""

    package: ClassVar[str]

    @property
    @abstractmethod
    def companies(self) -> Mapping[str, Company]:
        """Its companies by id."""

    @abstractmethod
    def create_company(self, wanted: NewCompany) -> Company:
        """Create a company.

        Raises:
            ValueError: it cannot be as wanted (id in use, unknown settings, impossible account).
        """

    @abstractmethod
    def forget_company(self, company: str) -> None:
        """Delete a company and its credentials."""

    @abstractmethod
    def restore(self, companies: Mapping[str, Any]) -> None:
        """Have these companies, which an earlier life of this simulator had when it was stopped."""

    @abstractmethod
    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a call to the package; `path` is what follows the package's prefix and a slash."""

    async def start(self) -> None:  # noqa: B027 - most packages need do nothing
        """Begin to work (a package that watches a folder)."""

    async def stop(self) -> None:  # noqa: B027
        """End work; awaits what it started."""

    def faulted(self, fault: Fault, call: Call) -> web.Response:
        """The answer for a fault of kind status, rate_limit, token_revoked or maintenance."""
        wanted = fault.request
        headers = {} if wanted.retry_after is None else {"Retry-After": str(wanted.retry_after)}
        if wanted.kind is Kind.MAINTENANCE:
            return web.Response(
                status=wanted.status or 503, text=HTML, content_type="text/html", headers=headers
            )
        default = {Kind.RATE_LIMIT: 429, Kind.TOKEN_REVOKED: 401, Kind.STATUS_AFTER: 502}.get(
            wanted.kind, 503
        )
        status = wanted.status or default
        body = json.dumps({"statusCode": status, "message": "The simulator was told to answer this."})
        return web.Response(status=status, text=body, content_type="application/json", headers=headers)
