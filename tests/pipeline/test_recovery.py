"""A ledger that went back in time: noticed, and nothing is booked or filed a second time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import psycopg
import pytest
from psycopg import sql

from schemas.outcome import Package
from tests import services
from tests.pipeline.harness import Administration, Pipeline, until
from tests.pipeline.listening import listening

BEFORE, LOST, AFTER = ("1", "2"), ("3", "4"), ("5", "6")


@contextmanager
def backup_of(pipeline: Pipeline, server_url: str) -> Iterator[str]:
    """A copy of the ledger as it is now; no worker may be running."""
    pipeline.ledger.close()
    source = pipeline.database_url.rpartition("/")[2]
    name = f"t_backup_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
    pipeline.ledger = psycopg.connect(pipeline.database_url, autocommit=True)
    try:
        yield services.with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def published(administration: Administration, numbers: tuple[str, ...], good: tuple[str, ...]) -> None:
    administration.publish(
        *(administration.sale(number) for number in numbers),
        *(administration.purchase(number) for number in numbers),
        time=datetime.now(UTC).isoformat(),
    )
    wanted = {f"{side}-{number}": good for number in numbers for side in "sp"}
    administration.until_states(wanted)


def until_files_are_delivered(pipeline: Pipeline) -> None:
    until(lambda: not pipeline.rows("SELECT 1 FROM file WHERE state <> 'delivered'"), "files are delivered")


@pytest.fixture
def restored(pipeline: Pipeline, postgres: str) -> Iterator[tuple[Pipeline, Administration, Administration]]:
    """A pipeline whose ledger is as it was before the documents `LOST` were booked and filed."""
    snelstart, king = pipeline.administration(), pipeline.administration(Package.KING)
    worker = pipeline.worker()
    for administration in (snelstart, king):
        administration.publish(administration.relation())
        published(administration, BEFORE, ("booked", "filed"))
    # One that is cut and not delivered when the copy is made is put to a person.
    until_files_are_delivered(pipeline)
    assert worker.end() == 0
    with backup_of(pipeline, postgres) as url:
        worker = pipeline.worker()
        for administration in (snelstart, king):
            published(administration, LOST, ("booked", "filed"))
        until(lambda: not pipeline.rows("SELECT 1 FROM outbox LIMIT 1"), "everything is published")
        # One that is not delivered now is in no folder, and in no ledger either.
        until_files_are_delivered(pipeline)
        assert worker.end() == 0
        back = Pipeline(
            url,
            pipeline.bootstrap_servers,
            pipeline.control,
            pipeline.folder,
            vault_key=pipeline.vault_key,
            offset=pipeline.offset,
        )
        try:
            yield (
                back,
                Administration(back, snelstart.id, snelstart.package, snelstart.company),
                Administration(back, king.id, king.package, king.company),
            )
        finally:
            back.end_workers()
            back.producer.close()
            back.ledger.close()
            back.http.close()


def test_a_restored_ledger_looks_up_before_it_sends(
    restored: tuple[Pipeline, Administration, Administration],
) -> None:
    pipeline, snelstart, king = restored
    worker = pipeline.worker()
    for number in LOST:
        snelstart.until_states({f"s-{number}": "adopted", f"p-{number}": "adopted"})
        king.until_states({f"s-{number}": "filed", f"p-{number}": "filed"})
    published(snelstart, AFTER, ("booked",))
    published(king, AFTER, ("filed",))
    everything = sorted([*BEFORE, *LOST, *AFTER])
    assert snelstart.booked_numbers() == {
        "sales": everything,
        "purchases": [f"L-{number}" for number in everything],
    }
    assert snelstart.books()["doubles"] == []
    assert (len(snelstart.books()["debtors"]), len(snelstart.books()["creditors"])) == (1, 1)
    (state,) = pipeline.rows("SELECT epoch, recovery_cause FROM ledger_state")
    assert state["epoch"] == 2
    assert state["recovery_cause"]
    assert_king_read_everything_once(king)
    assert_sequences_only_rise(pipeline, snelstart)
    assert worker.end() == 0


def assert_king_read_everything_once(king: Administration) -> None:
    """What was filed is known from our own events, and no later file takes the place of a lost one."""
    everything = sorted([*BEFORE, *LOST, *AFTER])
    until(lambda: len(king.booked_numbers()["sales"]) == len(everything), "King has read the files")
    assert king.booked_numbers() == {
        "sales": everything,
        "purchases": [f"L-{number}" for number in everything],
    }
    assert king.books()["doubles"] == []
    (latest,) = king.pipeline.rows(
        "SELECT max(sequence) AS sequence FROM file WHERE administration_id = %s", king.id
    )
    assert latest["sequence"] > 2, "the lost file was number 2"


def assert_sequences_only_rise(pipeline: Pipeline, administration: Administration) -> None:
    until(lambda: not pipeline.rows("SELECT 1 FROM outbox LIMIT 1"), "everything is published")
    with listening(pipeline.bootstrap_servers) as ear:

        def told() -> bool:
            ear.listen()
            return {event["outcome"] for event in ear.events(administration, "s-3")} >= {"booked", "adopted"}

        until(told, "ENK was told of the adoption")
        for document in ("s-3", "p-4", "s-5", "rel-204"):
            events = ear.events(administration, document)
            assert all(one["sequence"] < two["sequence"] for one, two in pairwise(events)), events
