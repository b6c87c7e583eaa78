"""Invoices (`verkoopfacturen`, `inkoopfacturen`): what SnelStart makes of bookings, with what is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from vendors.simulation.books import Direction
from vendors.snelstart.simulator.chart import COUNTRY_IDS
from vendors.snelstart.simulator.company import (
    EXAMPLE_AMOUNT,
    EXAMPLE_MOMENT,
    Boeking,
    SnelStartCompany,
    local,
)
from vendors.snelstart.simulator.odata import Page

TYPE_NAMES = {
    Direction.SALES: "SnelStart.B2B.Api.V2.Models.Verkoopfacturen.VerkoopfactuurModel",
    Direction.PURCHASE: "SnelStart.B2B.Api.V2.Models.Inkoopfacturen.InkoopfactuurModel",
}


def row(boeking: Boeking) -> dict[str, object]:
    """An invoice as the API shows it: no status, no date of payment, only what is open."""
    document = boeking.document
    is_sales = boeking.direction is Direction.SALES
    resource, owner = (
        ("verkoopfacturen", "verkoopboekingen") if is_sales else ("inkoopfacturen", "inkoopboekingen")
    )
    shown: dict[str, object] = {
        "verkoopBoeking" if is_sales else "inkoopBoeking": {
            "id": boeking.id,
            "uri": f"/{owner}/{boeking.id}",
        },
        "modifiedOn": boeking.factuur_modified,
        "openstaandSaldo": document.open,
        "factuurnummer": document.number,
        "vervalDatum": datetime.combine(document.due_date or document.date, datetime.min.time()),
        "relatie": {"id": boeking.relation_id, "uri": f"/relaties/{boeking.relation_id}"},
        "factuurDatum": datetime.combine(document.date, datetime.min.time()),
        "factuurBedrag": document.gross,
        "id": boeking.factuur_id,
        "uri": f"/{resource}/{boeking.factuur_id}",
    }
    if is_sales:
        shown["verkoopOrders"] = []
    return shown


def example(direction: Direction) -> dict[str, object]:
    """A full row, which tells a filter what properties there are and of what type."""
    reference = {"id": COUNTRY_IDS["NL"], "uri": "x"}
    moment = local(EXAMPLE_MOMENT)
    shown: dict[str, object] = {
        "verkoopBoeking" if direction is Direction.SALES else "inkoopBoeking": reference,
        "modifiedOn": moment,
        "openstaandSaldo": EXAMPLE_AMOUNT,
        "factuurnummer": "x",
        "vervalDatum": moment,
        "relatie": reference,
        "factuurDatum": moment,
        "factuurBedrag": EXAMPLE_AMOUNT,
        "id": COUNTRY_IDS["NL"],
        "uri": "x",
    }
    if direction is Direction.SALES:
        shown["verkoopOrders"] = []
    return shown


def candidates(company: SnelStartCompany, direction: Direction, page: Page) -> Iterable[Boeking]:
    """Invoices that a page may hold; a filter on the number is answered from an index."""
    number = page.filter.equals.get("Factuurnummer") if page.filter is not None else None
    if isinstance(number, str):
        return (company.boekingen[document.id] for document in company.books.numbered(direction, number))
    return _all(company, direction)


def _all(company: SnelStartCompany, direction: Direction) -> Iterator[Boeking]:
    return (boeking for boeking in company.boekingen.values() if boeking.direction is direction)
