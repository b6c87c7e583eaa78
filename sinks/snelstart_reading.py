"""What SnelStart already holds: look-ups by number, the documents of a period, its lists, its identity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, time
from uuid import UUID

from schemas.invoice import Direction
from schemas.outcome import Code
from schemas.posting import PackageDocument
from sinks.contract import FoundInvoice, HeldDocument, Identity, Option, Options, Period
from vendors import odata
from vendors.failure import Refused
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.models import Booking, PurchaseInvoice, SalesInvoice


class SnelStartReader:
    """Reads one administration; never writes."""

    def __init__(self, client: SnelStartClient) -> None:
        self._client = client

    async def identity(self) -> Identity:
        """`administratieIdentifier` and name."""
        company = await self._client.company_info()
        details = {"kvk_number": company.kvk_nummer, "vat_identifier": company.btw_nummer}
        return Identity(
            id=str(company.administratie_identifier),
            name=company.administratie_naam,
            details={name: value for name, value in details.items() if value},
        )

    async def find(self, direction: Direction, number: str, relation_id: UUID) -> list[FoundInvoice]:
        """Invoices with a number: sales in the whole administration, purchases of one creditor.

        Without the right to read invoices (`orders:read`) the relation's own bookings are read instead.
        """
        filter_ = odata.eq("Factuurnummer", number)
        try:
            if direction is Direction.SALES:
                sales = [row async for row in self._client.sales_invoices(filter_)]
                return [_found(row) for row in sales if _same(row.factuurnummer, number)]
            purchases = [row async for row in self._client.purchase_invoices(filter_)]
            return [
                _found(row)
                for row in purchases
                if _same(row.factuurnummer, number) and row.relatie and row.relatie.id == relation_id
            ]
        except Refused as refusal:
            if refusal.code is not Code.MODULE_MISSING:
                raise
        if direction is Direction.SALES:
            bookings = await self._client.sales_bookings_of(relation_id)
        else:
            bookings = await self._client.purchase_bookings_of(relation_id)
        return [_found_booking(row, relation_id) for row in bookings if _same(row.factuurnummer, number)]

    async def documents(self, period: Period) -> AsyncIterator[HeldDocument]:
        """Everything with an invoice date in the period, sales first."""
        first = datetime.combine(period.first, time.min)
        last = datetime.combine(period.last, time(23, 59, 59))
        filter_ = odata.both(odata.ge("FactuurDatum", first), odata.le("FactuurDatum", last))
        async for sale in self._client.sales_invoices(filter_, background=True):
            if (held := _held(Direction.SALES, sale, period)) is not None:
                yield held
        async for purchase in self._client.purchase_invoices(filter_, background=True):
            if (held := _held(Direction.PURCHASE, purchase, period)) is not None:
                yield held

    async def options(self) -> Options:
        """Accounts with their function, journals, dated VAT rates, cost centres."""
        accounts = await self._client.ledger_accounts()
        journals = await self._client.journals()
        rates = await self._client.vat_rates()
        centres = await self._client.cost_centres()
        return Options(
            ledger_accounts=tuple(
                Option(
                    str(account.nummer),
                    account.omschrijving,
                    usable=not account.nonactief,
                    details={
                        "grootboekfunctie": account.grootboekfunctie,
                        "btwSoort": " ".join(account.btw_soort or ()),
                    },
                )
                for account in accounts
            ),
            journals=tuple(
                Option(
                    str(journal.nummer),
                    journal.omschrijving,
                    usable=not journal.nonactief,
                    details={"soort": journal.soort},
                )
                for journal in journals
            ),
            vat_codes=tuple(
                Option(
                    rate.btw_soort,
                    f"{rate.btw_percentage.normalize():f}%",
                    details={
                        "percentage": f"{rate.btw_percentage.normalize():f}",
                        "from": rate.datum_vanaf.date().isoformat(),
                        "to": rate.datum_tot_en_met.date().isoformat(),
                    },
                )
                for rate in rates
            ),
            cost_centres=tuple(
                Option(str(centre.nummer), centre.omschrijving, usable=not centre.nonactief)
                for centre in centres
            ),
        )


def _same(held: str, number: str) -> bool:
    # a filter that SnelStart ignores gives everything, so the number is compared here as well
    return held.strip().casefold() == number.strip().casefold()


def _document(row: SalesInvoice | PurchaseInvoice) -> PackageDocument:
    return PackageDocument(number=row.factuurnummer, id=str(row.booking) if row.booking else None)


def _found(row: SalesInvoice | PurchaseInvoice) -> FoundInvoice:
    relation = str(row.relatie.id) if row.relatie else None
    return FoundInvoice(_document(row), relation, row.factuur_bedrag)


def _found_booking(row: Booking, relation_id: UUID) -> FoundInvoice:
    document = PackageDocument(number=row.factuurnummer, id=str(row.id))
    return FoundInvoice(document, str(relation_id), row.factuurbedrag)


def _held(direction: Direction, row: SalesInvoice | PurchaseInvoice, period: Period) -> HeldDocument | None:
    issued = row.factuur_datum.date() if row.factuur_datum else None
    if issued is not None and not period.first <= issued <= period.last:
        return None
    relation = str(row.relatie.id) if row.relatie else None
    return HeldDocument(direction, _document(row), relation, row.factuur_bedrag, issued)
