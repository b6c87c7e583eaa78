"""The receiver: Kafka to ledger, rows and offsets in one transaction.

One thread owns the consumer. On assignment it seeks to the offsets in the ledger; what Kafka has committed
only feeds lag graphs (and shows when the ledger went back in time). While the database is slow or away it
pauses its partitions and keeps polling, so the group never sees it leave. A batch that the database
refuses is bisected until the one record remains that is to blame.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import psycopg
import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata
from psycopg.rows import TupleRow
from tenacity import wait_exponential

from ledger.admission import KafkaRecord, Refusal, read_command
from ledger.away import LEDGER_AWAY
from ledger.inbox import receive, receive_commands
from ledger.input_offsets import OffsetConflict, advance_offsets, next_offsets
from ledger.pauses import pause
from schemas.outcome import Code, Package, reason
from schemas.topics import HOLDING, INTAKE_DLQ, sink_topic

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
    ) -> None:
        """`connect` opens a connection in autocommit mode."""
        self._config = kafka_config
        self._connect = connect
        self._topics = [*(sink_topic(package) for package in packages), HOLDING, INTAKE_DLQ]
        self._clock = clock
        self._group = group
        self._max_records = max_records
        self._session_ms = int(session_timeout.total_seconds() * 1000)
        self._checkpoint = checkpoint
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._connection: psycopg.Connection[TupleRow] | None = None
        self.failure: BaseException | None = None
        self.last_progress: datetime | None = None

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
            if self._connection is not None:
                self._connection.close()

    def _turn(self, consumer: KafkaConsumer) -> None:
        polled = consumer.poll(timeout_ms=250)
        self.last_progress = self._clock()
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
            self.seek(consumer, list(polled))
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
        failures = 0
        while True:
            try:
                self._write(records, moves)
                if failures:
                    consumer.resume(*consumer.paused())
                return
            except LEDGER_AWAY as error:
                failures += 1
                log.warning("receiver.database_away", error=str(error).strip(), failures=failures)
                self._drop_connection()
                consumer.pause(*consumer.assignment())
                consumer.poll(
                    timeout_ms=int(pause(wait_exponential(0.1, max=2), failures).total_seconds() * 1000)
                )
                if self._stopping.is_set():
                    raise

    def _write(self, records: list[KafkaRecord], moves: list[tuple[str, int, int, int]]) -> None:
        connection = self._open()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                advance_offsets(cursor, moves)
                receive(cursor, records, self._clock())
        except LEDGER_AWAY:
            raise
        except psycopg.Error as error:
            log.error("receiver.batch_refused", error=str(error).strip(), records=len(records))
            self._bisect(connection, records, error)
            with connection.transaction(), connection.cursor() as cursor:
                advance_offsets(cursor, moves)
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

    def seek(self, consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        """Go to where the ledger is."""
        failures = 0
        while True:
            try:
                with self._open().cursor() as cursor:
                    known = next_offsets(cursor, [(p.topic, p.partition) for p in partitions])
                break
            except LEDGER_AWAY as error:
                failures += 1
                log.warning("receiver.database_away", error=str(error).strip(), failures=failures)
                self._drop_connection()
                if self._stopping.wait(pause(wait_exponential(0.1, max=2), failures).total_seconds()):
                    return
        beginnings = defaultdict(int, known)
        for partition in partitions:
            place = (partition.topic, partition.partition)
            if place in known:
                consumer.seek(partition, beginnings[place])
            else:
                consumer.seek_to_beginning(partition)

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
            self._receiver.seek(self._consumer, list(assigned))


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
