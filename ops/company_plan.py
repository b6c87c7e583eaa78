"""What a simulated company must have so that the documents that wait for it can be booked. Pure.

The default mapping and the simulator's default chart fit most documents. What they lack is added as a
bookkeeper would: an account that sounds like costs or revenue (three to six digits, beginning with 4, 7 or
8), an account for a VAT kind that another account cannot hold, a VAT code. What sounds like nothing
(99999) is not added: it is refused, as it would be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.invoice import Direction, Invoice, InvoiceLine, VatKind
from schemas.outcome import Package
from sinks.king_settings import DEFAULT_VAT_CODES, KingMapping, booked_rate
from sinks.mapping import DimensionSource
from sinks.snelstart_cost_centre import LARGEST_COST_CENTRE
from sinks.snelstart_settings import SnelStartMapping
from vendors.king.company import COSTS as KING_COSTS
from vendors.king.company import DEFAULT_ACCOUNTS as KING_ACCOUNTS
from vendors.king.company import DEFAULT_VAT_CODES as KING_VAT_CODES
from vendors.king.company import REVENUE as KING_REVENUE
from vendors.snelstart.simulator import chart

_PLAUSIBLE = re.compile(r"[478][0-9]{2,5}")

_REVENUE_FUNCTION: Mapping[VatKind, str] = {
    VatKind.HOOG: "VerkopenOmzetHoog",
    VatKind.LAAG: "VerkopenOmzetLaag",
    VatKind.NUL: "VerkopenOmzetOnbelastVerlegd",
    VatKind.VRIJGESTELD: "VerkopenOmzetOnbelastVerlegd",
    VatKind.GEEN: "VerkopenOmzetOnbelastVerlegd",
    VatKind.VERLEGD: "VerkopenOmzetOnbelastVerlegd",
    VatKind.ICP: "VerkopenExportBinnenEU",
    VatKind.EXPORT: "VerkopenExportBuitenEU",
}
_USUAL_ACCOUNT: Mapping[str, str] = {
    "VerkopenOmzetHoog": "8000",
    "VerkopenOmzetLaag": "8010",
    "VerkopenOmzetOnbelastVerlegd": "8040",
    "VerkopenExportBinnenEU": "8070",
    "VerkopenExportBuitenEU": "8060",
}
"""Accounts of the default chart by function, for kinds of VAT that a line's own account cannot hold."""

_MAY_BECOME_COSTS = frozenset(
    {
        "Diversen",
        "VerkopenOmzetHoog",
        "VerkopenOmzetLaag",
        "VerkopenOmzetOverig",
        "VerkopenOmzetOnbelastVerlegd",
        "InkopenKostenLaag",
        "InkopenKostenHoog",
        "InkopenKostenOverig",
    }
)
"""A cost account for all rates holds what these hold, sales included, and purchases at any rate."""

_EU_SERVICES = "DienstverleningBinnenEU"
_IMPORTED = frozenset({VatKind.ICP, VatKind.IMPORT})
_FIRST_KING_CODE = 101


