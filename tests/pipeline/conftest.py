"""One pipeline a module: its own broker (real topic names) and its own database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import schema
from ops.embedded import KafkaNode
from schemas.outcome import Package
from tests import services
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, running_pipeline
from tests.pipeline.listening import Ear, listening


@pytest.fixture(scope="module")
def pipeline(own_kafka: KafkaNode, postgres: str) -> Iterator[Pipeline]:
    with services.fresh_database(postgres) as url, tempfile.TemporaryDirectory() as folder:
        schema.upgrade(url)
        with running_pipeline(url, own_kafka.bootstrap_servers, Path(folder)) as running:
            yield running
            for worker in running.workers:
                print(f"--- {worker.log.name}")
                print(worker.log.read_text()[-4000:])


@pytest.fixture(scope="module")
def worker(pipeline: Pipeline) -> Iterator[WorkerProcess]:
    """One worker for the whole module; it must end as it should."""
    worker = pipeline.worker()
    yield worker
    assert worker.end() == 0


@pytest.fixture(scope="module")
def ear(pipeline: Pipeline) -> Iterator[Ear]:
    """What ENK hears of all of the module's administrations."""
    with listening(pipeline.bootstrap_servers) as ear:
        yield ear


@pytest.fixture
def snelstart(pipeline: Pipeline, worker: WorkerProcess) -> Administration:
    """An administration that is connected to an empty company in SnelStart."""
    return pipeline.administration()


@pytest.fixture
def king(pipeline: Pipeline, worker: WorkerProcess) -> Administration:
    """An administration that is connected to an empty company in King."""
    return pipeline.administration(Package.KING)
