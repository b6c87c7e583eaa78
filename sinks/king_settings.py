"""How one administration is written in King: codes, numbers, journals and the choices that King leaves open.

King numbers its VAT codes, payment conditions and journals per administration. The defaults are those of
the examples that public King material shows; the bookkeeper compares them with the own administration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.invoice import Direction, Invoice, InvoiceLine, Vat
from schemas.money import format_decimal
from schemas.relation import Relation, Role
from sinks.mapping import AdministrationMapping, DimensionSource, journal_for

DEFAULT_JOURNALS = {"sales": "VERK", "purchase": "INK"}

DEFAULT_VAT_CODES = {
    "sales:laag:9": "001",
    "sales:hoog:21": "002",
    "sales:nul": "003",
    "sales:verlegd": "004",
    "sales:vrijgesteld": "005",
    "sales:icp": "006",
    "sales:export": "007",
    "sales:geen": "",
    "purchase:laag:9": "011",
    "purchase:hoog:21": "012",
    "purchase:nul": "013",
    "purchase:verlegd:21": "014",
    "purchase:vrijgesteld": "015",
    "purchase:icp:21": "016",
    "purchase:import:21": "017",
    "purchase:verlegd:9": "024",
    "purchase:icp:9": "026",
    "purchase:import:9": "027",
    "purchase:geen": "",
}
"""`direction:kind:rate` or `direction:kind` to King's VAT code; empty = booked without VAT code.

The rate of a purchase that is verlegd, icp or import is the rate at which the buyer books both sides.
"""

DEFAULT_LANGUAGES = {"nl": "N"}

VatCode = Annotated[str, Field(pattern=r"^[0-9]{0,3}$")]
Account = Annotated[str, Field(pattern=r"^[^\s]{1,28}$")]
Journal = Annotated[str, Field(pattern=r"^\S(.{0,8}\S)?$")]
Prefix = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,8})?$")]
Condition = Annotated[int, Field(ge=0, le=999)]
Short = Annotated[str, Field(min_length=1, max_length=3)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class VatMode(StrEnum):
    """How VAT is written: attached to its line with a VAT code, or as a line on a VAT account."""

    HULPREKENING = "hulprekening"
    SEPARATE_LINE = "separate_line"


class AssessedPurchase(StrEnum):
    """Purchases on which the buyer books both sides: by one VAT code in King, or by two lines of ours."""

    SINGLE = "single"
    TWO_LINES = "two_lines"


class RelationNumbers(StrEnum):
    """Whose numbers debtors and creditors get; under `enk` one that cannot be a King number is allotted."""

    ENK = "enk"
    ALLOTTED = "allotted"


class FileNaming(StrEnum):
    """A new name for every file, or one fixed name that King's import task reads."""

    UNIQUE = "unique"
    FIXED = "fixed"


