"""Real Kafka and real PostgreSQL from Python packages alone, for `koppeling up`, the demo and the tests."""

from ops.embedded.failures import DataDirInUse, EmbeddedError, JarsUnavailable, NotRunning, StartFailed
from ops.embedded.kafka_node import KafkaNode
from ops.embedded.postgres_node import PostgresNode
from ops.embedded.services import DEFAULT_DATA_DIR, Endpoints, Services

__all__ = [
    "DEFAULT_DATA_DIR",
    "DataDirInUse",
    "EmbeddedError",
    "Endpoints",
    "JarsUnavailable",
    "KafkaNode",
    "NotRunning",
    "PostgresNode",
    "Services",
    "StartFailed",
]
