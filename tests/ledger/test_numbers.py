"""Numbers: one entity keeps its number for ever, no number is given twice, a full range says so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.numbers import NumberSpaceFull, Range, advance_past, allot, allotted, usage
from schemas.outcome import Code
from tests.ledger.fresh_ledger import fresh_ledger

DEBTORS = Range("debtors", 100, 109)

Connection = psycopg.Connection[TupleRow]

_NAMES = count(1)


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest.fixture
def connection(ledger_url: str) -> Iterator[Connection]:
    with psycopg.connect(ledger_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def administration() -> str:
    return f"adm-{next(_NAMES)}"


def take(connection: Connection, administration: str, entity: str, numbers: Range = DEBTORS) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        return allot(cursor, administration, numbers, entity)


def test_an_entity_has_the_same_number_for_ever(connection: Connection, administration: str) -> None:
    assert [take(connection, administration, name) for name in ("a", "b", "a", "c", "b")] == [
        100,
        101,
        100,
        102,
        101,
    ]
    assert allotted(connection.cursor(), administration, "debtors", ["a", "c", "z"]) == {"a": 100, "c": 102}


def test_administrations_and_spaces_count_for_themselves(connection: Connection, administration: str) -> None:
    creditors = Range("creditors", 100, 109)
    assert take(connection, administration, "a") == 100
    assert take(connection, administration, "a", creditors) == 100
    assert take(connection, f"{administration}-b", "a") == 100


def test_a_number_of_a_transaction_that_failed_is_given_to_the_next(
    connection: Connection, administration: str
) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        assert allot(cursor, administration, DEBTORS, "a") == 100
    assert take(connection, administration, "b") == 100


def test_transactions_at_the_same_time_never_get_the_same_number(
    ledger_url: str, connection: Connection, administration: str
) -> None:
    numbers = Range("debtors", 1, 1000)
    entities = [f"e{position % 60}" for position in range(240)]

    def work(share: list[str]) -> list[tuple[str, int]]:
        with psycopg.connect(ledger_url, autocommit=True) as own:
            return [(entity, take(own, administration, entity, numbers)) for entity in share]

    with ThreadPoolExecutor(4) as threads:
        given = [pair for pairs in threads.map(work, [entities[n::4] for n in range(4)]) for pair in pairs]
    by_entity = dict(given)
    assert len(set(given)) == len(by_entity) == 60
    assert sorted(by_entity.values()) == list(range(1, 61))


def test_a_full_range_says_so_and_still_knows_its_entities(
    connection: Connection, administration: str
) -> None:
    for number in range(10):
        take(connection, administration, f"e{number}")
    with pytest.raises(NumberSpaceFull) as full:
        take(connection, administration, "one too many")
    assert full.value.code is Code.NUMBER_RANGE_FULL
    assert full.value.numbers == DEBTORS
    assert take(connection, administration, "e3") == 103
    assert take(connection, administration, "one too many", Range("debtors", 100, 110)) == 110


def test_from_eighty_percent_on_somebody_must_be_told(connection: Connection, administration: str) -> None:
    assert usage(connection.cursor(), administration, DEBTORS).used == 0
    for number in range(7):
        take(connection, administration, f"e{number}")
    assert not usage(connection.cursor(), administration, DEBTORS).alarm
    take(connection, administration, "e7")
    found = usage(connection.cursor(), administration, DEBTORS)
    assert (found.used, found.size, found.alarm) == (8, 10, True)


def test_a_moved_range_goes_on_behind_what_was_given_out_in_it(
    connection: Connection, administration: str
) -> None:
    low, high = Range("debtors", 100, 109), Range("debtors", 500, 509)
    assert take(connection, administration, "a", high) == 500
    assert take(connection, administration, "b", low) == 100
    assert take(connection, administration, "c", high) == 501
    assert take(connection, administration, "d", low) == 101
    assert take(connection, administration, "a", low) == 500


def test_after_a_recovery_published_numbers_are_never_given_again(
    connection: Connection, administration: str
) -> None:
    take(connection, administration, "a")
    with connection.transaction(), connection.cursor() as cursor:
        advance_past(cursor, administration, "debtors", 104)
        advance_past(cursor, administration, "debtors", 102)
    assert take(connection, administration, "b") == 105
    assert take(connection, administration, "c", Range("debtors", 500, 509)) == 500
    assert take(connection, administration, "d") == 106
