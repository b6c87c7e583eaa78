"""One conversation with one office: documents through ProcessXml, searches through Finder.

A refusal at the gate for the token or the cluster had no effect, so the call is made once more with a new
one, a write as well. Nothing else is repeated here. Facts: vendor's fair-use policy for what calls cost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from vendors.answer import Answer
from vendors.pacing import Pacer
from vendors.transport import Transport
from vendors.twinfield.auth import Grant, TokenSource
from vendors.twinfield.errors import Stale, TwinfieldRefused, is_final, refused, unreadable
from vendors.twinfield.messages import VendorMessage
from vendors.twinfield.soap import FINDER, PROCESS_XML, Caller, call
from vendors.twinfield.wire import Element, decode, encode, plain

QUERY_CREDITS = 1
"""Of `list`, `read`, `columns` and a search."""
WRITE_CREDITS = 3
"""Of everything else."""
PAGE = 25
"""The most rows that the vendor advises for one search."""

T = TypeVar("T")


class Session:
    """Reads and writes for one office; `transport` and `pacer` belong to the caller."""

    def __init__(self, transport: Transport, pacer: Pacer, tokens: TokenSource, office: str) -> None:
        self.tokens = tokens
        self.office = office
        self._transport = transport
        self._pacer = pacer

    async def read(
        self, operation: str, document: Element, *, background: bool = False, with_office: bool = True
    ) -> Element:
        """A `list`, `read` or `columns` and its answer, whatever its `result` says."""
        send = partial(self._send_read, operation, background)
        text = await self._process(document, send, write=False, office=self.office if with_office else None)
        return _document(text, write=False)

    async def write(self, operation: str, document: Element) -> Element:
        """Any other document and its answer, whatever its `result` says; `Uncertain` when unreadable."""
        text = await self._process(
            document, partial(self._send_write, operation), write=True, office=self.office
        )
        return _document(text, write=True)

    async def search(
        self, kind: str, pattern: str, field: int, options: Mapping[str, str], *, first: int = 1
    ) -> tuple[int, list[tuple[str, ...]]]:
        """One page of the finder: how many rows there are, and the rows from `first` (1 is the first).

        Raises:
            Refused: the finder does not take what is asked.
        """
        pairs = [{"string": [name, value]} for name, value in {"office": self.office, **options}.items()]
        send = partial(self._send_read, f"finder {kind}", False)

        async def search(grant: Grant) -> Any:
            return await call(
                FINDER,
                grant.cluster,
                Caller(grant.token, self.office),
                send,
                write=False,
                type=kind,
                pattern=plain(pattern),
                field=field,
                firstRow=first,
                maxRows=PAGE,
                options={"ArrayOfString": pairs},
            )

        found = await self._authorised(search)
        try:
            messages = _finder_messages(found.SearchResult)
            rows = [] if messages else _finder_rows(found.data)
            total = 0 if messages else int(found.data.TotalRows)
        except (AttributeError, TypeError, ValueError) as failure:
            raise unreadable(f"finder {kind}", write=False) from failure
        if messages:
            raise refused(messages)
        return total, rows

    async def _process(self, document: Element, send: Any, *, write: bool, office: str | None) -> object:
        text = encode(document)

        async def process(grant: Grant) -> object:
            caller = Caller(grant.token, office)
            return await call(PROCESS_XML, grant.cluster, caller, send, write=write, xmlRequest=text)

        return await self._authorised(process)

    async def _authorised(self, make: Callable[[Grant], Awaitable[T]]) -> T:
        grant = await self.tokens.grant()
        try:
            return await make(grant)
        except TwinfieldRefused as refusal:
            if refusal.stale is Stale.NOTHING:
                raise
        # the cluster is told with a new token, so both are renewed alike
        self.tokens.drop(grant)
        return await make(await self.tokens.grant())

    async def _send_read(
        self, operation: str, background: bool, url: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        return await self._transport.read(
            operation,
            "POST",
            url,
            headers=headers,
            content=content,
            pacer=self._pacer,
            background=background,
            cost=QUERY_CREDITS,
            is_final=is_final,
        )

    async def _send_write(
        self, operation: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        return await self._transport.write(
            operation, "POST", url, headers=headers, content=content, pacer=self._pacer, cost=WRITE_CREDITS
        )


def _document(text: object, *, write: bool) -> Element:
    if not isinstance(text, str):
        raise unreadable("leeg", write=write)
    try:
        return decode(text)
    except ValueError as failure:
        raise unreadable(str(failure), write=write) from failure


def _finder_messages(result: Any) -> tuple[VendorMessage, ...]:
    rows = (result.MessageOfErrorCodes or []) if result is not None else []
    return tuple(
        VendorMessage("finder", plain(f"{row.Code}: {row.Text or ''}".strip()))
        for row in rows
        if row is not None and row.Type == "Error"
    )


def _finder_rows(data: Any) -> list[tuple[str, ...]]:
    items: Sequence[Any] = (data.Items.ArrayOfString or []) if data.Items is not None else []
    return [tuple(plain(cell or "") for cell in (row.string or [])) for row in items if row is not None]
