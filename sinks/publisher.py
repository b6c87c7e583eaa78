"""The publisher: outbox to Kafka, in order, deleted only after the broker's acknowledgement.

One process at a time publishes (an advisory lock); the others stand by, and end the session of one that
holds the lock without publishing (a stopped process). A record may be published twice
after a crash, with the same event id and sequence, which consumers ignore.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

import psycopg
import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from psycopg.rows import TupleRow
from pydantic_core import from_json
from tenacity import wait_exponential

from ledger.away import LEDGER_AWAY
from ledger.outbox import (
    OutboundRecord,
    lock_for_publishing,
    pending,
    published,
    take_over_publishing,
)
from ledger.pauses import pause
from schemas.topics import ENK_POSTINGS
from telemetry import metrics

log = structlog.get_logger(__name__)

_INTERRUPTIONS: tuple[type[Exception], ...] = (*LEDGER_AWAY, KafkaError)


class Publisher:
    """A thread that publishes what the outbox holds."""

    def __init__(
        self,
        kafka_config: Mapping[str, object],
        connect: Callable[[], psycopg.Connection[TupleRow]],
        *,
        batch: int = 500,
        idle_seconds: float = 0.05,
        stand_by_seconds: float = 1.0,
        stuck_after: timedelta = timedelta(seconds=30),
        checkpoint: Callable[[str], None] = lambda name: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `beat` is called whenever the thread gets on."""
        self._config = kafka_config
        self._connect = connect
        self._batch = batch
        self._idle = idle_seconds
        self._stand_by = stand_by_seconds
        self._stuck_after = stuck_after
        self._checkpoint = checkpoint
        self._beat = beat
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.published = 0
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Publish the batch in hand and stop."""
        self._stopping.set()
        self._thread.join(patience)

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._beat()
            try:
                self._publish_while_locked()
                failures = 0
            except _INTERRUPTIONS as error:
                failures += 1
                log.warning("publisher.interrupted", error=str(error).strip(), failures=failures)
                self._stopping.wait(pause(wait_exponential(0.1, max=5), failures).total_seconds())
            except BaseException as error:  # noqa: BLE001 - handed to the process, which stops with it
                self.failure = error
                log.error("publisher.failed", error=repr(error))
                return

    def _publish_while_locked(self) -> None:
        with self._connect() as connection:
            while not lock_for_publishing(connection):
                self._beat()
                if self._stopping.wait(self._stand_by):
                    return
                if take_over_publishing(connection, self._stuck_after):
                    log.warning("publisher.taken_over")
            producer = KafkaProducer(
                **self._config,
                acks="all",
                enable_idempotence=True,
                linger_ms=2,
                max_request_size=12 * 1024 * 1024,
            )
            try:
                while not self._stopping.is_set():
                    if not self._publish_once(connection, producer):
                        self._stopping.wait(self._idle)
            finally:
                producer.close(timeout=5)

    def _publish_once(self, connection: psycopg.Connection[TupleRow], producer: KafkaProducer) -> int:
        self._beat()
        rows = pending(connection, self._batch)
        if not rows:
            return 0
        self._checkpoint("outbox")
        sent = [
            producer.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))
            for _, record in rows
        ]
        producer.flush(timeout=30)
        for future in sent:
            future.get(timeout=30)
        self._checkpoint("published")
        published(connection, [number for number, _ in rows])
        self.published += len(rows)
        for _, record in rows:
            _count(record)
        return len(rows)


def _count(record: OutboundRecord) -> None:
    metrics.published(record.topic)
    if record.topic == ENK_POSTINGS:
        event = from_json(record.value)
        error = event.get("error")
        metrics.told(event.get("package") or "unknown", event["outcome"], error["code"] if error else "")
