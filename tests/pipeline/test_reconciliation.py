"""Reconciliation in the running pipeline: the worker that holds the connection makes it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from datetime import date, timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.credentials import CredentialVault
from ledger.leases import LeaseTerms
from ledger.reconciliation_rows import DifferenceKind, Result, Run
from ops.packages import Apps
from ops.reconciliation.desk import Desk, Means
from schemas.outcome import Package
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.pipeline.worker_process import NO_SNELSTART

MARCH = date(2026, 3, 1)
NEVER = 1_000.0
"""So long only the worker can make it."""
TERMS = LeaseTerms(timedelta(seconds=4), timedelta(seconds=2), timedelta(seconds=1))


def desk(pipeline: Pipeline) -> Desk:
    """As the command is, but for its patience with workers."""

    def connect() -> psycopg.Connection[TupleRow]:
        return psycopg.connect(pipeline.database_url, autocommit=True)

    means = Means(
        connect=connect,
        vault=CredentialVault([pipeline.vault_key]),
        apps=Apps(NO_SNELSTART, (100_000, 1_000_000)),
        terms=TERMS,
    )
    return Desk(means, "a person", come_seconds=NEVER)


def compared(pipeline: Pipeline, *administrations: Administration) -> list[Run]:
    at = desk(pipeline)
    runs = at.ask([(one.key, MARCH) for one in administrations])
    return asyncio.run(at.finish(runs, 60))


def result_of(runs: Sequence[Run]) -> Result:
    (run,) = runs
    assert run.result is not None, run
    return run.result


@pytest.fixture
def booked(snelstart: Administration) -> Administration:
    snelstart.publish(snelstart.relation(), snelstart.sale("1"), snelstart.purchase("2"))
    snelstart.until_states({"s-1": "booked", "p-2": "booked"})
    return snelstart


def test_what_a_worker_books_that_was_stopped_between_its_last_check_and_its_call_is_named(
    pipeline: Pipeline,
) -> None:
    administration = pipeline.administration()
    administration.publish(administration.relation(), administration.purchase("1"))
    before = pipeline.worker()
    administration.until_states({"rel-204": "booked", "p-1": "booked"})
    assert before.end() == 0
    # The only write that is left; SnelStart takes a purchase number twice.
    administration.publish(administration.purchase("2"))
    first = pipeline.worker("checked", 1, "SIGSTOP")
    until(first.stopped, "the worker is stopped")
    second = pipeline.worker()
    administration.until_states({"p-2": "booked"})
    first.send(signal.SIGCONT)
    until(lambda: administration.books()["doubles"], "what it had begun to send is booked as well")
    (double,) = result_of(compared(pipeline, administration)).differences
    assert double.kind is DifferenceKind.DOUBLE
    held = {entry["id"] for entry in administration.books()["purchases"] if entry["number"] == "L-2"}
    posting = administration.posting("p-2")
    assert set(double.package_ids) == held
    assert posting["package_id"] in held
    assert (double.posting, double.relation) == (str(posting["id"]), "rel-204")
    assert first.end() == 0
    assert "write.after_fencing" in first.log.read_text()
    assert second.end() == 0


def test_many_at_once_each_under_its_own_lease(
    pipeline: Pipeline, worker: WorkerProcess, booked: Administration
) -> None:
    king = pipeline.administration(Package.KING)
    others = [pipeline.administration() for _ in range(4)]
    runs = compared(pipeline, booked, king, *others)
    assert [run.result is not None for run in runs] == [True] * 6
    overlapping = [one.books()["overlapping_writes"]["count"] for one in (booked, *others)]
    assert overlapping == [0] * 5


def test_a_package_that_is_away_is_named_and_the_lane_is_left_alone(
    pipeline: Pipeline, booked: Administration
) -> None:
    fault = booked.fault("maintenance")
    (run,) = compared(pipeline, booked)
    assert (run.code, run.result) == ("unavailable", None)
    pipeline.http.delete(f"{pipeline.control}/faults/{fault}").raise_for_status()
    assert result_of(compared(pipeline, booked)).differences == ()
