"""Payments that the demo makes in the packages, as the bookkeeper who processes a bank statement would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import httpx
import psycopg
from psycopg.rows import TupleRow

from ledger.payments import PaymentFilter, list_payments
from schemas.payment import PaymentStatus
from vendors.simulation.books import BookedDocument
from vendors.simulation.contract import CompanyBooks

IN_FULL = 5
CENT = Decimal("0.01")
READ_WITHIN_SECONDS = 30.0

Statuses = Mapping[str, PaymentStatus]
"""Status by invoice number."""


class Bookkeeper:
    """Pays invoices in one simulated company."""

    def __init__(self, control: str, books: CompanyBooks, http: httpx.Client) -> None:
        self._url = f"{control}/payments"
        self._books = books
        self._http = http
        self._to_reverse = ""
        self._reversed_number = ""

    def pay(self) -> Statuses:
        """Pay some invoices in full, one in part; what must be read back."""
        invoices = self._open_invoices()
        if len(invoices) < IN_FULL + 2:
            return {}
        wanted: dict[str, PaymentStatus] = {}
        for invoice in invoices[:IN_FULL]:
            self._post(invoice.number)
            wanted[invoice.number] = PaymentStatus.PAID
        partly = invoices[IN_FULL]
        self._post(partly.number, amount=(partly.gross / 3).quantize(CENT))
        wanted[partly.number] = PaymentStatus.PARTLY_PAID
        bounced = invoices[IN_FULL + 1].number
        self._to_reverse, self._reversed_number = self._post(bounced), bounced
        wanted[bounced] = PaymentStatus.PAID
        return wanted

    def reverse(self) -> Statuses:
        """Take one payment back: that invoice must be open again."""
        if not self._to_reverse:
            return {}
        answer = self._http.post(
            self._url, json={"company": self._books.company, "reverse": self._to_reverse}
        )
        answer.raise_for_status()
        return {self._reversed_number: PaymentStatus.OPEN}

    def _open_invoices(self) -> list[BookedDocument]:
        unpaid = [invoice for invoice in self._books.sales if invoice.gross > 1 and not invoice.payments]
        return sorted(unpaid, key=lambda invoice: invoice.number)

    def _post(self, number: str, amount: Decimal | None = None) -> str:
        body = {"company": self._books.company, "number": number}
        answer = self._http.post(self._url, json=body if amount is None else {**body, "amount": str(amount)})
        answer.raise_for_status()
        return str(answer.json()["payment"])


def read_back(
    ledger: psycopg.Connection[TupleRow],
    wanted: Mapping[str, Statuses],
    stopped: Callable[[float], bool],
    monotonic: Callable[[], float] = time.monotonic,
) -> Sequence[str]:
    """Wait until the payments of each administration have been read; what was not, a sentence each."""
    deadline = monotonic() + READ_WITHIN_SECONDS
    while True:
        late = [
            f"payment of {number} of {administration} was not read back as {status}"
            for administration, statuses in wanted.items()
            for number, status in _unread(ledger, administration, statuses)
        ]
        if not late or monotonic() > deadline or stopped(0.2):
            return late


def _unread(
    ledger: psycopg.Connection[TupleRow], administration: str, statuses: Statuses
) -> list[tuple[str, PaymentStatus]]:
    with ledger.cursor() as cursor:
        seen = {
            row.number: row.status
            for row in list_payments(cursor, PaymentFilter(administration=administration))
        }
    return [(number, status) for number, status in statuses.items() if seen.get(number) is not status]
