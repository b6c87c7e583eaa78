"""Access to one organisation: refresh token → access token → the cluster that holds the organisation.

Facts: vendor's article on OpenID Connect. An access token lives an hour; a refresh token lives for years and
belongs to one user of one organisation. That it stays the same at a refresh is not documented: one that
comes back is used from then on, and `keep` may store it before it is. Only the validation of an access
token tells the cluster, and sometimes it leaves it out: then the last one known is used.

A refused refresh token is not offered again: only new consent, or the engine's own probe of a held
administration (`retry_refused`), opens the way to the token endpoint again.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import SecretStr

from schemas.outcome import Code, WhoActs
from telemetry import metrics
from vendors.answer import Answer
from vendors.failure import Failure, NotSent, Refused, Scope
from vendors.pacing import Monotonic
from vendors.transport import Transport
from vendors.twinfield.wire import plain

LOGIN_URL = "https://login.twinfield.com"
RENEW_EARLY = 60.0
CLUSTER_ATTEMPTS = 3
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class App:
    """Our client registration at the vendor, and where people log in."""

    client_id: str
    client_secret: SecretStr
    login_url: str = LOGIN_URL

    def address(self, name: str) -> str:
        """Where one of the login's services is."""
        return f"{self.login_url}/auth/authentication/connect/{name}"

    @property
    def basic(self) -> str:
        """The `Authorization` of token calls."""
        pair = f"{self.client_id}:{self.client_secret.get_secret_value()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@dataclass(frozen=True)
class Organisation:
    """Whose data a token opens."""

    code: str
    id: str
    user: str