class NumberRange(BaseModel):
    """Whole King numbers, paragraph included; both ends belong to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: int = Field(ge=1, lt=10**10)
    last: int = Field(ge=1, lt=10**10)

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last


class KingMapping(AdministrationMapping):
    """How one administration is written in King."""

    journals: dict[str, Journal] = Field(
        default_factory=dict,
        description="Dagboek per direction (`sales`: VERK, `purchase`: INK) or invoice kind (`sales:regie`).",
    )
    vat_codes: dict[str, VatCode] = Field(
        default_factory=dict,
        description="King's VAT code per `direction:kind:rate` or `direction:kind`, over the defaults; "
        "empty books without VAT code.",
    )
    vat_mode: VatMode = Field(VatMode.HULPREKENING, description="How VAT is written.")
    verlegd_purchase: AssessedPurchase = Field(
        AssessedPurchase.SINGLE,
        description="How purchases that are verlegd, icp or import are written: a `single` VAT code, "
        "or `two_lines` on VAT accounts.",
    )
    vat_accounts: dict[str, Account] = Field(
        default_factory=dict,
        description="VAT accounts, for `separate_line` per `sales:hoog` or `sales:hoog:21`, for `two_lines` "
        "per `due:verlegd` and `deductible:verlegd`, with or without rate.",
    )
    relation_numbers: RelationNumbers = Field(
        RelationNumbers.ENK, description="ENK's relation number behind the prefix, or always an allotted one."
    )
    debtor_prefix: Prefix = Field(
        "13", description="King's paragraph of debtors; empty = ENK's number is already complete."
    )
    creditor_prefix: Prefix = Field(
        "25", description="King's paragraph of creditors; empty = ENK's number is already complete."
    )
    number_width: int = Field(
        0, ge=0, le=10, description="Digits behind the prefix, filled up with zeros; 0 = as ENK writes it."
    )
    debtor_numbers: NumberRange = Field(
        NumberRange(first=13900001, last=13999999),
        description="Allotted numbers of debtors, prefix included.",
    )
    creditor_numbers: NumberRange = Field(
        NumberRange(first=25900001, last=25999999),
        description="Allotted numbers of creditors, prefix included.",
    )
    payment_conditions: dict[str, Condition] = Field(
        default_factory=dict,
        description="ENK's payment term code, or its number of days, to King's betalingsconditie; "
        "what is not named is left as it is in King.",
    )
    languages: dict[str, Short] = Field(
        default_factory=dict, description="Language (`nl`) to King's taalcode, over the default N."
    )
    default_language: Short = Field("N", description="Taalcode of a language that is not named.")
    countries: dict[str, Short] = Field(
        default_factory=dict, description="ISO country code to King's landcode; default the same."
    )
    relation_vat_code: VatCode = Field(
        "", description="VAT code of new relations (NAW_BTWCODE); empty = left to King."
    )
    cost_separator: str = Field(
        "",
        max_length=1,
        description="Between account, kostenplaats and kostendrager; empty = they are not written.",
    )
    cost_unit_from: DimensionSource = Field(
        DimensionSource.OFF, description="What fills King's kostendrager, when the separator is set."
    )
    g_account_text: str = Field(
        "G-rek € {amount}",
        max_length=30,
        description="Added to the description of the debtor's or creditor's line; empty = nothing.",
    )
    purchases_approved: bool = Field(
        True, description="false = purchases come in as not approved for payment (niet gefiatteerd)."
    )
    file_naming: FileNaming = Field(FileNaming.UNIQUE, description="A new name per file, or fixed names.")
    debtors_file: FileName = Field("debiteuren.xml", description="Fixed name, or the end of a unique one.")
    creditors_file: FileName = Field("crediteuren.xml", description="Fixed name, or the end of a unique one.")
    archive_file: FileName = Field("archief.xml", description="Fixed name, or the end of a unique one.")
    journal_file: FileName = Field("journaal.xml", description="Fixed name, or the end of a unique one.")
    archive_folder: str = Field(
        "",
        max_length=200,
        description="Folder with the PDF files as King's server sees it; empty = no digital archive.",
    )
    archive_kind: Annotated[str, Field(min_length=1, max_length=10)] = Field(
        "FACTUUR", description="King's archiefsoort for the PDF files; must exist there."
    )

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        debtors, creditors = self.debtor_numbers, self.creditor_numbers
        if debtors.first > debtors.last or creditors.first > creditors.last:
            raise ValueError("a number range ends before it begins")
        if debtors.first <= creditors.last and creditors.first <= debtors.last:
            raise ValueError("debtor_numbers and creditor_numbers overlap")
        if self.debtor_prefix and self.debtor_prefix == self.creditor_prefix:
            raise ValueError("debtor_prefix and creditor_prefix are the same")
        if self.g_account_text and "{amount}" not in self.g_account_text:
            raise ValueError("g_account_text does not say {amount}")
        names = (self.debtors_file, self.creditors_file, self.archive_file, self.journal_file)
        if len({name.casefold() for name in names}) < len(names):
            raise ValueError("two files have the same name")
        return self

    def journal(self, invoice: Invoice) -> str:
        """The dagboek that an invoice is booked in."""
        return journal_for({**DEFAULT_JOURNALS, **self.journals}, invoice) or ""

    def vat_code(self, direction: Direction, vat: Vat) -> str | None:
        """King's VAT code, three digits; empty = none wanted, None = nobody said which."""
        for codes in (self.vat_codes, DEFAULT_VAT_CODES):
            code = _by_rate(codes, str(direction), direction, vat)
            if code is not None:
                return code and f"{int(code):03d}"
        return None

    def vat_account(self, side: str, direction: Direction, vat: Vat) -> str | None:
        """The VAT account of a side: `sales`, `purchase`, `due` or `deductible`; None = nobody said which."""
        return _by_rate(self.vat_accounts, side, direction, vat)

    def payment_condition(self, relation: Relation) -> int | None:
        """King's betalingsconditie, or None to leave it as it is."""
        terms = relation.payment_terms
        by_code = self.payment_conditions.get(terms.code) if terms.code else None
        return self.payment_conditions.get(str(terms.days)) if by_code is None else by_code

    def language(self, relation: Relation) -> str:
        """King's taalcode."""
        known = {**DEFAULT_LANGUAGES, **self.languages}
        tag = relation.language.casefold()
        return known.get(tag) or known.get(tag.partition("-")[0]) or self.default_language

    def country(self, iso: str) -> str:
        """King's landcode."""
        return self.countries.get(iso, iso)

    def cost_unit(self, invoice: Invoice, line: InvoiceLine) -> str | None:
        """The value for King's kostendrager, or None."""
        match self.cost_unit_from:
            case DimensionSource.OFF:
                return None
            case DimensionSource.COST_CENTRE:
                return line.cost_centre
            case DimensionSource.COST_UNIT:
                return line.cost_unit
            case DimensionSource.WERK:
                return invoice.werk.number if invoice.werk else None

    def prefix(self, role: Role) -> str:
        """King's paragraph for a role."""
        return self.debtor_prefix if role is Role.DEBTOR else self.creditor_prefix

    def allotted(self, role: Role) -> NumberRange:
        """The range from which numbers for a role are allotted."""
        return self.debtor_numbers if role is Role.DEBTOR else self.creditor_numbers


def booked_rate(direction: Direction, vat: Vat) -> str:
    """The rate by which codes are chosen: that of the invoice, or the one the buyer books both sides at."""
    assessed = direction is Direction.PURCHASE and vat.kind.is_assessed
    return format_decimal(vat.assessed_rate_or_default if assessed else vat.rate)


def _by_rate(table: dict[str, str], side: str, direction: Direction, vat: Vat) -> str | None:
    exact = table.get(f"{side}:{vat.kind}:{booked_rate(direction, vat)}")
    return table.get(f"{side}:{vat.kind}") if exact is None else exact
