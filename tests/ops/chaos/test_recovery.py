"""The time from the end of a fault to the next booking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ops.chaos.recovery import Booking, Recovery, Struck, recoveries

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_next_booking_anywhere_or_of_the_administration_that_was_struck() -> None:
    bookings = [Booking("a", after(9)), Booking("b", after(2)), Booking("a", after(4))]
    struck = [Struck("kill", after(1)), Struck("kill", after(3)), Struck("hang", after(1), "a")]
    assert recoveries(struck, bookings) == [
        Recovery("hang", 1, 1, 3.0, 3.0),
        Recovery("kill", 2, 2, 1.0, 1.0),
    ]


def test_what_no_booking_followed_is_counted_and_not_measured() -> None:
    assert recoveries([Struck("kill", after(5))], [Booking("a", after(4))]) == [
        Recovery("kill", 1, 0, None, None)
    ]
