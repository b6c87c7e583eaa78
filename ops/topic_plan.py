"""Topics as they are against topics as they must be; what differs is shown first, and changed on request.

Nothing relies on auto-creation. A partition count is never changed: order per administration and the intake's
tables depend on it for life.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from schemas.topics import TOPICS, Topic

READY_SECONDS = 30.0


class Change(StrEnum):
    """What `apply` would do."""

    CREATE = "create"
    ALTER = "alter"


@dataclass(frozen=True)
class Difference:
    """One thing about a topic that is not as it must be.

    Attributes:
        topic: its name.
        change: what `apply` does about it.
        setting: the topic setting; empty for a topic to be created.
        found: its value now; empty for a topic to be created.
        wanted: the value it gets.
    """

    topic: str
    change: Change
    setting: str
    found: str
    wanted: str

    def __str__(self) -> str:
        if self.change is Change.CREATE:
            return f"{self.topic}: create with {self.wanted}"
        return f"{self.topic}: {self.setting} {self.found} → {self.wanted}"


class TopicsError(Exception):
    """The topics do not allow a start."""


class WrongPartitionCount(TopicsError):
    """A topic has another number of partitions than the contract says."""

    def __init__(self, topic: str, wanted: int, found: int) -> None:
        self.topic, self.wanted, self.found = topic, wanted, found
        grown = topic.rpartition(".v")[0] or topic
        super().__init__(
            f"Topic {topic} has {found} partitions and must have {wanted}. The count is fixed for life, "
            f"because order per administration depends on it: let the topic drain and use a new one "
            f"({grown}.v2), or, while it is still empty, delete it and run `koppeling topics apply --yes`."
        )


class MissingTopics(TopicsError):
    """Topics do not exist."""

    def __init__(self, topics: Sequence[str]) -> None:
        self.topics = tuple(topics)
        names = ", ".join(topics[:5]) + (f" and {len(topics) - 5} more" if len(topics) > 5 else "")
        super().__init__(
            f"{len(topics)} topic{'s do' if len(topics) > 1 else ' does'} not exist: {names}. Run "
            "`koppeling topics apply` to see what would be created, and the same with `--yes` to create it."
        )


def plan(admin: KafkaAdminClient, topics: Sequence[Topic] = TOPICS) -> list[Difference]:
    """What `apply` would change; empty when everything is as it must be.

    Raises:
        WrongPartitionCount: for the first topic whose count differs.
    """
    counts = _partition_counts(admin)
    _check_counts(counts, topics)
    existing = [topic for topic in topics if topic.name in counts]
    configs = _configs(admin, existing)
    return [
        difference
        for topic in topics
        for difference in (
            _differing(topic, configs[topic.name]) if topic.name in counts else [_missing(topic)]
        )
    ]


def apply(
    admin: KafkaAdminClient, topics: Sequence[Topic] = TOPICS, *, replication_factor: int | None = None
) -> list[Difference]:
    """Create what is missing and set what differs; returns what was done.

    Running it twice, or twice at once, is fine.

    Args:
        admin: a client that may create topics.
        topics: as they must be.
        replication_factor: of new topics; None is the brokers' default.

    Raises:
        WrongPartitionCount: nothing was changed.
        TopicsError: the broker refused; the message says what.
    """
    differences = plan(admin, topics)
    by_name = {topic.name: topic for topic in topics}
    missing = [by_name[found.topic] for found in differences if found.change is Change.CREATE]
    if missing:
        _create(admin, missing, replication_factor)
    altered = [found for found in differences if found.change is Change.ALTER]
    if altered:
        _alter(admin, altered)
        _wait_until_altered(
            admin, [by_name[name] for name in dict.fromkeys(found.topic for found in altered)]
        )
    return differences


def require_topics(admin: KafkaAdminClient, topics: Sequence[Topic] = TOPICS) -> None:
    """Stop a start that cannot go well.

    Raises:
        MissingTopics: names them all.
        WrongPartitionCount: for the first topic whose count differs.
    """
    counts = _partition_counts(admin)
    _check_counts(counts, topics)
    missing = [topic.name for topic in topics if topic.name not in counts]
    if missing:
        raise MissingTopics(missing)


def _partition_counts(admin: KafkaAdminClient) -> dict[str, int]:
    return {
        str(topic["name"]): len(topic["partitions"])
        for topic in admin.describe_topics()
        if topic["error_code"] == 0
    }


def _check_counts(counts: dict[str, int], topics: Sequence[Topic]) -> None:
    for topic in topics:
        found = counts.get(topic.name, topic.partitions)
        if found != topic.partitions:
            raise WrongPartitionCount(topic.name, topic.partitions, found)


def _configs(admin: KafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    """The effective values of the settings that we care about."""
    if not topics:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name, list(topic.config)) for topic in topics]
    described = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {setting: str(entry["value"]) for setting, entry in settings.items()}
        for name, settings in described.items()
    }


def _missing(topic: Topic) -> Difference:
    settings = ", ".join(f"{name}={value}" for name, value in topic.config.items())
    return Difference(topic.name, Change.CREATE, "", "", f"{topic.partitions} partitions, {settings}")


def _differing(topic: Topic, found: dict[str, str]) -> Iterator[Difference]:
    for setting, wanted in topic.config.items():
        value = found.get(setting, "")
        if value != wanted:
            yield Difference(topic.name, Change.ALTER, setting, value, wanted)


def _create(admin: KafkaAdminClient, topics: Sequence[Topic], replication_factor: int | None) -> None:
    answer = admin.create_topics(
        {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": replication_factor or -1,
                "configs": topic.config,
            }
            for topic in topics
        },
        raise_errors=False,
    )
    refused = [
        f"{topic['name']}: {topic['error_message'] or topic['error_code']}"
        for topic in answer["topics"]
        # 36: somebody else was faster.
        if topic["error_code"] not in (0, 36)
    ]
    if refused:
        raise TopicsError("The broker did not create " + "; ".join(refused))
    admin.wait_for_topics([topic.name for topic in topics], timeout_ms=int(READY_SECONDS * 1000))


def _alter(admin: KafkaAdminClient, differences: Sequence[Difference]) -> None:
    wanted: dict[str, dict[str, str]] = {}
    for difference in differences:
        wanted.setdefault(difference.topic, {})[difference.setting] = difference.wanted
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, settings) for name, settings in wanted.items()
    ]
    answer = admin.alter_configs(resources)["topic"]
    refused = [f"{name}: {result}" for name, result in answer.items() if result != "OK"]
    if refused:
        raise TopicsError("The broker did not change " + "; ".join(refused))


def _wait_until_altered(admin: KafkaAdminClient, topics: Sequence[Topic]) -> None:
    """The broker acknowledges a change before it shows it."""
    deadline = time.monotonic() + READY_SECONDS
    while differences := plan(admin, topics):
        if time.monotonic() > deadline:
            raise TopicsError("The broker does not show what was set: " + "; ".join(map(str, differences)))
        time.sleep(0.05)
