"""What ENK hears: the posting events as they are published, each checked against the contract."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from schemas.posting import PostingChanged
from schemas.topics import ENK_POSTINGS
from tests.pipeline.harness import Administration, until

Json = dict[str, Any]


class Ear:
    """Reads `enk.postings.v1` on from where it was; keeps everything it heard, per administration."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
        numbers = self._consumer.partitions_for_topic(ENK_POSTINGS) or set()
        partitions = [TopicPartition(ENK_POSTINGS, number) for number in sorted(numbers)]
        self._consumer.assign(partitions)
        for partition in partitions:
            self._consumer.seek(partition, 0)
        self._heard: defaultdict[str, list[Json]] = defaultdict(list)

    def close(self) -> None:
        self._consumer.close()

    def listen(self) -> None:
        """Take in what was published since; every event must be as the contract says."""
        for messages in self._consumer.poll(timeout_ms=20).values():
            for message in messages:
                event = PostingChanged.model_validate_json(message.value)
                assert event.administration is None or message.key == event.administration.encode()
                self._heard[event.administration or ""].append(json.loads(message.value))

    def events(self, administration: Administration | str, document: str | None = None) -> list[Json]:
        """What was said of an administration, or of one document, so far."""
        name = administration if isinstance(administration, str) else administration.id
        return [
            event for event in self._heard[name] if document is None or event["what"].get("id") == document
        ]

    def until_told(
        self, administration: Administration | str, document: str, outcomes: Sequence[str]
    ) -> list[Json]:
        """Wait until exactly these outcomes were published for the document, in this order."""

        def heard() -> list[str]:
            self.listen()
            return [event["outcome"] for event in self.events(administration, document)]

        try:
            until(lambda: heard()[len(outcomes) - 1 :], f"{document} is told {list(outcomes)}")
        except AssertionError as missed:
            raise AssertionError(f"{missed}; heard {self.events(administration, document)}") from None
        events = self.events(administration, document)
        assert [event["outcome"] for event in events] == list(outcomes), events
        assert all(one["sequence"] < next_["sequence"] for one, next_ in pairwise(events))
        return events


@contextmanager
def listening(bootstrap_servers: str) -> Iterator[Ear]:
    ear = Ear(bootstrap_servers)
    try:
        yield ear
    finally:
        ear.close()
