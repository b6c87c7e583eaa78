"""SnelStart's own lists (accounts, VAT rates, cost centres, countries), kept for one administration.

`Books` is a snapshot, and looking things up in it is pure. `ReferenceData` reads it once an hour, and
sooner when something is not found: the bookkeeper may just have added it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from schemas.outcome import Code
from vendors.failure import Refused
from vendors.pacing import Monotonic
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.models import CostCentre, Country, LedgerAccount, VatRate

HOUR = 3_600.0
MINUTE = 60.0
_GOES_STALE = frozenset({Code.NOT_FOUND_LEDGER_ACCOUNT, Code.NOT_FOUND_COST_CENTRE, Code.NOT_FOUND_VAT})

T = TypeVar("T")


@dataclass(frozen=True)
class Books:
    """One administration's lists as they were when they were read."""

    accounts: Mapping[int, LedgerAccount]
    vat_rates: tuple[VatRate, ...]
    cost_centres: Mapping[int, CostCentre]
    countries: Mapping[str, UUID]

    @classmethod
    def of(
        cls,
        accounts: list[LedgerAccount],
        vat_rates: list[VatRate],
        cost_centres: list[CostCentre],
        countries: list[Country],
    ) -> Books:
        """Index the lists by number; a country by both its codes and its Dutch name."""
        return cls(
            accounts={account.nummer: account for account in accounts},
            vat_rates=tuple(vat_rates),
            cost_centres={centre.nummer: centre for centre in cost_centres},
            countries={
                key.strip().casefold(): country.id
                for country in countries
                for key in (country.naam, country.landcode_iso, country.landcode)
                if key.strip()
            },
        )

    def account(self, number: str, field: str) -> LedgerAccount:
        """The account with that number.

        Raises:
            Refused: `not_found_ledger_account`, or `blocked_ledger_account` when it is not active.
        """
        found = self.accounts.get(int(number)) if number.isascii() and number.isdecimal() else None
        if found is None:
            raise Refused(Code.NOT_FOUND_LEDGER_ACCOUNT, field=field, ledger_account=number)
        if found.nonactief:
            raise Refused(Code.BLOCKED_LEDGER_ACCOUNT, field=field, ledger_account=number)
        return found

    def vat_soort(self, rate: Decimal, day: date, field: str) -> str:
        """`Laag`, `Hoog` or `Overig`: what a rate is called in SnelStart on a day.

        Raises:
            Refused: `not_found_vat`.
        """
        for row in self.vat_rates:
            if row.btw_soort == "Geen" or row.btw_percentage != rate:
                continue
            if row.datum_vanaf.date() <= day <= row.datum_tot_en_met.date():
                return row.btw_soort
        raise Refused(Code.NOT_FOUND_VAT, field=field, rate=rate)

    def cost_centre(self, number: int, field: str) -> CostCentre:
        """The active cost centre with that number.

        Raises:
            Refused: `not_found_cost_centre`.
        """
        found = self.cost_centres.get(number)
        if found is None or found.nonactief:
            raise Refused(Code.NOT_FOUND_COST_CENTRE, field=field, cost_centre=number)
        return found

    def country(self, text: str) -> UUID | None:
        """A country by two or three letter code or Dutch name."""
        return self.countries.get(text.strip().casefold())


class ReferenceData:
    """The current `Books` of one administration."""

    def __init__(self, client: SnelStartClient, clock: Monotonic) -> None:
        self._client = client
        self._clock = clock
        self._books: Books | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def books(self, *, at_most: float = HOUR) -> Books:
        """The lists, at most so many seconds old."""
        async with self._lock:
            now = self._clock()
            if self._books is None or now - self._read_at >= at_most:
                self._books = Books.of(
                    await self._client.ledger_accounts(),
                    await self._client.vat_rates(),
                    await self._client.cost_centres(),
                    await self._client.countries(),
                )
                self._read_at = now
            return self._books

    async def resolve(self, build: Callable[[Books], T]) -> T:
        """Build something from the lists; when it misses something in them, once more with newer ones."""
        books = await self.books()
        try:
            return build(books)
        except Refused as refusal:
            if refusal.code not in _GOES_STALE:
                raise
            newer = await self.books(at_most=MINUTE)
            if newer is books:
                raise
        return build(newer)

    def forget(self) -> None:
        """Read the lists again at the next use (we have just added to them)."""
        self._books = None
