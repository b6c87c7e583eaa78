"""A copy of the database is put back under workers that run: they notice, and nothing is booked twice."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger import schema
from ledger.schema import WORKER_SESSIONS
from ops.embedded import KafkaNode, PostgresNode
from tests.pipeline.harness import Administration, Pipeline, running_pipeline, until

SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
EARLY, LOST, LATE = ("1", "2"), tuple(f"3{number:02}" for number in range(20)), ("4", "5")


@pytest.fixture
def own_pipeline(own_kafka: KafkaNode, own_postgres: PostgresNode) -> Iterator[Pipeline]:
    url = own_postgres.database_url
    schema.upgrade(url)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_pipeline(url, own_kafka.bootstrap_servers, Path(folder)) as running,
    ):
        yield running


def book(administration: Administration, numbers: tuple[str, ...]) -> None:
    administration.publish(*(administration.purchase(number) for number in numbers))
    administration.until_states({f"p-{number}": ("booked", "adopted") for number in numbers})


def test_workers_that_run_notice_and_look_everything_up(
    own_pipeline: Pipeline, own_postgres: PostgresNode
) -> None:
    administration = own_pipeline.administration()
    administration.publish(administration.relation())
    # Several: recovery is begun once.
    workers = [own_pipeline.worker(), own_pipeline.worker()]
    book(administration, EARLY)
    until(lambda: not own_pipeline.rows("SELECT 1 FROM outbox LIMIT 1"), "everything is published")

    own_pipeline.ledger.close()
    own_postgres.stop()
    copy = own_postgres.data.with_name("copy")
    # With its owner, which is another than ours when we are root.
    subprocess.run(["cp", "--archive", own_postgres.data, copy], check=True)
    own_postgres.start()
    own_pipeline.ledger = psycopg.connect(own_postgres.database_url, autocommit=True)
    book(administration, LOST)
    # A worker sees where the database is whenever it connects.
    (cut,) = own_pipeline.rows("SELECT clock_timestamp() AS at")
    own_pipeline.rows(f"SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) worker", WORKER_SESSIONS)
    connected = f"{SESSIONS} AND backend_start > %s"
    until(lambda: own_pipeline.rows(connected, WORKER_SESSIONS, cut["at"]), "one has connected again")

    own_pipeline.ledger.close()
    own_postgres.stop()
    shutil.rmtree(own_postgres.data)
    copy.rename(own_postgres.data)
    own_postgres.start()
    own_pipeline.ledger = psycopg.connect(own_postgres.database_url, autocommit=True)

    def recovery_has_begun() -> bool:
        # As a supervisor does. One that met something else first notices at its start.
        for index, worker in enumerate(workers):
            if worker.gone():
                workers[index] = own_pipeline.worker()
        (state,) = own_pipeline.rows("SELECT epoch FROM ledger_state")
        return bool(state["epoch"] == 2)

    until(lambda: any(worker.gone() for worker in workers), "a worker has ended itself")
    until(recovery_has_begun, "recovery has begun")
    own_pipeline.worker()
    book(administration, LATE)
    administration.until_states({f"p-{number}": "adopted" for number in LOST})
    booked = administration.booked_numbers()["purchases"]
    assert booked == sorted(f"L-{number}" for number in (*EARLY, *LOST, *LATE))
    assert administration.books()["doubles"] == []
    (state,) = own_pipeline.rows("SELECT epoch FROM ledger_state")
    assert state["epoch"] == 2, "recovery was begun once"
