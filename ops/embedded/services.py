"""Kafka and PostgreSQL for one data directory: what `koppeling up`, the demo and the tests start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.embedded.jars import Progress, silent
from ops.embedded.kafka_node import KafkaNode
from ops.embedded.node import Node
from ops.embedded.postgres_node import PostgresNode

DEFAULT_DATA_DIR = Path(".koppeling")


@dataclass(frozen=True)
class Endpoints:
    """Where the services answer; empty for one that was not asked for."""

    bootstrap_servers: str
    database_url: str


class Services:
    """Both services under one folder.

    They stop with `stop`, at the end of a `with` block, and by themselves however this process ends.
    """

    def __init__(self, data_dir: Path = DEFAULT_DATA_DIR, *, on_progress: Progress = silent) -> None:
        """`on_progress` hears about everything that takes long the first time."""
        self.data_dir = data_dir.absolute()
        self.kafka = KafkaNode(self.data_dir / "kafka", on_progress=on_progress)
        self.postgres = PostgresNode(self.data_dir / "postgres", on_progress=on_progress)

    def start(self, kafka: bool = True, postgres: bool = True) -> Endpoints:
        """Start what is asked for, side by side; returns when both really answer.

        Raises:
            EmbeddedError: with a sentence; what had been started is stopped again.
        """
        wanted: list[Node] = [*([self.kafka] if kafka else []), *([self.postgres] if postgres else [])]
        pool = ThreadPoolExecutor(2, thread_name_prefix="embedded")
        try:
            for start in as_completed([pool.submit(node.start) for node in wanted]):
                start.result()
        except BaseException:
            # Ctrl-C included: nobody waits for the other one's first start.
            for node in wanted:
                node.abandon()
            pool.shutdown()
            self.stop()
            raise
        pool.shutdown()
        return self.endpoints

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of what is running."""
        return Endpoints(
            bootstrap_servers=self.kafka.bootstrap_servers if self.kafka.running else "",
            database_url=self.postgres.database_url if self.postgres.running else "",
        )

    def stop(self) -> None:
        """Stop both cleanly, Kafka first."""
        self.kafka.stop()
        self.postgres.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
