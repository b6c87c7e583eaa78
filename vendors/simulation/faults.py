"""Faults that are armed on a simulator: which calls they strike, how often, for how long.

The same seed gives the same strikes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random

from vendors.simulation.contract import FaultAnswer, FaultRequest, Kind


class CallKind(StrEnum):
    """What a call is to the engine under test."""

    READ = "read"
    WRITE = "write"
    TOKEN = "token"


@dataclass(eq=False)
class Fault:
    """An armed fault. `released` is set when calls that hang on it must go on."""

    id: str
    request: FaultRequest
    created_at: datetime
    random: Random
    hits: int = 0
    cleared: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def is_active(self, now: datetime) -> bool:
        """Whether it can still strike."""
        wanted = self.request
        if self.cleared or (wanted.count is not None and self.hits >= wanted.count):
            return False
        return wanted.duration is None or now < self.created_at + timedelta(seconds=wanted.duration)

    def has_ended(self, now: datetime) -> bool:
        """Whether a call that hangs on it must go on."""
        wanted = self.request
        expired = wanted.duration is not None and now >= self.created_at + timedelta(seconds=wanted.duration)
        return self.cleared or expired

    def concerns(self, package: str, company: str | None, operation: str, kind: CallKind) -> bool:
        """Whether a call is one of those it was armed for."""
        wanted = self.request
        if wanted.package is not None and wanted.package != package:
            return False
        if wanted.company is not None and wanted.company != company:
            return False
        named = wanted.operation
        return named is None or named == kind.value or fnmatchcase(operation, named)


class Faults:
    """All faults of one server."""

    def __init__(self, clock: Callable[[], datetime], seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._faults: dict[str, Fault] = {}
        self._made = 0

    def arm(self, request: FaultRequest) -> Fault:
        """Arm a fault; it strikes from the next call on."""
        self._made += 1
        identifier = f"fault-{self._made}"
        fault = Fault(identifier, request, self._clock(), Random(f"{self._seed}:{identifier}"))
        self._faults[identifier] = fault
        return fault

    def clear(self, identifier: str | None = None) -> bool:
        """End one fault, or all; calls that hang on it go on. False when there is no such fault."""
        if identifier is not None and identifier not in self._faults:
            return False
        for fault in self._faults.values():
            if identifier is None or fault.id == identifier:
                fault.cleared = True
                fault.released.set()
        return True

    def forget(self, concerns: Callable[[FaultRequest], bool]) -> None:
        """End and forget faults."""
        for identifier, fault in list(self._faults.items()):
            if concerns(fault.request):
                self.clear(identifier)
                del self._faults[identifier]

    def strike(
        self,
        choose: Callable[[Kind], bool],
        package: str,
        company: str | None,
        operation: str,
        kind: CallKind,
    ) -> Fault | None:
        """The first armed fault of a chosen kind that strikes this call; counts the hit."""
        if not self._faults:
            return None
        now = self._clock()
        for fault in self._faults.values():
            if not choose(fault.request.kind) or not fault.is_active(now):
                continue
            if not fault.concerns(package, company, operation, kind):
                continue
            if fault.request.ratio is not None and fault.random.random() >= fault.request.ratio:
                continue
            fault.hits += 1
            return fault
        return None

    def answers(self) -> list[FaultAnswer]:
        """Every fault with its hits."""
        return [self.answer(fault) for fault in self._faults.values()]

    def answer(self, fault: Fault) -> FaultAnswer:
        """One fault with its hits."""
        return FaultAnswer(
            fault=fault.id,
            hits=fault.hits,
            active=fault.is_active(self._clock()),
            created_at=fault.created_at,
            request=fault.request,
        )
