"""A broker with the topics of the pipeline, and a producer for whatever bytes a test wants to publish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from ops.embedded.kafka_node import KafkaNode
from schemas.outcome import Package
from schemas.topics import (
    ENK_ADMINISTRATIONS,
    ENK_INVOICES,
    ENK_RELATIONS,
    HOLDING,
    INTAKE_DLQ,
    TOPIC,
    sink_topic,
)
from tests.services import thrown_away

SINKS = [sink_topic(Package.SNELSTART), sink_topic(Package.KING)]
OUTPUTS = [*SINKS, HOLDING, INTAKE_DLQ]


@dataclass(frozen=True)
class Published:
    """Where a record was put."""

    topic: str
    partition: int
    offset: int


Publish = Callable[..., Published]
"""Topic, key, headers, value: as `tests.schemas.builders.record` builds them."""


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker that these tests may stop, with the topics that they use."""
    with KafkaNode(tmp_path_factory.mktemp("kafka")) as node, thrown_away(node):
        create_topics(node.bootstrap_servers, [ENK_ADMINISTRATIONS, ENK_RELATIONS, ENK_INVOICES, *OUTPUTS])
        yield node


@pytest.fixture(scope="session")
def bootstrap(broker: KafkaNode) -> str:
    return broker.bootstrap_servers


def create_topics(bootstrap: str, names: Sequence[str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics(
        {
            name: {
                "num_partitions": TOPIC[name].partitions,
                "replication_factor": 1,
                "configs": TOPIC[name].config,
            }
            for name in names
        }
    )
    admin.close()


@pytest.fixture(scope="module")
def publish(bootstrap: str) -> Iterator[Publish]:
    """Publishes one record and waits until it is there."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=12 << 20)

    def send(
        topic: str, key: bytes | None, headers: Sequence[tuple[str, bytes]], value: bytes | None
    ) -> Published:
        metadata = producer.send(topic, key=key, value=value, headers=list(headers)).get(30)
        return Published(topic, metadata.partition, metadata.offset)

    yield send
    producer.close()
