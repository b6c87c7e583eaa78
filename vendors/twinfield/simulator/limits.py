"""Fair use: credits a minute per client and per client and organisation, and calls at once."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from vendors.simulation.faults import CallKind
from vendors.twinfield.simulator.organisation import Organisation
from vendors.twinfield.simulator.refusal import TooManyCredits

WINDOW = 60.0
PER_CLIENT = {"certified": 1000, "uncertified": 50}
PER_ORGANISATION = {"certified": 500, "uncertified": 25}
AT_ONCE_PER_CLIENT, AT_ONCE_PER_ORGANISATION = 20, 10
READ_CREDITS, WRITE_CREDITS = 1, 3


@dataclass
class Client:
    """Our registration as an application: what all its organisations spend together."""

    spent: deque[tuple[float, int]] = field(default_factory=deque)
    in_flight: int = 0


@dataclass(frozen=True)
class Bill:
    """What a call cost, as the headers of its answer say."""

    limit: int
    remaining: int
    credited: int

    def headers(self) -> dict[str, str]:
        """`X-RateLimit-…`."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Credited": str(self.credited),
        }


def charge(
    client: Client, organisation: Organisation, kind: CallKind, now: float, limits: str
) -> Bill | None:
    """Take the credits of a call; None when they are not counted.

    Raises:
        TooManyCredits: it would be more than may be spent in a minute, or one more at once than may be.
    """
    if limits == "off":
        return None
    if client.in_flight > AT_ONCE_PER_CLIENT or organisation.in_flight > AT_ONCE_PER_ORGANISATION:
        raise TooManyCredits(1)
    cost = WRITE_CREDITS if kind is CallKind.WRITE else READ_CREDITS
    budgets = (
        (client.spent, PER_CLIENT[limits]),
        (organisation.spent, PER_ORGANISATION[limits]),
    )
    wait = max(_seconds_until_free(spent, limit, cost, now) for spent, limit in budgets)
    if wait > 0:
        raise TooManyCredits(math.ceil(wait))
    for spent, _ in budgets:
        spent.append((now, cost))
    limit = PER_ORGANISATION[limits]
    return Bill(limit, limit - _total(organisation.spent), cost)


def _total(spent: deque[tuple[float, int]]) -> int:
    return sum(credits for _, credits in spent)


def _seconds_until_free(spent: deque[tuple[float, int]], limit: int, cost: int, now: float) -> float:
    while spent and spent[0][0] <= now - WINDOW:
        spent.popleft()
    over = _total(spent) + cost - limit
    for moment, credits in spent:
        if over <= 0:
            break
        over -= credits
        if over <= 0:
            return moment + WINDOW - now
    return 0.0
