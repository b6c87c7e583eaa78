"""What follows from a failed call: the one place where a failure becomes a posting's next state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ledger.pauses import pause
from ledger.rows import Change, DuePosting
from schemas.outcome import RULES, Code, Outcome, Package, Reason, RetryClass, reason
from sinks.terms import DeliveryTerms
from vendors.failure import Failure, NotSent, Scope, Uncertain

POINTS_AT_US = frozenset(
    {Code.INTERNAL, Code.BAD_FORMAT, Code.UNBALANCED, Code.REQUIRED_FIELD, Code.TOO_LONG}
)
"""Codes that, when many administrations meet them at once, mean that we or the package are wrong."""

NEEDS_PERSON = frozenset({Code.AUTH_REVOKED, Code.MODULE_MISSING, Code.WRONG_COMPANY, Code.MAPPING_MISSING})
"""Administration-wide codes that do not pass by themselves; probed all the same, rarely."""


SHORT_SILENCE = timedelta(minutes=2)
"""A package that asks for less than this is left alone without anybody being told."""


class LeaseEnding(NotSent):
    """What is left of the lease does not cover the longest call: nothing was sent, the lane stops."""


@dataclass(frozen=True)
class Consequence:
    """What to write, and whether the whole administration is held (and probed after `probe_in`) or paused."""

    change: Change
    hold: Reason | None = None
    probe_in: timedelta | None = None
    pause: timedelta | None = None


def reason_of(failure: Failure, number: str, package: Package | None = None) -> Reason:
    """The failure as people read it, with the concrete values."""
    values: dict[str, Any] = {"number": number, **failure.values}
    if package is not None:
        values.setdefault("package", package.label)
    return reason(failure.code, field=failure.field, vendor_message=failure.vendor_message, **values)


def consequence(
    posting: DuePosting,
    failure: Failure,
    settle: timedelta,
    terms: DeliveryTerms,
    probes: int = 0,
    package: Package | None = None,
) -> Consequence:
    """Decide what a failed call means for its posting.

    Doubt stays doubt until a look-up; a refusal that passes by itself is repeated; an administration-wide
    one holds the administration and leaves the document as it was; everything else is for a person.
    """
    why = reason_of(failure, posting.number, package)
    if isinstance(failure, Uncertain):
        failures = posting.transient + 1
        change = Change(
            posting.id,
            Outcome.UNCERTAIN,
            why,
            due_in=settle if failures < 2 * terms.document_attempts else None,
            keep_intent=True,
            transient=failures,
        )
        return Consequence(change)
    if failure.scope is Scope.ADMINISTRATION:
        wait = failure.retry_after or pause(terms.probe_wait, probes + 1)
        if failure.code in NEEDS_PERSON:
            wait = max(wait, timedelta(minutes=5))
        # Nothing is wrong with the document: it is as it was, and ENK hears of the hold if there is one.
        change = Change(
            posting.id,
            Outcome.RECEIVED,
            due_in=wait,
            transient=posting.transient,
            look_up_first=posting.look_up_first,
            announce=False,
        )
        if failure.code is Code.RATE_LIMITED and wait <= SHORT_SILENCE:
            return Consequence(change, pause=wait)
        return Consequence(change, hold=why, probe_in=wait)
    if RULES[failure.code].retry is RetryClass.AUTOMATIC or isinstance(failure, NotSent):
        failures = posting.transient + 1
        if failures >= terms.document_attempts:
            change = Change(
                posting.id,
                Outcome.HELD,
                why,
                scope="document",
                transient=failures,
                look_up_first=posting.look_up_first,
            )
        else:
            wait = failure.retry_after or pause(terms.retry_wait, failures)
            change = Change(
                posting.id,
                Outcome.RETRY,
                why,
                due_in=wait,
                transient=failures,
                look_up_first=posting.look_up_first,
            )
        return Consequence(change)
    return Consequence(Change(posting.id, Outcome.REJECTED, why, look_up_first=posting.look_up_first))
