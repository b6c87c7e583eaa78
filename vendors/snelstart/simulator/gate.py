"""What SnelStart checks before a call reaches the API: subscription key, token, scopes, call limits."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs

from aiohttp import web

from vendors.simulation.simulator import Stage
from vendors.snelstart.simulator.company import SnelStartCompany
from vendors.snelstart.simulator.problems import Rejection, gateway, token_error

LIMITS = {"productie": (500, 5000, 50), "ontwikkeling": (100, 1000, 5)}
"""Calls per minute, per hour and at once, by product."""

HOUR = 3600.0


@dataclass(frozen=True)
class Token:
    """An access token that was given out."""

    company: str
    scopes: frozenset[str]
    expires_at: float


class Tokens:
    """The token endpoint's memory."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tokens: dict[str, Token] = {}

    def give(self, company: SnelStartCompany) -> dict[str, object]:
        """A new token, as the endpoint answers it."""
        expires = self._stage.clock() + timedelta(seconds=company.settings.token_seconds)
        claims = {
            "scopes": company.settings.scopes,
            "exp": int(expires.timestamp()),
            "jti": self._stage.new_id(),
        }
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        token = ".".join([*encoded, self._stage.new_secret()])
        self._tokens[token] = Token(company.id, frozenset(company.settings.scopes), expires.timestamp())
        return {"access_token": token, "token_type": "bearer", "expires_in": company.settings.token_seconds}

    def company_of(self, request: web.Request) -> str | None:
        """Whose token a call carries, valid or not."""
        token = self._tokens.get(bearer(request) or "")
        return None if token is None else token.company

    def check(self, request: web.Request, scopes: tuple[str, ...]) -> str:
        """The company of a valid token with these scopes.

        Raises:
            Rejection: 401 when there is no valid token, 403 when a scope lacks.
        """
        token = self._tokens.get(bearer(request) or "")
        if token is None or token.expires_at <= self._stage.clock().timestamp():
            raise Rejection(
                401, {"Message": "Authorization has been denied for this request."}, detail="no valid token"
            )
        missing = [scope for scope in scopes if scope not in token.scopes]
        if missing:
            body = {"Message": f"Missing scope: {' '.join(missing)}"}
            raise Rejection(403, body, detail=f"missing scope {missing}")
        return token.company

    def revoke(self, company: str) -> None:
        """Make every token of a company invalid."""
        self._tokens = {text: token for text, token in self._tokens.items() if token.company != company}


def bearer(request: web.Request) -> str | None:
    """The token of the Authorization header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def check_subscription_key(request: web.Request, key: str) -> None:
    """The integrator's key, in the header or the query.

    Raises:
        Rejection: 401 in the words of API Management.
    """
    sent = request.headers.get("Ocp-Apim-Subscription-Key") or request.query.get("subscription-key")
    if not sent:
        raise gateway(
            401,
            "Access denied due to missing subscription key. Make sure to include subscription key when "
            "making requests to an API.",
        )
    if sent != key:
        raise gateway(
            401,
            "Access denied due to invalid subscription key. Make sure to provide a valid key for an active "
            "subscription.",
        )


def check_limits(company: SnelStartCompany, now: float) -> None:
    """Count a call against the limits of the administration.

    Raises:
        Rejection: 429, or 403 for the hourly limit as a quota.
    """
    settings = company.settings
    if settings.limits == "off":
        return
    per_minute, per_hour, at_once = LIMITS[settings.limits]
    recent = company.recent
    while recent and recent[0] <= now - HOUR:
        recent.popleft()
    if company.under_way > at_once:
        raise _too_many(company, 1)
    if len(recent) >= per_hour:
        seconds = math.ceil(recent[0] + HOUR - now)
        if settings.hourly_limit_form == "403":
            left = str(timedelta(seconds=seconds)).zfill(8)
            raise gateway(
                403,
                f"Out of call volume quota. Quota will be replenished in {left}.",
                {"Retry-After": str(seconds)},
            )
        raise _too_many(company, seconds)
    if len(recent) >= per_minute and recent[-per_minute] > now - 60:
        raise _too_many(company, math.ceil(recent[-per_minute] + 60 - now))
    recent.append(now)


def _too_many(company: SnelStartCompany, seconds: int) -> Rejection:
    headers = {"Retry-After": str(seconds)} if company.settings.limit_retry_after else {}
    return gateway(429, f"Rate limit is exceeded. Try again in {seconds} seconds.", headers)


def requested_key(body: bytes) -> str:
    """The koppelsleutel that a token call names.

    Raises:
        Rejection: 400, the grant is not one of the two that exist.
    """
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    match form.get("grant_type"):
        case "clientkey":
            return form.get("clientkey", "")
        case "password":
            pair = f"{form.get('username', '')}:{form.get('password', '')}"
            return base64.b64encode(pair.encode()).decode()
    raise token_error(400, "unsupported_grant_type")
