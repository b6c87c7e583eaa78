"""Twinfield's web services, one typed method per call that we use, for one office.

Facts: the vendor's developer documentation (XML web services, master data, transactions, browse data).
Reads raise `NotSent` or `Refused`; writes raise `NotSent`, `Refused` or `Uncertain`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from vendors.failure import Refused, Scope
from vendors.pacing import Limit, Pacer
from vendors.transport import Transport
from vendors.twinfield.auth import Organisation, TokenSource
from vendors.twinfield.browse import Column, columns, rows_of
from vendors.twinfield.errors import refused, unreadable
from vendors.twinfield.messages import messages_of, says_absent
from vendors.twinfield.models import (
    Booked,
    BookingKey,
    BrowseRow,
    Dimension,
    DimensionType,
    Lines,
    Named,
    Side,
    Transaction,
    VatCode,
)
from vendors.twinfield.session import PAGE, Session
from vendors.twinfield.wire import Element, day, decimal, element, leaf, plain, text_at

CONCURRENT = 10
CERTIFIED_LIMIT = Limit(500, timedelta(minutes=1))
UNCERTIFIED_LIMIT = Limit(25, timedelta(minutes=1))
"""Credits of one organisation with one client registration; at most `CONCURRENT` calls side by side."""

_NAME = 2
"""A search that looks in names only."""

T = TypeVar("T")


class TwinfieldClient:
    """Calls for one office of the organisation that the tokens open."""

    def __init__(self, transport: Transport, pacer: Pacer, tokens: TokenSource, office: str) -> None:
        self.tokens = tokens
        self.office = office
        self._api = Session(transport, pacer, tokens, office)

    # who and what

    async def organisation(self) -> Organisation:
        """Whose data the tokens open."""
        return (await self.tokens.grant()).organisation

    async def offices(self) -> list[Named]:
        """The offices that the user may open."""
        root = await self._api.read("offices", element("list", leaf("type", "offices")), with_office=False)
        _check(root)
        return [_named(node) for node in root.findall("office")]

    async def dimensions(self, kind: DimensionType) -> list[Named]:
        """All active dimensions of a type."""
        root = await self._api.read(f"{kind} list", self._query("list", "dimensions", dimtype=kind))
        _check(root)
        # the last row is the type itself, without a name
        return [row for node in root.findall("dimension") if (row := _named(node)).code != kind]

    async def code_mask(self, kind: DimensionType) -> str:
        """The pattern that codes of a type must match; empty when there is none."""
        root = await self._api.read(f"{kind} mask", self._query("read", "dimensiontype", code=kind))
        _check(root)
        return text_at(root, ".//mask")

    async def daybooks(self, side: Side) -> list[Named]:
        """The daybooks for one kind of transaction."""
        return await self._search_all("TRS", category=side)

    async def vat_codes(self, side: Side) -> list[Named]:
        """The VAT codes of one side."""
        return await self._search_all("VAT", vattype=side)

    async def vat_code(self, code: str) -> VatCode | None:
        """A VAT code with its percentages; None when the office has no such code."""
        root = await self._api.read("vat", self._query("read", "vat", code=code))
        if _is_absent(root):
            return None
        return _parsed(lambda: _vat_code(root, code))

    # relations

    async def dimension(self, kind: DimensionType, code: str) -> Dimension | None:
        """One relation by its code, whatever its status; None when there is none."""
        root = await self._api.read(str(kind), self._query("read", "dimensions", dimtype=kind, code=code))
        if _is_absent(root):
            return None
        body = root if root.tag == "dimension" else root.find("dimension")
        if body is None:
            raise unreadable("geen dimension", write=False)
        return Dimension.of(body)

    async def dimensions_named(self, kind: DimensionType, name: str) -> list[Named]:
        """Relations with exactly that name, in any case; compared here as well."""
        # what would be a wild card stands for any character
        pattern = name.replace("*", "?")
        found = await self._search_all("DIM", pattern=pattern, field=_NAME, dimtype=kind)
        return [row for row in found if row.name.strip().casefold() == name.strip().casefold()]

    async def write_dimension(self, document: Element) -> Dimension:
        """Create or update a relation: an unknown code is created, a known one updated, none is numbered.

        Raises:
            Uncertain: the answer does not say what became of it.
        """
        root = await self._api.write("relatie schrijven", element("dimensions", document))
        body = root if root.tag == "dimension" else root.find("dimension")
        if body is None:
            raise _without_result(root)
        if body.get("result") != "1":
            messages = messages_of(root)
            if body.get("result") == "0" and messages:
                raise refused(messages)
            raise _without_result(root)
        written = Dimension.of(body)
        if not written.code:
            raise unreadable("relatie zonder code", write=True)
        return written

    # transactions

    async def book(self, document: Element) -> Booked:
        """Save one transaction.

        Raises:
            Refused: the transaction itself carries `result="0"` and says why.
            Uncertain: the answer does not say what became of it.
        """
        root = await self._api.write("boeking", element("transactions", document))
        body = root if root.tag == "transaction" else root.find("transaction")
        if body is None:
            raise _without_result(root)
        if body.get("result") == "0":
            messages = messages_of(body)
            if not messages:
                raise _without_result(root)
            raise refused(messages)
        key = BookingKey(text_at(body, "header/code"), text_at(body, "header/number"))
        if body.get("result") != "1" or not key.journal or not key.number:
            raise _without_result(root)
        return Booked(key, text_at(body, "header/period"), body.get("location") == "final")

    async def transaction(self, key: BookingKey, *, background: bool = False) -> Transaction | None:
        """One transaction; None when the office does not hold it (any more)."""
        query = self._query("read", "transaction", code=key.journal, number=key.number)
        root = await self._api.read("transactie", query, background=background)
        if _is_absent(root):
            return None
        body = root if root.tag == "transaction" else root.find("transaction")
        if body is None:
            raise unreadable("geen transaction", write=False)
        return _parsed(lambda: Transaction.of(body))

    async def lines(
        self, code: Lines, wanted: Sequence[Column], *, background: bool = False
    ) -> list[BrowseRow]:
        """Rows of a browse."""
        root = await self._api.read(f"browse {code}", columns(code, wanted), background=background)
        _check(root)
        return _parsed(lambda: rows_of(root))

    def _query(self, verb: str, kind: str, **names: str) -> Element:
        return element(
            verb,
            leaf("type", kind),
            leaf("office", self.office),
            *(leaf(name, value) for name, value in names.items()),
        )

    async def _search_all(
        self, kind: str, *, pattern: str = "*", field: int = 0, **options: str
    ) -> list[Named]:
        found: dict[str, Named] = {}
        first = 1
        while True:
            total, rows = await self._api.search(kind, pattern, field, options, first=first)
            fresh = {row[0]: Named(row[0], row[1] if len(row) > 1 else "") for row in rows if row and row[0]}
            more = bool(fresh.keys() - found.keys())
            found |= fresh
            first += PAGE
            if first > total or not more:
                return list(found.values())


def _named(node: Element) -> Named:
    return Named(plain((node.text or "").strip()), plain(node.get("name", "")))


def _vat_code(root: Element, code: str) -> VatCode:
    body = root if root.tag == "vat" else root.find(".//vat")
    if body is None:
        raise ValueError("no <vat>")
    dated = [
        (day(text_at(row, "date")), decimal(text_at(row, "percentage")))
        for row in body.findall("percentages/percentage")
    ]
    dated.sort(key=lambda pair: pair[0].toordinal() if pair[0] else 0)
    return VatCode(text_at(body, "code") or code, text_at(body, "name"), text_at(body, "type"), tuple(dated))


def _check(root: Element) -> None:
    """Raises what an answer to a reading refuses."""
    if root.get("result") == "0" or (root.get("msg") and root.get("msgtype") == "error"):
        messages = messages_of(root)
        if not messages:
            raise unreadable('result="0" zonder melding', write=False)
        raise refused(messages)


def _is_absent(root: Element) -> bool:
    """Whether what was read is not there; raises what else an answer refuses."""
    try:
        _check(root)
    except Refused as refusal:
        if refusal.scope is Scope.ADMINISTRATION or not says_absent(messages_of(root)):
            raise
        return True
    return False


def _parsed(read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as failure:
        raise unreadable(str(failure), write=False) from failure


def _without_result(root: Element) -> Exception:
    return unreadable(f"{plain(str(root.tag))} zonder uitkomst", write=True)
