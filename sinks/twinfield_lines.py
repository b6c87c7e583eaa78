"""The detail lines of an invoice in Twinfield: one per account, VAT code, cost centre and project.

ENK's own VAT per rate is put on them as `vatvalue`, to the cent, and never recalculated: each line gets
the VAT over its net amount, and what rounding leaves goes to the largest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from schemas.invoice import Direction, Invoice, InvoiceLine, Vat, VatKind
from schemas.outcome import Code, Package
from sinks.shortening import fits
from sinks.twinfield_settings import PerformanceType, TwinfieldMapping, vat_key
from vendors.failure import Refused

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
LONGEST_CODE = 16
MOST_LINES = 999
"""Twinfield takes 1,000 lines, of which one is the total."""

_NAMED = {
    Code.NOT_FOUND_LEDGER_ACCOUNT: "ledger_account",
    Code.NOT_FOUND_COST_CENTRE: "cost_centre",
    Code.NOT_FOUND_PROJECT: "project",
}
_TAXED = frozenset({VatKind.HOOG, VatKind.LAAG})


@dataclass(frozen=True)
class Detail:
    """Lines of an invoice that become one line in Twinfield; amounts with ENK's signs.

    Attributes:
        places: which of ENK's lines, from 0.
        tax: its VAT; None on a VAT kind that carries none.
    """

    account: str
    vat_code: str
    cost_centre: str | None
    project: str | None
    performance: PerformanceType | None
    places: tuple[int, ...]
    description: str
    net: Decimal
    tax: Decimal | None

    @property
    def key(self) -> tuple[object, ...]:
        """What lines must share to become one."""
        return (
            self.account,
            self.vat_code,
            self.cost_centre,
            self.project,
            self.performance,
            self.tax is None,
        )


def details(invoice: Invoice, mapping: TwinfieldMapping) -> list[Detail]:
    """The detail lines. Pure.

    Raises:
        Refused: with the code and the field to blame.
    """
    found: dict[tuple[object, ...], Detail] = {}
    rates: dict[tuple[object, ...], Decimal] = {}
    for place, line in enumerate(invoice.lines):
        if not line.net_amount:
            continue
        one = _detail(invoice, place, line, mapping)
        tax = line.net_amount * line.vat.rate / 100
        before = found.get(one.key)
        rates[one.key] = rates.get(one.key, ZERO) + tax
        found[one.key] = one if before is None else _together(before, one, invoice)
    reckoned = [
        replace(one, tax=None if one.tax is None else rates[key].quantize(CENT, ROUND_HALF_UP))
        for key, one in found.items()
    ]
    taxed = [one for one in _with_tax(invoice, reckoned, mapping) if one.net or one.tax]
    for one in taxed:
        if one.tax and one.net * one.tax <= 0:
            raise _unsupported(
                f"$.lines[{one.places[0]}].vat",
                "Twinfield boekt geen btw met een ander teken dan het bedrag waarover zij gaat",
                "Twinfield does not book VAT with another sign than the amount it is on",
            )
    if not taxed:
        raise _unsupported(
            "$.lines",
            "Twinfield boekt geen factuur waarvan alle regels nul zijn",
            "Twinfield does not book an invoice of which all lines are zero",
        )
    if len(taxed) > MOST_LINES:
        raise _unsupported(
            "$.lines",
            f"Twinfield boekt hoogstens {MOST_LINES} regels per factuur",
            f"Twinfield books at most {MOST_LINES} lines an invoice",
        )
    return taxed


def _detail(invoice: Invoice, place: int, line: InvoiceLine, mapping: TwinfieldMapping) -> Detail:
    field = f"$.lines[{place}]"
    return Detail(
        account=_code(mapping.ledger_account(line), Code.NOT_FOUND_LEDGER_ACCOUNT, f"{field}.ledger_account"),
        vat_code=_vat_code(invoice, line.vat, mapping, f"{field}.vat"),
        cost_centre=_optional(
            mapping.cost_centre(invoice, line), Code.NOT_FOUND_COST_CENTRE, f"{field}.cost_centre"
        ),
        project=_optional(mapping.project(invoice, line), Code.NOT_FOUND_PROJECT, f"{field}.cost_unit"),
        performance=mapping.performance_type(invoice.direction, line.vat),
        places=(place,),
        description=line.description,
        net=line.net_amount,
        tax=ZERO if line.vat.kind in _TAXED else None,
    )


def _together(before: Detail, one: Detail, invoice: Invoice) -> Detail:
    return replace(
        before,
        places=(*before.places, *one.places),
        description=before.description if before.description == one.description else invoice.description,
        net=before.net + one.net,
    )


def _vat_code(invoice: Invoice, vat: Vat, mapping: TwinfieldMapping, field: str) -> str:
    code = mapping.vat_code(invoice.direction, vat)
    if code is None or (not code and vat.kind in _TAXED):
        key = vat_key(invoice.direction, vat)
        raise Refused(
            Code.MAPPING_MISSING,
            field=field,
            problem_nl=f"vul bij `vat_codes` de btw-code van Twinfield in voor {key}",
            problem_en=f"fill in Twinfield's VAT code for {key} under `vat_codes`",
        )
    return code


def _with_tax(invoice: Invoice, groups: list[Detail], mapping: TwinfieldMapping) -> Iterable[Detail]:
    due: dict[str, Decimal] = {}
    for row in invoice.vat_breakdown:
        if row.kind in _TAXED:
            code = mapping.vat_code(invoice.direction, Vat(kind=row.kind, rate=row.rate)) or ""
            due[code] = due.get(code, ZERO) + row.tax_amount
    taxed = list(groups)
    for code, total in due.items():
        places = [at for at, one in enumerate(taxed) if one.vat_code == code and one.tax is not None]
        rest = total - sum((taxed[at].tax or ZERO for at in places), ZERO)
        if not rest:
            continue
        if not places:
            raise _unsupported(
                "$.vat_breakdown",
                "Twinfield boekt geen btw zonder regel waar zij bij hoort",
                "Twinfield does not book VAT without a line that it belongs to",
            )
        largest = max(places, key=lambda at: abs(taxed[at].net))
        taxed[largest] = replace(taxed[largest], tax=(taxed[largest].tax or ZERO) + rest)
    return taxed


def _optional(text: str | None, missing: Code, field: str) -> str | None:
    stripped = (text or "").strip()
    return _code(stripped, missing, field) if stripped else None


def _code(text: str, missing: Code, field: str) -> str:
    """A code as it is; one that cannot be a code does not exist."""
    code = text.strip()
    if not code or not fits(code, LONGEST_CODE) or any(character.isspace() for character in code):
        refusal = Refused(missing, field=field)
        refusal.values = {"package": Package.TWINFIELD, _NAMED[missing]: text}
        raise refusal
    return code


def _unsupported(field: str, nl: str, en: str) -> Refused:
    return Refused(Code.UNSUPPORTED_BY_PACKAGE, field=field, problem_nl=nl, problem_en=en)


def is_sale(invoice: Invoice) -> bool:
    """Whether the customer owes us."""
    return invoice.direction is Direction.SALES
