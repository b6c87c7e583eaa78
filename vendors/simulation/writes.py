"""Overlapping writes: two writes of one company under way at once while both clients were still connected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from vendors.simulation.contract import Overlap


def is_connected(request: web.Request) -> bool:
    """Whether the client of a call is still there."""
    transport = request.transport
    return transport is not None and not transport.is_closing()


@dataclass(eq=False, slots=True)
class Write:
    """A write that is under way."""

    operation: str
    request: web.Request


class Writes:
    """The writes that are under way, per company, and the overlaps that were seen."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._under_way: defaultdict[str, list[Write]] = defaultdict(list)
        self.overlaps: defaultdict[str, list[Overlap]] = defaultdict(list)

    def begin(self, company: str, operation: str, request: web.Request) -> Write:
        """A write has arrived; it overlaps those of its company under way with their client there."""
        write = Write(operation, request)
        for other in self._under_way[company]:
            if is_connected(other.request):
                overlap = Overlap(first=other.operation, second=operation, at=self._clock())
                self.overlaps[company].append(overlap)
        self._under_way[company].append(write)
        return write

    def end(self, company: str, write: Write) -> None:
        """The write was answered, or its connection is gone."""
        self._under_way[company].remove(write)