@dataclass(frozen=True)
class CompanyPlan:
    """What to create a company with, and the mapping to connect it with.

    Attributes:
        settings: of the simulated company.
        mapping: over the default mapping.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    mapping: Mapping[str, object] = field(default_factory=dict)


def company_plan(
    package: Package,
    invoices: Sequence[Invoice],
    stored: Mapping[str, object],
    settings: Mapping[str, object],
) -> CompanyPlan:
    """What `invoices` need beyond what is there.

    Args:
        package: one that has a simulator.
        invoices: those that wait.
        stored: the administration's mapping; what it says stays.
        settings: the company's settings as they are; empty for a new one.

    Raises:
        ValueError: the package has no simulator.
    """
    match package:
        case Package.SNELSTART:
            return _snelstart(invoices, stored, settings)
        case Package.KING:
            return _king(invoices, stored, settings)
        case other:
            raise ValueError(f"{other} has no simulator")


def is_plausible(account: str) -> bool:
    """Whether a bookkeeper would add such an account without asking."""
    return _PLAUSIBLE.fullmatch(account) is not None


# --- SnelStart ---------------------------------------------------------------------------------------


def _snelstart(
    invoices: Sequence[Invoice], stored: Mapping[str, object], settings: Mapping[str, object]
) -> CompanyPlan:
    mapping = SnelStartMapping.model_validate(dict(stored))
    functions = {number: function for number, _, function in chart.DEFAULT_ACCOUNTS}
    extra = {int(number): str(name) for number, name in _object(settings, "extra_accounts").items()}
    functions |= extra
    accounts = dict(mapping.ledger_accounts)
    for direction, line in _lines(invoices):
        if direction is Direction.SALES:
            _revenue_account(line, mapping, functions, extra, accounts)
        elif line.vat.kind not in _IMPORTED:
            _cost_account(line, mapping, functions, extra)
    if settings:
        # A mapping that changed is what makes a worker read the package's lists again.
        before = _object(settings, "extra_accounts")
        accounts |= {str(n): str(n) for n in extra if str(n) not in before and str(n) not in accounts}
    changes: dict[str, object] = dict(stored)
    if accounts != mapping.ledger_accounts:
        changes["ledger_accounts"] = accounts
    changes.setdefault("kostenplaatsen_aanmaken", True)
    if not all(_is_cost_centre(line.cost_centre) for _, line in _lines(invoices)):
        changes.setdefault("cost_centre_from", DimensionSource.OFF.value)
    return CompanyPlan({"extra_accounts": {str(number): name for number, name in extra.items()}}, changes)


def _revenue_account(
    line: InvoiceLine,
    mapping: SnelStartMapping,
    functions: dict[int, str],
    extra: dict[int, str],
    accounts: dict[str, str],
) -> None:
    """See that a sales line finds an account whose function holds its VAT kind."""
    wanted = _REVENUE_FUNCTION.get(line.vat.kind)
    entry = f"{line.ledger_account}/{line.vat.kind}"
    target = accounts.get(entry) or mapping.ledger_account(line)
    if wanted is None or not target.isdecimal():
        return
    function = functions.get(int(target))
    if function is None:
        if is_plausible(target):
            functions[int(target)] = extra[int(target)] = wanted if target.startswith("8") else chart.COSTS
        return
    if _holds(function, line.vat.kind, wanted) or entry in mapping.ledger_accounts:
        return
    if chart.FUNCTIONS[function].bookable:
        accounts[entry] = _USUAL_ACCOUNT[wanted]


def _holds(function: str, kind: VatKind, wanted: str) -> bool:
    if kind is VatKind.ICP:
        return function in {wanted, _EU_SERVICES}
    if kind is VatKind.EXPORT:
        return function == wanted
    allowed = chart.FUNCTIONS[function].allowed
    return chart.FUNCTIONS[wanted].allowed[0] in allowed


def _cost_account(
    line: InvoiceLine, mapping: SnelStartMapping, functions: dict[int, str], extra: dict[int, str]
) -> None:
    """See that a purchase line finds an account that takes its VAT."""
    target = mapping.ledger_account(line)
    if not target.isdecimal():
        return
    number = int(target)
    function = functions.get(number)
    if function is None:
        if is_plausible(target):
            functions[number] = extra[number] = chart.COSTS
        return
    taxed = {VatKind.HOOG: chart.Soort.HOOG, VatKind.LAAG: chart.Soort.LAAG}.get(line.vat.kind)
    rules = chart.FUNCTIONS[function]
    suits = (taxed or chart.Soort.GEEN) in rules.allowed and (taxed is None or rules.is_purchase)
    if not suits and function in _MAY_BECOME_COSTS:
        functions[number] = extra[number] = chart.COSTS


def _is_cost_centre(text: str | None) -> bool:
    stripped = (text or "").strip()
    if not stripped:
        return True
    return stripped.isascii() and stripped.isdecimal() and 0 < int(stripped) <= LARGEST_COST_CENTRE


# --- King --------------------------------------------------------------------------------------------


def _king(
    invoices: Sequence[Invoice], stored: Mapping[str, object], settings: Mapping[str, object]
) -> CompanyPlan:
    mapping = KingMapping.model_validate(dict(stored))
    known = {number for number, _, _ in KING_ACCOUNTS}
    extra = {number: str(use) for number, use in _object(settings, "extra_accounts").items()}
    codes = {str(number): str(name) for number, name in _object(settings, "vat_codes").items()} or {
        str(number): name for number, name in KING_VAT_CODES.items()
    }
    for entry, code in DEFAULT_VAT_CODES.items():
        if code:
            codes.setdefault(str(int(code)), entry)
    own_codes = dict(mapping.vat_codes)
    for direction, line in _lines(invoices):
        account = mapping.ledger_account(line)
        if account not in known and account not in extra and is_plausible(account):
            extra[account] = KING_REVENUE if account.startswith("8") else KING_COSTS
        entry = f"{direction}:{line.vat.kind}:{booked_rate(direction, line.vat)}"
        if mapping.vat_code(direction, line.vat) is None and entry not in own_codes:
            number = max(_FIRST_KING_CODE - 1, *(int(code) for code in codes)) + 1
            if number <= 999:
                codes[str(number)] = entry
                own_codes[entry] = f"{number:03d}"
    changes: dict[str, object] = dict(stored)
    if own_codes != mapping.vat_codes:
        changes["vat_codes"] = own_codes
    return CompanyPlan({"extra_accounts": extra, "vat_codes": codes, "wrong_post": "post"}, changes)


# --- both --------------------------------------------------------------------------------------------


def _lines(invoices: Iterable[Invoice]) -> Iterable[tuple[Direction, InvoiceLine]]:
    return ((invoice.direction, line) for invoice in invoices for line in invoice.lines if line.net_amount)


def _object(settings: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = settings.get(name) or {}
    assert isinstance(value, Mapping)
    return value
