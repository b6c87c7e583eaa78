"""VAT of an invoice in King: which code a line gets, its amount to the cent, and lines on VAT accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from schemas.invoice import Direction, Invoice, InvoiceLine, Vat, VatBreakdownRow
from schemas.outcome import Code, Package
from sinks.king_post import ZERO, JournalLine, booked, wrong
from sinks.king_rules import CENT
from sinks.king_settings import AssessedPurchase, KingMapping, VatMode, booked_rate
from sinks.shortening import shorten
from vendors.failure import Refused


@dataclass(frozen=True)
class Group:
    """Lines of one account and VAT code."""

    account: str
    vat_code: str
    lines: tuple[InvoiceLine, ...]
    tax: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """Sum of its lines."""
        return sum((line.net_amount for line in self.lines), ZERO)

    @property
    def reckoned_tax(self) -> Decimal:
        """VAT over its lines at their rates, to the cent."""
        return _cents(sum((line.net_amount * line.vat.rate for line in self.lines), ZERO) / 100)


def vat_code(invoice: Invoice, index: int, line: InvoiceLine, mapping: KingMapping) -> str:
    """HULP_BTWCODE of a line, empty when it gets none."""
    if mapping.vat_mode is VatMode.SEPARATE_LINE or _books_both_sides(invoice, line.vat, mapping):
        return ""
    code = mapping.vat_code(invoice.direction, line.vat)
    if code is None or (not code and line.vat.rate):
        raise Refused(
            Code.NOT_FOUND_VAT,
            field=f"$.lines[{index}].vat",
            package=Package.KING,
            vat_kind=line.vat.kind,
            rate=booked_rate(invoice.direction, line.vat),
        )
    return code


def _books_both_sides(invoice: Invoice, vat: Vat, mapping: KingMapping) -> bool:
    """Whether we write the VAT due and deductible of a purchase; without VAT codes King cannot."""
    ours = mapping.verlegd_purchase is AssessedPurchase.TWO_LINES or mapping.vat_mode is VatMode.SEPARATE_LINE
    return ours and invoice.direction is Direction.PURCHASE and vat.kind.is_assessed


def with_tax(invoice: Invoice, groups: list[Group], mapping: KingMapping) -> list[Group]:
    """Put the invoice's own tax per VAT code on its groups; what rounding leaves goes to the largest."""
    due: dict[str, Decimal] = {}
    for row in invoice.vat_breakdown:
        if row.tax_amount:
            code = mapping.vat_code(invoice.direction, _vat_of(row)) or ""
            due[code] = due.get(code, ZERO) + row.tax_amount
    taxed = list(groups)
    for code, total in due.items():
        places = [place for place, group in enumerate(groups) if group.vat_code == code]
        for place in places:
            taxed[place] = replace(groups[place], tax=groups[place].reckoned_tax)
        if places:
            largest = max(places, key=lambda place: abs(groups[place].net))
            rest = total - sum((taxed[place].tax for place in places), ZERO)
            taxed[largest] = replace(taxed[largest], tax=taxed[largest].tax + rest)
    return taxed


def tax_lines(invoice: Invoice, mapping: KingMapping) -> Iterable[JournalLine]:
    """One line per VAT account with the invoice's own tax."""
    due: dict[str, list[VatBreakdownRow]] = {}
    for index, row in enumerate(invoice.vat_breakdown):
        if row.tax_amount:
            account = _vat_account(
                invoice, mapping, str(invoice.direction), _vat_of(row), f"$.vat_breakdown[{index}]"
            )
            due.setdefault(account, []).append(row)
    for account, rows in due.items():
        tax = sum((row.tax_amount for row in rows), ZERO)
        names = ", ".join(f"{row.kind} {booked_rate(invoice.direction, _vat_of(row))}%" for row in rows)
        yield JournalLine(account, booked(invoice, tax, "$.vat_breakdown"), shorten(f"Btw {names}", 40))


def assessed_lines(invoice: Invoice, mapping: KingMapping) -> tuple[JournalLine, ...]:
    """VAT due and deductible of a purchase that is verlegd, icp or import: equal, so nothing is paid."""
    bases: dict[tuple[str, str], list[tuple[int, InvoiceLine]]] = {}
    for index, line in enumerate(invoice.lines):
        if _books_both_sides(invoice, line.vat, mapping):
            key = (line.vat.kind, booked_rate(invoice.direction, line.vat))
            bases.setdefault(key, []).append((index, line))
    lines: list[JournalLine] = []
    for (kind, rate), members in bases.items():
        index, first = members[0]
        net = sum((line.net_amount for _, line in members), ZERO)
        tax = _cents(net * first.vat.assessed_rate_or_default / 100)
        if not tax:
            continue
        path = f"$.lines[{index}].vat"
        for side, amount, name in (("due", -tax, "af te dragen"), ("deductible", tax, "te vorderen")):
            account = _vat_account(invoice, mapping, side, first.vat, path)
            text = shorten(f"Btw {kind} {rate}% {name}", 40)
            lines.append(JournalLine(account, booked(invoice, amount, path), text))
    return tuple(lines)


def _vat_account(invoice: Invoice, mapping: KingMapping, side: str, vat: Vat, path: str) -> str:
    account = mapping.vat_account(side, invoice.direction, vat)
    if account is None:
        key = f"{side}:{vat.kind}:{booked_rate(invoice.direction, vat)}"
        raise wrong(
            Code.MAPPING_MISSING,
            path,
            f"de btw-rekening voor {key} is niet ingevuld",
            f"no VAT account is filled in for {key}",
        )
    return account


def _vat_of(row: VatBreakdownRow) -> Vat:
    return Vat(kind=row.kind, rate=row.rate)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
