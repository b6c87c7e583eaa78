from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from ops.topic_plan import Change, MissingTopics, WrongPartitionCount, apply, plan, require_topics
from schemas.topics import TOPICS, Topic
from tests.ops.waiting import until


@pytest.fixture
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=kafka)
    yield client
    client.close()


@pytest.fixture
def topics(admin: KafkaAdminClient) -> Iterator[tuple[Topic, ...]]:
    """The real plan under names of this test's own."""
    prefix = uuid.uuid4().hex[:8]
    mine = tuple(replace(topic, name=f"{prefix}.{topic.name}") for topic in TOPICS)
    yield mine
    there = set(admin.list_topics())
    admin.delete_topics([topic.name for topic in mine if topic.name in there])


def test_planning_shows_what_is_missing_and_creates_nothing(
    admin: KafkaAdminClient, topics: tuple[Topic, ...]
) -> None:
    differences = plan(admin, topics)

    assert [(found.topic, found.change) for found in differences] == [
        (topic.name, Change.CREATE) for topic in topics
    ]
    assert "48 partitions" in str(differences[0])
    assert not {topic.name for topic in topics} & set(admin.list_topics())
    with pytest.raises(MissingTopics, match="topics apply"):
        require_topics(admin, topics)


def test_applying_creates_every_topic_as_planned_once(
    admin: KafkaAdminClient, topics: tuple[Topic, ...]
) -> None:
    assert len(apply(admin, topics)) == len(topics)

    assert plan(admin, topics) == []
    assert apply(admin, topics) == []
    require_topics(admin, topics)
    described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    assert {described[topic.name] for topic in topics} == {48}


def test_a_setting_that_differs_is_shown_and_then_set(
    admin: KafkaAdminClient, topics: tuple[Topic, ...]
) -> None:
    topic = topics[1]
    apply(admin, [topic])
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, {"retention.ms": "1000"})
    admin.alter_configs([resource])
    until(lambda: plan(admin, [topic]))

    (difference,) = plan(admin, [topic])
    assert (difference.change, difference.setting, difference.found, difference.wanted) == (
        Change.ALTER,
        "retention.ms",
        "1000",
        topic.config["retention.ms"],
    )
    apply(admin, [topic])
    assert plan(admin, [topic]) == []


def test_a_wrong_partition_count_stops_with_a_sentence_and_changes_nothing(
    admin: KafkaAdminClient, topics: tuple[Topic, ...]
) -> None:
    wrong, other = topics[2], topics[3]
    admin.create_topics({wrong.name: {"num_partitions": 3}}, wait_for_metadata=True)

    for act in (plan, apply, require_topics):
        with pytest.raises(WrongPartitionCount, match=r"has 3 partitions and must have 48.*v2"):
            act(admin, [wrong, other])
    assert other.name not in admin.list_topics()


def test_a_record_of_nearly_ten_mebibytes_goes_through(
    kafka: str, admin: KafkaAdminClient, topics: tuple[Topic, ...]
) -> None:
    topic = topics[-1]
    apply(admin, [topic])
    value = bytes(10 * 1024 * 1024 - 1024)
    producer = KafkaProducer(bootstrap_servers=kafka, max_request_size=12 * 1024 * 1024)
    sent = producer.send(topic.name, value, key=b"a").get(timeout=30)
    producer.close()

    consumer = KafkaConsumer(
        topic.name, bootstrap_servers=kafka, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    record = next(iter(consumer))
    consumer.close()
    assert (record.partition, record.offset, len(record.value)) == (sent.partition, 0, len(value))
