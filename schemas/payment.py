"""What we tell ENK about the payment of a sales invoice: `nl.enk.koppeling.payment.changed.v1`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.codes import Package
from schemas.instant import Instant
from schemas.model import Day, EventModel
from schemas.money import Money

PAYMENT_CHANGED = "nl.enk.koppeling.payment.changed.v1"


class PaymentStatus(StrEnum):
    """How far an invoice is paid."""

    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERPAID = "overpaid"


class SettledBy(StrEnum):
    """How it was settled, where the package tells."""

    BANK = "bank"
    CREDIT = "credit"
    WRITE_OFF = "write_off"
    UNKNOWN = "unknown"


class PaidInvoice(EventModel):
    """Which invoice."""

    id: str = Field(description="ENK's id.")
    number: str = Field(description="ENK's number.")


class PaymentAmount(EventModel):
    """gross = paid + open."""

    gross: Money = Field(description="The invoice's gross.")
    paid: Money = Field(description="Paid so far.")
    open: Money = Field(description="Still open; negative when overpaid.")


class PaymentChanged(EventModel):
    """The data of a payment event. Ignore a `sequence` lower than one you have seen of the same invoice."""

    administration: str = Field(description="The administration.")
    package: Package = Field(description="The package it was read from.")
    invoice: PaidInvoice = Field(description="Which invoice.")
    status: PaymentStatus = Field(description="How far it is paid; a paid invoice can become open again.")
    settled_by: SettledBy | None = Field(None, description="How it was settled.")
    amount: PaymentAmount = Field(description="Amounts; partly paid for weeks is normal with a G-rekening.")
    last_payment_date: Day | None = Field(None, description="Date of the last payment.")
    sequence: Annotated[int, Field(ge=0)] = Field(description="Rises with every change of this invoice.")
    observed_at: Instant = Field(description="When the package said so.")