@dataclass(frozen=True)
class Grant:
    """An access token, the cluster to use it at, and the monotonic second from which it is not used."""

    token: str
    cluster: str
    organisation: Organisation
    until: float


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint gave."""

    access: str
    seconds: float
    refresh: SecretStr | None


Keep = Callable[[SecretStr], Awaitable[None]]
"""Stores a refresh token that differs from the one before it."""


class TokenSource:
    """Hands out the current grant; one refresh at a time, however many callers wait."""

    def __init__(
        self,
        transport: Transport,
        app: App,
        refresh_token: SecretStr,
        clock: Monotonic,
        *,
        fallback_cluster: str | None = None,
        keep: Keep | None = None,
    ) -> None:
        self._transport = transport
        self._app = app
        self._refresh_token = refresh_token
        self._clock = clock
        self._cluster = fallback_cluster
        self._keep = keep
        self._grant: Grant | None = None
        self._refusal: Refused | None = None
        self._lock = asyncio.Lock()

    async def grant(self) -> Grant:
        """A grant that is good for at least a minute.

        Raises:
            Refused: the consent or our registration is not accepted (`auth_revoked`), now or before.
            NotSent: the login does not answer as it should (`unavailable`, `rate_limited`).
        """
        if self._grant is not None and self._clock() < self._grant.until:
            return self._grant
        async with self._lock:
            if self._grant is None or self._clock() >= self._grant.until:
                given = metrics.TOKEN_REFRESHES
                try:
                    self._grant = await self._renew()
                except Failure:
                    given.labels("twinfield", "no").inc()
                    raise
                given.labels("twinfield", "yes").inc()
            return self._grant

    def drop(self, grant: Grant) -> None:
        """Forget a grant that was refused, unless it has been replaced already."""
        if self._grant is grant:
            self._grant = None

    def retry_refused(self) -> None:
        """Allow one more attempt with a refresh token that was refused."""
        self._refusal = None

    async def _renew(self) -> Grant:
        if self._refusal is not None:
            raise _again(self._refusal)
        asked_at = self._clock()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token.get_secret_value(),
        }
        try:
            tokens = await ask_for_tokens(self._transport, self._app, form)
        except Refused as refusal:
            self._refusal = refusal
            raise
        if tokens.refresh is not None and tokens.refresh != self._refresh_token:
            if self._keep is not None:
                await self._keep(tokens.refresh)
            self._refresh_token = tokens.refresh
        organisation = await self._validate(tokens.access)
        assert self._cluster is not None
        until = asked_at + max(1.0, tokens.seconds - RENEW_EARLY)
        return Grant(tokens.access, self._cluster, organisation, until)

    async def _validate(self, access: str) -> Organisation:
        """Who the token is of; sets the cluster."""
        for _ in range(CLUSTER_ATTEMPTS):
            claims = await self._claims(access)
            cluster = _text(claims, "twf.clusterUrl").rstrip("/")
            if cluster:
                self._cluster = cluster
            if self._cluster:
                return Organisation(
                    code=_text(claims, "twf.organisationCode"),
                    id=_text(claims, "twf.organisationId"),
                    user=_text(claims, "twf.organisationUserCode"),
                )
        raise _unavailable("de controle van het token noemt geen cluster")

    async def _claims(self, access: str) -> Mapping[str, object]:
        url = f"{self._app.address('accesstokenvalidation')}?{urlencode({'token': access})}"
        headers = {"Authorization": self._app.basic, "Accept": "application/json"}
        try:
            answer = await self._transport.read("token validation", "GET", url, headers=headers)
        except Failure as failure:
            raise _at_login(failure, access) from None
        if not answer.is_success:
            said = _said(answer).replace(access, "…")
            raise _unavailable(f"HTTP {answer.status} bij de controle van het token {said}".strip())
        claims = _object(answer)
        if claims is None:
            raise _unavailable("de controle van het token geeft geen JSON")
        return claims


async def ask_for_tokens(transport: Transport, app: App, form: Mapping[str, str]) -> Tokens:
    """One call to the token endpoint.

    Raises:
        Refused: what was offered is not accepted (`auth_revoked`).
        NotSent: there is no usable answer.
    """
    headers = {"Authorization": app.basic, "Content-Type": _FORM, "Accept": "application/json"}
    url = app.address("token")
    try:
        answer = await transport.read("token", "POST", url, headers=headers, content=urlencode(form).encode())
    except Failure as failure:
        raise _at_login(failure) from None
    if not answer.is_success:
        raise _refusal(answer, form)
    body = _object(answer) or {}
    access, seconds, refresh = body.get("access_token"), body.get("expires_in"), body.get("refresh_token")
    if not isinstance(access, str) or not access.isascii() or not access.isprintable() or not access.strip():
        raise _unavailable("het antwoord bevat geen token")
    if isinstance(seconds, str) and seconds.isdecimal():
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise _unavailable("het antwoord zegt niet hoe lang het token geldt")
    kept = SecretStr(refresh) if isinstance(refresh, str) and refresh.strip() else None
    return Tokens(access, float(seconds), kept)


def _refusal(answer: Answer, form: Mapping[str, str]) -> Failure:
    error = _text(_object(answer) or {}, "error")
    said = f"HTTP {answer.status} {_said(answer)}".strip()
    for name in ("refresh_token", "code"):
        if form.get(name):
            said = said.replace(form[name], "…")
    if error in ("invalid_client", "unauthorized_client") or answer.status == 401:
        # our own registration, not the customer's consent: only the platform can mend it
        return Refused(Code.AUTH_REVOKED, said, scope=Scope.ADMINISTRATION, who_acts=WhoActs.PLATFORM)
    if error == "invalid_grant":
        return Refused(Code.AUTH_REVOKED, said, scope=Scope.ADMINISTRATION)
    return _unavailable(said, answer)


def _again(refusal: Refused) -> Refused:
    """The same refusal, to be raised by itself."""
    again = Refused(refusal.code, refusal.vendor_message, scope=refusal.scope)
    again.values = refusal.values
    return again


def _unavailable(message: str, answer: Answer | None = None) -> NotSent:
    wait = None if answer is None else answer.retry_after
    return NotSent(Code.UNAVAILABLE, message, retry_after=wait, scope=Scope.ADMINISTRATION)


def _at_login(failure: Failure, secret: str | None = None) -> NotSent:
    """The login did not answer: whatever the token was for was not sent."""
    said = failure.vendor_message
    if said and secret:
        said = said.replace(secret, "…")
    return NotSent(failure.code, said, retry_after=failure.retry_after, scope=Scope.ADMINISTRATION)


def _object(answer: Answer) -> Mapping[str, object] | None:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return plain(value).strip() if isinstance(value, str) else ""


def _said(answer: Answer) -> str:
    body = _object(answer) or {}
    return " ".join(
        filter(None, (_text(body, "error"), _text(body, "error_description"), _text(body, "Message")))
    )
