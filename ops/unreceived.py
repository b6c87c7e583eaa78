"""How long the oldest record waits that a consumer group has not read, asked of the broker's time index.

The records themselves are not read: where a partition's first record of a given time is, the broker knows.
What comes out is a lower bound, at most a fifth below the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, TopicPartition

P = TypeVar("P")

LONGEST = 40 * 86_400.0
SHORTEST = 5.0


def _ladder() -> Iterator[float]:
    seconds = SHORTEST
    while seconds < LONGEST:
        yield seconds
        seconds *= 1.2


AGES = tuple(sorted({*_ladder(), 60.0, 300.0}))
"""Ages that are told apart; the ages that alerts ask for are among them."""

OffsetsAt = Callable[[Mapping[P, float]], Mapping[P, int | None]]
"""For partitions, the offset of the first record that is at most so many seconds old; None without one."""


def oldest_unread(positions: Mapping[P, int], offsets_at: OffsetsAt[P]) -> float:
    """At least how many seconds the oldest unread record waits; 0 when it came just now.

    Args:
        positions: the next offset to read of each partition that has something to read.
        offsets_at: asks the broker.
    """
    if not positions:
        return 0.0
    if not _has_older(positions, offsets_at, AGES[0]):
        return 0.0
    low, high = 0, len(AGES)
    while high - low > 1:
        middle = (low + high) // 2
        if _has_older(positions, offsets_at, AGES[middle]):
            low = middle
        else:
            high = middle
    return AGES[low]


def _has_older(positions: Mapping[P, int], offsets_at: OffsetsAt[P], age: float) -> bool:
    first_younger = offsets_at(dict.fromkeys(positions, age))
    return any(
        (offset := first_younger.get(partition)) is None or position < offset
        for partition, position in positions.items()
    )


def broker_offsets(admin: KafkaAdminClient, now: float) -> OffsetsAt[TopicPartition]:
    """The question to a broker; `now` in seconds since 1970."""

    def ask(ages: Mapping[TopicPartition, float]) -> dict[TopicPartition, int | None]:
        times = {partition: int((now - age) * 1000) for partition, age in ages.items()}
        found = admin.list_partition_offsets(times)
        return {
            partition: None if (entry := found.get(partition)) is None or entry.offset < 0 else entry.offset
            for partition in times
        }

    return ask
