"""The way a request takes to a package: httpx's API on aiohttp, or another httpx transport in its place.

A line makes one request and reads its whole answer. It repeats nothing and judges nothing: what goes wrong
is raised as the library below says it, and `vendors.transport` decides whether anything was sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from vendors.answer import Answer

LONGEST_CONNECT = 10.0


class TooLarge(Exception):
    """The answer is larger than we are willing to hold."""


class Line:
    """Makes requests.

    They go to the transport without a client: what a client adds (redirects, cookies, its own
    authentication) must not happen here.
    """

    def __init__(self, timeout: float, max_bytes: int, inner: httpx.AsyncBaseTransport | None = None) -> None:
        """`timeout` in seconds limits each part of an exchange; `inner` takes our connections' place."""
        self._inner = inner or AiohttpTransport(client=_session, verify=shared_ssl_context())
        self._max_bytes = max_bytes
        limits = httpx.Timeout(timeout, connect=min(LONGEST_CONNECT, timeout))
        self._extensions = {"timeout": limits.as_dict()}

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        """One request and its whole answer; raises `TooLarge` and what the transport raises."""
        request = httpx.Request(
            method, _parsed(url), headers=headers, content=content, extensions=self._extensions
        )
        response = await self._inner.handle_async_request(request)
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_bytes():
                size += len(part)
                if size > self._max_bytes:
                    raise TooLarge(f"antwoord groter dan {self._max_bytes} bytes")
                parts.append(part)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, b"".join(parts))

    async def close(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


@lru_cache(maxsize=1)
def shared_ssl_context() -> ssl.SSLContext:
    """One context for the whole process: making one costs more than a hundred calls."""
    return httpx.create_ssl_context()


@lru_cache(maxsize=1024)
def _parsed(url: str) -> httpx.URL:
    """Documents go to few addresses; parsing one costs a tenth of a call."""
    return httpx.URL(url)


def _session() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15, ssl=shared_ssl_context()),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # aiohttp sends a PUT or DELETE again by itself when a kept connection turns out to be closed; a
    # write is never repeated here, and aiohttp has no public switch for it.
    session._retry_connection = False
    return session
