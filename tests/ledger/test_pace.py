"""What a connection has used of its budgets goes from one holder to the next."""

from __future__ import annotations

import pytest

from ledger.leases import release
from ledger.pace import Used, recall_pace, remember_pace
from tests.ledger.desk import Desk
from tests.schemas.builders import invoice


@pytest.fixture
def busy(desk: Desk) -> Desk:
    desk.administration()
    desk.take_in(invoice())
    return desk


def test_the_next_holder_reads_what_was_used_older_by_the_time_between(busy: Desk) -> None:
    lease = busy.lease("me")
    with busy.connection.cursor() as cursor:
        remember_pace(cursor, {lease: [Used(60.0, [(40.0, 7), (1.5, 3)]), Used(3600.0, [(40.0, 10)])]})
        release(cursor, [lease])
        cursor.execute("UPDATE connection SET pace_at = pace_at - interval '30 seconds'")
        minute, hour = recall_pace(cursor, lease.connection)
    # Seven calls are now 70 seconds old and count for the hour alone.
    ((age, calls),) = minute.calls
    assert (minute.period, calls) == (60.0, 3)
    assert age >= 31.5
    assert [calls for _, calls in hour.calls] == [10]


def test_a_holder_that_was_overtaken_changes_nothing(busy: Desk) -> None:
    former = busy.lease("me")
    busy.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '1 second'")
    later = busy.lease("other")
    with busy.connection.cursor() as cursor:
        remember_pace(cursor, {later: [Used(60.0, [(0.0, 1)])]})
        remember_pace(cursor, {former: [Used(60.0, [(0.0, 99)])]})
        (used,) = recall_pace(cursor, later.connection)
    assert [calls for _, calls in used.calls] == [1]


def test_a_connection_that_was_never_used_has_nothing(busy: Desk) -> None:
    with busy.connection.cursor() as cursor:
        assert recall_pace(cursor, busy.lease("me").connection) == []
