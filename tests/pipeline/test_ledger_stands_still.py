"""A ledger that is silent for longer than a consumer may be: the receiver stays in its group, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from schemas.outcome import Package
from sinks.receiver import Receiver
from tests.pipeline.harness import Administration, Pipeline, until

SILENCE_MS = 2_000
"""A consumer that does not poll for so long is put out of its group."""

POLLS = 12
"""Of a waiting receiver, half a second each: three times as long."""


@contextmanager
def standing_still(pipeline: Pipeline, table: str) -> Iterator[None]:
    """Whoever needs the table gets no answer."""
    with psycopg.connect(pipeline.database_url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield
        connection.rollback()


class Watched:
    """A receiver in this process, with how often it was given partitions and how often it got on."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.assigned = self.beats = 0
        self.receiver = Receiver(
            {"bootstrap_servers": pipeline.bootstrap_servers, "max_poll_interval_ms": SILENCE_MS},
            lambda: psycopg.connect(pipeline.database_url, autocommit=True),
            [Package.SNELSTART],
            lambda: datetime.now(UTC),
            group=pipeline.group,
            beat=self._beat,
            on_assigned=self._given,
        )

    def _beat(self) -> None:
        self.beats += 1

    def _given(self) -> None:
        self.assigned += 1

    def keeps_polling(self) -> None:
        so_far = self.beats
        until(lambda: self.beats >= so_far + POLLS, "the receiver keeps polling")


@pytest.fixture
def watched(pipeline: Pipeline) -> Iterator[Watched]:
    found = Watched(pipeline)
    found.receiver.start()
    yield found
    found.receiver.stop(20)
    assert not found.receiver.alive


def received(administration: Administration) -> set[str]:
    rows = administration.pipeline.ledger.execute(
        "SELECT number FROM posting WHERE administration_id = %s AND kind <> 'relation'",
        (administration.key.administration,),
    )
    return {row[0] for row in rows.fetchall()}


def test_a_receiver_stays_in_its_group_and_takes_in_everything_afterwards(
    pipeline: Pipeline, watched: Watched
) -> None:
    administration = pipeline.administration()
    administration.publish(administration.relation(), administration.sale("1"))
    until(lambda: received(administration) == {"1"}, "the first is received")
    assigned = watched.assigned
    with standing_still(pipeline, "input_offset"):
        administration.publish(*(administration.sale(str(number)) for number in range(2, 6)))
        watched.keeps_polling()
        administration.publish(*(administration.sale(str(number)) for number in range(6, 9)))
        assert received(administration) == {"1"}
    until(lambda: received(administration) == set(map(str, range(1, 9))), "all are received")
    assert watched.assigned == assigned, "it was put out of its group"
    assert watched.receiver.failure is None


def test_a_receiver_that_starts_while_the_ledger_stands_still_begins_where_the_ledger_is(
    pipeline: Pipeline,
) -> None:
    administration = pipeline.administration()
    administration.publish(administration.relation(), administration.sale("1"))
    watched = Watched(pipeline)
    with standing_still(pipeline, "input_offset"):
        watched.receiver.start()
        until(lambda: watched.assigned, "it has its partitions")
        watched.keeps_polling()
        administration.publish(administration.sale("2"))
        assert received(administration) == set()
    until(lambda: received(administration) == {"1", "2"}, "both are received")
    watched.receiver.stop(20)
    assert watched.assigned == 1
    assert watched.receiver.failure is None
