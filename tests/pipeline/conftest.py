"""One pipeline a module: its own broker (real topic names) and its own database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import schema
from ops.embedded import KafkaNode
from tests import services
from tests.pipeline.harness import Pipeline, running_pipeline


@pytest.fixture(scope="module")
def pipeline(own_kafka: KafkaNode, postgres: str) -> Iterator[Pipeline]:
    with services.fresh_database(postgres) as url, tempfile.TemporaryDirectory() as folder:
        schema.upgrade(url)
        with running_pipeline(url, own_kafka.bootstrap_servers, Path(folder)) as running:
            yield running
            for worker in running.workers:
                print(f"--- {worker.log.name}")
                print(worker.log.read_text()[-4000:])
