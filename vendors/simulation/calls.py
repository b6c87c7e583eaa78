"""The way of every call through a simulator: latency, faults before, the call, faults after, the log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aiohttp import web

from vendors.simulation.contract import CallAnswer, Kind
from vendors.simulation.faults import CallKind, Fault, Faults
from vendors.simulation.writes import Writes, is_connected

HANG_POLL_SECONDS = 0.02
"""How often a call that hangs looks whether its client is still there."""

LOG_LIMIT = 200_000
"""Calls that the log keeps; older ones are dropped."""

HTML = (
    "<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    "<body><h1>Onderhoud</h1><p>De service is tijdelijk niet beschikbaar.</p></body></html>"
)


@dataclass(slots=True)
class Call:
    """One call, as the log and the faults see it. `detail` is filled by the package (its error codes)."""

    package: str
    company: str | None
    operation: str
    kind: CallKind
    request: web.Request
    detail: str | None = None


class FaultStyle(Protocol):
    """How a package words what goes wrong at its door."""

    def faulted(self, fault: Fault, call: Call) -> web.Response:
        """The answer for a fault of kind status, rate_limit, token_revoked or maintenance."""


class CallLog:
    """The calls that ended, in order."""

    def __init__(self) -> None:
        self._calls: deque[CallAnswer] = deque(maxlen=LOG_LIMIT)
        self.last = 0

    def add(
        self,
        package: str,
        company: str | None,
        operation: str,
        *,
        time: datetime,
        status: int | None,
        fault: Fault | None,
        seconds: float,
        detail: str | None,
    ) -> None:
        """Note a call that ended."""
        self.last += 1
        entry = CallAnswer.model_construct(
            seq=self.last,
            time=time,
            package=package,
            company=company,
            operation=operation,
            status=status,
            fault=fault.id if fault else None,
            duration_ms=round(seconds * 1000, 3),
            detail=detail,
        )
        self._calls.append(entry)

    def since(self, seq: int, company: str | None = None, operation: str | None = None) -> list[CallAnswer]:
        """Calls after a place in the log."""
        return [
            call
            for call in self._calls
            if call.seq > seq
            and (company is None or call.company == company)
            and (operation is None or call.operation == operation)
        ]

    def forget(self, concerns: Callable[[CallAnswer], bool]) -> None:
        """Drop calls from the log."""
        self._calls = deque((call for call in self._calls if not concerns(call)), maxlen=LOG_LIMIT)


class Calls:
    """Carries out calls: what the package does is one synchronous, hence atomic, step between the faults."""

    def __init__(
        self, clock: Callable[[], datetime], faults: Faults, writes: Writes, log: CallLog, latency: float
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._writes = writes
        self._log = log
        self.latency = latency
        """Seconds that every call to a package takes at least."""

    async def perform(
        self, call: Call, answer: Callable[[], web.Response], style: FaultStyle
    ) -> web.Response:
        """Answer one call whose body has been read. `answer` is called at most once and does not wait."""
        loop = asyncio.get_running_loop()
        started, time = loop.time(), self._clock()
        write = None
        if call.kind is CallKind.WRITE and call.company is not None:
            write = self._writes.begin(call.company, call.operation, call.request)
        fault: Fault | None = None
        status: int | None = None
        try:
            response, fault = await self._answered(call, answer, style)
            status = response.status if is_connected(call.request) else None
            return response
        finally:
            if write is not None and call.company is not None:
                self._writes.end(call.company, write)
            self._log.add(
                call.package,
                call.company,
                call.operation,
                time=time,
                status=status,
                fault=fault,
                seconds=loop.time() - started,
                detail=call.detail,
            )

    async def _answered(
        self, call: Call, answer: Callable[[], web.Response], style: FaultStyle
    ) -> tuple[web.Response, Fault | None]:
        await self._wait(call)
        before = self._strike(lambda kind: not kind.is_after and kind is not Kind.LATENCY, call)
        if before is not None:
            kind = before.request.kind
            if kind is Kind.CUT_BEFORE:
                return _cut(call), before
            if kind is not Kind.HANG:
                return _wrong(before, call, style), before
            await _hang(before, call, self._clock)
            if not is_connected(call.request) and not before.request.late_commit:
                return _cut(call), before
        response = answer()
        if response.status >= 300:
            return response, before
        after = self._strike(lambda kind: kind.is_after, call)
        if after is None:
            return response, before
        match after.request.kind:
            case Kind.CUT_AFTER:
                return _cut(call), after
            case Kind.TRUNCATED:
                return _truncated(response), after
            case Kind.HANG_AFTER:
                await _hang(after, call, self._clock)
                return response, after
        return _wrong(after, call, style), after

    async def _wait(self, call: Call) -> None:
        seconds = self.latency
        slow = self._strike(lambda kind: kind is Kind.LATENCY, call)
        if slow is not None:
            seconds += slow.request.latency_ms / 1000
        if seconds > 0:
            await asyncio.sleep(seconds)

    def _strike(self, choose: Callable[[Kind], bool], call: Call) -> Fault | None:
        return self._faults.strike(choose, call.package, call.company, call.operation, call.kind)


def _cut(call: Call) -> web.Response:
    """Cut the TCP connection at once; what is returned reaches nobody."""
    if call.request.transport is not None:
        call.request.transport.abort()
    return web.Response(status=500)


def _truncated(response: web.Response) -> web.Response:
    """A complete HTTP answer with the first half of its body."""
    body = response.body if isinstance(response.body, bytes) else b""
    half = body[: max(1, len(body) // 2)] if body else b"{"
    return web.Response(status=response.status, body=half, content_type=response.content_type)


def _wrong(fault: Fault, call: Call, style: FaultStyle) -> web.Response:
    wanted = fault.request
    if wanted.kind in {Kind.HTML, Kind.HTML_AFTER}:
        headers = {} if wanted.retry_after is None else {"Retry-After": str(wanted.retry_after)}
        return web.Response(status=wanted.status or 200, text=HTML, content_type="text/html", headers=headers)
    return style.faulted(fault, call)


async def _hang(fault: Fault, call: Call, clock: Callable[[], datetime]) -> None:
    """Hold a call until its time is over, its fault has ended, or (unless late_commit) its client left."""
    loop = asyncio.get_running_loop()
    end = None if fault.request.hang_seconds is None else loop.time() + fault.request.hang_seconds
    while not fault.has_ended(clock()) and (end is None or loop.time() < end):
        if not fault.request.late_commit and not is_connected(call.request):
            return
        try:
            await asyncio.wait_for(fault.released.wait(), HANG_POLL_SECONDS)
        except TimeoutError:
            continue
