"""Which sales invoices are paid in Twinfield: browse 100, one row per line on a debtor's account.

Receipts, write-offs and the bookkeeper's own entries stand there too: only rows of sales daybooks count.
A partly paid invoice stays `available` with less open than its amount; `matched` can be undone, and rest on
a bank statement that is still provisional. How it was settled (bank, credit, write-off) the rows do not tell.
That matching touches a line's `modified` is believed and not documented, so `pull` is quick, with a day's
overlap, and `sweep` is what guarantees completeness. A row that is missing is never taken for paid.

Facts: vendor's article "Downloading open invoices", the definition of browse 100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from schemas.outcome import Package
from schemas.payment import SettledBy
from sources.contract import Cursor, InvoiceObservation, Pull
from vendors.twinfield import browse
from vendors.twinfield.browse import Column, between, equal
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.errors import unreadable
from vendors.twinfield.models import BookingKey, BrowseRow, Lines, Side, Transaction
from vendors.twinfield.wire import day, decimal

OVERLAP = timedelta(hours=24)
"""`modified` is believed to be UTC; a day covers any zone and autumn's repeated hour."""

YEARS_BACK = 2
_MODIFIED = "modified"
_FORMAT = "%Y%m%d%H%M%S"
_END_OF_TIME = "20991231235959"
_PROPOSED = "proposed"
_COLUMNS = (
    Column(browse.NUMBER),
    Column(browse.RELATION),
    Column(browse.VALUE),
    Column(browse.OPEN),
    Column(browse.INVOICE_NUMBER),
    Column(browse.MATCH_STATUS),
    Column(browse.MATCH_DATE),
)


def today() -> date:
    """The current day."""
    return datetime.now(UTC).date()


class TwinfieldSource:
    """Readback of one office."""

    package = Package.TWINFIELD

    def __init__(
        self,
        client: TwinfieldClient,
        journals: Iterable[str],
        from_year: int | None,
        today: Callable[[], date] = today,
    ) -> None:
        """`journals`: sales daybooks of the mapping; `from_year`: the first financial year that is read."""
        self._client = client
        self._journals = frozenset(journals)
        self._from_year = from_year
        self._today = today
        self._all_journals: frozenset[str] | None = None

    async def pull(self, cursor: Cursor | None) -> Pull:
        """What changed since a day before the latest change that was seen; without a cursor, everything."""
        since = (cursor or {}).get(_MODIFIED)
        if not since:
            return await self.sweep()
        low = (datetime.strptime(since, _FORMAT) - OVERLAP).strftime(_FORMAT)
        first, last = self._years()
        rows = await self._rows(first, last, between(browse.MODIFIED, low, _END_OF_TIME))
        return Pull(_observations(rows), complete=False, cursor=_cursor(rows, since))

    async def sweep(self) -> Pull:
        """Every sales invoice, a financial year at a time. Its cursor serves `pull` as well."""
        first, last = self._years()
        rows: list[BrowseRow] = []
        for year in range(first, last + 1):
            rows += await self._rows(year, year, Column(browse.MODIFIED))
        return Pull(_observations(rows), complete=True, cursor=_cursor(rows, None))

    async def invoice(self, invoice_id: str) -> InvoiceObservation | None:
        """One invoice, by reading its transaction."""
        found = await self._client.transaction(BookingKey.parse(invoice_id), background=True)
        return None if found is None else _of_transaction(found)

    async def close(self) -> None:
        """Nothing to give back: transport and pacer belong to the connection."""

    def _years(self) -> tuple[int, int]:
        now = self._today().year
        first = now - YEARS_BACK if self._from_year is None else self._from_year
        return min(first, now), now + 1

    async def _rows(self, first: int, last: int, modified: Column) -> list[BrowseRow]:
        wanted = (
            between(browse.YEARPERIOD, f"{first}/01", f"{last}/12"),
            Column(browse.JOURNAL),
            equal(browse.STATUS, browse.PROVISIONAL_AND_FINAL),
            *_COLUMNS,
            modified,
        )
        rows = await self._client.lines(Lines.DEBTORS, wanted, background=True)
        if self._all_journals is None:
            listed = {row.code for row in await self._client.daybooks(Side.SALES)}
            self._all_journals = self._journals | listed
        return [row for row in rows if row.key.journal in self._all_journals]


def _cursor(rows: Iterable[BrowseRow], since: str | None) -> Cursor | None:
    seen = [row[browse.MODIFIED] for row in rows if len(row[browse.MODIFIED]) == 14]
    latest = max([*seen, *([since] if since else [])], default=None)
    return None if latest is None else {_MODIFIED: latest}


def _observations(rows: Iterable[BrowseRow]) -> tuple[InvoiceObservation, ...]:
    by_booking: dict[BookingKey, list[BrowseRow]] = {}
    for row in rows:
        by_booking.setdefault(row.key, []).append(row)
    try:
        return tuple(_of_rows(key, own) for key, own in by_booking.items())
    except ValueError as failure:
        raise unreadable(str(failure), write=False) from failure


def _of_rows(key: BookingKey, rows: list[BrowseRow]) -> InvoiceObservation:
    """One invoice: one row, or more where a bookkeeper has split what is owed."""
    dates = [when for row in rows if (when := day(row[browse.MATCH_DATE])) is not None]
    return _observation(
        key,
        rows[0][browse.INVOICE_NUMBER],
        sum((decimal(row[browse.VALUE]) for row in rows), Decimal(0)),
        sum((decimal(row[browse.OPEN]) for row in rows), Decimal(0)),
        is_proposed=any(row[browse.MATCH_STATUS] == _PROPOSED for row in rows),
        matched=max(dates, default=None),
    )


def _of_transaction(found: Transaction) -> InvoiceObservation:
    return _observation(
        found.key,
        found.invoice_number,
        found.value,
        found.open,
        is_proposed=found.match_status == _PROPOSED,
        matched=found.match_date,
    )


def _observation(
    key: BookingKey,
    number: str,
    gross: Decimal,
    left: Decimal,
    *,
    is_proposed: bool,
    matched: date | None,
) -> InvoiceObservation:
    if is_proposed and not left:
        # a payment that is only proposed has not been made
        left, matched = gross, None
    return InvoiceObservation(
        invoice_id=str(key),
        number=number,
        gross=gross,
        open=left,
        settled_by=SettledBy.UNKNOWN if left != gross else None,
        last_payment_date=matched if left != gross else None,
    )
