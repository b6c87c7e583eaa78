"""Publishing records to Kafka in the order of a file, and learning where each of them went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from ops.commands.troubles import Trouble
from schemas.publishing import BadLine, Record, record_from_line

LARGEST_RECORD = 12 * 1024 * 1024
"""Above the largest that a topic takes, so that the broker's own refusal can be shown."""


@dataclass(frozen=True)
class Line:
    """A line of a file: its number, counted from 1, and the record that it stands for."""

    number: int
    record: Record


def lines_of(stream: IO[bytes], default_topic: str) -> Iterator[Line]:
    """The records of a JSON Lines file; lines without anything on them are skipped.

    Raises:
        Trouble: a `raw` line says something impossible; the text has its number.
    """
    for number, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        try:
            yield Line(number, record_from_line(text, default_topic))
        except BadLine as error:
            raise Trouble(
                f"Line {number}: {error}. Nothing was published; mend the line and try again."
            ) from None


def check_lines(stream: IO[bytes], default_topic: str) -> int:
    """How many records there are; raises `Trouble` for the first impossible line, before anything is sent.

    Only lines with a `raw` can be impossible, so only those are read in full.
    """
    count = 0
    for number, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        count += 1
        if b'"raw"' in text:
            try:
                record_from_line(text, default_topic)
            except BadLine as error:
                raise Trouble(
                    f"Line {number}: {error}. Nothing was published; mend the line and try again."
                ) from None
    return count


class _Refused:
    """In the place of a future: the producer itself would not take the record."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get(self, timeout: float) -> Any:
        """Raises what stood in the way, as a `KafkaError`."""
        from kafka.errors import KafkaError

        del timeout
        raise self._error if isinstance(self._error, KafkaError) else KafkaError(str(self._error))


class _NoKey:
    """Stands for a null key: the library refuses a record without key and value, and Kafka does not."""


NO_KEY = _NoKey()


class _Keys:
    """Keys as they are, and null for `NO_KEY`."""

    def serialize(self, topic: str, headers: object, given: object) -> bytes | None:
        """As `kafka.serializer.Serializer` has it."""
        del topic, headers
        return given if isinstance(given, bytes) else None

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Published:
    """Where each record went, in order; and a sentence for each that the broker refused."""

    places: list[tuple[str, int, int]]
    refused: list[str]


def send_all(
    kafka: dict[str, Any],
    lines: Iterable[Line],
    known_topics: frozenset[str],
    on_sent: Callable[[int], None] = lambda count: None,
) -> Published:
    """Publish in order. A record that the broker refuses does not keep the others back.

    One request at a time keeps the order; an idempotent producer would give up everything after a refusal.

    Raises:
        Trouble: a topic does not exist; the text has the line.
        kafka.errors.KafkaError: the broker cannot be reached.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaError
    from kafka.serializer import Serializer

    Serializer.register(_Keys)
    producer = KafkaProducer(
        **kafka,
        acks="all",
        enable_idempotence=False,
        max_in_flight_requests_per_connection=1,
        linger_ms=5,
        max_request_size=LARGEST_RECORD,
        key_serializer=_Keys(),
        max_block_ms=60_000,
    )
    futures: list[tuple[Line, Any]] = []
    places: list[tuple[str, int, int]] = []
    refused: list[str] = []

    def take(upto: int) -> None:
        while len(places) + len(refused) < upto:
            at = len(places) + len(refused)
            line, future = futures[at]
            futures[at] = (line, None)
            try:
                answer = future.get(timeout=150)
            except KafkaError as error:
                refused.append(f"Line {line.number} was not published to {line.record.topic}: {error}")
            else:
                places.append((answer.topic, answer.partition, answer.offset))
            on_sent(at + 1)

    try:
        for line in lines:
            record = line.record
            if record.topic not in known_topics:
                take(len(futures))
                raise Trouble(
                    f"Line {line.number}: topic {record.topic} does not exist; {len(places)} records "
                    "before it were "
                    "published. Run `koppeling topics apply --go` for ours, or correct the topic."
                )
            try:
                future = producer.send(
                    record.topic,
                    key=NO_KEY if record.key is None else record.key,
                    value=record.value,
                    headers=list(record.headers),
                )
            except (KafkaError, TypeError, ValueError) as error:
                future = _Refused(error)
            futures.append((line, future))
            take(len(futures) - 1_000)
        producer.flush()
        take(len(futures))
    finally:
        producer.close(timeout=5)
    return Published(places, refused)
