"""How far our consumer groups are behind, as the broker (and for receivers the ledger) says."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops.packages import PACKAGES
from ops.unreceived import broker_offsets, oldest_unread
from schemas.topics import (
    ENK_ADMINISTRATIONS,
    ENK_INVOICES,
    ENK_RELATIONS,
    HOLDING,
    INTAKE_DLQ,
    sink_topic,
)

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, TopicPartition
    from kafka.structs import OffsetAndMetadata

SOURCES = (ENK_ADMINISTRATIONS, ENK_RELATIONS, ENK_INVOICES)
"""What the intake reads."""

Place = tuple[str, int]
"""(topic, partition)"""


@dataclass(frozen=True)
class GroupLag:
    """Records that a consumer group has not read yet, and how many processes read.

    `oldest_seconds` is at least how long the oldest of the records waits.
    """

    group: str
    lag: int
    members: int
    oldest_seconds: float = 0.0


@dataclass(frozen=True)
class PartitionLag:
    """The next offset to read of a partition, and how many records wait from there on."""

    position: int
    lag: int


def consumer_groups(intake: str, receiver: str) -> dict[str, tuple[str, ...]]:
    """The topics that our consumer groups read, by the groups' names."""
    return {
        intake: SOURCES,
        receiver: (*(sink_topic(package) for package in PACKAGES), HOLDING, INTAKE_DLQ),
    }


def group_lags(
    admin: KafkaAdminClient, groups: Mapping[str, Collection[str]], read: Mapping[Place, int]
) -> list[GroupLag]:
    """How far each consumer group is behind.

    Args:
        admin: of the cluster.
        groups: the topics that each group reads.
        read: (topic, partition) to the next offset to read, where we know better than Kafka (the ledger's
            offsets count for receivers).
    """
    known_to_kafka = _known_groups(admin, list(groups))
    offsets_at = broker_offsets(admin, time.time())
    found = []
    for group, topics in groups.items():
        committed, members = known_to_kafka[group]
        partitions = _lags(admin, topics, committed, read)
        behind = {partition: each.position for partition, each in partitions.items() if each.lag}
        lag = sum(each.lag for each in partitions.values())
        found.append(GroupLag(group, lag, members, oldest_unread(behind, offsets_at)))
    return found


def lag_by_partition(
    admin: KafkaAdminClient, group: str, topics: Collection[str]
) -> dict[Place, PartitionLag]:
    """How far one group is behind in each partition, by what it has committed to Kafka."""
    committed, _ = _known_groups(admin, [group])[group]
    lags = _lags(admin, topics, committed, {})
    return {(partition.topic, partition.partition): lag for partition, lag in lags.items()}


def _lags(
    admin: KafkaAdminClient,
    topics: Collection[str],
    committed: Mapping[TopicPartition, OffsetAndMetadata],
    read: Mapping[Place, int],
) -> dict[TopicPartition, PartitionLag]:
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    existing = sorted(set(topics) & set(admin.list_topics()))
    if not existing:
        return {}
    partitions = [
        TopicPartition(topic["name"], number)
        for topic in admin.describe_topics(existing)
        for number in range(len(topic["partitions"]))
    ]
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    positions = {}
    for partition in partitions:
        entry = committed.get(partition)
        known = read.get((partition.topic, partition.partition))
        positions[partition] = known if known is not None else (entry.offset if entry is not None else 0)
    # Records past their retention are gone, so a reader that is behind goes on where the partition begins.
    behind = [partition for partition in partitions if positions[partition] < ends[partition].offset]
    starts = admin.list_partition_offsets(dict.fromkeys(behind, OffsetSpec.EARLIEST)) if behind else {}
    for partition in behind:
        positions[partition] = max(positions[partition], starts[partition].offset)
    return {
        partition: PartitionLag(position, max(0, ends[partition].offset - position))
        for partition, position in positions.items()
    }


def _known_groups(
    admin: KafkaAdminClient, groups: Sequence[str]
) -> dict[str, tuple[Mapping[TopicPartition, OffsetAndMetadata], int]]:
    """What each group has committed, and how many members it has."""
    from kafka.errors import CoordinatorNotAvailableError
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

    patiently = Retrying(
        retry=retry_if_exception_type(CoordinatorNotAvailableError),
        stop=stop_after_delay(5),
        wait=wait_fixed(0.2),
        reraise=True,
    )

    def ask() -> dict[str, tuple[Mapping[TopicPartition, OffsetAndMetadata], int]]:
        described: dict[str, Any] = admin.describe_groups(list(groups))
        return {
            group: (
                admin.list_group_offsets({group: None}).get(group, {}),
                len(described.get(group, {}).get("members", ())),
            )
            for group in groups
        }

    try:
        return patiently(ask)
    except CoordinatorNotAvailableError:
        # So it is on a broker on which no group has ever been.
        return {group: ({}, 0) for group in groups}
