"""What a turn found wrong says nothing about what a person has stored meanwhile."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.administrations import connect, hold_lane, set_mapping
from ledger.rows import Lane, LaneKey
from ledger.work import lane
from schemas.outcome import Code, Package, reason
from tests.ledger.desk import Desk

KEY = LaneKey("adm-holding", Package.SNELSTART)
WRONG = reason(Code.WRONG_COMPANY)


@pytest.fixture
def seen(desk: Desk) -> Lane:
    """The lane as a turn that is under way read it."""
    reconnect(desk.connection)
    return read(desk.connection)


def read(connection: psycopg.Connection[TupleRow]) -> Lane:
    found = lane(connection, KEY)
    assert found is not None
    return found


def reconnect(connection: psycopg.Connection[TupleRow], identity: str = "a") -> None:
    with connection.transaction(), connection.cursor() as cursor:
        connect(cursor, KEY, "snelstart:adm-holding", b"secret", {"id": identity})


def hold(connection: psycopg.Connection[TupleRow], seen: Lane) -> bool:
    with connection.transaction(), connection.cursor() as cursor:
        return hold_lane(cursor, KEY, WRONG, timedelta(minutes=5), found_with=seen)


def test_what_is_still_as_it_was_found_is_held(desk: Desk, seen: Lane) -> None:
    assert hold(desk.connection, seen)
    held = read(desk.connection).hold
    assert held is not None
    assert held.reason.code is Code.WRONG_COMPANY


def test_one_that_was_connected_meanwhile_is_not(desk: Desk, seen: Lane) -> None:
    reconnect(desk.connection)
    assert not hold(desk.connection, seen)
    assert read(desk.connection).hold is None


def test_one_whose_mapping_was_changed_meanwhile_is_not(desk: Desk, seen: Lane) -> None:
    with desk.connection.transaction(), desk.connection.cursor() as cursor:
        set_mapping(cursor, KEY, {"go_live_date": "2026-01-01"})
    assert not hold(desk.connection, seen)
    assert read(desk.connection).hold is None
