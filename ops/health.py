"""From numbers to a verdict: does the work get on, and does somebody have to do something?

Health is progress: a process that runs and does nothing is ill, one that waits for nothing is well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from ledger.health import Standing
from ops.lag import GroupLag
from schemas.outcome import RULES, RetryClass, parse_code

STUCK_AFTER = timedelta(minutes=2)
"""Work that may be done and is not done for so long means that nobody does it."""

UNRECEIVED_AFTER = timedelta(minutes=5)
"""A record that waits for so long to be read means that its readers stand still, or are too few."""


class Health(IntEnum):
    """How bad it is; the worst finding counts."""

    HEALTHY = 0
    SOMEBODY = 1
    TROUBLE = 2

    @property
    def word(self) -> str:
        """For tables and JSON."""
        return {0: "healthy", 1: "somebody is needed", 2: "trouble"}[self]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: what, and what to do."""

    health: Health
    what: str
    do: str


def judge(
    standing: Standing,
    lags: Collection[GroupLag],
    stuck_after: timedelta = STUCK_AFTER,
    failing_readbacks: int = 0,
) -> list[Finding]:
    """What is wrong, worst first; empty when all is well."""
    found = [*_progress(standing, lags, stuck_after), *_people(standing, failing_readbacks)]
    return sorted(found, key=lambda finding: -finding.health)


def _progress(standing: Standing, lags: Collection[GroupLag], stuck_after: timedelta) -> list[Finding]:
    found = []
    for lag in lags:
        if lag.lag and not lag.members:
            found.append(
                Finding(
                    Health.TROUBLE,
                    f"{lag.lag} records wait and nobody reads for {lag.group}.",
                    f"Start `{_command(lag)}`.",
                )
            )
        elif lag.lag and lag.oldest_seconds >= UNRECEIVED_AFTER.total_seconds():
            found.append(
                Finding(
                    Health.TROUBLE,
                    f"{lag.lag} records wait for {lag.group}, the oldest for {lag.oldest_seconds / 60:.0f} "
                    f"minutes, though {lag.members} processes read.",
                    f"Ask each `{_command(lag)}` for its `/healthz`: restart the one that stands still; if "
                    "none does, start more.",
                )
            )
    due = standing.oldest_due
    if due is not None and standing.now - due.due_at > stuck_after and not due.leased:
        found.append(
            Finding(
                Health.TROUBLE,
                f"{due.administration} in {due.package} is due since {due.due_at:%Y-%m-%d %H:%M} and "
                "nobody works on it.",
                "Start `koppeling worker`, or look at its log.",
            )
        )
    oldest = standing.outbox.oldest
    if oldest is not None and standing.now - oldest > stuck_after:
        found.append(
            Finding(
                Health.TROUBLE,
                f"{standing.outbox.size} events for ENK are not published; the oldest is of "
                f"{oldest:%Y-%m-%d %H:%M}.",
                "Check that a worker runs and that Kafka answers.",
            )
        )
    return found


def _command(lag: GroupLag) -> str:
    return "koppeling streams" if lag.group.endswith(".intake") else "koppeling worker"


def _people(standing: Standing, failing_readbacks: int) -> list[Finding]:
    found = [
        Finding(
            Health.SOMEBODY,
            f"Nothing is sent to {breaker.package} since {breaker.opened_at:%Y-%m-%d %H:%M}: several "
            f"administrations failed alike ({breaker.code}: {breaker.message}).",
            f"Find the cause, then `koppeling administrations release --package {breaker.package}`.",
        )
        for breaker in standing.breakers
    ]
    by_person = [lane for lane in standing.held if not passes_by_itself(lane.code)]
    if by_person:
        names = ", ".join(lane.administration for lane in by_person[:5])
        more = f" and {len(by_person) - 5} more" if len(by_person) > 5 else ""
        found.append(
            Finding(
                Health.SOMEBODY,
                f"{len(by_person)} administrations are held for somebody: {names}{more}.",
                "`koppeling administrations list --held` says why and who must act.",
            )
        )
    waiting = sum(need.count for need in standing.needs if not passes_by_itself(need.code))
    if waiting:
        found.append(
            Finding(
                Health.SOMEBODY,
                f"{waiting} documents or records wait for somebody.",
                "`koppeling postings list --needs-somebody` says what must be done.",
            )
        )
    for file in standing.stuck_files:
        found.append(
            Finding(
                Health.SOMEBODY,
                f"File {file.id} of {file.administration} is {file.state}: {file.message_nl or ''}".rstrip(
                    ": "
                ),
                f"`koppeling files show {file.id}`.",
            )
        )
    if standing.missing_in_package:
        found.append(
            Finding(
                Health.SOMEBODY,
                f"{standing.missing_in_package} invoices that we booked are not in their package any more.",
                "`koppeling payments list --missing` names them; ask the bookkeeper.",
            )
        )
    if standing.in_recovery:
        found.append(
            Finding(
                Health.SOMEBODY,
                f"{standing.in_recovery} administrations are in recovery: the database went back in time.",
                "Each document is looked up before it is sent; look at `koppeling postings list --code "
                "recovery`.",
            )
        )
    if failing_readbacks:
        found.append(
            Finding(
                Health.SOMEBODY,
                f"Payments of {failing_readbacks} administrations cannot be read back now.",
                "`koppeling status` lists them with their reason.",
            )
        )
    return found


def passes_by_itself(code: str) -> bool:
    """Whether a hold for this reason ends without a person: an outage, a busy package."""
    return RULES[parse_code(code)].retry is RetryClass.AUTOMATIC and code not in (
        "unknown_administration",
        "schema_ahead",
        "waiting_for_invoice",
    )


def worst(findings: Collection[Finding]) -> Health:
    """The verdict."""
    return max((finding.health for finding in findings), default=Health.HEALTHY)
