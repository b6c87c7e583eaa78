"""One authenticated conversation with SnelStart's API: headers, tokens, pages, and unreadable answers.

A 401 for the token is a refusal at the gate, so the call is made once more with a new token, a write as
well. Nothing else is repeated here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from schemas.outcome import Code
from vendors.answer import Answer
from vendors.failure import NotSent, Scope, Uncertain
from vendors.pacing import Pacer
from vendors.snelstart.auth import TokenSource
from vendors.snelstart.errors import failure_of, is_token_refused, pause_after
from vendors.snelstart.models import Created, Row
from vendors.snelstart.wire import decode, encode
from vendors.transport import Transport

PAGE = 500
"""The most rows that `$top` may ask for."""

T = TypeVar("T")


M = TypeVar("M", bound=Row)


class Session:
    """Reads and writes for one administration; `transport` and `pacer` belong to the caller."""

    def __init__(
        self, transport: Transport, pacer: Pacer, base_url: str, subscription_key: str, tokens: TokenSource
    ) -> None:
        self.tokens = tokens
        self._transport = transport
        self._pacer = pacer
        self._base = base_url.rstrip("/")
        self._subscription_key = subscription_key

    async def get(
        self, operation: str, path: str, shape: type[T], query: Mapping[str, str] | None = None
    ) -> T:
        """One record or list; raises the failure of any status but 2xx."""
        return parse(await self._read(operation, path, query), shape)

    async def find(self, operation: str, path: str, shape: type[T], *, background: bool = False) -> T | None:
        """One record, or None on 404."""
        answer = await self._read(operation, path, None, background=background)
        return None if answer.status == 404 else parse(answer, shape)

    async def pages(
        self, operation: str, path: str, row: type[M], filter_: str | None = None, *, background: bool = False
    ) -> AsyncIterator[M]:
        """Every row of a collection, page after page, each id once."""
        seen: set[UUID] = set()
        skip = 0
        while True:
            query = {"$top": str(PAGE), "$skip": str(skip)} | ({"$filter": filter_} if filter_ else {})
            answer = await self._read(operation, path, query, background=background)
            page = [_read_row(row, item) for item in parse(answer, list[object])]
            fresh = [item for item in page if item.id not in seen]
            for item in fresh:
                seen.add(item.id)
                yield item
            if len(page) < PAGE or not fresh:
                return
            skip += PAGE

    async def create(self, operation: str, path: str, document: Mapping[str, object]) -> UUID:
        """POST a record; its new id. An answer without an id proves nothing: `Uncertain`."""
        answer = await self.write(operation, "POST", path, document)
        try:
            return Created.model_validate(decode(answer.body)).id
        except ValueError as failure:
            raise Uncertain(Code.TIMEOUT_UNCERTAIN, f"{operation}: antwoord zonder id") from failure

    async def write(self, operation: str, method: str, path: str, document: Mapping[str, object]) -> Answer:
        """POST or PUT; returns a 2xx answer, raises the failure of any other."""
        content = encode(document)

        async def call(headers: Mapping[str, str]) -> Answer:
            return await self._transport.write(
                operation, method, self._base + path, headers=headers, content=content, pacer=self._pacer
            )

        answer = await self._authorised(call, {"Content-Type": "application/json; charset=utf-8"}, write=True)
        if not answer.is_success:
            raise self._failure(answer, write=True)
        return answer

    async def _read(
        self, operation: str, path: str, query: Mapping[str, str] | None, *, background: bool = False
    ) -> Answer:
        url = self._base + path + (f"?{urlencode(query)}" if query else "")

        async def call(headers: Mapping[str, str]) -> Answer:
            return await self._transport.read(
                operation, "GET", url, headers=headers, pacer=self._pacer, background=background
            )

        answer = await self._authorised(call, {}, write=False)
        if not answer.is_success and answer.status != 404:
            raise self._failure(answer, write=False)
        return answer

    async def _authorised(
        self, call: Callable[[Mapping[str, str]], Awaitable[Answer]], extra: Mapping[str, str], *, write: bool
    ) -> Answer:
        token = await self.tokens.token()
        answer = await call(self._headers(token, extra))
        if answer.status != 401 or not is_token_refused(failure_of(answer, write=write)):
            return answer
        self.tokens.drop(token)
        return await call(self._headers(await self.tokens.token(), extra))

    def _headers(self, token: str, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Ocp-Apim-Subscription-Key": self._subscription_key,
            "Accept": "application/json",
            **extra,
        }

    def _failure(self, answer: Answer, *, write: bool) -> Exception:
        failure = failure_of(answer, write=write)
        pause = pause_after(failure)
        if pause is not None:
            self._pacer.pause(pause)
        return failure


def parse(answer: Answer, shape: type[T]) -> T:
    """The body of a 2xx answer in that shape; raises the failure of any other answer."""
    if not answer.is_success:
        raise failure_of(answer, write=False)
    try:
        adapter: TypeAdapter[T] = _adapter(cast(Hashable, shape))
        return adapter.validate_python(decode(answer.body))
    except ValidationError as failure:
        raise _unreadable(_first_problem(failure)) from failure
    except ValueError as failure:
        raise _unreadable("geen JSON") from failure


def _read_row(row: type[M], item: object) -> M:
    try:
        return row.model_validate(item)
    except ValidationError as failure:
        raise _unreadable(_first_problem(failure)) from failure


def _first_problem(failure: ValidationError) -> str:
    first = failure.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


@lru_cache(maxsize=64)
def _adapter(shape: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, shape))


def _unreadable(what: str) -> NotSent:
    return NotSent(Code.UNAVAILABLE, f"onleesbaar antwoord: {what}", scope=Scope.ADMINISTRATION)
