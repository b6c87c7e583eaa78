"""The control interface of every simulator: what may be asked of it, and what it answers.

All of it lives under `/_simulator/`, outside the paths of the packages. Times are ISO 8601 in UTC, amounts
are decimal strings. The JSON Schemas of these models are served at `/_simulator/schema`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from vendors.simulation.books import (
    Arrival,
    BookedDocument,
    BookedRelation,
    Day,
    Direction,
    Double,
    Money,
    SettledBy,
)


class Wire(BaseModel):
    """Base of requests and answers; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Kind(StrEnum):
    """What goes wrong; `…_after` and `truncated` strike after a successful call took effect."""

    LATENCY = "latency"
    STATUS = "status"
    STATUS_AFTER = "status_after"
    HTML = "html"
    HTML_AFTER = "html_after"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    TRUNCATED = "truncated"
    HANG = "hang"
    HANG_AFTER = "hang_after"
    RATE_LIMIT = "rate_limit"
    TOKEN_REVOKED = "token_revoked"
    MAINTENANCE = "maintenance"

    @property
    def is_after(self) -> bool:
        """Whether the call has taken effect when this strikes."""
        return self in _AFTER


_AFTER = {Kind.STATUS_AFTER, Kind.HTML_AFTER, Kind.CUT_AFTER, Kind.TRUNCATED, Kind.HANG_AFTER}
_UNTIL_CLEARED = {Kind.LATENCY, Kind.MAINTENANCE}


class FaultRequest(Wire):
    """A fault to arm; without `count`, `ratio` or `duration` it strikes once (latency, maintenance: on)."""

    kind: Kind
    package: str | None = Field(default=None, description="only calls to this package")
    company: str | None = Field(default=None, description="only calls of this company")
    operation: str | None = Field(
        default=None,
        description="`read`, `write`, `token`, or an operation (`verkoopboekingen.POST`; `*`: any text)",
    )
    status: int | None = Field(default=None, ge=200, le=599, description="for status and html kinds")
    retry_after: int | None = Field(default=None, ge=0, description="seconds; absent: no Retry-After header")
    latency_ms: float = Field(default=1000, ge=0, description="for kind latency")
    hang_seconds: float | None = Field(
        default=None, ge=0, description="how long one call hangs; absent: until the fault is cleared"
    )
    late_commit: bool = Field(
        default=False,
        description="a call that hung before it took effect takes effect later although its client has gone",
    )
    count: int | None = Field(default=None, ge=1, description="strikes at most this often")
    ratio: Annotated[float | None, Field(gt=0, le=1)] = Field(default=None, description="share of the calls")
    duration: float | None = Field(default=None, gt=0, description="seconds after which it ends by itself")

    @model_validator(mode="after")
    def _once(self) -> FaultRequest:
        limited = self.count is not None or self.ratio is not None or self.duration is not None
        if not limited and self.kind not in _UNTIL_CLEARED:
            self.count = 1
        return self


class FaultAnswer(Wire):
    """A fault with what it did so far."""

    fault: str
    hits: int
    active: bool
    created_at: datetime
    request: FaultRequest


class FaultsAnswer(Wire):
    """Every fault since the last reset."""

    faults: list[FaultAnswer]


class ChartAccount(Wire):
    """A general-ledger account. `function` is the package's own word for what the account is for."""

    number: str
    name: str
    function: str | None = Field(
        default=None, description="absent: the package's function for a cost account"
    )
    cost_centre_required: bool = False
    active: bool = True


class CostCentre(Wire):
    """A cost centre of a company."""

    number: str
    name: str
    active: bool = True


class NewCompany(Wire):
    """A company to create, with the package's default chart; `chart` adds accounts or replaces by number."""

    package: str
    name: str = "Installatiebedrijf De Simulator B.V."
    id: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="absent: chosen"
    )
    kvk_number: str = "12345678"
    vat_number: str = "NL123456782B01"
    chart: list[ChartAccount] = Field(default_factory=list)
    cost_centres: list[CostCentre] = Field(default_factory=list)
    settings: dict[str, JsonValue] = Field(
        default_factory=dict, description="see the package's settings schema"
    )


class VatCode(Wire):
    """A VAT code or rate of a company, in the package's own names."""

    code: str
    name: str
    rate: str | None = None


class Journal(Wire):
    """A journal of a company."""

    code: str
    name: str
    direction: Direction | None = None


class CompanyAnswer(Wire):
    """A company: how to reach it, with what credentials, and what its master data are."""

    company: str
    package: str
    name: str
    credentials: dict[str, str] = Field(description="in the package's own form")
    urls: dict[str, str]
    identity: dict[str, str] = Field(description="what the package says the company is")
    chart: list[ChartAccount]
    vat_codes: list[VatCode]
    journals: list[Journal]
    cost_centres: list[CostCentre]
    settings: dict[str, JsonValue]


class CompaniesAnswer(Wire):
    """Every company of this server."""

    companies: list[CompanyAnswer]


class SettingsRequest(Wire):
    """Settings to change on a company; those not named stay."""

    company: str
    settings: dict[str, JsonValue]


class PaymentRequest(Wire):
    """A payment on a document, or the reversal of an earlier payment."""

    company: str
    number: str | None = None
    document: str | None = None
    direction: Direction = Direction.SALES
    amount: Decimal | Literal["rest"] = Field(default="rest", description="negative: money taken back")
    date: Day | None = None
    settled_by: SettledBy = SettledBy.BANK
    reverse: str | None = Field(default=None, description="id of the payment to take back")

    @model_validator(mode="after")
    def _one_aim(self) -> PaymentRequest:
        if sum(aim is not None for aim in (self.number, self.document, self.reverse)) != 1:
            raise ValueError("name exactly one of number, document and reverse")
        return self


class PaymentAnswer(Wire):
    """A payment that was made, and where the document stands now."""

    payment: str
    document: str
    number: str
    gross: Money
    paid: Money
    open: Money


class Overlap(Wire):
    """Two writes of one company that were under way at once while both clients were connected."""

    first: str
    second: str
    at: datetime


class OverlapsAnswer(Wire):
    """Overlapping writes of one company."""

    count: int
    list: list[Overlap]


class CompanyBooks(Wire):
    """The books of one company."""

    company: str
    package: str
    name: str
    debtors: list[BookedRelation]
    creditors: list[BookedRelation]
    sales: list[BookedDocument]
    purchases: list[BookedDocument]
    doubles: list[Double]
    arrivals: list[Arrival]
    overlapping_writes: OverlapsAnswer
    reports: list[str] = Field(default_factory=list, description="file packages: reports of the imports")


class BooksAnswer(Wire):
    """The books of the companies asked for."""

    companies: list[CompanyBooks]


class ResetRequest(Wire):
    """What to empty: books, faults and log of one company, of one package or of all."""

    package: str | None = None
    company: str | None = None
    companies: bool = Field(default=False, description="forget the companies themselves as well")


class CallAnswer(Wire):
    """One call to a package. `status` is absent when no answer was sent."""

    seq: int
    time: datetime
    package: str
    company: str | None
    operation: str
    status: int | None
    fault: str | None
    duration_ms: float
    detail: str | None = None


class LogAnswer(Wire):
    """Calls in the order in which they ended; ask again with `since` = `last`."""

    calls: list[CallAnswer]
    last: int


class Done(Wire):
    """Nothing to tell but that it was done."""

    ok: Literal[True] = True


class Problem(Wire):
    """Why a request to the control interface was refused."""

    error: str
    details: list[str] = Field(default_factory=list)
