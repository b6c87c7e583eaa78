"""The source topics themselves, asked past Faust: what is committed, and what lies between two offsets.

Blocking; called in a thread. Uses no consumer group, so it never takes a partition from anybody.
"""

from __future__ import annotations

import ssl
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TypedDict

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from tenacity import (
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_exponential,
)

from streams.config import StreamsConfig
from streams.records import SourceRecord

Partition = tuple[str, int]
"""(topic, partition)"""

POLL_MS = 500


class _Client(TypedDict, total=False):
    bootstrap_servers: list[str]
    security_protocol: str
    ssl_context: ssl.SSLContext
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str


@dataclass(frozen=True)
class _Ahead:
    """The offsets that a read has seen from `start` up to `end`.

    A source with transactions, or a compacted one, has a hole before every other record: one read tells of
    hundreds of them.
    """

    start: int
    end: int
    offsets: tuple[int, ...]

    def has_none_between(self, start: int, end: int) -> bool:
        if start < self.start or end > self.end:
            return False
        return bisect_left(self.offsets, start) == bisect_left(self.offsets, end)


class SourceLog:
    """Answers for one consumer group."""

    def __init__(self, config: StreamsConfig, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = _client(config)
        self._group = config.app_id
        self._patience = config.send_timeout_seconds
        self._monotonic = monotonic
        self._ahead: dict[Partition, _Ahead] = {}
        self._closing = threading.Event()
        # These are reads, and a broker that has just started has no coordinator yet.
        self._patiently = Retrying(
            retry=retry_if_exception_type(KafkaError),
            stop=stop_any(stop_after_delay(self._patience), stop_when_event_set(self._closing)),
            wait=wait_exponential(0.1, max=2),
            sleep=sleep_using_event(self._closing),
            reraise=True,
        )

    def close(self) -> None:
        """Do not try again any more what fails from now on: this process is to end. Any thread."""
        self._closing.set()

    def next_offsets(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """Where the group goes on: its committed offset, or the oldest record where it has none.

        Raises `kafka.errors.KafkaError`.
        """
        wanted = list(partitions)
        committed = self._patiently(self._committed)
        first = self._patiently(self._oldest, [place for place in wanted if committed.get(place, -1) < 0])
        return {place: first[place] if place in first else committed[place] for place in wanted}

    def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offset behind the last record of each. Raises `kafka.errors.KafkaError`."""
        return self._patiently(self._ends, list(partitions))

    def read(self, place: Partition, start: int, end: int) -> list[SourceRecord]:
        """The records from `start` up to `end`; offsets that compaction or a transaction took are not there.

        There must be something at `end` or behind it. Raises `kafka.errors.KafkaError`, also when the broker
        does not get that far in time.
        """
        ahead = self._ahead.get(place)
        if ahead is not None and ahead.has_none_between(start, end):
            return []
        return self._patiently(self._read, place, start, end)

    def _committed(self) -> dict[Partition, int]:
        admin = KafkaAdminClient(**self._client)
        try:
            stored = admin.list_group_offsets({self._group: None})[self._group]
        finally:
            admin.close()
        return {(place.topic, place.partition): entry.offset for place, entry in stored.items()}

    def _oldest(self, places: list[Partition]) -> dict[Partition, int]:
        with self._consumer() as consumer:
            return _offsets(consumer.beginning_offsets([TopicPartition(*place) for place in places]))

    def _ends(self, places: list[Partition]) -> dict[Partition, int]:
        with self._consumer() as consumer:
            return _offsets(consumer.end_offsets([TopicPartition(*place) for place in places]))

    def _read(self, place: Partition, start: int, end: int) -> list[SourceRecord]:
        partition = TopicPartition(*place)
        deadline = self._monotonic() + self._patience
        records: list[SourceRecord] = []
        offsets: list[int] = []
        with self._consumer() as consumer:
            consumer.assign([partition])
            consumer.seek(partition, start)
            while consumer.position(partition) < end:
                for found in consumer.poll(timeout_ms=POLL_MS).get(partition, ()):
                    offsets.append(found.offset)
                    if found.offset < end:
                        headers = tuple(found.headers or ())
                        records.append(SourceRecord(*place, found.offset, found.key, found.value, headers))
                if self._monotonic() > deadline:
                    raise KafkaTimeoutError(f"{place} was not read up to {end}")
            self._ahead[place] = _Ahead(start, consumer.position(partition), tuple(offsets))
        return records

    def _consumer(self) -> closing[KafkaConsumer]:
        consumer = KafkaConsumer(**self._client, enable_auto_commit=False, auto_offset_reset="earliest")
        return closing(consumer)


def _offsets(found: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {(place.topic, place.partition): offset for place, offset in found.items()}


def _client(config: StreamsConfig) -> _Client:
    security = config.security
    client = _Client(bootstrap_servers=list(config.bootstrap_servers))
    transport = "SSL" if security.tls else "PLAINTEXT"
    client["security_protocol"] = f"SASL_{transport}" if security.mechanism else transport
    context = security.ssl_context()
    if context is not None:
        client["ssl_context"] = context
    if security.mechanism:
        client["sasl_mechanism"] = security.mechanism
        client["sasl_plain_username"] = security.username or ""
        client["sasl_plain_password"] = security.password or ""
    return client
