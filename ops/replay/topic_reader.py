"""Reading a stretch of topics once more, from one moment to another, in order per partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from schemas.topics import ENK_ADMINISTRATIONS, ENK_INVOICES, ENK_RELATIONS
from streams.records import SourceRecord

if TYPE_CHECKING:
    from kafka import KafkaConsumer

INPUT_TOPICS = (ENK_ADMINISTRATIONS, ENK_RELATIONS, ENK_INVOICES)
"""In the order in which they are read: what others depend on comes first."""

SILENCE_SECONDS = 60
"""A broker that gives nothing for so long, while there is something, does not answer."""


@dataclass(frozen=True)
class Stretch:
    """The offsets of one topic, by partition: from the first to before the second."""

    topic: str
    offsets: Mapping[int, tuple[int, int]]

    @property
    def length(self) -> int:
        """Offsets in it; records may be fewer, where a topic is compacted."""
        return sum(end - start for start, end in self.offsets.values())


class NoSuchTopic(Exception):
    """The broker has no such topic."""


class BrokerSilent(Exception):
    """The broker stopped answering in the middle."""


class TopicReader:
    """Reads stretches of topics, in no consumer group: nobody notices."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer

    def stretch(self, topic: str, since: datetime, until: datetime | None) -> Stretch:
        """From the first record that is not older than `since` to before the first not older than `until`.

        The times are Kafka's. Where a producer set them and they do not rise, a few records more or less are
        in the stretch. Without `until`: to the end as it is now.
        """
        from kafka import TopicPartition

        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise NoSuchTopic(topic)
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        ends = self._consumer.end_offsets(partitions)
        starts = self._first_at(partitions, since, ends)
        stops = ends if until is None else self._first_at(partitions, until, ends)
        return Stretch(
            topic,
            {
                partition.partition: (starts[partition], stops[partition])
                for partition in partitions
                if starts[partition] < stops[partition]
            },
        )

    def records(self, stretch: Stretch) -> Iterator[list[SourceRecord]]:
        """Its records in batches; raises `BrokerSilent`."""
        from kafka import TopicPartition

        ends = {TopicPartition(stretch.topic, number): end for number, (_, end) in stretch.offsets.items()}
        consumer = self._consumer
        consumer.assign(list(ends))
        for partition in ends:
            consumer.seek(partition, stretch.offsets[partition.partition][0])
        silent = 0
        while ends:
            polled = consumer.poll(timeout_ms=1000)
            silent = 0 if polled else silent + 1
            batch = [
                _record(message)
                for partition, messages in polled.items()
                for message in messages
                if partition in ends and message.offset < ends[partition]
            ]
            if batch:
                yield batch
            over = [partition for partition, end in ends.items() if consumer.position(partition) >= end]
            for partition in over:
                del ends[partition]
            if over:
                consumer.pause(*over)
            if silent >= SILENCE_SECONDS:
                raise BrokerSilent

    def _first_at(
        self, partitions: Sequence[Any], moment: datetime, ends: Mapping[Any, int]
    ) -> dict[Any, int]:
        milliseconds = int(moment.timestamp() * 1000)
        found = self._consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
        return {
            partition: ends[partition] if found.get(partition) is None else found[partition].offset
            for partition in partitions
        }


@contextmanager
def topic_reader(kafka: Mapping[str, Any]) -> Iterator[TopicReader]:
    """A reader with a consumer of its own."""
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        **kafka,
        group_id=None,
        enable_auto_commit=False,
        max_poll_records=500,
        max_partition_fetch_bytes=12 * 1024 * 1024,
    )
    try:
        yield TopicReader(consumer)
    finally:
        consumer.close()


def _record(message: Any) -> SourceRecord:
    headers = tuple((str(name), value) for name, value in message.headers or ())
    return SourceRecord(message.topic, message.partition, message.offset, message.key, message.value, headers)
