"""Sees to it that every offset is taken, whatever Faust leaves out.

While Faust reads its tables again after a restart or a rebalance it fetches source records already, seeks
back meanwhile, and may drop what came in between; the next record it then takes for one behind a gap in the
log, and commits past the gap. Records were lost by that under load. So the intake follows the offsets of
every partition itself: what is missing before a record, or at the end of a partition that stands still, is
read from the log.

A record may be read twice by this. That has no effect; a record that is not read at all is an invoice less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from streams.records import SourceRecord
from streams.source_log import Partition

log = structlog.get_logger(__name__)


class Log(Protocol):
    """The source topics; see `streams.source_log`."""

    def next_offsets(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Where the group goes on."""
        ...  # pragma: no cover - a protocol has no body

    def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offset behind the last record of each."""
        ...  # pragma: no cover - a protocol has no body

    def read(self, place: Partition, start: int, end: int) -> list[SourceRecord]:
        """The records from `start` up to `end`."""
        ...  # pragma: no cover - a protocol has no body


STILL_LOOKS = 6
"""A partition that stands still for so many looks is read; at once when nothing comes from any of them."""

READ_AT_ONCE = 500
"""Records read of one partition at one look."""


@dataclass(frozen=True)
class _Seen:
    """A partition at the last look."""

    next_offset: int
    end: int
    looks: int


class Continuity:
    """The next offset of every partition that this process reads.

    Args:
        log: the source topics.
        partitions: those that this process reads now.
    """

    def __init__(self, log: Log, partitions: Callable[[], Iterable[Partition]]) -> None:
        self._log = log
        self._partitions = partitions
        self._next: dict[Partition, int] | None = None
        self._seen: dict[Partition, _Seen] = {}
        self._quiet = True

    def forget(self) -> None:
        """The partitions were assigned anew: others may have worked on them meanwhile."""
        self._next = None
        self._seen.clear()

    def taken(self, place: Partition, offset: int) -> None:
        """A record, and everything before it, was taken."""
        self._quiet = False
        if self._next is not None:
            self._next[place] = offset + 1

    async def left_out_before(self, place: Partition, offset: int) -> list[SourceRecord]:
        """What was left out before a record that has come. Raises `kafka.errors.KafkaError`."""
        return await self._between(place, offset)

    async def left_out_at_the_ends(self) -> list[SourceRecord]:
        """What was left out at the ends of partitions: nothing comes, though there is something.

        Called now and then. Raises `kafka.errors.KafkaError`.
        """
        quiet, self._quiet = self._quiet, True
        known = await self._known()
        ends = await asyncio.to_thread(self._log.ends, list(known))
        found: list[SourceRecord] = []
        for place, end in ends.items():
            before, now = self._seen.get(place), known.get(place, end)
            if before is None or (before.next_offset, before.end) != (now, end):
                self._seen[place] = _Seen(now, end, 1)
            elif now < end and (quiet or before.looks >= STILL_LOOKS):
                until = min(end, now + READ_AT_ONCE)
                found += await self._between(place, until)
                # What compaction or a transaction took is asked for once.
                known[place] = until
            else:
                self._seen[place] = _Seen(now, end, before.looks + 1)
        return found

    async def _between(self, place: Partition, end: int) -> list[SourceRecord]:
        expected = (await self._known()).get(place)
        if expected is None or end <= expected:
            return []
        records = await asyncio.to_thread(self._log.read, place, expected, end)
        if records:
            log.warning(
                "intake.left_out",
                topic=place[0],
                partition=place[1],
                first_offset=records[0].offset,
                records=len(records),
            )
        return records

    async def _known(self) -> dict[Partition, int]:
        while self._next is None:
            partitions = list(self._partitions())
            found = dict(await asyncio.to_thread(self._log.next_offsets, partitions))
            # Unless they were assigned anew meanwhile.
            if set(partitions) == set(self._partitions()):
                self._next = found
        return self._next
