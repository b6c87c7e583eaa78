"""What an invoice proves about itself: direction and kind, dates, credits, VAT, sums, G-account.

Rules that need another event (the relation's VAT id, the credited invoice) are checked when the document's
turn comes, not here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

from schemas.invoice import Direction, Invoice, InvoiceKind, VatKind
from schemas.money import CENT, format_decimal, format_money
from schemas.outcome import Code
from schemas.refusal import Refusal, refuse

HOOG_RATE = Decimal(21)
_LAAG_SINCE_2019 = Decimal(9)
_LAAG_BEFORE_2019 = Decimal(6)
_LAAG_CHANGED = date(2019, 1, 1)
_ZERO = Decimal(0)

_MAY_BE_NEGATIVE = frozenset({InvoiceKind.LOS, InvoiceKind.EINDAFREKENING})


def dutch_rate(kind: VatKind, issue_date: date) -> Decimal:
    """The rate in percent that a VAT kind has on a Dutch invoice of that date."""
    if kind is VatKind.HOOG:
        return HOOG_RATE
    if kind is VatKind.LAAG:
        return _LAAG_SINCE_2019 if issue_date >= _LAAG_CHANGED else _LAAG_BEFORE_2019
    return _ZERO


def check_invoice(invoice: Invoice) -> None:
    """Check every rule, in the order in which a reader meets the fields.

    Raises:
        Refusal: the first rule that is broken.
    """
    _check_direction(invoice)
    if invoice.due_date < invoice.issue_date:
        refuse(
            Code.INVALID_EVENT,
            "$.due_date",
            f"vervaldatum {invoice.due_date:%d-%m-%Y} ligt voor factuurdatum {invoice.issue_date:%d-%m-%Y}",
            f"due date {invoice.due_date} is before issue date {invoice.issue_date}",
        )
    _check_lines(invoice)
    _check_breakdown(invoice)
    _check_totals(invoice)
    _check_sign(invoice)
    _check_g_account(invoice)


def _check_direction(invoice: Invoice) -> None:
    if invoice.direction is Direction.SALES:
        if invoice.kind is None:
            raise Refusal(Code.REQUIRED_FIELD, "$.kind")
        return
    if invoice.kind is not None:
        refuse(
            Code.INVALID_EVENT,
            "$.kind",
            f"een inkoopfactuur heeft geen soort, maar hier staat {invoice.kind}",
            f"a purchase invoice has no kind, but this says {invoice.kind}",
        )
    if invoice.supplier_invoice_number is None:
        raise Refusal(Code.REQUIRED_FIELD, "$.supplier_invoice_number")


def _check_lines(invoice: Invoice) -> None:
    seen: set[str] = set()
    purchase = invoice.direction is Direction.PURCHASE
    for index, line in enumerate(invoice.lines):
        if line.id in seen:
            refuse(
                Code.INVALID_EVENT,
                f"$.lines[{index}].id",
                f"regel-id {line.id} komt vaker voor",
                f"line id {line.id} comes more than once",
            )
        seen.add(line.id)
        path = f"$.lines[{index}].vat"
        _check_kind(line.vat.kind, purchase, f"{path}.kind")
        _check_rate(line.vat.kind, line.vat.rate, invoice.issue_date, f"{path}.rate")
        if line.vat.assessed_rate is not None and not (purchase and line.vat.kind.is_assessed):
            refuse(
                Code.INVALID_EVENT,
                f"{path}.assessed_rate",
                f"alleen een inkoopregel met verlegd, icp of import heeft dit, niet {line.vat.kind}"
                f" op een {'inkoop' if purchase else 'verkoop'}factuur",
                f"only a purchase line that is verlegd, icp or import has it, not {line.vat.kind}"
                f" on a {invoice.direction} invoice",
            )


def _check_kind(kind: VatKind, purchase: bool, path: str) -> None:
    if kind is VatKind.EXPORT and purchase:
        refuse(
            Code.INVALID_EVENT,
            path,
            "export bestaat alleen bij verkoop",
            "export exists on sales invoices only",
        )
    if kind is VatKind.IMPORT and not purchase:
        refuse(
            Code.INVALID_EVENT,
            path,
            "import bestaat alleen bij inkoop",
            "import exists on purchase invoices only",
        )


def _check_rate(kind: VatKind, rate: Decimal, issue_date: date, path: str) -> None:
    due = dutch_rate(kind, issue_date)
    if rate != due:
        given, right = format_decimal(rate), format_decimal(due)
        refuse(
            Code.VAT_MISMATCH,
            path,
            f"btw-soort {kind} is op {issue_date:%d-%m-%Y} {right.replace('.', ',')}%,"
            f" niet {given.replace('.', ',')}%",
            f"VAT kind {kind} is {right}% on {issue_date}, not {given}%",
        )


def _check_breakdown(invoice: Invoice) -> None:
    sums: defaultdict[tuple[VatKind, Decimal], Decimal] = defaultdict(Decimal)
    counts: Counter[tuple[VatKind, Decimal]] = Counter()
    for line in invoice.lines:
        sums[line.vat.kind, line.vat.rate] += line.net_amount
        counts[line.vat.kind, line.vat.rate] += 1
    missing = dict.fromkeys(sums)
    for index, row in enumerate(invoice.vat_breakdown):
        path, key = f"$.vat_breakdown[{index}]", (row.kind, row.rate)
        _check_rate(row.kind, row.rate, invoice.issue_date, f"{path}.rate")
        if key not in missing:
            again = key in sums
            refuse(
                Code.UNBALANCED,
                path,
                f"{_vat(key)} " + ("staat al in de btw-specificatie" if again else "komt op geen regel voor"),
                f"{_vat(key)} " + ("is already in the VAT breakdown" if again else "is on no line"),
            )
        del missing[key]
        if row.taxable_amount != sums[key]:
            _unequal(
                f"{path}.taxable_amount",
                (f"de regels met {_vat(key)} zijn samen", f"the lines with {_vat(key)} come to"),
                sums[key],
                row.taxable_amount,
            )
        _check_tax(
            row.kind, row.tax_amount, row.rate * row.taxable_amount / 100, counts[key], f"{path}.tax_amount"
        )
    for key in missing:
        refuse(
            Code.UNBALANCED,
            "$.vat_breakdown",
            f"{_vat(key)} van de regels ontbreekt in de btw-specificatie",
            f"{_vat(key)} of the lines is missing in the VAT breakdown",
        )


def _check_tax(kind: VatKind, tax: Decimal, computed: Decimal, lines: int, path: str) -> None:
    if kind not in {VatKind.HOOG, VatKind.LAAG}:
        if tax:
            refuse(
                Code.VAT_MISMATCH,
                path,
                f"btw-soort {kind} heeft geen btw, maar hier staat {_nl(tax)}",
                f"VAT kind {kind} carries no tax, but this says {format_money(tax)}",
            )
    elif abs(tax - computed) > CENT * lines:
        rounded = computed.quantize(CENT)
        refuse(
            Code.VAT_MISMATCH,
            path,
            f"berekend is {_nl(rounded)}, maar hier staat {_nl(tax)}"
            f" (er mag {_nl(CENT * lines)} verschil zijn)",
            f"computed is {format_money(rounded)}, but this says {format_money(tax)}"
            f" (a difference of {format_money(CENT * lines)} is allowed)",
        )


def _check_totals(invoice: Invoice) -> None:
    totals = invoice.totals
    net = sum((row.taxable_amount for row in invoice.vat_breakdown), _ZERO)
    vat = sum((row.tax_amount for row in invoice.vat_breakdown), _ZERO)
    if net != totals.net:
        _unequal("$.totals.net", ("de regels zijn samen", "the lines come to"), net, totals.net)
    if vat != totals.vat:
        _unequal("$.totals.vat", ("de btw is samen", "the VAT comes to"), vat, totals.vat)
    if totals.net + totals.vat != totals.gross:
        _unequal(
            "$.totals.gross", ("netto plus btw is", "net plus VAT is"), totals.net + totals.vat, totals.gross
        )


def _check_sign(invoice: Invoice) -> None:
    gross, credited = invoice.totals.gross, invoice.credits_invoice_number
    sales = invoice.direction is Direction.SALES
    if gross < 0 and sales and invoice.kind not in _MAY_BE_NEGATIVE:
        refuse(
            Code.INVALID_EVENT,
            "$.totals.gross",
            f"een factuur van soort {invoice.kind} kan niet negatief zijn ({_nl(gross)});"
            " een creditfactuur is los",
            f"an invoice of kind {invoice.kind} cannot be negative ({format_money(gross)}); a credit is los",
        )
    if credited is None:
        return
    if sales and invoice.kind is not InvoiceKind.LOS:
        refuse(
            Code.INVALID_EVENT,
            "$.credits_invoice_number",
            f"alleen een losse factuur kan factuur {credited} crediteren, niet een {invoice.kind}",
            f"only an invoice of kind los can credit invoice {credited}, not {invoice.kind}",
        )
    if gross >= 0:
        refuse(
            Code.INVALID_EVENT,
            "$.totals.gross",
            f"de creditfactuur van {credited} moet negatief zijn, maar is {_nl(gross)}",
            f"the credit of {credited} must be negative, but is {format_money(gross)}",
        )
    if credited == (invoice.number if sales else invoice.supplier_invoice_number):
        refuse(
            Code.INVALID_EVENT,
            "$.credits_invoice_number",
            f"factuur {credited} crediteert zichzelf",
            f"invoice {credited} credits itself",
        )


def _check_g_account(invoice: Invoice) -> None:
    if invoice.g_account is None:
        return
    amount, gross = invoice.g_account.amount, invoice.totals.gross
    if amount * gross < 0 or abs(amount) > abs(gross):
        refuse(
            Code.INVALID_EVENT,
            "$.g_account.amount",
            f"het G-rekeningdeel {_nl(amount)} past niet in het factuurbedrag {_nl(gross)}",
            f"the G-account's part {format_money(amount)} does not fit in the gross {format_money(gross)}",
        )


def _unequal(path: str, what: tuple[str, str], computed: Decimal, given: Decimal) -> None:
    refuse(
        Code.UNBALANCED,
        path,
        f"{what[0]} {_nl(computed)}, maar hier staat {_nl(given)}",
        f"{what[1]} {format_money(computed)}, but this says {format_money(given)}",
    )


def _vat(key: tuple[VatKind, Decimal]) -> str:
    return f"{key[0]} {format_decimal(key[1])}%"


def _nl(amount: Decimal) -> str:
    return format_money(amount).replace(".", ",")
