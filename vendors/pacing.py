"""How fast one connection may call its package: calls side by side, and calls per minute and hour.

A `Pacer` belongs to one connection and is shared by the sink and the source of its administrations,
which the lease keeps in one process; the next process resumes from what was `used`. It counts in slots
of a sixtieth of each period and never lets more than the limit through in any window of that length,
wherever the package's own windows begin.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from schemas.outcome import Code
from vendors.failure import NotSent, Scope

Monotonic = Callable[[], float]
"""Seconds on a clock that never goes back."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits that many seconds."""

SLOTS = 60


@dataclass(frozen=True)
class Limit:
    """At most `calls` in any window of `period`."""

    calls: int
    period: timedelta


class _Window:
    """Counts calls of one limit in slots; the slot that is being filled counts until it is fully past."""

    def __init__(self, limit: Limit) -> None:
        self.period = limit.period
        self._calls = limit.calls
        self._slot = limit.period.total_seconds() / SLOTS
        self._counts: deque[tuple[int, int]] = deque()
        self._total = 0

    def wait(self, now: float, share: float) -> float:
        """Seconds until one more call fits in `share` of the limit; 0 when it does."""
        self._forget(now)
        if self._total < max(1, int(self._calls * share)):
            return 0.0
        return self._free_at(self._counts[0][0]) - now

    def _forget(self, now: float) -> None:
        while self._counts and self._free_at(self._counts[0][0]) <= now:
            self._total -= self._counts.popleft()[1]

    def _free_at(self, slot: int) -> float:
        """When the calls of a slot, the last of them included, are a whole period ago."""
        return (slot + SLOTS + 1) * self._slot

    def used(self, now: float) -> list[tuple[float, int]]:
        """By slot, oldest first: how many seconds ago its last call may have been, and its calls."""
        return [(max(0.0, now - (slot + 1) * self._slot), calls) for slot, calls in self._counts]

    def left(self, now: float) -> float:
        """The part of the limit that may still be used: 1 is all of it."""
        self._forget(now)
        return max(0.0, 1.0 - self._total / self._calls)

    def resume(self, calls: Sequence[tuple[float, int]], now: float) -> None:
        """Count what another process has used, before anything was counted here."""
        for age, number in sorted(calls, reverse=True):
            self._add(int((now - age) // self._slot), number)

    def count(self, now: float) -> None:
        self._add(int(now // self._slot), 1)

    def _add(self, slot: int, calls: int) -> None:
        if self._counts and self._counts[-1][0] == slot:
            self._counts[-1] = (slot, self._counts[-1][1] + calls)
        else:
            self._counts.append((slot, calls))
        self._total += calls


class Pacer:
    """Lets calls of one connection through at the pace that its package allows.

    Args:
        concurrent: calls side by side.
        limits: budgets per period.
        longest_wait: a call that would have to wait longer is not sent at all (`NotSent`,
            `rate_limited`, with the wait as `retry_after`), so that no lane sleeps through its lease.
        background_share: the part of each budget that background calls (readback) may use, so that
            invoices always find room.
        clock: monotonic seconds.
        sleep: waits.
    """

    def __init__(
        self,
        concurrent: int = 50,
        limits: Sequence[Limit] = (),
        *,
        longest_wait: timedelta = timedelta(seconds=5),
        background_share: float = 0.7,
        clock: Monotonic = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._semaphore = asyncio.Semaphore(concurrent)
        self._windows = tuple(_Window(limit) for limit in limits)
        self._longest_wait = longest_wait.total_seconds()
        self._background_share = background_share
        self._clock = clock
        self._sleep = sleep
        self._pause_until = float("-inf")

    def pause(self, duration: timedelta) -> None:
        """Let nothing through for so long: the package said so (`Retry-After`)."""
        self._pause_until = max(self._pause_until, self._clock() + duration.total_seconds())

    def used(self) -> dict[timedelta, list[tuple[float, int]]]:
        """Per period of a limit, the calls that still count: (seconds ago, calls)."""
        now = self._clock()
        return {window.period: window.used(now) for window in self._windows}

    def left(self) -> dict[timedelta, float]:
        """Per period of a limit, the part of it that is left: 1 is all."""
        now = self._clock()
        return {window.period: window.left(now) for window in self._windows}

    def resume(self, used: Mapping[timedelta, Sequence[tuple[float, int]]]) -> None:
        """Count the calls of the process that held this connection before; limits we have not are ignored."""
        now = self._clock()
        for window in self._windows:
            window.resume(used.get(window.period, ()), now)

    @asynccontextmanager
    async def slot(self, *, background: bool = False) -> AsyncIterator[None]:
        """Hold a place for one call.

        Raises:
            NotSent: when the wait would be longer than `longest_wait`.
        """
        async with self._semaphore:
            await self._admit(self._background_share if background else 1.0)
            yield

    async def _admit(self, share: float) -> None:
        while (wait := self._wait(share)) > 0:
            if wait > self._longest_wait:
                raise NotSent(
                    Code.RATE_LIMITED, retry_after=timedelta(seconds=wait), scope=Scope.ADMINISTRATION
                )
            await self._sleep(wait)
        now = self._clock()
        for window in self._windows:
            window.count(now)

    def _wait(self, share: float) -> float:
        now = self._clock()
        wait = self._pause_until - now
        for window in self._windows:
            wait = max(wait, window.wait(now, share))
        return wait
