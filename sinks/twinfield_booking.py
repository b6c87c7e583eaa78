"""An invoice as a transaction in Twinfield. Pure.

    ENK invoice                        Twinfield <transaction>
    (mapping) destiny                  @destiny
                                       @autobalancevat="true"; never @raisewarning, which hides duplicates
    (credentials) office               header/office
    (mapping) journals                 header/code
    currency                           header/currency
    issue_date                         header/date (Twinfield derives the period)
    number / supplier_invoice_number   header/invoicenumber (≤ 40, never shortened)
    due_date                           header/duedate
    payment_reference                  header/paymentreference (≤ 40, else left out)
    relation                           line total: dim2; dim1 only when the mapping names it
    totals.gross                       line total: value, debit on a sale, credit on a purchase
    lines[] (`sinks.twinfield_lines`)  line detail
      .ledger_account (mapped)           dim1
      .cost_centre (as mapped)           dim2
      werk, cost_unit (as mapped)        dim3
      .net_amount                        value, debit or credit
      .vat                               vatcode, vatvalue
      .description                       description (≤ 40, shortened)
      icp (mapped)                       performancetype, performancedate

Amounts have no sign: what is negative changes sides. Twinfield makes the VAT lines itself from `vatvalue`.
Facts: vendor's documentation of sales and purchase transactions, and recorded answers.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code
from sinks.shortening import fits, shorten
from sinks.twinfield_lines import ZERO, Detail, details, is_sale
from sinks.twinfield_settings import PerformanceType, TwinfieldMapping
from vendors.failure import Refused
from vendors.twinfield.wire import Element, amount, compact, element, filled, leaf

LONGEST_NUMBER = 40
LONGEST_TEXT = 40


def document_number(invoice: Invoice) -> tuple[str, str]:
    """The `invoicenumber`, and the JSON path it comes from; empty when ENK names none."""
    if invoice.direction is Direction.SALES:
        return invoice.number.strip(), "$.number"
    return (invoice.supplier_invoice_number or "").strip(), "$.supplier_invoice_number"


def check(invoice: Invoice, mapping: TwinfieldMapping) -> list[Detail]:
    """Everything that can be known without a call; the detail lines.

    Raises:
        Refused: with the code and the field to blame.
    """
    number, path = document_number(invoice)
    if not number:
        raise Refused(Code.REQUIRED_FIELD, field=path)
    if not fits(number, LONGEST_NUMBER):
        raise Refused(
            Code.TOO_LONG,
            field=path,
            problem_nl=f"voor Twinfield houden wij {LONGEST_NUMBER} tekens aan",
            problem_en=f"for Twinfield we keep to {LONGEST_NUMBER} characters",
        )
    if invoice.currency != "EUR":
        raise Refused(Code.CURRENCY_UNSUPPORTED, field="$.currency", currency=invoice.currency)
    lines = details(invoice, mapping)
    total = sum((line.net + (line.tax or ZERO) for line in lines), ZERO)
    if total != invoice.totals.gross:
        raise Refused(
            Code.UNBALANCED,
            field="$.totals.gross",
            problem_nl=f"regels en btw zijn samen {total:.2f}, het totaal is {invoice.totals.gross:.2f}",
            problem_en=f"lines and VAT are {total:.2f}, the total is {invoice.totals.gross:.2f}",
        )
    return lines


def transaction(invoice: Invoice, relation_code: str, office: str, mapping: TwinfieldMapping) -> Element:
    """The transaction of an invoice.

    Raises:
        Refused: as `check`.
    """
    lines = check(invoice, mapping)
    number, _ = document_number(invoice)
    reference = (invoice.payment_reference or "").strip()
    header = element(
        "header",
        leaf("office", office),
        leaf("code", mapping.journal(invoice)),
        leaf("currency", str(invoice.currency)),
        leaf("date", compact(invoice.issue_date)),
        leaf("invoicenumber", number),
        leaf("duedate", compact(invoice.due_date)),
        filled("paymentreference", reference if fits(reference, LONGEST_NUMBER) else None),
    )
    rows = [
        _total(invoice, relation_code, mapping),
        *(_detail(invoice, place, line) for place, line in enumerate(lines, start=2)),
    ]
    return element(
        "transaction", header, element("lines", *rows), destiny=str(mapping.destiny), autobalancevat="true"
    )


def _total(invoice: Invoice, relation_code: str, mapping: TwinfieldMapping) -> Element:
    account = mapping.debtor_account if is_sale(invoice) else mapping.creditor_account
    return element(
        "line",
        filled("dim1", account),
        leaf("dim2", relation_code),
        _side(invoice.totals.gross, debit_when_positive=is_sale(invoice)),
        leaf("value", amount(invoice.totals.gross)),
        leaf("description", description(invoice)),
        type="total",
        id="1",
    )


def _detail(invoice: Invoice, place: int, line: Detail) -> Element:
    services = line.performance is PerformanceType.SERVICES
    return element(
        "line",
        leaf("dim1", line.account),
        filled("dim2", line.cost_centre),
        filled("dim3", line.project),
        _side(line.net or line.tax or ZERO, debit_when_positive=not is_sale(invoice)),
        leaf("value", amount(line.net)),
        leaf("description", shorten(line.description, LONGEST_TEXT) or description(invoice)),
        filled("vatcode", line.vat_code),
        None if line.tax is None else leaf("vatvalue", amount(line.tax)),
        filled("performancetype", line.performance),
        filled("performancedate", compact(performed(invoice)) if services else None),
        type="detail",
        id=str(place),
    )


def performed(invoice: Invoice) -> date:
    """The day on which services were supplied: the last of the work period, else the issue date."""
    return invoice.work_period.to if invoice.work_period else invoice.issue_date


def _side(value: Decimal, *, debit_when_positive: bool) -> Element:
    return leaf("debitcredit", "debit" if (value >= 0) is debit_when_positive else "credit")


def description(invoice: Invoice) -> str:
    """What the total line says: werk, credited invoice, G-account, and what it is about."""
    parts = []
    if invoice.werk:
        parts.append(invoice.werk.number)
    if invoice.credits_invoice_number:
        parts.append(f"credit op {invoice.credits_invoice_number}")
    if invoice.g_account:
        parts.append(f"G-rek € {invoice.g_account.amount:.2f}".replace(".", ","))
    parts.append(invoice.description)
    return shorten(" ".join(parts), LONGEST_TEXT) or shorten(
        f"Factuur {document_number(invoice)[0]}", LONGEST_TEXT
    )
