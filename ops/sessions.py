"""Opened packages: one transport and pacer a connection, one sink and source an administration.

Opening checks whose books these are: the identity pinned when the administration was connected against
what the package says now. A difference holds the administration, before anything is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

import psycopg
from psycopg.rows import TupleRow
from pydantic import BaseModel

from ledger.credentials import CredentialsUnreadable, CredentialVault, stored_credentials
from ledger.pace import Used, recall_pace
from ledger.rows import Lane, LaneKey
from ops.packages import PACKAGES, Apps, DirectPackage, FilePackage, Opened
from schemas.outcome import Code, Package, WhoActs
from sinks.mapping import AdministrationMapping
from telemetry import metrics
from telemetry.progress import step
from vendors.answer import Call
from vendors.failure import Refused, Scope
from vendors.pacing import Pacer
from vendors.transport import Transport

T = TypeVar("T")


class Reads(Protocol):
    """The ledger, as far as opening a package reads it."""

    async def read(self, query: Callable[[psycopg.Connection[TupleRow]], T]) -> T:
        """Run a read."""


@dataclass(frozen=True)
class Session:
    """An administration opened in its package; `opened_for`: its credentials, mapping and pinned identity."""

    opened: Opened
    mapping: AdministrationMapping
    opened_for: tuple[object, ...]


class Sessions:
    """Opens packages and keeps them open while their connection is held."""

    def __init__(
        self,
        books: Reads,
        vault: CredentialVault,
        apps: Apps,
        guard: Callable[[str], Callable[[], None]],
        call_timeout: timedelta,
        *,
        send_traceparent: bool = True,
    ) -> None:
        self._books = books
        self._vault = vault
        self._apps = apps
        self._guard = guard
        self._call_timeout = call_timeout
        self._send_traceparent = send_traceparent
        self._lines: dict[str, tuple[Transport, Pacer]] = {}
        self._packages: dict[str, Package] = {}
        self._sessions: dict[LaneKey, Session] = {}

    async def credentials(self, lane: Lane, model: type[BaseModel]) -> tuple[BaseModel, bytes]:
        """The connection's credentials; raises `Refused` when there are none that we can read."""
        connection = lane.connection or ""
        stored = await self._books.read(lambda c: stored_credentials(c.cursor(), connection))
        if stored is None:
            raise Refused(Code.AUTH_REVOKED, "no credentials stored", scope=Scope.ADMINISTRATION)
        try:
            return model.model_validate_json(self._vault.decrypt(stored)), stored
        except CredentialsUnreadable as unreadable:
            raise Refused(
                Code.AUTH_REVOKED, str(unreadable), scope=Scope.ADMINISTRATION, who_acts=WhoActs.PLATFORM
            ) from unreadable

    async def direct(self, lane: Lane, package: DirectPackage) -> Session:
        """The lane's package, opened; raises `vendors.failure.Failure`."""
        credentials, stored = await self.credentials(lane, package.credentials)
        known = self._sessions.get(lane.key)
        asked = (stored, lane.mapping, lane.identity)
        if known is not None and known.opened_for == asked:
            return known
        mapping = package.mapping.model_validate(dict(lane.mapping))
        transport, pacer = await self._line(lane, package)
        opened = package.open(credentials, mapping, self._apps, transport, pacer, time.monotonic)
        await self._check_identity(lane, opened)
        session = Session(opened, mapping, asked)
        self._sessions[lane.key] = session
        return session

    async def probe(self, lane: Lane, package: DirectPackage) -> None:
        """Whether the package answers, and for the right company; raises `vendors.failure.Failure`."""
        session = await self.direct(lane, package)
        await self._check_identity(lane, session.opened)

    def used(self, connection: str) -> list[Used]:
        """What a connection has used of its budgets here and before; empty when it is not open."""
        line = self._lines.get(connection)
        if line is None:
            return []
        return [Used(period.total_seconds(), calls) for period, calls in line[1].used().items()]

    def budget_left(self) -> dict[tuple[Package, timedelta], float]:
        """By package and period, what is left of the budget of the connection that has least: 1 is all."""
        least: dict[tuple[Package, timedelta], float] = {}
        for connection, (_, pacer) in self._lines.items():
            for period, left in pacer.left().items():
                key = (self._packages[connection], period)
                least[key] = min(left, least.get(key, 1.0))
        return least

    async def close(self, connection: str) -> None:
        """Close what was opened on a connection."""
        for key, session in list(self._sessions.items()):
            if connection_id(key) == connection:
                del self._sessions[key]
                await session.opened.sink.close()
        line = self._lines.pop(connection, None)
        self._packages.pop(connection, None)
        if line is not None:
            await line[0].close()

    async def _line(self, lane: Lane, package: DirectPackage) -> tuple[Transport, Pacer]:
        connection = lane.connection or ""
        if connection not in self._lines:
            before = await self._books.read(lambda c: recall_pace(c.cursor(), connection))
            pacer = package.pacer(self._apps)
            pacer.resume({timedelta(seconds=used.period): used.calls for used in before})
            transport = Transport(
                timeout=self._call_timeout,
                guard=self._guard(connection),
                on_call=partial(count_call, lane.key.package),
                package=lane.key.package,
                send_traceparent=self._send_traceparent,
            )
            self._packages[connection] = lane.key.package
            # Lane and readback may both have come here while the other was reading.
            self._lines.setdefault(connection, (transport, pacer))
        return self._lines[connection]

    async def _check_identity(self, lane: Lane, opened: Opened) -> None:
        found = await opened.sink.probe()
        pinned = (lane.identity or {}).get("id")
        if pinned is not None and pinned != found.id:
            expected = (lane.identity or {}).get("name") or pinned
            raise Refused(
                Code.WRONG_COMPANY,
                f"{found.name} ({found.id})",
                scope=Scope.ADMINISTRATION,
                problem_nl=f"gekoppeld is {expected}, de aanmelding opent {found.name}",
                problem_en=f"connected is {expected}, the credentials open {found.name}",
            )


def count_call(package: Package, call: Call) -> None:
    """Every call is counted, and is a step of whatever it is made for."""
    metrics.called(package, call.operation, call.status, call.seconds)
    step()


def connection_id(key: LaneKey) -> str:
    """The connection of packages whose credentials open exactly one administration."""
    return f"{key.package}:{key.administration}"


def package_of(key: LaneKey) -> DirectPackage | FilePackage | None:
    """How a package is opened; None when it is not built yet."""
    return PACKAGES.get(key.package)
