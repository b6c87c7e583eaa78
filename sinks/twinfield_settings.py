"""What must be known to book in Twinfield: our registration, the customer's consent, and the mapping."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from schemas.invoice import Direction, Invoice, InvoiceLine, Vat
from schemas.money import format_decimal
from schemas.relation import Role
from sinks.mapping import AdministrationMapping, DimensionSource, journal_for
from vendors.twinfield.auth import LOGIN_URL, App

DEFAULT_JOURNALS = {"sales": "VRK", "purchase": "INK"}
DEFAULT_VAT_CODES = {
    "sales:hoog": "VH",
    "sales:laag": "VL",
    "sales:nul": "VN",
    "sales:vrijgesteld": "VN",
    "sales:geen": "",
    "purchase:hoog": "IH",
    "purchase:laag": "IL",
    "purchase:nul": "IN",
    "purchase:vrijgesteld": "IN",
    "purchase:geen": "",
}
"""VAT codes of Twinfield's Dutch template; it has no fixed ones for verlegd, icp, export and import."""

DimensionCode = Annotated[str, Field(pattern=r"^\S{1,16}$")]
VatCodeText = Annotated[str, Field(pattern=r"^\S{0,16}$")]


class Destiny(StrEnum):
    """Whether a booking waits for the bookkeeper to make it final."""

    TEMPORARY = "temporary"
    FINAL = "final"


class RelationCodes(StrEnum):
    """Whose codes debtors and creditors get; under `enk`, a number outside the mask is left to Twinfield."""

    ENK = "enk"
    TWINFIELD = "twinfield"


class PerformanceType(StrEnum):
    """What was supplied within the EU."""

    GOODS = "goods"
    SERVICES = "services"


class TwinfieldMapping(AdministrationMapping):
    """How one administration is written in Twinfield."""

    journals: dict[str, DimensionCode] = Field(
        default_factory=lambda: dict(DEFAULT_JOURNALS),
        description="Dagboek per direction (`sales`: VRK, `purchase`: INK) or invoice kind (`sales:regie`).",
        validate_default=True,
    )
    vat_codes: dict[str, VatCodeText] = Field(
        default_factory=lambda: dict(DEFAULT_VAT_CODES),
        description="VAT code per `direction:kind:rate` or `direction:kind`, over the defaults; empty books "
        "without VAT code. Verlegd, icp, export and import have no default.",
        validate_default=True,
    )
    destiny: Destiny = Field(
        Destiny.TEMPORARY, description="Book provisionally (temporary) or at once for good (final)."
    )
    relation_codes: RelationCodes = Field(
        RelationCodes.ENK,
        description="ENK's relation number as code where it fits the administration's mask, or always "
        "numbered by Twinfield.",
    )
    debtor_account: DimensionCode | None = Field(
        None, description="Control account of debtors; without it, that of the debtor in Twinfield."
    )
    creditor_account: DimensionCode | None = Field(
        None, description="Control account of creditors; without it, that of the creditor in Twinfield."
    )
    project_from: DimensionSource = Field(
        DimensionSource.OFF, description="What fills the project (dim3); it must exist in Twinfield."
    )
    performance_types: dict[str, PerformanceType] = Field(
        default_factory=lambda: {"sales:icp": PerformanceType.SERVICES},
        description="`goods` or `services` per `direction:kind`, for VAT codes that want it.",
    )
    g_account_percentage: Decimal | None = Field(
        None,
        ge=0,
        le=100,
        description="Default split for the blocked account of creditors that we create; without it, none.",
    )
    calendar_years: bool = Field(
        True, description="Whether financial years are calendar years; else neighbouring years are read too."
    )
    readback_from_year: int | None = Field(
        None,
        ge=2000,
        le=2100,
        description="First financial year that is read back; default is that of go_live_date, else two back.",
    )

    @field_validator("journals")
    @classmethod
    def _over_default_journals(cls, value: dict[str, str]) -> dict[str, str]:
        return {**DEFAULT_JOURNALS, **value}

    @field_validator("vat_codes")
    @classmethod
    def _over_default_vat_codes(cls, value: dict[str, str]) -> dict[str, str]:
        return {**DEFAULT_VAT_CODES, **value}

    def journal(self, invoice: Invoice) -> str:
        """The daybook of an invoice."""
        return journal_for(self.journals, invoice) or DEFAULT_JOURNALS[invoice.direction]

    def journals_of(self, direction: Direction) -> frozenset[str]:
        """The daybooks that the mapping names for one direction."""
        return frozenset(code for name, code in self.journals.items() if name.partition(":")[0] == direction)

    @property
    def first_year(self) -> int | None:
        """The first financial year that is read back; None when nothing says so."""
        if self.readback_from_year is None and self.go_live_date is not None:
            return self.go_live_date.year
        return self.readback_from_year

    def vat_code(self, direction: Direction, vat: Vat) -> str | None:
        """The VAT code of a line: empty = none, None = not filled in."""
        exact = self.vat_codes.get(vat_key(direction, vat))
        return self.vat_codes.get(f"{direction}:{vat.kind}") if exact is None else exact

    def performance_type(self, direction: Direction, vat: Vat) -> PerformanceType | None:
        """What a line says was supplied; None when it says nothing."""
        return self.performance_types.get(f"{direction}:{vat.kind}")

    def control_account(self, role: Role) -> str | None:
        """The control account that we name ourselves, if any."""
        return self.debtor_account if role is Role.DEBTOR else self.creditor_account

    def project(self, invoice: Invoice, line: InvoiceLine) -> str | None:
        """The project of a line."""
        match self.project_from:
            case DimensionSource.OFF:
                return None
            case DimensionSource.COST_CENTRE:
                return line.cost_centre
            case DimensionSource.COST_UNIT:
                return line.cost_unit
            case DimensionSource.WERK:
                return invoice.werk.number if invoice.werk else None


def vat_key(direction: Direction, vat: Vat) -> str:
    """`direction:kind:rate`, with the rate at which it is booked: of an assessed purchase, the buyer's."""
    is_assessed = direction is Direction.PURCHASE and vat.kind.is_assessed
    rate = vat.assessed_rate_or_default if is_assessed else vat.rate
    return f"{direction}:{vat.kind}:{format_decimal(rate)}"


class TwinfieldApp(BaseModel):
    """ENK's own client registration at Twinfield, the same for all customers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    login_url: str = LOGIN_URL
    cluster_url: str | None = None


class TwinfieldCredentials(BaseModel):
    """The customer's consent for one office; the rest overrides the app's.

    A simulator hands out all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    refresh_token: SecretStr = Field(
        description="What Twinfield gave for the bookkeeper's consent; one opens all offices of that user."
    )
    office: str = Field(
        min_length=1, description="Code of the administration (company) in Twinfield, such as 001."
    )
    client_id: str | None = None
    client_secret: SecretStr | None = None
    login_url: str | None = None
    cluster_url: str | None = None

    def app(self, app: TwinfieldApp) -> App:
        """Whose registration, and where to log in."""
        return App(
            client_id=self.client_id or app.client_id,
            client_secret=self.client_secret or app.client_secret,
            login_url=(self.login_url or app.login_url).rstrip("/"),
        )

    def fallback_cluster(self, app: TwinfieldApp) -> str | None:
        """The cluster to use until Twinfield names one."""
        cluster = self.cluster_url or app.cluster_url
        return cluster.rstrip("/") if cluster else None
