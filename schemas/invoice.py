"""An invoice, sales or purchase, with its lines, VAT and totals. Names are EN 16931's where it has one."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.currency import Currency
from schemas.identifiers import Iban
from schemas.model import Count, Day, EventModel, Extensions, Id, Text
from schemas.money import Money, Quantity, Rate

DEFAULT_ASSESSED_RATE = Decimal(21)


class Direction(StrEnum):
    """Which way the invoice goes."""

    SALES = "sales"
    PURCHASE = "purchase"


class InvoiceKind(StrEnum):
    """The six kinds of sales invoice of an installation company."""

    TERMIJN = "termijn"
    MEERWERK = "meerwerk"
    EINDAFREKENING = "eindafrekening"
    REGIE = "regie"
    OPDRACHTBON = "opdrachtbon"
    LOS = "los"


class VatKind(StrEnum):
    """How VAT applies; only `hoog` and `laag` carry tax."""

    HOOG = "hoog"
    LAAG = "laag"
    NUL = "nul"
    VERLEGD = "verlegd"
    VRIJGESTELD = "vrijgesteld"
    ICP = "icp"
    EXPORT = "export"
    IMPORT = "import"
    GEEN = "geen"

    @property
    def is_assessed(self) -> bool:
        """On a purchase, both sides of the VAT are booked by the buyer."""
        return self in {VatKind.VERLEGD, VatKind.ICP, VatKind.IMPORT}


class LineKind(StrEnum):
    """What a line is for."""

    LABOUR = "labour"
    MATERIAL = "material"
    PROVISIONAL = "provisional"
    TERM = "term"
    OTHER = "other"


class Werk(EventModel):
    """The job that the invoice is about."""

    number: Id = Field(description="ENK's number of the werk.", examples=["W2026-014"])
    name: Text = Field(description="Its name.", examples=["Nieuwbouw school"])


class Term(EventModel):
    """Which instalment of how many."""

    index: Count = Field(description="Which one, from 1.", examples=[2])
    of: Count = Field(description="Of how many.", examples=[4])
    percentage: Quantity | None = Field(None, description="Part of the quote, in percent.")


class WorkPeriod(EventModel):
    """When the work was done, which chain liability asks for."""

    from_: Day = Field(alias="from", description="First day.")
    to: Day = Field(description="Last day.")


class Vat(EventModel):
    """How VAT applies to a line."""

    kind: VatKind = Field(description="The VAT kind.")
    rate: Rate = Field(
        description="Percent on the invoice: the Dutch rate for hoog and laag, 0 for all others."
    )
    assessed_rate: Rate | None = Field(
        None,
        description="Purchases that are verlegd, icp or import: the rate at which both sides are booked; "
        "21 when absent.",
    )

    @property
    def assessed_rate_or_default(self) -> Decimal:
        """The rate at which the buyer books both sides."""
        return DEFAULT_ASSESSED_RATE if self.assessed_rate is None else self.assessed_rate


class InvoiceLine(EventModel):
    """One line, net of VAT."""

    id: Id = Field(description="Unique within the invoice.", examples=["1"])
    kind: LineKind = Field(description="labour, material, provisional, term or other.")
    description: Text = Field(description="What was delivered.")
    quantity: Quantity | None = Field(None, description="How much.")
    unit: Text | None = Field(None, description="Of what.", examples=["uur"])
    net_amount: Money = Field(description="Without VAT; may be negative.")
    vat: Vat = Field(description="How VAT applies.")
    ledger_account: Id = Field(description="ENK's general-ledger account.", examples=["8000"])
    cost_centre: Id | None = Field(None, description="Kostenplaats.")
    cost_unit: Id | None = Field(None, description="Kostendrager.")
    bewakingscode: Id | None = Field(None, description="Cost control code of the werk.")
    meerwerkcode: Id | None = Field(None, description="Code of the extra work.")


class VatBreakdownRow(EventModel):
    """The sum of the lines of one VAT kind and rate."""

    kind: VatKind = Field(description="The VAT kind.")
    rate: Rate = Field(description="Percent.")
    taxable_amount: Money = Field(description="Sum of the net amounts of its lines.")
    tax_amount: Money = Field(description="VAT over it, within 0.01 per line.")


class Totals(EventModel):
    """The invoice's sums: net + vat = gross."""

    net: Money = Field(description="Sum of the lines.")
    vat: Money = Field(description="Sum of the tax.")
    gross: Money = Field(description="What is to be paid; negative for a credit.")


class GAccount(EventModel):
    """The part to be paid into a blocked account (G-rekening)."""

    iban: Iban = Field(description="Ours on a sales invoice, the creditor's on a purchase.")
    amount: Money = Field(description="Same sign as gross, and no larger.")
    percentage: Quantity | None = Field(None, description="Percent of gross; the amount rules.")


class Attachment(EventModel):
    """Where the PDF is. One that cannot be had never blocks the booking."""

    uri: Text = Field(description="https address.", examples=["https://files.enk.example/2026/20260123.pdf"])
    sha256: Text = Field(description="Its sha-256, in hexadecimal.")
    media_type: Text = Field(description="Media type.", examples=["application/pdf"])
    file_name: Text = Field(description="File name.", examples=["factuur-20260123.pdf"])


class Invoice(EventModel):
    """The data of `nl.enk.invoice.issued.v1`."""

    administration: Id = Field(description="The administration it belongs to.", examples=["adm-1001"])
    direction: Direction = Field(description="sales or purchase.")
    id: Id = Field(description="ENK's id, unique per administration.", examples=["inv-9001"])
    revision: Count = Field(description="From 1, rising, may skip.", examples=[1])
    number: Id = Field(description="ENK's number; leading zeros count.", examples=["20260123"])
    supplier_invoice_number: Id | None = Field(
        None, description="Purchases: the supplier's number; required."
    )
    kind: InvoiceKind | None = Field(None, description="Sales: one of six, required. Purchases: absent.")
    issue_date: Day = Field(description="Date on the invoice.")
    due_date: Day = Field(description="Not before issue_date.")
    currency: Currency = Field(description="EUR.")
    relation_id: Id = Field(description="ENK's id of debtor or creditor.", examples=["rel-204"])
    description: Text = Field(description="What it is about.")
    payment_reference: Text | None = Field(None, description="Reference for the payment.")
    werk: Werk | None = Field(None, description="The job.")
    opdrachtbonnen: tuple[Id, ...] = Field((), description="Numbers of the work orders.")
    quote_numbers: tuple[Id, ...] = Field((), description="Numbers of the quotes.")
    term: Term | None = Field(None, description="Which instalment.")
    contract_reference: Text | None = Field(None, description="The contract, for chain liability.")
    work_period: WorkPeriod | None = Field(None, description="When the work was done.")
    credits_invoice_number: Id | None = Field(
        None, description="Credits: the number of the invoice that is credited (purchases: the supplier's)."
    )
    lines: Annotated[tuple[InvoiceLine, ...], Field(min_length=1)] = Field(description="At least one.")
    vat_breakdown: tuple[VatBreakdownRow, ...] = Field(
        description="One row per VAT kind and rate of the lines."
    )
    totals: Totals = Field(description="The sums.")
    g_account: GAccount | None = Field(None, description="The part for the blocked account.")
    attachment: Attachment | None = Field(None, description="The PDF.")
    extensions: Extensions | None = Field(None, description="Anything else; not read.")
