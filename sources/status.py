"""From what a package shows of an invoice (its total and what is open) to how far it is paid.

    gross    open                        status
    any      0                           paid
    ≠ 0      same sign, |open| < |gross|  partly_paid
    ≠ 0      same sign, |open| ≥ |gross|  open          (more than gross: money was taken back)
    ≠ 0      other sign                  overpaid
    0        > 0 / < 0                   open / overpaid

Credits are the same with all signs turned. paid = gross − open, so it is negative for a credit that was
paid out, and has the other sign where money was taken back. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from schemas.payment import PaymentStatus, SettledBy


@dataclass(frozen=True)
class Standing:
    """How far an invoice is paid; gross = paid + open, to the cent."""

    status: PaymentStatus
    gross: Decimal
    paid: Decimal
    open: Decimal


def standing(gross: Decimal, open_amount: Decimal) -> Standing:
    """Derive the status from total and open amount."""
    return Standing(_status(gross, open_amount), gross, gross - open_amount, open_amount)


def settled_by(status: PaymentStatus, told: SettledBy | None) -> SettledBy | None:
    """How it was settled: nothing while it is open, `unknown` when it is paid and the package cannot tell."""
    if status is PaymentStatus.OPEN:
        return None
    if told is None and status in (PaymentStatus.PAID, PaymentStatus.OVERPAID):
        return SettledBy.UNKNOWN
    return told


def _status(gross: Decimal, open_amount: Decimal) -> PaymentStatus:
    if open_amount == 0:
        return PaymentStatus.PAID
    total, rest = (-gross, -open_amount) if gross < 0 else (gross, open_amount)
    if rest < 0:
        return PaymentStatus.OVERPAID
    return PaymentStatus.PARTLY_PAID if rest < total else PaymentStatus.OPEN
