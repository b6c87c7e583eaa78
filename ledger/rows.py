"""Rows of the ledger as the rest of the program sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NewType

from schemas.outcome import Outcome, Package, Reason

PostingId = NewType("PostingId", int)


@dataclass(frozen=True)
class LaneKey:
    """One administration in one package."""

    administration: str
    package: Package


@dataclass(frozen=True)
class Lease:
    """A connection held by this process.

    Attributes:
        connection: its id.
        epoch: rises with every new holder; every ledger write of the holder checks it.
        deadline: on the holder's monotonic clock, in seconds; counted from before the lease was asked for.
    """

    connection: str
    epoch: int
    deadline: float


@dataclass(frozen=True)
class Hold:
    """Why an administration is held in a package, and until when it is left alone."""

    reason: Reason
    since: datetime
    probe_at: datetime | None
    probes: int


@dataclass(frozen=True)
class Lane:
    """An administration in a package, as it is configured and as it stands.

    `mapping` is the stored mapping (JSON object), `identity` the pinned company, `connected_at` when a person
    connected it last, `go_live_date` the
    mapping's date or ENK's, `active` ENK's flag; `paused` while the package asks for a short silence;
    `recovered_at` is when the ledger was last found to have gone back in time; what was issued before
    `dropped_before` may have been dropped from the archive.
    """

    key: LaneKey
    connection: str | None
    mapping: Mapping[str, object]
    identity: Mapping[str, object] | None
    connected_at: datetime | None
    hold: Hold | None
    paused: bool
    in_recovery: bool
    recovered_at: datetime | None
    active: bool
    go_live_date: date | None
    name: str
    current_package: Package
    dropped_before: date | None = None

    def adopt_only_before(self, mapped: date | None) -> date | None:
        """Documents issued before this day are linked and never sent; `mapped` is the mapping's go-live date.

        They were booked before the coupling, or so long ago that the ledger has forgotten them.
        """
        days = [day for day in (mapped or self.go_live_date, self.dropped_before) if day is not None]
        return max(days, default=None)


@dataclass(frozen=True)
class StoredReference:
    """A relation's reference in a package, with the hash of what was last written."""

    package_id: str
    code: str | None
    fingerprint: bytes


@dataclass(frozen=True)
class DuePosting:
    """A posting whose turn has come, with what its delivery depends on.

    Attributes:
        relation_payload: the relation's newest revision, None when ENK has not sent it.
        relation_problem: the Dutch sentence of a rejected revision of that relation, if any.
        references: the relation's references in the lane's package, by role.
        has_siblings: other revisions of the same document exist.
        has_twin: another document carries the same number.
        version: as of which version of the row this is; what is decided on an older one is not written.
    """

    id: PostingId
    kind: str
    document_id: str
    revision: int
    number: str
    match_key: str
    relation_id: str
    credits_key: str | None
    issue_date: date | None
    gross: Decimal | None
    payload: bytes
    content_hash: bytes
    event_time: datetime
    traceparent: str | None
    received_at: datetime
    state: Outcome
    code: str | None
    scope: str | None
    attempt: int
    transient: int
    intent_step: str | None
    intent_at: datetime | None
    waiting_until: datetime | None
    look_up_first: bool
    attachment_state: str | None
    package_number: str | None
    package_id: str | None
    relation_payload: bytes | None
    relation_problem: str | None
    references: Mapping[str, StoredReference]
    has_siblings: bool
    has_twin: bool
    version: int = 0


@dataclass(frozen=True)
class Sibling:
    """Another posting that bears on this one: an earlier revision, a twin by number, a credited invoice."""

    id: PostingId
    document_id: str
    revision: int
    state: Outcome
    content_hash: bytes
    in_doubt: bool


@dataclass(frozen=True)
class Change:
    """A posting's new state, written with the lease's epoch.

    Attributes:
        due_in: when the lane should look again; None = not before something happens.
        keep_intent: True while the last attempt is still in doubt.
        waiting_key: what releases it; `waiting_for` how long until somebody is named.
        document: number, id, journal, year, period, url in the package, where known.
        announce: whether ENK is told.
        wakes: keys of postings that may now go on.
        version: of the row that this was decided on; None when it does not matter.
    """

    posting: PostingId
    state: Outcome
    reason: Reason | None = None
    scope: str | None = None
    due_in: timedelta | None = None
    keep_intent: bool = False
    transient: int = 0
    waiting_key: str | None = None
    waiting_for: timedelta | None = None
    look_up_first: bool = False
    attachment_state: str | None = None
    package_number: str | None = None
    package_id: str | None = None
    package_journal: str | None = None
    package_year: int | None = None
    package_period: int | None = None
    package_url: str | None = None
    announce: bool = True
    wakes: tuple[str, ...] = ()
    version: int | None = None


def relation_key(relation_id: str) -> str:
    """What a posting waits for when its relation is missing or incomplete."""
    return f"relation:{relation_id}"


def number_key(kind: str, match_key: str) -> str:
    """What a credit waits for: the invoice with that number."""
    return f"number:{kind}:{match_key}"


def document_key(kind: str, document_id: str) -> str:
    """What a revision waits for: the other revisions of its document."""
    return f"document:{kind}:{document_id}"


def first_invoice_key(relation_id: str) -> str:
    """What the posting of a relation waits for that is written with its first invoice."""
    return f"first_invoice:{relation_id}"
