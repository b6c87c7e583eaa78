"""How one administration is written in its package: kept by us, edited by the bookkeeper or support.

`AdministrationMapping` holds what every package has; a package's own module extends it with what only
that package knows (`SnelStartMapping`, `KingMapping`). Everything has a default that fits a common
set-up; what has none is asked for, by name, by `koppeling check` before the first invoice.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from schemas.invoice import Direction, Invoice, InvoiceLine


class RelationsWritten(StrEnum):
    """When a relation is written."""

    ALWAYS = "always"
    ON_FIRST_INVOICE = "on_first_invoice"


class DimensionSource(StrEnum):
    """Which of ENK's fields fills a dimension of the package."""

    OFF = "off"
    COST_CENTRE = "cost_centre"
    COST_UNIT = "cost_unit"
    WERK = "werk"


class AdministrationMapping(BaseModel):
    """The part of a mapping that every package has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    go_live_date: date | None = Field(
        None, description="Documents issued before it were booked by the old coupling; overrides ENK's date."
    )
    relations_written: RelationsWritten = Field(
        RelationsWritten.ALWAYS, description="When relations are written: always or with their first invoice."
    )
    ledger_accounts: dict[str, str] = Field(
        default_factory=dict,
        description="ENK's ledger account to the package's: `8000`, or `8000/verlegd` for one VAT kind.",
    )
    cost_centre_from: DimensionSource = Field(
        DimensionSource.COST_CENTRE, description="What fills the package's cost centre."
    )
    attachments: bool = Field(False, description="Whether the PDF is added to the booking.")

    def ledger_account(self, line: InvoiceLine) -> str:
        """The package's account for a line: by account and VAT kind, by account, else the same number."""
        own = line.ledger_account
        return self.ledger_accounts.get(f"{own}/{line.vat.kind}") or self.ledger_accounts.get(own) or own

    def cost_centre(self, invoice: Invoice, line: InvoiceLine) -> str | None:
        """The value for the package's cost centre, or None when off or unknown."""
        match self.cost_centre_from:
            case DimensionSource.OFF:
                return None
            case DimensionSource.COST_CENTRE:
                return line.cost_centre
            case DimensionSource.COST_UNIT:
                return line.cost_unit
            case DimensionSource.WERK:
                return invoice.werk.number if invoice.werk else None


def journal_for(journals: dict[str, str], invoice: Invoice) -> str | None:
    """Pick a journal: `sales:regie` before `sales`, `purchase`; None when the mapping names none."""
    if invoice.direction is Direction.SALES and invoice.kind is not None:
        specific = journals.get(f"{invoice.direction}:{invoice.kind}")
        if specific:
            return specific
    return journals.get(str(invoice.direction))
