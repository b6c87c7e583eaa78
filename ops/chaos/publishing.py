"""Publishing a run's events at an even pace, through whatever happens to the broker."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from ops.chaos.documents import Disorder, Document, Issued
from schemas.publishing import Record, record_from_line
from schemas.topics import ENK_INVOICES

BROKER_AWAY_SECONDS = 600
"""How long the broker may be away before publishing gives up."""

MOST_UNCONFIRMED = 2_000


class PublishingFailed(Exception):
    """The broker did not take a record; the run proves nothing."""


class Publishing:
    """A thread that publishes a stream of events, a share of it every moment.

    The producer is idempotent: a record is on the topic once, in order, however often the broker went away.
    """

    def __init__(
        self,
        kafka: dict[str, Any],
        stream: Iterable[Issued],
        per_second: float,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kafka = kafka
        self._stream = stream
        self._per_second = per_second
        self._now = now
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-publishing", daemon=True)
        self._failure: BaseException | None = None
        self._moments: dict[str, str] = {}
        self.documents: list[Document] = []
        self.disorder: Counter[Disorder] = Counter()
        self.records = 0
        self.finished = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Publish no more."""
        self._stop.set()
        self._thread.join(30)

    def check(self) -> None:
        """Raises what made publishing impossible."""
        if self._failure is not None:
            raise PublishingFailed(str(self._failure)) from self._failure

    def publish_now(self, events: Iterable[Issued]) -> None:
        """Publish these in the calling thread, and wait until the broker has them."""
        producer = self._producer()
        try:
            for sent in [self._send(producer, issued) for issued in events]:
                sent.get(timeout=60)
        finally:
            producer.close(timeout=10)

    def _run(self) -> None:
        try:
            producer = self._producer()
            try:
                self._publish(producer)
            finally:
                producer.close(timeout=10)
        except BaseException as error:  # noqa: BLE001 - told by `check`
            self._failure = error

    def _publish(self, producer: Any) -> None:
        unconfirmed: deque[Any] = deque()
        began = time.monotonic()
        for number, issued in enumerate(self._stream):
            wait = began + number / self._per_second - time.monotonic()
            if self._stop.wait(max(0.0, wait)):
                return
            unconfirmed.append(self._send(producer, issued))
            while unconfirmed and (len(unconfirmed) > MOST_UNCONFIRMED or unconfirmed[0].is_done):
                unconfirmed.popleft().get(timeout=BROKER_AWAY_SECONDS)
        for sent in unconfirmed:
            sent.get(timeout=BROKER_AWAY_SECONDS)
        self.finished = True

    def _send(self, producer: Any, issued: Issued) -> Any:
        record = self._record(issued)
        if issued.document is not None:
            self.documents.append(issued.document)
        if issued.disorder is not None:
            self.disorder[issued.disorder] += 1
        self.records += 1
        return producer.send(
            record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
        )

    def _record(self, issued: Issued) -> Record:
        """An event's time is when ENK published it first: a recovery judges by it."""
        event = issued.event
        if "id" in event:
            event = {**event, "time": self._moments.setdefault(event["id"], _zulu(self._now()))}
        return record_from_line(json.dumps(event).encode(), ENK_INVOICES)

    def _producer(self) -> Any:
        from kafka import KafkaProducer

        return KafkaProducer(
            **self._kafka,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_block_ms=BROKER_AWAY_SECONDS * 1000,
            delivery_timeout_ms=BROKER_AWAY_SECONDS * 1000,
            request_timeout_ms=10_000,
        )


def _zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
