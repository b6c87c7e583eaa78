"""Following published records through the ledger: what became of each, and whether it still moves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg.rows import TupleRow

from ledger.overview import Followed, ListedPosting, PostingFilter, follow, list_postings
from schemas.outcome import RULES, Code, Outcome, RetryClass, parse_code
from schemas.topics import ENK_ADMINISTRATIONS, ENK_INVOICES, ENK_RELATIONS

Place = tuple[str, int, int]
"""Topic, partition, offset of a record as it was published."""

FOLLOWED_TOPICS = frozenset({ENK_ADMINISTRATIONS, ENK_RELATIONS, ENK_INVOICES})
"""Only these are read by the intake; what is published elsewhere cannot be followed."""

SETTLE_SECONDS = 10.0
"""What somebody may be about to mend must last this long before it counts as waiting for a person: `up
--simulators` connects a new administration, gives its company what documents need, and sends them again."""

EVERY_SECONDS = 0.5
AT_ONCE = 5_000


class Standing(StrEnum):
    """How far a record is."""

    DONE = "done"
    NEEDS_SOMEBODY = "needs_somebody"
    OPEN = "open"


@dataclass(frozen=True)
class Verdict:
    """A record, and what became of it: `outcome` is a posting's state, or what else the record led to."""

    place: Place
    standing: Standing
    outcome: str
    posting: ListedPosting | None = None
    lasts: bool = True

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        topic, partition, offset = self.place
        return {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "standing": str(self.standing),
            "outcome": self.outcome,
            **({"posting": self.posting.as_json()} if self.posting else {}),
        }


def judge(place: Place, followed: Followed | None, overdue: bool) -> Verdict:
    """What a record's row says; `overdue` is whether a waiting posting already names who must act."""
    if followed is None:
        return Verdict(place, Standing.OPEN, "not_received")
    posting = followed.posting
    if posting is None or followed.became not in ("posting", "rejected", "held"):
        return Verdict(place, Standing.DONE, followed.became or "received", posting)
    standing, lasts = _standing(posting, overdue)
    outcome = posting.state
    if posting.state == Outcome.WAITING and standing is Standing.DONE:
        outcome = "waits_for_first_invoice"
    return Verdict(place, standing, outcome, posting, lasts)


def _standing(posting: ListedPosting, overdue: bool) -> tuple[Standing, bool]:
    outcome = Outcome(posting.state)
    if outcome.is_final:
        return Standing.DONE, True
    match outcome:
        case Outcome.REJECTED:
            return Standing.NEEDS_SOMEBODY, posting.id.startswith("R")
        case Outcome.HELD:
            # An outage or a busy package ends by itself, and then the lane goes on by itself.
            by_itself = RULES[parse_code(posting.code or "")].retry is RetryClass.AUTOMATIC
            passes = by_itself and posting.code not in (Code.UNKNOWN_ADMINISTRATION, Code.SCHEMA_AHEAD)
            return (Standing.OPEN, True) if passes else (Standing.NEEDS_SOMEBODY, False)
        case Outcome.WAITING:
            if posting.kind == "relation" and posting.code == Code.WAITING_FOR_INVOICE:
                return Standing.DONE, True
            return (Standing.NEEDS_SOMEBODY if overdue else Standing.OPEN), True
        case Outcome.UNCERTAIN:
            return (Standing.NEEDS_SOMEBODY if posting.due_at is None else Standing.OPEN), True
        case _:
            return Standing.OPEN, True


def look(connection: psycopg.Connection[TupleRow], places: Sequence[Place]) -> list[Verdict]:
    """The verdict on every record, in the order given."""
    verdicts: list[Verdict] = []
    for start in range(0, len(places), AT_ONCE):
        some = places[start : start + AT_ONCE]
        found = follow(connection, some)
        waiting = [
            item.posting.id
            for item in found.values()
            if item.posting is not None and item.posting.state == Outcome.WAITING
        ]
        overdue = (
            {row.id for row in list_postings(connection, PostingFilter(ids=waiting, needs_somebody=True))}
            if waiting
            else set()
        )
        for place in some:
            item = found.get(place)
            is_overdue = item is not None and item.posting is not None and item.posting.id in overdue
            verdicts.append(judge(place, item, is_overdue))
    return verdicts


def wait_for(
    open_ledger: Callable[[], psycopg.Connection[TupleRow]],
    places: Sequence[Place],
    timeout: float,
    *,
    on_progress: Callable[[Mapping[Standing, int]], None] = lambda counts: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Verdict]:
    """Follow records until each is done or waits for a person, or the time is up; the last verdict on each.

    A database that is away is asked again until the time is up.
    """
    deadline = monotonic() + timeout
    settled: dict[Place, Verdict] = {}
    pending = list(places)
    needing_since: dict[Place, float] = {}
    latest: dict[Place, Verdict] = {place: judge(place, None, False) for place in places}
    connection: psycopg.Connection[TupleRow] | None = None
    try:
        while pending:
            try:
                if connection is None or connection.closed:
                    connection = open_ledger()
                verdicts = look(connection, pending)
            except psycopg.OperationalError:
                if monotonic() >= deadline:
                    raise
                connection = None
                sleep(EVERY_SECONDS)
                continue
            now = monotonic()
            for verdict in verdicts:
                place = verdict.place
                latest[place] = verdict
                if verdict.standing is Standing.OPEN:
                    needing_since.pop(place, None)
                elif verdict.lasts or now - needing_since.setdefault(place, now) >= SETTLE_SECONDS:
                    settled[place] = verdict
            pending = [place for place in pending if place not in settled]
            on_progress(Counter(verdict.standing for verdict in latest.values()))
            if now >= deadline:
                break
            if pending:
                sleep(min(EVERY_SECONDS, max(0.0, deadline - now)))
    finally:
        if connection is not None:
            connection.close()
    return [latest[place] for place in places]
