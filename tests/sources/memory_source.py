"""A package in memory: invoices with what is open on them, and a change log that a pull goes by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from schemas.outcome import Package
from schemas.payment import SettledBy
from sources.contract import Cursor, InvoiceObservation, Pull


class MemorySource:
    """Answers as a source must; `calls` is what was asked, `failure` is raised by the next calls."""

    package = Package.SNELSTART

    def __init__(self) -> None:
        self.invoices: dict[str, InvoiceObservation] = {}
        self.changes: list[str] = []
        self.hidden: set[str] = set()
        self.calls: list[str] = []
        self.cursors: list[Cursor | None] = []
        self.failure: Exception | None = None
        self.invoice_failure: Exception | None = None
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    def book(self, package_id: str, gross: str, open_amount: str | None = None) -> None:
        total = Decimal(gross)
        rest = total if open_amount is None else Decimal(open_amount)
        self.invoices[package_id] = InvoiceObservation(package_id, package_id, total, rest)
        self.changes.append(package_id)

    def show(self, package_id: str, number: str, gross: str) -> None:
        """An invoice that has another number than its id, with nothing paid on it."""
        total = Decimal(gross)
        self.invoices[package_id] = InvoiceObservation(package_id, number, total, total)

    def pay(
        self, package_id: str, open_amount: str, by: SettledBy | None = None, *, logged: bool = True
    ) -> None:
        """`logged=False` is a payment that the package does not show as a change."""
        before = self.invoices[package_id]
        self.invoices[package_id] = replace(before, open=Decimal(open_amount), settled_by=by)
        if logged:
            self.changes.append(package_id)

    async def pull(self, cursor: Cursor | None) -> Pull:
        self.cursors.append(cursor)
        await self._answer("pull")
        start = int((cursor or {}).get("position", "0"))
        names = dict.fromkeys(self.changes[start:])
        return self._pull([name for name in names if name in self.invoices], complete=False)

    async def sweep(self) -> Pull:
        await self._answer("sweep")
        return self._pull([name for name in self.invoices if name not in self.hidden], complete=True)

    async def invoice(self, invoice_id: str) -> InvoiceObservation | None:
        self.calls.append(f"invoice {invoice_id}")
        if self.invoice_failure is not None:
            raise self.invoice_failure
        return self.invoices.get(invoice_id)

    async def close(self) -> None:
        self.calls.append("close")

    def _pull(self, names: list[str], *, complete: bool) -> Pull:
        shown = tuple(self.invoices[name] for name in names)
        return Pull(shown, complete, {"position": str(len(self.changes))})

    async def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.before_answer is not None:
            await self.before_answer()
        if self.failure is not None:
            raise self.failure
