"""The database itself says when it went back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from ledger.place_in_time import ENDS_EARLIER_AFTER_A_CRASH, PlaceInTime, place_in_time, went_back

NOW = PlaceInTime(datetime(2026, 4, 1, tzinfo=UTC), "7398", 3, 10_000_000)


@pytest.mark.parametrize(
    "later",
    [
        NOW,
        replace(NOW, log_end=NOW.log_end + 1),
        # The end of a record that a crash cut off.
        replace(NOW, log_end=NOW.log_end - ENDS_EARLIER_AFTER_A_CRASH),
        # A clock that was set back says nothing.
        replace(NOW, at=datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_database_that_went_on_is_the_same(later: PlaceInTime) -> None:
    assert went_back(NOW, later) is None


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (replace(NOW, timeline=4, log_end=NOW.log_end + 9), "timeline 3 became system 7398 timeline 4"),
        (replace(NOW, system="1"), "became system 1"),
        (replace(NOW, log_end=NOW.log_end - ENDS_EARLIER_AFTER_A_CRASH - 1), "an earlier copy was put back"),
    ],
)
def test_another_timeline_system_or_an_earlier_end_is_told(later: PlaceInTime, said: str) -> None:
    assert said in (went_back(NOW, later) or "")


def test_it_moves_on_with_what_is_written(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = place_in_time(connection)
        connection.execute("CREATE TABLE more AS SELECT repeat('x', 100) FROM generate_series(1, 1000)")
        after = place_in_time(connection)
    assert after.log_end > before.log_end
    assert (after.system, after.timeline) == (before.system, before.timeline) != (None, None)
    assert after.at > before.at


def test_a_role_that_may_not_ask_still_sees_the_log(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE humble")
        try:
            connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
            connection.execute("SET ROLE humble")
            seen = place_in_time(connection)
        finally:
            connection.execute("RESET ROLE")
            connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
            connection.execute("DROP ROLE humble")
    assert (seen.system, seen.timeline) == (None, None)
    assert seen.log_end > 0
