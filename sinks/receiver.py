"""The receiver: Kafka to ledger, rows and offsets in one transaction.

One thread owns the consumer. After an assignment it seeks to the offsets in the ledger; what Kafka has
committed only feeds lag graphs (and shows when the ledger went back in time). While the database is slow,
stands still or is away it pauses its partitions and keeps polling, so the group never sees it leave
(`sinks.patience`). A batch that the database
refuses is bisected until the one record remains that is to blame.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import psycopg
import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata
from psycopg.rows import TupleRow

from ledger.admission import KafkaRecord, Refusal, read_command
from ledger.away import LEDGER_AWAY
from ledger.inbox import receive, receive_commands
from ledger.input_offsets import OffsetConflict, advance_offsets, next_offsets
from schemas.outcome import Code, Package, reason
from schemas.topics import HOLDING, INTAKE_DLQ, sink_topic
from sinks.patience import Patience
from telemetry import metrics

log = structlog.get_logger(__name__)

GROUP = "koppeling.receiver"


class Receiver:
    """Runs until stopped; raises nothing but what makes the process useless (then `failure` is set)."""

    def __init__(
        self,
        kafka_config: Mapping[str, object],
        connect: Callable[[], psycopg.Connection[TupleRow]],
        packages: Sequence[Package],
        clock: Callable[[], datetime],
        *,
        group: str = GROUP,
        max_records: int = 500,
        session_timeout: timedelta = timedelta(seconds=10),
        checkpoint: Callable[[str], None] = lambda name: None,
        beat: Callable[[], None] = lambda: None,
        on_assigned: Callable[[], None] = lambda: None,
    ) -> None:
        """`connect` opens a connection in autocommit mode.

        `beat` is called whenever the thread gets on, `on_assigned` when it has been given its partitions.
        """
        self._config = kafka_config
        self._connect = connect
        self._topics = [*(sink_topic(package) for package in packages), HOLDING, INTAKE_DLQ]
        self._clock = clock
        self._group = group
        self._max_records = max_records
        self._session_ms = int(session_timeout.total_seconds() * 1000)
        self._checkpoint = checkpoint
        self._beat = beat
        self.on_assigned = on_assigned
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._patience = Patience(self._stopping, beat)
        self._unplaced: set[TopicPartition] = set()
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Finish the batch in hand and leave the group."""
        self._stopping.set()
        self._thread.join(patience)

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        consumer: KafkaConsumer | None = None
        try:
            consumer = KafkaConsumer(
                **self._config,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=self._max_records,
                max_partition_fetch_bytes=12 * 1024 * 1024,
                session_timeout_ms=self._session_ms,
                heartbeat_interval_ms=self._session_ms // 3,
            )
            consumer.subscribe(self._topics, listener=_SeekToLedger(self, consumer))
            # A leader that assigns before it knows the topics hands out nothing, and stays with that.
            for topic in self._topics:
                consumer.partitions_for_topic(topic)
            while not self._stopping.is_set():
                self._turn(consumer)
        except BaseException as error:  # noqa: BLE001 - handed to the process, which stops with it
            self.failure = error
            log.error("receiver.failed", error=repr(error))
        finally:
            if consumer is not None:
                consumer.close()
            self._patience.end()
            if self._connection is not None:
                self._connection.close()

    def _turn(self, consumer: KafkaConsumer) -> None:
        self._place(consumer)
        polled = consumer.poll(timeout_ms=250)
        self._beat()
        if not polled:
            return
        moves: list[tuple[str, int, int, int]] = []
        records: list[KafkaRecord] = []
        for partition, batch in polled.items():
            start, upto = batch[0].offset, batch[-1].offset + 1
            moves.append((partition.topic, partition.partition, start, upto))
            records.extend(_record(message) for message in batch)
        self._checkpoint("received")
        try:
            self._store(consumer, records, moves)
        except OffsetConflict:
            log.info("receiver.overtaken")
            self.unplace(consumer, polled)
            return
        try:
            consumer.commit(
                {
                    TopicPartition(topic, partition): OffsetAndMetadata(upto, "", -1)
                    for topic, partition, _, upto in moves
                }
            )
        except KafkaError as error:
            log.info("receiver.commit_failed", error=repr(error))

    def _store(
        self, consumer: KafkaConsumer, records: list[KafkaRecord], moves: list[tuple[str, int, int, int]]
    ) -> None:
        """Write the batch, patiently: a database that is away only pauses this receiver."""
        self._patience.run(consumer, lambda: self._write(records, moves), self._drop_connection)
        self._resume(consumer)

    def _write(self, records: list[KafkaRecord], moves: list[tuple[str, int, int, int]]) -> None:
        connection = self._open()
        try:
            with (
                metrics.RECEIVE_BATCH_SECONDS.time(),
                connection.transaction(),
                connection.cursor() as cursor,
            ):
                advance_offsets(cursor, moves)
                receive(cursor, records, self._clock())
        except LEDGER_AWAY:
            raise
        except psycopg.Error as error:
            log.error("receiver.batch_refused", error=str(error).strip(), records=len(records))
            self._bisect(connection, records, error)
            with connection.transaction(), connection.cursor() as cursor:
                advance_offsets(cursor, moves)
        for topic, number in Counter(record.topic for record in records).items():
            metrics.RECEIVED.labels(topic).inc(number)
        self._checkpoint("ledger")

    def _bisect(
        self, connection: psycopg.Connection[TupleRow], records: list[KafkaRecord], error: psycopg.Error
    ) -> None:
        """Store halves until the record that the database refuses stands alone; it is kept as rejected."""
        if len(records) == 1:
            command = read_command(records[0])
            why = reason(Code.INTERNAL, vendor_message=str(error).strip())
            refusal = Refusal(why, False, None, "record", None, None, None, None)
            with connection.transaction(), connection.cursor() as cursor:
                receive_commands(
                    cursor,
                    [type(command)(command.source, command.key, command.headers, command.value, refusal)],
                    self._clock(),
                )
            return
        middle = len(records) // 2
        for half in (records[:middle], records[middle:]):
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    receive(cursor, half, self._clock())
            except LEDGER_AWAY:
                raise
            except psycopg.Error as half_error:
                self._bisect(connection, half, half_error)

    def unplace(self, consumer: KafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """Nothing is read of these until they are placed where the ledger is."""
        found = set(partitions) & consumer.assignment()
        self._unplaced |= found
        consumer.pause(*found)

    def _place(self, consumer: KafkaConsumer) -> None:
        """Go to where the ledger is, with every partition that was assigned or overtaken."""
        while self._unplaced:
            wanted = sorted(self._unplaced)
            known = self._patience.run(consumer, partial(self._positions, wanted), self._drop_connection)
            for partition in set(wanted) & consumer.assignment():
                offset = known.get((partition.topic, partition.partition))
                if offset is None:
                    consumer.seek_to_beginning(partition)
                else:
                    consumer.seek(partition, offset)
            self._unplaced.difference_update(wanted)
            self._resume(consumer)

    def _positions(self, partitions: Sequence[TopicPartition]) -> dict[tuple[str, int], int]:
        with self._open().cursor() as cursor:
            return next_offsets(cursor, [(p.topic, p.partition) for p in partitions])

    def _resume(self, consumer: KafkaConsumer) -> None:
        ready = set(consumer.paused()) - self._unplaced
        if ready:
            consumer.resume(*ready)

    def _open(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _SeekToLedger(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, receiver: Receiver, consumer: KafkaConsumer) -> None:
        self._receiver = receiver
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing is kept between batches."""

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Read on where the ledger is, whatever Kafka has committed."""
        if assigned:
            self._receiver.unplace(self._consumer, assigned)
        self._receiver.on_assigned()


def _record(message: object) -> KafkaRecord:
    """kafka-python's record as ours; header values may be None."""
    headers = [(name, value or b"") for name, value in getattr(message, "headers", None) or []]
    return KafkaRecord(
        message.topic,  # type: ignore[attr-defined]
        message.partition,  # type: ignore[attr-defined]
        message.offset,  # type: ignore[attr-defined]
        message.key,  # type: ignore[attr-defined]
        headers,
        message.value,  # type: ignore[attr-defined]
    )
