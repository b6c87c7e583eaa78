"""HTTP to a package: the one place that decides whether a request may have had an effect.

`Transport` sends requests over a line (`vendors.line`). Reads are repeated where that can help; a write
is never repeated, and it is `NotSent` only when the connection was never made. A status code, whatever
it says, is returned as an `Answer`: what it means is the business of each package's `errors.py`. The
exception is 429, which every package means alike.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Self

import aiohttp
import httpx
import tenacity

from schemas.outcome import Code
from telemetry import tracing
from vendors.answer import Answer, Call
from vendors.failure import NotSent, Refused, Scope, Uncertain
from vendors.line import Line, TooLarge
from vendors.pacing import Monotonic, Pacer, Sleep

READ_ATTEMPTS = 4
FIRST_WAIT = 0.2
MAX_BYTES = 32 * 1024 * 1024
_HEADERS = {"Accept-Encoding": "gzip", "User-Agent": "enk-koppeling"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\uffff]")

# These come out of aiohttp's connector alone, so they prove that nothing was sent.
_NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
_NEVER_CONNECTED_HTTPX = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class _NoAnswerError(Exception):
    """The request ended without a complete answer; `sent` is False only when that is proven."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class _TryAgainError(Exception):
    """An answer to a read that says: later."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Transport:
    """Calls of one connection (an app at a vendor × the vendor's user).

    Args:
        timeout: the longest one request may take, from connecting to the last byte.
        guard: called immediately before each write; raises `NotSent` when the lease has too little
            time left.
        on_call: told about every request made, for metrics.
        package: whose calls these are, for traces.
        send_traceparent: whether requests carry the trace that they are made for (W3C Trace Context).
        max_bytes: the largest answer that is accepted.
        sleep: waits between repeats of a read.
        clock: monotonic seconds, for `on_call`.
        inner: another way to the package (a relay at the customer) instead of our own connections.
    """

    def __init__(
        self,
        *,
        timeout: timedelta = timedelta(seconds=30),
        guard: Callable[[], None] | None = None,
        on_call: Callable[[Call], None] | None = None,
        max_bytes: int = MAX_BYTES,
        sleep: Sleep = asyncio.sleep,
        clock: Monotonic = time.monotonic,
        inner: httpx.AsyncBaseTransport | None = None,
        package: str = "",
        send_traceparent: bool = True,
    ) -> None:
        self.guard = guard
        self._timeout = timeout.total_seconds()
        self._on_call = on_call
        self._clock = clock
        self._sleep = sleep
        self._package = package
        self._trace = tracing.outgoing if send_traceparent else dict
        self._line = Line(self._timeout, max_bytes, inner)
        self._again = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((_NoAnswerError, _TryAgainError)),
            stop=tenacity.stop_after_attempt(READ_ATTEMPTS - 1),
            wait=tenacity.wait_exponential_jitter(multiplier=2 * FIRST_WAIT, max=5, jitter=0.3),
            sleep=sleep,
            reraise=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()

    async def read(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        pacer: Pacer | None = None,
        background: bool = False,
    ) -> Answer:
        """Make a call without effect; a time-out, a cut connection, 408 and 5xx are tried again.

        Returns:
            The last answer, whatever its status, except 429.

        Raises:
            NotSent: there was no answer (`unavailable`), or our own budget is spent (`rate_limited`).
            Refused: 429.
        """
        _check_headers(headers)

        async def attempt() -> Answer:
            answer = await self._send(operation, method, url, headers, content, pacer, background=background)
            if answer.status == 408 or answer.status >= 500:
                raise _TryAgainError(answer)
            return answer

        try:
            try:
                return await attempt()
            except (_NoAnswerError, _TryAgainError):
                # tenacity only comes in now: it costs a fifth of a call that succeeds
                await self._sleep(FIRST_WAIT)
            return await self._again.copy()(attempt)
        except _TryAgainError as last:
            return last.answer
        except (_NoAnswerError, TooLarge) as failure:
            raise NotSent(Code.UNAVAILABLE, str(failure), scope=Scope.ADMINISTRATION) from failure

    async def write(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        pacer: Pacer | None = None,
    ) -> Answer:
        """Make a call with an effect, once.

        Returns:
            The answer, whatever its status, except 429.

        Raises:
            NotSent: provably no byte was sent (no connection, our own budget, the guard).
            Refused: 429.
            Uncertain: everything else that is not an answer.
        """
        _check_headers(headers)
        try:
            return await self._send(operation, method, url, headers, content, pacer, guard=self.guard)
        except _NoAnswerError as failure:
            if failure.sent:
                raise Uncertain(Code.TIMEOUT_UNCERTAIN, str(failure)) from failure
            raise NotSent(Code.UNAVAILABLE, str(failure), scope=Scope.ADMINISTRATION) from failure
        except TooLarge as failure:
            raise Uncertain(Code.TIMEOUT_UNCERTAIN, str(failure)) from failure

    async def _send(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        pacer: Pacer | None,
        *,
        background: bool = False,
        guard: Callable[[], None] | None = None,
    ) -> Answer:
        async with nullcontext() if pacer is None else pacer.slot(background=background):
            if guard is not None:
                guard()
            started = self._clock()
            status: int | None = None
            try:
                with tracing.call(self._package, operation):
                    answer = await self._exchange(method, url, headers, content)
                    status = answer.status
                    tracing.note(status=status)
            finally:
                if self._on_call is not None:
                    self._on_call(Call(operation, status, self._clock() - started))
        if answer.status == 429:
            pause = answer.retry_after
            if pacer is not None and pause is not None:
                pacer.pause(pause)
            raise Refused(
                Code.RATE_LIMITED, _excerpt(answer.body), retry_after=pause, scope=Scope.ADMINISTRATION
            )
        return answer

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._line.exchange(
                    method, url, {**_HEADERS, **headers, **self._trace()}, content
                )
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError) as failure:
            raise _NoAnswerError(_describe(failure), sent=not _never_connected(failure)) from failure
        except TimeoutError as failure:
            # After aiohttp's own errors: those that say "no connection in time" are time-outs too.
            raise _NoAnswerError(f"geen antwoord binnen {self._timeout:g} s", sent=True) from failure
        except OSError as failure:
            raise _NoAnswerError(_describe(failure), sent=not _never_connected(failure)) from failure


def _never_connected(failure: BaseException) -> bool:
    if isinstance(failure, aiohttp.ClientError):
        return isinstance(failure, _NEVER_CONNECTED)
    # An httpx transport that is built on aiohttp may call a cut connection a time-out while connecting.
    cause = failure.__cause__
    if isinstance(cause, aiohttp.ClientError | OSError):
        return isinstance(cause, _NEVER_CONNECTED)
    return isinstance(failure, _NEVER_CONNECTED_HTTPX)


def _describe(failure: BaseException) -> str:
    text = str(failure)
    return f"{type(failure.__cause__ or failure).__name__}: {text}" if text else type(failure).__name__


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if _CONTROL.search(value) or _CONTROL.search(name):
            raise NotSent(Code.INTERNAL, f"kopregel {name!r} bevat een teken dat niet mag")


def _excerpt(body: bytes) -> str | None:
    return body[:500].decode("utf-8", "replace").strip() or None
