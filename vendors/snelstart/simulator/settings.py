"""How a simulated administration behaves where the vendor differs per customer, or is unknown."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from vendors.snelstart.simulator.chart import FUNCTIONS

ALL_SCOPES = (
    "artikelen:read",
    "bankieren:read",
    "boekhouden:read",
    "boekhouden:write",
    "documenten:read",
    "documenten:write",
    "kas:read",
    "orders:read",
    "orders:write",
    "relaties:read",
    "relaties:write",
    "settings:read",
    "settings:write",
)


class SnelStartSettings(BaseModel):
    """Settings of one administration; all can be changed while it runs."""

    model_config = ConfigDict(extra="forbid")

    strict: bool = Field(
        default=True,
        description="refuse unknown and read-only fields and amounts with more than two decimals "
        "(the vendor ignores such fields)",
    )
    scopes: list[str] = Field(default_factory=lambda: list(ALL_SCOPES), description="of new tokens")
    koppelsleutel_active: bool = Field(
        default=True, description="false: the token call refuses the koppelsleutel"
    )
    token_seconds: int = Field(default=3599, ge=1)
    limits: Literal["productie", "ontwikkeling", "off"] = Field(
        default="productie", description="500/min, 5000/h, 50 at once; or 100/min, 1000/h, 5 at once; or none"
    )
    limit_retry_after: bool = Field(default=True, description="whether 429 carries Retry-After")
    hourly_limit_form: Literal["429", "403"] = Field(
        default="429", description="403: as a quota of API Management"
    )
    payment_bumps_modified_on: bool = Field(
        default=False, description="whether a payment changes modifiedOn of the factuur"
    )
    purchase_numbers_unique: Literal["no", "per_supplier", "per_administration"] = "no"
    both_roles_allowed: bool = Field(
        default=False, description="false: REL-0065 on Klant and Leverancier together"
    )
    incomplete_address_allowed: bool = Field(default=False, description="false: REL-0060")
    closed_until: date | None = Field(default=None, description="booking dates up to here: BOE-0042")
    blocked_years: list[int] = Field(default_factory=list, description="booking dates in these: BOE-0042")
    accountant_locked_until: date | None = Field(
        default=None, description="booking dates up to here: BOE-0051"
    )
    vat_return_until: date | None = Field(
        default=None, description="no change or deletion up to here: BOE-0046"
    )
    book_year: int | None = Field(default=None, description="huidigBoekjaar; absent: the year of the clock")
    missing_vat_rows: list[str] = Field(
        default_factory=list, description="btw rows for which a balance account lacks: BOE-0081"
    )
    purchase_journal: Literal["active", "inactive", "missing"] = "active"
    sales_journal: Literal["active", "missing"] = "active"
    no_cost_centre_accounts: list[int] = Field(
        default_factory=list, description="accounts with kostenplaats on 'Nee': BOE-0093 on purchases"
    )
    extra_accounts: dict[int, str] = Field(
        default_factory=dict,
        description="accounts to add to the chart, or to give another function, with their grootboekfunctie",
    )

    @field_validator("extra_accounts")
    @classmethod
    def _known_functions(cls, value: dict[int, str]) -> dict[int, str]:
        unknown = sorted(set(value.values()) - set(FUNCTIONS))
        if unknown:
            raise ValueError(f"no grootboekfunctie {', '.join(unknown)}")
        return value
