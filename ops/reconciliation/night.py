"""When the nightly reconciliations are asked for, and of which months. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
"""The books are Dutch: months and nights are theirs."""

CATCH_UP = timedelta(hours=2)
"""A worker that comes up later than this after the hour leaves the night alone: it is day."""


@dataclass(frozen=True)
class NightTerms:
    """When all administrations have their turn.

    Attributes:
        hour: local hour at which the first is due; None = never by itself.
        spread: over how long the others follow.
    """

    hour: int | None = 3
    spread: timedelta = timedelta(hours=2)


def night_of(now: datetime, terms: NightTerms) -> date | None:
    """The night that may be planned now, by its day; None outside of it."""
    if terms.hour is None:
        return None
    local = now.astimezone(AMSTERDAM)
    since = timedelta(hours=local.hour - terms.hour, minutes=local.minute)
    return local.date() if timedelta() <= since < CATCH_UP else None


def this_month(now: datetime) -> date:
    """The first day of the month that it is."""
    return now.astimezone(AMSTERDAM).date().replace(day=1)


def nightly_months(now: datetime) -> tuple[date, date]:
    """The month before and this one, whether or not anything was changed in them."""
    this = this_month(now)
    return (this - timedelta(days=1)).replace(day=1), this
