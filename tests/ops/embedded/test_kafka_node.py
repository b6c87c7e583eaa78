from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from ops.embedded import KafkaNode


@contextmanager
def administering(node: KafkaNode) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=node.bootstrap_servers)
    try:
        yield admin
    finally:
        admin.close()


def produce(node: KafkaNode, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=node.bootstrap_servers)
    for value in values:
        producer.send(topic, value).get(timeout=30)
    producer.close()


def consume(node: KafkaNode, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=node.bootstrap_servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=30_000,
    )
    values = [record.value for record, _ in zip(consumer, range(count), strict=False)]
    consumer.close()
    return values


def test_acknowledged_records_survive_a_kill_and_the_address_stays(own_kafka: KafkaNode) -> None:
    address = own_kafka.bootstrap_servers
    with administering(own_kafka) as admin:
        admin.create_topics({"survives": {"num_partitions": 1}}, wait_for_metadata=True)
    produce(own_kafka, "survives", [b"before"])

    own_kafka.kill()
    assert not own_kafka.running
    own_kafka.start()

    assert own_kafka.bootstrap_servers == address
    produce(own_kafka, "survives", [b"after"])
    assert consume(own_kafka, "survives", 2) == [b"before", b"after"]


def test_a_paused_broker_does_not_answer_until_it_is_resumed(own_kafka: KafkaNode) -> None:
    own_kafka.pause()
    try:
        with pytest.raises(KafkaError):
            KafkaAdminClient(bootstrap_servers=own_kafka.bootstrap_servers, bootstrap_timeout_ms=500)
    finally:
        own_kafka.resume()
    with administering(own_kafka) as admin:
        assert admin.describe_cluster()["brokers"]


def test_two_brokers_run_side_by_side(own_kafka: KafkaNode, kafka: str) -> None:
    assert own_kafka.bootstrap_servers != kafka
    with administering(own_kafka) as mine:
        mine.create_topics({"only-here": {"num_partitions": 1}}, wait_for_metadata=True)
    theirs = KafkaAdminClient(bootstrap_servers=kafka)
    assert "only-here" not in theirs.list_topics()
    theirs.close()
