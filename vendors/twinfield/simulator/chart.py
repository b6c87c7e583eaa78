"""What every simulated administration begins with: accounts, VAT codes, daybooks, cost centres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from vendors.simulation.books import Direction, Role

AccountKind = Literal["BAS", "PNL"]

DIMENSION_TYPES: Mapping[str, tuple[str, str]] = {
    "BAS": ("Balansrekeningen", "Balance sheet"),
    "PNL": ("Winst-en-verliesrekeningen", "Profit and loss"),
    "DEB": ("Debiteuren", "Customers"),
    "CRD": ("Crediteuren", "Suppliers"),
    "KPL": ("Kostenplaatsen", "Cost centers"),
    "PRJ": ("Projecten", "Projects"),
}
"""Dimension types with their names in Dutch and English."""

RELATION_TYPES: Mapping[str, Role] = {"DEB": Role.DEBTOR, "CRD": Role.CREDITOR}


RELATION_TYPE_OF: Mapping[Direction, str] = {Direction.SALES: "DEB", Direction.PURCHASE: "CRD"}
"""Whose total line a sales or purchase transaction has."""


@dataclass
class Account:
    """A general-ledger account; a control account names whose relations are booked on it."""

    code: str
    name: str
    kind: AccountKind
    control: Role | None = None
    cost_centre_required: bool = False
    vat_obligatory: bool = False
    active: bool = True


@dataclass(frozen=True)
class VatRow:
    """Where VAT of a code is booked: `share` percent of it, negative on the opposite side."""

    account: str
    share: int = 100
    group: str = ""


@dataclass(frozen=True)
class VatCode:
    """A VAT code with its dated percentages. A code with two opposite rows is reverse-charged."""

    code: str
    name: str
    direction: Direction
    percentages: Sequence[tuple[date, Decimal]]
    rows: Sequence[VatRow] = ()
    is_ict: bool = False

    def percentage(self, day: date) -> Decimal | None:
        """What applied on a day; None before the code existed."""
        return next((rate for start, rate in reversed(self.percentages) if start <= day), None)

    @property
    def is_reverse_charged(self) -> bool:
        """Whether its rows cancel out."""
        return bool(self.rows) and sum(row.share for row in self.rows) == 0


@dataclass(frozen=True)
class Daybook:
    """A daybook (`transaction type`)."""

    code: str
    name: str
    short: str
    category: str
    direction: Direction | None = None


DEBTORS, CREDITORS, BANK = "1300", "1600", "1100"
WRITE_OFFS = "4990"

_BALANCE: tuple[tuple[str, str], ...] = (
    ("1000", "Kas"),
    (BANK, "Bank"),
    (DEBTORS, "Debiteuren"),
    ("1450", "G-rekening"),
    ("1510", "Te vorderen btw hoog"),
    ("1511", "Te vorderen btw laag"),
    ("1512", "Te vorderen btw verlegd"),
    ("1530", "Af te dragen btw hoog"),
    ("1531", "Af te dragen btw laag"),
    ("1532", "Af te dragen btw verlegd"),
    (CREDITORS, "Crediteuren"),
    ("2000", "Kruisposten"),
    ("3000", "Voorraad materialen"),
)
_PROFIT_AND_LOSS: tuple[tuple[str, str], ...] = (
    ("4000", "Lonen en salarissen"),
    ("4100", "Huisvestingskosten"),
    ("4200", "Exploitatiekosten"),
    ("4210", "Klein gereedschap"),
    ("4300", "Verkoopkosten"),
    ("4400", "Autokosten"),
    ("4410", "Brandstof"),
    ("4500", "Kantoorkosten"),
    ("4600", "Algemene kosten"),
    ("4700", "Verzekeringen"),
    ("4800", "Afschrijvingen"),
    ("4900", "Overige kosten"),
    (WRITE_OFFS, "Betalingsverschillen"),
    ("4999", "Vraagposten"),
    ("7000", "Inkoop materialen"),
    ("7001", "Inkopen laag"),
    ("7002", "Inkopen hoog"),
    ("7003", "Inkopen overig"),
    ("7010", "Inkopen binnen EU"),
    ("7020", "Inkopen buiten EU"),
    ("7100", "Kosten uitbesteed werk"),
    ("7200", "Huur materieel"),
    ("8000", "Omzet hoog"),
    ("8010", "Omzet laag"),
    ("8020", "Omzet overig"),
    ("8040", "Omzet onbelast"),
    ("8060", "Omzet buiten EU"),
    ("8070", "Omzet goederen binnen EU"),
    ("8100", "Omzet materialen hoog"),
    ("8110", "Omzet materialen laag"),
    ("8140", "Omzet materialen onbelast"),
    ("8150", "Omzet materialen verlegd"),
    ("8200", "Omzet diensten hoog"),
    ("8210", "Omzet diensten laag"),
    ("8240", "Omzet diensten onbelast"),
    ("8250", "Omzet diensten verlegd"),
    ("8270", "Omzet diensten binnen EU"),
)

VAT_ACCOUNTS = frozenset({"1510", "1511", "1512", "1530", "1531", "1532"})


def default_accounts() -> list[Account]:
    """The accounts that every administration has."""
    control = {DEBTORS: Role.DEBTOR, CREDITORS: Role.CREDITOR}
    return [
        *(Account(code, name, "BAS", control.get(code)) for code, name in _BALANCE),
        *(Account(code, name, "PNL") for code, name in _PROFIT_AND_LOSS),
    ]


_START = date(1990, 1, 1)
_HIGH = ((_START, Decimal("17.5")), (date(2001, 1, 1), Decimal(19)), (date(2012, 10, 1), Decimal(21)))
_LOW = ((_START, Decimal(6)), (date(2019, 1, 1), Decimal(9)))
_NONE = ((_START, Decimal(0)),)
_SALES, _PURCHASE = Direction.SALES, Direction.PURCHASE


def _both_sides(deductible: str, payable: str) -> tuple[VatRow, VatRow]:
    return VatRow(deductible, 100, "NL5B"), VatRow(payable, -100, "NL2A")


DEFAULT_VAT_CODES: tuple[VatCode, ...] = (
    VatCode("VH", "BTW Hoog", _SALES, _HIGH, (VatRow("1530", 100, "NL1A"),)),
    VatCode("VL", "BTW Laag", _SALES, _LOW, (VatRow("1531", 100, "NL1B"),)),
    VatCode("VN", "Geen BTW", _SALES, _NONE),
    VatCode("VV", "BTW verlegd", _SALES, _NONE),
    VatCode("VE", "Export buiten EU", _SALES, _NONE),
    VatCode("ICT", "Intracommunautair", _SALES, _NONE, is_ict=True),
    VatCode("IH", "BTW Hoog", _PURCHASE, _HIGH, (VatRow("1510", 100, "NL5B"),)),
    VatCode("IL", "BTW Laag", _PURCHASE, _LOW, (VatRow("1511", 100, "NL5B"),)),
    VatCode("IN", "Geen BTW", _PURCHASE, _NONE),
    VatCode("IV", "BTW verlegd hoog", _PURCHASE, _HIGH, _both_sides("1512", "1532")),
    VatCode("IVL", "BTW verlegd laag", _PURCHASE, _LOW, _both_sides("1512", "1532")),
    VatCode("IEU", "Verwerving binnen EU hoog", _PURCHASE, _HIGH, _both_sides("1512", "1532")),
    VatCode("IEUL", "Verwerving binnen EU laag", _PURCHASE, _LOW, _both_sides("1512", "1532")),
    VatCode("IIM", "Invoer buiten EU hoog", _PURCHASE, _HIGH, _both_sides("1512", "1532")),
    VatCode("IIML", "Invoer buiten EU laag", _PURCHASE, _LOW, _both_sides("1512", "1532")),
)
"""VH, VL, VN, IH, IL and IN are of the Dutch template; the others differ per administration."""

SALES_DAYBOOK, PURCHASE_DAYBOOK, BANK_DAYBOOK, WRITE_OFF_DAYBOOK = "VRK", "INK", "BNK", "AFLETTEREN"

DAYBOOKS: tuple[Daybook, ...] = (
    Daybook(SALES_DAYBOOK, "Verkoopfactuur", "Verkoop", "sales", _SALES),
    Daybook(PURCHASE_DAYBOOK, "Inkoopfactuur", "Inkoop", "purchase", _PURCHASE),
    Daybook(BANK_DAYBOOK, "Bank", "Bank", "bank"),
    Daybook("KAS", "Kas", "Kas", "cash"),
    Daybook("MEMO", "Memoriaal", "Memoriaal", "journal"),
    Daybook(WRITE_OFF_DAYBOOK, "Afletteren", "Afletteren", "matching"),
)

DEFAULT_COST_CENTRES: tuple[tuple[str, str], ...] = (
    ("1", "Installatie"),
    ("2", "Service"),
    ("3", "Onderhoud"),
)

COUNTRIES: Mapping[str, tuple[str, str]] = {
    "NL": ("Nederland", "Netherlands"),
    "BE": ("België", "Belgium"),
    "DE": ("Duitsland", "Germany"),
    "FR": ("Frankrijk", "France"),
    "LU": ("Luxemburg", "Luxembourg"),
    "GB": ("Verenigd Koninkrijk", "United Kingdom"),
}
"""Names of the countries that need one in answers; every ISO code is accepted."""
