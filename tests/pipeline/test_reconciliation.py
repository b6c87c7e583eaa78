"""Reconciliation in the running pipeline: the worker that holds the connection makes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import date, timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.credentials import CredentialVault, stored_credentials
from ledger.leases import LeaseTerms
from ledger.reconciliation_rows import DifferenceKind, Result, Run
from ops.packages import Apps
from ops.reconciliation.desk import Desk, Means
from ops.sessions import connection_id
from schemas.invoice import Invoice
from schemas.outcome import Package
from schemas.relation import Relation
from sinks.contract import RelationReference
from sinks.snelstart import SnelStartCredentials, SnelStartMapping, SnelStartSink, open_client
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess
from tests.pipeline.worker_process import NO_SNELSTART
from vendors.pacing import Pacer
from vendors.transport import Transport

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


def book_once_more(administration: Administration, document: str) -> None:
    """What a worker does that was stopped exactly between its last check and its call, and wakes up."""
    posting = administration.posting(document)
    invoice = Invoice.model_validate_json(bytes(posting["payload"]))
    ((payload, reference),) = administration.pipeline.ledger.execute(
        """
        SELECT r.payload, f.package_id FROM relation r JOIN reference f USING (administration_id, relation_id)
         WHERE r.administration_id = %s AND f.role = 'creditor'
        """,
        (administration.id,),
    ).fetchall()
    with administration.pipeline.ledger.cursor() as cursor:
        stored = stored_credentials(cursor, connection_id(administration.key))
    assert stored is not None
    secret = CredentialVault([administration.pipeline.vault_key]).decrypt(stored)

    async def send() -> None:
        async with Transport() as transport:
            credentials = SnelStartCredentials.model_validate_json(secret)
            client = open_client(credentials, NO_SNELSTART, transport, Pacer(), time.monotonic)
            sink = SnelStartSink(client, SnelStartMapping(), time.monotonic)
            relation = Relation.model_validate_json(bytes(payload))
            await sink.book(invoice, relation, RelationReference(reference))

    asyncio.run(send())


@pytest.fixture
def booked(snelstart: Administration) -> Administration:
    snelstart.publish(snelstart.relation(), snelstart.sale("1"), snelstart.purchase("2"))
    snelstart.until_states({"s-1": "booked", "p-2": "booked"})
    return snelstart


def test_a_worker_makes_what_is_asked_for_and_finds_what_was_booked_twice(
    pipeline: Pipeline, booked: Administration
) -> None:
    assert result_of(compared(pipeline, booked)).differences == ()
    book_once_more(booked, "p-2")
    (double,) = result_of(compared(pipeline, booked)).differences
    assert double.kind is DifferenceKind.DOUBLE
    held = {entry["id"] for entry in booked.books()["purchases"]}
    posting = booked.posting("p-2")
    assert set(double.package_ids) == held
    assert posting["package_id"] in held
    assert (double.posting, double.relation) == (str(posting["id"]), "rel-204")


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
