"""The access token of one administration: koppelsleutel → token, cached, renewed early.

Facts: developer portal, "Authenticatie". The koppelsleutel selects the administration; the token lives an
hour and has no refresh token. A refused koppelsleutel is not offered again: only new credentials, or the
engine's own probe of a held administration (`retry_refused`), opens the way to the token endpoint again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from pydantic import SecretStr

from schemas.outcome import Code
from telemetry import metrics
from vendors.answer import Answer
from vendors.failure import Failure, NotSent, Refused, Scope
from vendors.pacing import Monotonic
from vendors.snelstart.errors import SnelStartRefused, parse_errors
from vendors.snelstart.wire import decode
from vendors.transport import Transport

RENEW_EARLY = 60.0
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True)
class Token:
    """A bearer token and the monotonic second from which it is no longer used."""

    value: str
    until: float


class TokenSource:
    """Hands out the current token; one token call at a time, however many callers wait."""

    def __init__(
        self, transport: Transport, auth_url: str, koppelsleutel: SecretStr, clock: Monotonic
    ) -> None:
        self._transport = transport
        self._url = auth_url
        self._koppelsleutel = koppelsleutel
        self._clock = clock
        self._token: Token | None = None
        self._refusal: tuple[Code, str | None] | None = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for at least a minute.

        Raises:
            Refused: SnelStart does not accept the koppelsleutel (`auth_revoked`), now or before.
            NotSent: the token endpoint does not answer as it should (`unavailable`, `rate_limited`).
        """
        if self._token is not None and self._clock() < self._token.until:
            return self._token.value
        async with self._lock:
            if self._token is None or self._clock() >= self._token.until:
                given = metrics.TOKEN_REFRESHES
                try:
                    self._token = await self._fetch()
                except Failure:
                    given.labels("snelstart", "no").inc()
                    raise
                given.labels("snelstart", "yes").inc()
            return self._token.value

    def drop(self, value: str) -> None:
        """Forget a token that the API refused, unless it has been replaced already."""
        if self._token is not None and self._token.value == value:
            self._token = None

    def retry_refused(self) -> None:
        """Allow one more attempt with a koppelsleutel that was refused."""
        self._refusal = None

    async def _fetch(self) -> Token:
        if self._refusal is not None:
            code, message = self._refusal
            raise Refused(code, message, scope=Scope.ADMINISTRATION)
        form = {"grant_type": "clientkey", "clientkey": self._koppelsleutel.get_secret_value()}
        asked_at = self._clock()
        try:
            answer = await self._transport.read(
                "token", "POST", self._url, headers=_HEADERS, content=urlencode(form).encode()
            )
        except Refused as refusal:
            raise NotSent(
                refusal.code,
                refusal.vendor_message,
                retry_after=refusal.retry_after,
                scope=Scope.ADMINISTRATION,
            ) from refusal
        if answer.is_success:
            return self._read(answer, asked_at)
        raise self._failure(answer)

    def _read(self, answer: Answer, asked_at: float) -> Token:
        try:
            body = decode(answer.body)
        except ValueError:
            body = None
        value = body.get("access_token") if isinstance(body, Mapping) else None
        lifetime = body.get("expires_in") if isinstance(body, Mapping) else None
        if isinstance(lifetime, str) and lifetime.isdecimal():
            lifetime = int(lifetime)
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value.strip():
            raise NotSent(Code.UNAVAILABLE, "het antwoord bevat geen token", scope=Scope.ADMINISTRATION)
        if isinstance(lifetime, bool) or not isinstance(lifetime, int | Decimal):
            raise NotSent(
                Code.UNAVAILABLE,
                "het antwoord zegt niet hoe lang het token geldt",
                scope=Scope.ADMINISTRATION,
            )
        return Token(value, asked_at + max(1.0, float(lifetime) - RENEW_EARLY))

    def _failure(self, answer: Answer) -> Failure:
        errors = parse_errors(answer.body)
        if answer.status == 401 or (answer.status == 400 and errors):
            refusal = SnelStartRefused(Code.AUTH_REVOKED, errors or (), scope=Scope.ADMINISTRATION)
            self._refusal = (refusal.code, self._without_secret(refusal.vendor_message))
            return Refused(refusal.code, self._refusal[1], scope=Scope.ADMINISTRATION)
        return NotSent(
            Code.UNAVAILABLE,
            f"HTTP {answer.status} van het tokenadres",
            retry_after=answer.retry_after,
            scope=Scope.ADMINISTRATION,
        )

    def _without_secret(self, message: str | None) -> str | None:
        secret = self._koppelsleutel.get_secret_value()
        return message.replace(secret, "…") if message else message
