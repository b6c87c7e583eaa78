"""Reads what came out: every record of the topics named, from the moment of opening."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from kafka import KafkaConsumer, TopicPartition

from schemas.topics import PARTITIONS


@dataclass(frozen=True)
class Arrived:
    """A record as it lies in a topic."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    def header(self, name: str) -> str | None:
        """The last header of that name."""
        values = [value for header, value in self.headers if header == name]
        return values[-1].decode() if values and values[-1] is not None else None

    @property
    def source(self) -> tuple[str | None, str | None, str | None]:
        return (
            self.header("koppeling_source_topic"),
            self.header("koppeling_source_partition"),
            self.header("koppeling_source_offset"),
        )


class TopicReader:
    """Open before anything is published; `until` reads on until what has arrived is enough."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, max_partition_fetch_bytes=12 << 20, fetch_max_bytes=50 << 20
        )
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self._partitions = partitions
        self._consumer.assign(partitions)
        for partition, offset in self._consumer.end_offsets(partitions).items():
            self._consumer.seek(partition, offset)
        self.arrived: list[Arrived] = []
        self.values: set[bytes | None] = set()

    def __enter__(self) -> TopicReader:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def read(self, milliseconds: int = 100) -> None:
        """Take what is there, waiting at most so long for the first record."""
        for records in self._consumer.poll(timeout_ms=milliseconds, max_records=5_000).values():
            for record in records:
                self.values.add(record.value)
                self.arrived.append(
                    Arrived(record.topic, record.partition, record.key, record.value, tuple(record.headers))
                )

    def read_to_the_end(self) -> None:
        """Read everything that lies in the topics now."""
        ends = self._consumer.end_offsets(self._partitions)
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            self.read()

    def until(self, enough: Callable[[list[Arrived]], bool], seconds: float = 150.0) -> list[Arrived]:
        """Read until `enough` of all that arrived so far."""
        deadline = time.monotonic() + seconds
        while not enough(self.arrived):
            assert time.monotonic() < deadline, f"still waiting after {len(self.arrived)} records"
            self.read()
        return self.arrived
