"""The intake agent: reads the three source topics, routes every record, loses none.

One agent for all three topics: they share their keys and their 48 partitions, so one process owns an
administration's records on all of them, and the table of packages needs no look-up elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import faust
import structlog

from schemas.outcome import Package
from schemas.topics import ENK_ADMINISTRATIONS, ENK_INVOICES, ENK_RELATIONS, PARTITIONS
from streams.continuity import Continuity, Log
from streams.in_flight import InFlight, Source
from streams.records import Outgoing, SourceRecord
from streams.routing import Routed, route
from streams.source_log import Partition
from telemetry import metrics

SOURCE_TOPICS = (ENK_ADMINISTRATIONS, ENK_RELATIONS, ENK_INVOICES)

COMMITS = 4
"""Attempts to commit at a stop; what could not be committed is read again, and has no effect then."""

OPEN_RECORDS = 256
"""Records on their way at once; a kill makes at most so many of them travel twice."""

LOOK_SECONDS = 10.0
"""Between two looks at the ends of the partitions."""

log = structlog.get_logger(__name__)


class _LeftOut:
    """Stands for a record that Faust left out: it has nothing to acknowledge, the next one does it."""

    def ack(self) -> bool:
        return False


LEFT_OUT = _LeftOut()


class Intake:
    """The agent of one process and what it remembers: the package of every administration.

    Args:
        app: the application to add the agent and its table to.
        log: the source topics, for what Faust leaves out.
        give_up: must end the process at once; called when a record can neither travel on nor be skipped.
    """

    def __init__(self, app: faust.App, log: Log, give_up: Callable[[BaseException], NoReturn]) -> None:
        self._app = app
        self._continuity = Continuity(log, self.partitions)
        self._give_up = give_up
        self._in_flight = InFlight(OPEN_RECORDS, give_up)
        self._finishing = False
        # Held while a record is on its way into the window, so that a stop never looks in between.
        self._taking = asyncio.Lock()
        # The last package each administration named. Entries are never removed: what arrives after a
        # tombstone must still reach the ledger, which holds it as administration_inactive.
        self._packages = app.Table(
            "packages",
            partitions=PARTITIONS,
            key_type=bytes,
            value_type=bytes,
            help="administration id → package id",
        )
        app.agent(
            # Raw bytes: Faust acknowledges, and so loses, what its own deserialiser refuses.
            app.topic(
                *SOURCE_TOPICS,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                allow_empty=True,
            ),
            name="intake",
            concurrency=1,
        )(self._consume)
        app.on_partitions_assigned.connect(self._assigned)
        app.on_rebalance_complete.connect(self._recovered)
        app.timer(LOOK_SECONDS)(self._look_at_the_ends)

    def partitions(self) -> frozenset[Partition]:
        """The partitions (topic, partition) of the source topics that this process reads now; any thread."""
        if self._app.consumer is None:
            return frozenset()
        # The table's own topic is assigned as well.
        assigned = set(self._app.consumer.assignment())
        return frozenset((p.topic, p.partition) for p in assigned if p.topic in SOURCE_TOPICS)

    async def finish(self) -> None:
        """Take nothing more, wait until everything that was sent is confirmed, and commit it.

        Faust may still be starting: its agents consume before it says that it has started.
        """
        self._finishing = True
        async with self._taking:
            await self._in_flight.drained()
        # Faust only waits when a commit is already under way, which does not have the last ones, and says
        # False; so it does when nothing is left to commit.
        for _ in range(COMMITS):
            if self._app.consumer is None or await self._app.consumer.commit():
                break

    async def close(self) -> None:
        """Stop acknowledging."""
        await self._in_flight.close()

    async def _assigned(self, *_: object, **__: object) -> None:
        self._continuity.forget()

    async def _recovered(self, *_: object, **__: object) -> None:
        # Faust is about to seek the source topics back while it fetches from them; it resumes afterwards.
        self._app.consumer.stop_flow()

    async def _look_at_the_ends(self) -> None:
        """Take what was left out at the end of a partition, behind which nothing comes that would show it."""
        if self._must_not_take():
            return
        try:
            async with self._taking:
                left_out = await self._continuity.left_out_at_the_ends()
                if not self._must_not_take():
                    await self._take_left_out(left_out)
        except Exception as error:  # noqa: BLE001 - as below: Faust would only log it
            self._give_up(error)

    def _must_not_take(self) -> bool:
        """Whether no record may be taken now: the table is being read, or this is the end."""
        return self._finishing or self._app.rebalancing

    async def _consume(self, stream: faust.Stream[bytes]) -> None:
        try:
            async for event in stream.noack().events():
                async with self._taking:
                    if not self._finishing:
                        await self._take_event(event)
                if self._finishing:
                    # Until Faust cancels the agent: one that returned would be started anew.
                    await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - Faust would start the agent anew, behind the lost record
            self._give_up(error)

    async def _take_event(self, event: faust.Event) -> None:
        message = event.message
        place = (message.topic, message.partition)
        await self._take_left_out(await self._continuity.left_out_before(place, message.offset))
        record = SourceRecord(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=message.key,
            value=message.value,
            # Not event.headers: a dict, which keeps one of several headers of the same name.
            headers=tuple(message.headers or ()),
        )
        await self._take(record, event)

    async def _take_left_out(self, records: Sequence[SourceRecord]) -> None:
        for record in records:
            await self._take(record, LEFT_OUT)

    async def _take(self, record: SourceRecord, source: Source) -> None:
        routed = route(record, self._package_of)
        await self._in_flight.room()
        self._in_flight.add(source, await self._send(routed, record.partition))
        self._continuity.taken((record.topic, record.partition), record.offset)
        metrics.INTAKE_RECORDS.labels(record.topic, routed.went, routed.code or "").inc()

    async def _send(self, routed: Routed, partition: int) -> list[Awaitable[object]]:
        sends = [await self._queue(outgoing, partition) for outgoing in routed.records]
        if routed.assignment is not None:
            administration = routed.assignment.administration.encode()
            package = routed.assignment.package.encode()
            # The store itself, because assigning to the table would send the change unwatched.
            self._packages.data[administration] = package
            sends.append(self._remember(partition, administration, package))
        return sends

    async def _remember(self, partition: int, administration: bytes, package: bytes) -> None:
        """Write the package to the changelog.

        Runs when `InFlight` waits for it: after the records that came of the same event are confirmed. A
        kill in between must find the former package again, whose sink is still to be told.
        """
        await self._packages.send_changelog(partition, administration, package)

    async def _queue(self, outgoing: Outgoing, partition: int) -> Awaitable[object]:
        """Hand a record to the producer; the result is done when all replicas have the record.

        It goes to the partition it came from, so records without a key keep their order too, and the
        producer of the source may distribute its keys as it likes. Its time is the time of sending: with the
        source's time, a record read late would be older than the topic's retention when it arrives.
        """
        producer = await self._app.maybe_start_producer()
        acknowledged: Awaitable[object] = await producer.send(
            outgoing.topic, outgoing.key, outgoing.value, partition, None, list(outgoing.headers)
        )
        return acknowledged

    def _package_of(self, administration: str) -> Package | None:
        package = self._packages.data.get(administration.encode())
        return Package(package.decode()) if package else None
