"""Which of ENK's fields a refusal of Twinfield is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.invoice import Invoice
from schemas.outcome import Package
from sinks.twinfield_booking import document_number
from sinks.twinfield_lines import Detail
from sinks.twinfield_settings import TwinfieldMapping
from vendors.twinfield.errors import TwinfieldRefused
from vendors.twinfield.messages import VendorMessage

_HEADER: Mapping[str, str] = {
    "date": "$.issue_date",
    "period": "$.issue_date",
    "duedate": "$.due_date",
    "currency": "$.currency",
    "paymentreference": "$.payment_reference",
}
_TOTAL: Mapping[str, str] = {"dim2": "$.relation_id", "value": "$.totals.gross"}
_DETAIL: Mapping[str, str] = {
    "dim1": ".ledger_account",
    "dim2": ".cost_centre",
    "dim3": ".cost_unit",
    "value": ".net_amount",
    "vatcode": ".vat",
    "vatvalue": ".vat",
    "performancetype": ".vat",
    "performancedate": ".vat",
    "performancecountry": ".vat",
    "performancevatnumber": ".vat",
}


def placed(
    refusal: TwinfieldRefused, invoice: Invoice, lines: Sequence[Detail], mapping: TwinfieldMapping
) -> TwinfieldRefused:
    """Say which of ENK's fields Twinfield's refusal is about, and fill its sentence. Changes the refusal."""
    number, number_path = document_number(invoice)
    told = refusal.told
    line = _line(told, lines)
    refusal.field = _path(told, line, number_path)
    first = None if line is None else invoice.lines[line.places[0]]
    refusal.values = {
        "package": Package.TWINFIELD,
        "number": number,
        "date": invoice.issue_date,
        "year": invoice.issue_date.year,
        "journal": mapping.journal(invoice),
        "problem": refusal.vendor_message,
        "ledger_account": line.account if line else None,
        "cost_centre": line.cost_centre if line else None,
        "project": line.project if line else None,
        "vat_code": line.vat_code if line else None,
        "vat_kind": first.vat.kind if first else None,
        **refusal.values,
    }
    return refusal


def _line(told: VendorMessage | None, lines: Sequence[Detail]) -> Detail | None:
    # the first line of the transaction is its total
    if told is None or told.line is None or not 0 < told.line <= len(lines):
        return None
    return lines[told.line - 1]


def _path(told: VendorMessage | None, line: Detail | None, number_path: str) -> str | None:
    if told is None:
        return None
    if line is not None:
        return f"$.lines[{line.places[0]}]{_DETAIL.get(told.element, '')}"
    if told.part == "total":
        return _TOTAL.get(told.element)
    return number_path if told.element == "invoicenumber" else _HEADER.get(told.element)
