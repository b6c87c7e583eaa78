"""How a simulated administration behaves where the vendor differs per customer, or is unknown."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_SCOPES = ("openid", "twf.user", "twf.organisation", "twf.organisationUser", "offline_access")


class ExtraVatCode(BaseModel):
    """A VAT code to add, or to replace by code."""

    model_config = ConfigDict(extra="forbid")

    name: str
    direction: Literal["sales", "purchase"]
    percentage: str = Field(default="0", pattern=r"^\d{1,2}(\.\d{1,3})?$")
    reverse_charged: bool = Field(default=False, description="purchases: booked on both sides")
    ict: bool = Field(default=False, description="needs performancetype")


class TwinfieldSettings(BaseModel):
    """Settings of one administration; all but `organisation` and `office` can be changed while it runs."""

    model_config = ConfigDict(extra="forbid")

    organisation: str | None = Field(
        default=None,
        description="code of the organisation; administrations of one organisation share its refresh token "
        "(absent: one of its own)",
    )
    office: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_-]{1,16}$", description="code of the administration"
    )
    strict: bool = Field(
        default=True,
        description="refuse what the vendor's documents do not allow and of which no answer is published: "
        "unknown elements, comments, more than two decimals, texts that are too long, VAT on a code without",
    )
    language: Literal["nl", "en"] = Field(default="nl", description="of the user: language of the messages")
    cluster: str = Field(
        default="api.accounting",
        pattern=r"^[a-z0-9.]{1,40}$",
        description="where the organisation lives; another one answers 108",
    )
    cluster_claim: bool = Field(default=True, description="false: validation leaves twf.clusterUrl out")
    scopes: list[str] = Field(default_factory=lambda: list(DEFAULT_SCOPES), description="of new tokens")
    consent_active: bool = Field(default=True, description="false: the refresh token is invalid_grant")
    rotate_refresh_tokens: bool = Field(
        default=False, description="every token call gives a new refresh token and voids the one used"
    )
    token_seconds: int = Field(default=3600, ge=1)
    expired_token_answer: Literal["http", "fault"] = Field(
        default="http", description="401 with `354 : …` as its reason, or a SOAP fault 103"
    )
    access_code: Literal[102, 104, 105, 106, 107, 109, 110, 122, 358] | None = Field(
        default=None, description="every SOAP call is refused with this code of the vendor"
    )
    limits: Literal["certified", "uncertified", "off"] = Field(
        default="certified", description="500 or 25 credits a minute, 10 calls at once; or none"
    )
    debtor_mask: str = Field(default="1####", description="# a digit, $ a digit or letter, * any text")
    creditor_mask: str = Field(default="2####", description="as debtor_mask")
    name_length: int = Field(default=40, ge=1, description="of relations; unknown of the vendor")
    invoice_number_length: int = Field(default=40, ge=1, description="unknown of the vendor")
    omitted_on_update: Literal["cleared", "kept"] = Field(
        default="cleared", description="what an update of a relation leaves out (unknown of the vendor)"
    )
    due_days: int = Field(default=30, ge=0, description="that a relation inherits from its type")
    duplicate_scope: Literal["relation", "daybook", "office", "none"] = Field(
        default="relation", description="where an invoice number warns (unknown of the vendor)"
    )
    duplicate_sees_provisional: bool = Field(default=True, description="whether provisional ones count")
    years: list[int] = Field(
        default_factory=list, description="with periods; absent: last year, this year and the next"
    )
    closed_periods: list[str] = Field(default_factory=list, description="`2026/01`")
    closed_until: date | None = Field(default=None, description="periods that end up to here are closed")
    free_texts: bool = Field(default=False, description="freetext1 to 3 are enabled on the daybooks")
    match_touches_modified: bool = Field(
        default=True, description="whether a payment moves fin.trs.line.modified (unproven of the vendor)"
    )
    matchstatus_filter: bool = Field(
        default=True, description="false: a filter on matchstatus makes a browse fault, as one client saw"
    )
    bank_statements_provisional: bool = Field(
        default=False, description="payments stand on provisional statements"
    )
    proposed_invoices: list[str] = Field(
        default_factory=list, description="numbers of open invoices in a payment run: `proposed`"
    )
    extra_accounts: dict[str, Literal["BAS", "PNL"]] = Field(
        default_factory=dict, description="accounts to add to the chart"
    )
    vat_obligatory_accounts: list[str] = Field(default_factory=list)
    extra_vat_codes: dict[str, ExtraVatCode] = Field(default_factory=dict)
    projects: dict[str, str] = Field(default_factory=dict, description="code and name of projects (PRJ)")
