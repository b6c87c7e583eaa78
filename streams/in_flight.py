"""Records that were sent and not yet acknowledged, kept in the order in which their sources came.

Faust acknowledges a source record when the agent asks for the next one, also when the agent was cancelled in
between, and it commits past a record that is still open when a later one is acknowledged first. So the
agent takes its stream without acknowledgements and hands every record to `InFlight`, which acknowledges a
source when the broker has confirmed everything that came of it *and* of all sources before it.

Many records are on their way at once, and their order is kept: the producer sends the batches of one
partition one after the other and repeats a failed one before the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NoReturn, Protocol


class Source(Protocol):
    """The record that came in; acknowledged means: never to be read again."""

    def ack(self) -> bool:
        """Mark as done."""
        ...  # pragma: no cover - a protocol has no body


class InFlight:
    """An ordered window of sources that wait for their acknowledgements.

    Args:
        limit: how many sources may be open; `add` waits when there are as many.
        give_up: called with the error of the first send that failed for good. It must end the process:
            nothing behind the failed record may be acknowledged any more.
    """

    def __init__(self, limit: int, give_up: Callable[[BaseException], NoReturn]) -> None:
        self._open: asyncio.Queue[tuple[Source, Sequence[Awaitable[object]]]] = asyncio.Queue()
        self._room = asyncio.Semaphore(limit)
        self._give_up = give_up
        self._settler = asyncio.create_task(self._settle(), name="intake-acknowledgements")

    async def room(self) -> None:
        """Wait until one more source may be opened; one `add` must follow."""
        await self._room.acquire()

    def add(self, source: Source, sends: Sequence[Awaitable[object]]) -> None:
        """Open a source: acknowledge it once all its sends, and all sources before it, are confirmed."""
        self._open.put_nowait((source, sends))

    async def drained(self) -> None:
        """Wait until nothing is open."""
        await self._open.join()

    async def close(self) -> None:
        """Stop acknowledging; what is open is read again by the next process."""
        self._settler.cancel()
        with suppress(asyncio.CancelledError):
            await self._settler

    async def _settle(self) -> None:
        while True:
            source, sends = await self._open.get()
            try:
                for send in sends:
                    await send
            except Exception as error:  # noqa: BLE001 - whatever it was, the record did not arrive
                self._give_up(error)
            source.ack()
            self._room.release()
            self._open.task_done()
