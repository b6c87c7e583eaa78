"""Which of ENK's fields a refusal of SnelStart is about."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.invoice import Direction, Invoice
from sinks.shortening import one_line
from sinks.snelstart_settings import SnelStartMapping
from vendors.snelstart.errors import SnelStartRefused

_PATHS: Mapping[str, str] = {
    "factuurdatum": "$.issue_date",
    "betalingstermijn": "$.due_date",
    "klant": "$.relation_id",
    "leverancier": "$.relation_id",
    "relatie": "$.relation_id",
    "boekstuk": "$.id",
    "omschrijving": "$.description",
    "factuurbedrag": "$.totals.gross",
    "btw": "$.vat_breakdown",
    "boekingsregels": "$.lines",
    "grootboek": "$.lines[{line}].ledger_account",
    "kostenplaats": "$.lines[{line}].cost_centre",
}


def document_number(invoice: Invoice) -> tuple[str, str]:
    """The `factuurnummer`, and the JSON path it comes from; empty when ENK names none."""
    if invoice.direction is Direction.SALES:
        return invoice.number.strip(), "$.number"
    return (invoice.supplier_invoice_number or "").strip(), "$.supplier_invoice_number"


def placed(refusal: SnelStartRefused, invoice: Invoice, mapping: SnelStartMapping) -> SnelStartRefused:
    """Say which of ENK's fields SnelStart's refusal is about, and fill its sentence. Changes the refusal."""
    number, number_path = document_number(invoice)
    paths = {**_PATHS, "factuurnummer": number_path}
    path = next((paths[name] for name in refusal.fields if name in paths), None)
    index = _blamed_line(refusal, invoice, mapping)
    line = None if index is None else invoice.lines[index]
    if path is not None and "{line}" in path:
        path = "$.lines" if index is None else path.format(line=index)
    refusal.field = path
    refusal.values = {
        "number": number,
        "date": invoice.issue_date,
        "problem": refusal.vendor_message,
        "ledger_account": None if line is None else mapping.ledger_account(line),
        "cost_centre": None if line is None else mapping.cost_centre(invoice, line),
        **refusal.values,
    }
    return refusal


def _blamed_line(refusal: SnelStartRefused, invoice: Invoice, mapping: SnelStartMapping) -> int | None:
    """The line to blame: the only one, or the first on an account that SnelStart's details name."""
    if len(invoice.lines) == 1:
        return 0
    words = set(one_line(refusal.vendor_message or "").replace(",", " ").replace(":", " ").split())
    accounts = (mapping.ledger_account(line) for line in invoice.lines)
    return next((index for index, account in enumerate(accounts) if account in words), None)
