"""Which sales invoices are paid in SnelStart: its verkoopfacturen, with what is still open on each.

SnelStart has no payment status and no payment date, only `openstaandSaldo` next to `factuurBedrag`; how an
invoice was settled (bank, credit, write-off) cannot be told apart. A payment does not reliably move
`modifiedOn`, so `pull` is quick and `sweep` is what guarantees completeness. Needs scope `orders:read`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from schemas.outcome import Package
from schemas.payment import SettledBy
from sources.contract import Cursor, InvoiceObservation, Pull
from vendors import odata
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.models import SalesInvoice

OVERLAP = timedelta(hours=24)
"""`modifiedOn` is a wall clock without zone; a day covers any zone and autumn's repeated hour."""

_MODIFIED_ON = "modified_on"


class SnelStartSource:
    """Readback of one administration."""

    package = Package.SNELSTART

    def __init__(self, client: SnelStartClient) -> None:
        self._client = client

    async def pull(self, cursor: Cursor | None) -> Pull:
        """What changed since a day before the latest change that was seen; without a cursor, everything."""
        since = _position(cursor)
        if since is None:
            return await self.sweep()
        rows = await self._rows(odata.gt("ModifiedOn", since - OVERLAP))
        return Pull(_observations(rows), complete=False, cursor=_cursor(rows, since))

    async def sweep(self) -> Pull:
        """Every verkoopfactuur. Its cursor serves `pull` as well."""
        rows = await self._rows(None)
        return Pull(_observations(rows), complete=True, cursor=_cursor(rows, None))

    async def invoice(self, invoice_id: str) -> InvoiceObservation | None:
        """One invoice by the id of its boeking, by way of the boeking's number."""
        booking_id = UUID(invoice_id)
        booking = await self._client.sales_booking(booking_id, background=True)
        if booking is None:
            return None
        rows = await self._rows(odata.eq("Factuurnummer", booking.factuurnummer))
        return next((_observation(row, booking_id) for row in rows if row.booking == booking_id), None)

    async def close(self) -> None:
        """Nothing to give back: transport and pacer belong to the connection."""

    async def _rows(self, filter_: str | None) -> list[SalesInvoice]:
        return [row async for row in self._client.sales_invoices(filter_, background=True)]


def _position(cursor: Cursor | None) -> datetime | None:
    text = (cursor or {}).get(_MODIFIED_ON)
    return datetime.fromisoformat(text) if text else None


def _cursor(rows: list[SalesInvoice], since: datetime | None) -> Cursor | None:
    seen = [row.modified_on for row in rows if row.modified_on is not None]
    latest = max([*seen, *([since] if since else [])], default=None)
    return None if latest is None else {_MODIFIED_ON: latest.isoformat()}


def _observations(rows: list[SalesInvoice]) -> tuple[InvoiceObservation, ...]:
    # an invoice without boeking was made in SnelStart itself from an order: none of ours
    found = {row.booking: _observation(row, row.booking) for row in rows if row.booking is not None}
    return tuple(found.values())


def _observation(row: SalesInvoice, booking_id: UUID) -> InvoiceObservation:
    return InvoiceObservation(
        invoice_id=str(booking_id),
        number=row.factuurnummer,
        gross=row.factuur_bedrag,
        open=row.openstaand_saldo,
        settled_by=SettledBy.UNKNOWN if row.openstaand_saldo != row.factuur_bedrag else None,
    )
