"""Replays as rows: what would become of a posting that is sent again, one replay, one of its items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from ledger.overview import ListedPosting, PostingFilter
from schemas.outcome import Outcome

ReplayId = NewType("ReplayId", int)

LEFT_OUT = "left_out"
"""The outcome of an item that was not sent at its turn; its code is the `Decision` why."""


class Decision(StrEnum):
    """What a replay does with a posting, or why it leaves it out."""

    SEND = "send"
    LOOK_UP_FIRST = "look_up_first"
    WAIT = "wait"
    LOOK_UP = "look_up"
    READ_AGAIN = "read_again"

    BOOKED = "booked"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"
    UNCERTAIN = "uncertain"
    IN_FLIGHT = "in_flight"
    STAGED = "staged"
    ON_ITS_WAY = "on_its_way"
    ADMINISTRATION_HELD = "administration_held"
    NOT_CONNECTED = "not_connected"
    PACKAGE_STOPPED = "package_stopped"
    NOT_FOUND = "not_found"

    @property
    def goes(self) -> bool:
        """Whether the replay does something with it."""
        return self in GOES

    @property
    def sentence(self) -> str:
        """What it means, in English, for people."""
        return SENTENCES[self]


GOES = (Decision.SEND, Decision.LOOK_UP_FIRST, Decision.WAIT, Decision.LOOK_UP, Decision.READ_AGAIN)

SENTENCES: Mapping[Decision, str] = {
    Decision.SEND: "sent again",
    Decision.LOOK_UP_FIRST: "looked up in the package first, sent when it is not there",
    Decision.WAIT: "its turn comes again; it waits on when what it waits for is still missing",
    Decision.LOOK_UP: "in doubt: looked up in the package now rather than later",
    Decision.READ_AGAIN: "rejected input: read again with this release",
    Decision.BOOKED: "in the package, or in a file, already",
    Decision.SUPERSEDED: "a later revision takes its place",
    Decision.DISCARDED: "discarded",
    Decision.UNCERTAIN: "in doubt, and only a person can tell: `koppeling postings resolve ID` first",
    Decision.IN_FLIGHT: "a call for it is under way, or was and is being cleared up",
    Decision.STAGED: "goes into the next file",
    Decision.ON_ITS_WAY: "due already, nothing to do",
    Decision.ADMINISTRATION_HELD: "its administration is held: it goes on when that does",
    Decision.NOT_CONNECTED: "its administration is not connected",
    Decision.PACKAGE_STOPPED: "nothing is sent to its package now: `administrations release --package`",
    Decision.NOT_FOUND: "no such posting, or archived, or the other filters do not match it",
}


@dataclass(frozen=True)
class SampleRow:
    """One posting that a replay would do something with, and what."""

    posting: ListedPosting
    decision: Decision


@dataclass(frozen=True)
class Preview:
    """What a replay would do: a dry run.

    Attributes:
        counts: how many postings by what would become of them.
        administrations: of how many administrations those are that something is done with.
        sample: a few of those.
    """

    counts: Mapping[Decision, int]
    administrations: int
    sample: tuple[SampleRow, ...] = ()

    @property
    def total(self) -> int:
        """How many it would do something with."""
        return sum(count for decision, count in self.counts.items() if decision.goes)

    @property
    def left_out(self) -> dict[Decision, int]:
        """How many it would leave out, by reason."""
        return {decision: count for decision, count in self.counts.items() if not decision.goes}

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        goes = {str(decision): count for decision, count in self.counts.items() if decision.goes}
        return {
            "count": self.total,
            "administrations": self.administrations,
            "would": goes,
            "left_out": {str(decision): count for decision, count in self.left_out.items()},
            "sample": [{"would": str(row.decision), **row.posting.as_json()} for row in self.sample],
        }


class ReplayState(StrEnum):
    """Where a replay is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Replay:
    """One replay and how far it is.

    Attributes:
        rate: items a second, at most.
        stop_after: it stops when so many in a row end rejected, held or uncertain again.
        total: how many items it has.
        left_out: why how many postings that match the filter are no items.
        taken: how many items had their turn.
        under_way: how many of those have no outcome yet.
        failures: how many in a row have failed so far.
        ended_at: when it took its last item; what is under way may end later (`finished_at`).
        outcomes: how many items ended in what; `left_out` is by its reason in `skipped`.
    """

    id: ReplayId
    asked_by: str
    asked_at: datetime
    why: str | None
    filter: Mapping[str, object]
    rate: float
    stop_after: int
    total: int
    left_out: Mapping[str, int]
    state: ReplayState
    taken: int
    failures: int
    ended_at: datetime | None
    ended_by: str | None
    ended_why: str | None
    finished_at: datetime | None
    under_way: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Nothing of it is under way any more."""
        return self.finished_at is not None

    @property
    def failed(self) -> int:
        """How many items ended rejected, held or uncertain again."""
        return sum(self.outcomes.get(str(outcome), 0) for outcome in FAILED)

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return {
            "id": self.id,
            "state": str(self.state),
            "finished": self.finished,
            "asked_by": self.asked_by,
            "asked_at": self.asked_at,
            "why": self.why,
            "filter": dict(self.filter),
            "rate": self.rate,
            "stop_after": self.stop_after,
            "total": self.total,
            "taken": self.taken,
            "under_way": self.under_way,
            "outcomes": dict(self.outcomes),
            "skipped": dict(self.skipped),
            "left_out": dict(self.left_out),
            "ended_at": self.ended_at,
            "ended_by": self.ended_by,
            "ended_why": self.ended_why,
            "finished_at": self.finished_at,
        }


FAILED = frozenset({Outcome.REJECTED, Outcome.HELD, Outcome.UNCERTAIN})
"""An item that ends so has failed once more."""

SUCCEEDED = frozenset(
    {Outcome.BOOKED, Outcome.ALREADY_BOOKED, Outcome.ADOPTED, Outcome.FILED, Outcome.POSTING}
)
"""An item that ends so breaks a row of failures; `posting` is in the next file."""


@dataclass(frozen=True)
class ReplayItem:
    """One item of a replay."""

    position: int
    posting: str
    planned: Decision
    sent_at: datetime | None
    outcome: str | None
    code: str | None
    ended_at: datetime | None

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return {
            "position": self.position,
            "posting": self.posting,
            "planned": str(self.planned),
            "sent_at": self.sent_at,
            "outcome": self.outcome,
            "code": self.code,
            "ended_at": self.ended_at,
        }


SHOWN_IDS = 50


def filter_json(wanted: PostingFilter) -> dict[str, object]:
    """The filter as it is kept with a replay and in the audit; of many ids only the first."""
    values: dict[str, object] = {
        "administration": wanted.administration,
        "package": wanted.package,
        "kind": wanted.kind,
        "states": list(wanted.states),
        "code": wanted.code,
        "field": wanted.field,
        "numbers": list(wanted.numbers),
        "ids": list(wanted.ids[:SHOWN_IDS]),
        "ids_count": len(wanted.ids) if len(wanted.ids) > SHOWN_IDS else None,
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "open": wanted.open_only,
        "needs_somebody": wanted.needs_somebody,
    }
    return {name: value for name, value in values.items() if value}
