"""What a package implements to be read back: which sales invoices have been paid, and how far.

A source reads and returns; it keeps no state. The readback engine owns cursors, change detection,
ordinals and events. Failures are those of `vendors.failure` (`NotSent`, `Refused`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from schemas.outcome import Package
from schemas.payment import SettledBy

Cursor = Mapping[str, str]
"""Where a pull left off, in the package's own values (never our clock)."""


@dataclass(frozen=True)
class InvoiceObservation:
    """One sales invoice as the package shows it now; amounts in EUR, negative for a credit.

    Attributes:
        invoice_id: the package's id of the booking (what `book` returned as the document's id).
        number: the invoice number in the package.
        gross: its total.
        open: what is still to be paid.
        settled_by: how it was settled, where the package tells.
        last_payment_date: where the package tells.
    """

    invoice_id: str
    number: str
    gross: Decimal
    open: Decimal
    settled_by: SettledBy | None = None
    last_payment_date: date | None = None


@dataclass(frozen=True)
class Pull:
    """What one pull brought.

    Attributes:
        observations: whole invoices, each at most once.
        complete: True when every invoice of the administration was in scope, so that one that is
            missing is really missing.
        cursor: where the next pull goes on; None when the pull does not move it.
    """

    observations: tuple[InvoiceObservation, ...]
    complete: bool
    cursor: Cursor | None


class Source(Protocol):
    """Readback of one administration."""

    package: Package

    async def pull(self, cursor: Cursor | None) -> Pull:
        """What changed since the cursor, with overlap; None = from the beginning."""

    async def sweep(self) -> Pull:
        """Everything; what guarantees completeness."""

    async def invoice(self, invoice_id: str) -> InvoiceObservation | None:
        """One invoice by the package's id; None when the package does not hold it any more."""

    async def close(self) -> None:
        """Give back what the source holds."""
