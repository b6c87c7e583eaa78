"""The worker's part that tells: it goes on when the ledger was away, and is heard of when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.administrations import administration_changed, connect, hold_lane
from ledger.attention import open_cases
from ledger.attention_cases import AttentionTerms
from ledger.rows import LaneKey
from ops.attention import Attention
from schemas.administration import Administration
from schemas.outcome import Code, Package, reason
from schemas.topics import ATTENTION
from tests.ledger.fresh_ledger import fresh_ledger
from tests.ops.waiting import until

KEY = LaneKey("adm-1001", Package.SNELSTART)
OFTEN = timedelta(milliseconds=20)
PATIENCE = 30.0


@pytest.fixture
def held(postgres: str) -> Iterator[str]:
    """A ledger with an administration whose consent was taken back."""
    with fresh_ledger(postgres) as url:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            event = Administration(id=KEY.administration, name="Jansen", package=KEY.package, active=True)
            administration_changed(cursor, event, 0, 1)
            connect(cursor, KEY, "snelstart:adm-1001", b"secret", {})
            hold_lane(cursor, KEY, reason(Code.AUTH_REVOKED), None)
        yield url


def is_told(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        return bool(open_cases(connection))


def test_it_goes_on_after_the_ledger_was_away_and_two_tell_once(held: str) -> None:
    refusals = 0

    def unsteady() -> psycopg.Connection[TupleRow]:
        nonlocal refusals
        if refusals < 3:
            refusals += 1
            raise psycopg.OperationalError("the database is starting up")
        return psycopg.connect(held, autocommit=True)

    terms = AttentionTerms(settle=timedelta())
    both = [Attention(unsteady, terms, every=OFTEN) for _ in range(2)]
    for one in both:
        one.start()
    until(lambda: is_told(held))
    for one in both:
        one.stop(PATIENCE)
        assert one.failure is None
    assert refusals == 3
    with psycopg.connect(held) as connection:
        assert connection.execute(
            "SELECT count(*) FROM outbox WHERE topic = %s", (ATTENTION,)
        ).fetchone() == (1,)


def test_its_clock_decides_what_has_stood_long_enough(held: str) -> None:
    terms = AttentionTerms(settle=timedelta(days=2))
    clock = lambda: datetime.now(UTC) + timedelta(days=3)  # noqa: E731
    attention = Attention(lambda: psycopg.connect(held, autocommit=True), terms, every=OFTEN, clock=clock)
    attention.start()
    until(lambda: is_told(held))
    attention.stop(PATIENCE)


def test_what_a_next_pass_would_meet_too_ends_it(held: str) -> None:
    with psycopg.connect(held, autocommit=True) as connection:
        connection.execute("DROP TABLE attention")
    attention = Attention(lambda: psycopg.connect(held, autocommit=True), AttentionTerms(), every=OFTEN)
    attention.start()
    until(lambda: attention.failure is not None)
    assert isinstance(attention.failure, psycopg.errors.UndefinedTable)
