"""One administration, its package in memory and its readback over a real ledger."""

from __future__ import annotations

from tenacity import wait_fixed

from ledger.due import due_readbacks
from ledger.readbacks import (
    run_soon,
)
from ledger.rows import LaneKey
from sinks.books import Books
from sources.readback import Readback, ReadbackTerms
from tests.sources.booked_ledger import BookedLedger, lease_of
from tests.sources.memory_source import MemorySource
from vendors.failure import Failure

TERMS = ReadbackTerms(failure_wait=wait_fixed(60))


class Desk:
    """One administration, its package and its readback."""

    def __init__(self, ledger: BookedLedger, books: Books, key: LaneKey) -> None:
        self.ledger = ledger
        self.books = books
        self.key = key
        self.source = MemorySource()
        self.epoch = 1
        self.stopping = False
        self.opening_failure: Failure | None = None
        self.has_readback = True

    def book(self, invoice: str, gross: str = "121.00", open_amount: str | None = None) -> str:
        held_as = self.ledger.add_invoice(self.key, invoice, gross)
        self.source.book(held_as, gross, open_amount)
        return held_as

    async def run(self, terms: ReadbackTerms = TERMS) -> list[str]:
        """One run; returns what was asked of the package."""
        before = len(self.source.calls)
        lease = lease_of(self.key, self.epoch)
        readback = Readback(self._open, self.books, self.key, terms, lambda: lease, lambda: self.stopping)
        await readback.run()
        return self.source.calls[before:]

    async def pull(self) -> list[str]:
        self.ledger.write(lambda cursor: run_soon(cursor, self.key))
        return await self.run()

    async def sweep(self) -> list[str]:
        self.ledger.write(lambda cursor: run_soon(cursor, self.key, sweep=True))
        return await self.run()

    async def _open(self) -> MemorySource | None:
        if self.opening_failure is not None:
            raise self.opening_failure
        return self.source if self.has_readback else None

    @property
    def statuses(self) -> list[str]:
        return [event["status"] for event in self.ledger.events()]

    @property
    def is_due(self) -> bool:
        connections = [lease_of(self.key).connection]
        return bool(self.ledger.write(lambda cursor: due_readbacks(cursor, connections)))

    def row(self, columns: str) -> tuple[object, ...]:
        [found] = self.ledger.ask(
            f"SELECT {columns} FROM readback WHERE administration_id = %s AND package = %s",
            self.key.administration,
            str(self.key.package),
        )
        return found
