"""How long it took until the next booking after each fault. Pure.

From the end of the fault (a kill ends at once) to the next booking anywhere, or, where a fault struck one
administration, to the next of that one. Nothing is reckoned when no booking followed: at the end of a run
nothing is left to book.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

EVERYWHERE = ""


@dataclass(frozen=True)
class Struck:
    """A fault as it happened; `company` is empty when it struck everybody."""

    name: str
    ended: datetime
    company: str = EVERYWHERE


@dataclass(frozen=True)
class Booking:
    """A document that came into a company's books."""

    company: str
    at: datetime


@dataclass(frozen=True)
class Recovery:
    """Seconds until the next booking, over all faults of one kind."""

    name: str
    faults: int
    measured: int
    median: float | None
    worst: float | None


def recoveries(struck: Iterable[Struck], bookings: Sequence[Booking]) -> list[Recovery]:
    """One row for each kind of fault, in the order of their names."""
    moments: dict[str, list[datetime]] = defaultdict(list)
    for booking in sorted(bookings, key=lambda booking: booking.at):
        moments[EVERYWHERE].append(booking.at)
        moments[booking.company].append(booking.at)
    waited: dict[str, list[float]] = defaultdict(list)
    counted: dict[str, int] = defaultdict(int)
    for fault in struck:
        counted[fault.name] += 1
        after = next_after(moments.get(fault.company, ()), fault.ended)
        if after is not None:
            waited[fault.name].append(after.total_seconds())
    return [
        Recovery(
            name,
            counted[name],
            len(waited[name]),
            round(median(waited[name]), 2) if waited[name] else None,
            round(max(waited[name]), 2) if waited[name] else None,
        )
        for name in sorted(counted)
    ]


def next_after(moments: Sequence[datetime], moment: datetime) -> timedelta | None:
    """How long after a moment the next of sorted moments is; None when there is none."""
    place = bisect_left(moments, moment)
    return moments[place] - moment if place < len(moments) else None
