"""The login server: consent, tokens, and the validation that names the cluster."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs

from vendors.simulation.simulator import Stage
from vendors.twinfield.simulator.organisation import Organisation
from vendors.twinfield.simulator.settings import TwinfieldSettings

CODE_SECONDS = 300.0
SettingsOf = Callable[[Organisation], TwinfieldSettings]


class TokenRefusal(Exception):
    """HTTP 400 with `{"error": …}`."""


@dataclass(frozen=True)
class Code:
    """A consent that waits to be redeemed, once."""

    organisation: Organisation
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: float


@dataclass(frozen=True)
class Token:
    """An access token that was given out."""

    organisation: Organisation
    scopes: tuple[str, ...]
    given_at: float
    expires_at: float


class Login:
    """What the login server remembers; consents and access tokens are forgotten with the process."""

    def __init__(self, stage: Stage, settings_of: SettingsOf) -> None:
        self._stage = stage
        self._settings_of = settings_of
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}
        self.by_refresh_token: dict[str, Organisation] = {}
        self.client_id = f"enk-{stage.new_secret(8)}"
        self.client_secret = stage.new_secret()

    def consent(self, organisation: Organisation, redirect_uri: str, scopes: tuple[str, ...]) -> str:
        """A user allowed it: a code to redeem."""
        code = self._stage.new_secret()
        self._codes[code] = Code(organisation, redirect_uri, scopes, self._now() + CODE_SECONDS)
        return code

    def requested(self, body: bytes) -> Organisation | None:
        """Whose token a request to the token endpoint is about, if that can be told."""
        form = _form(body)
        code = self._codes.get(form.get("code", ""))
        return code.organisation if code else self.by_refresh_token.get(form.get("refresh_token", ""))

    def give(self, authorization: str | None, body: bytes) -> dict[str, object]:
        """Answer the token endpoint.

        Raises:
            TokenRefusal: the client is not known, or what it offers gives no token.
        """
        if _basic(authorization) != (self.client_id, self.client_secret):
            raise TokenRefusal("invalid_client")
        form = _form(body)
        match form.get("grant_type"):
            case "authorization_code":
                organisation, scopes = self._redeem(form)
                refresh = self._new_refresh_token(organisation) if "offline_access" in scopes else None
            case "refresh_token":
                organisation, refresh = self._refresh(form)
                scopes = tuple(self._settings_of(organisation).scopes)
            case _:
                raise TokenRefusal("unsupported_grant_type")
        return self._answer(organisation, scopes, refresh)

    def _redeem(self, form: Mapping[str, str]) -> tuple[Organisation, tuple[str, ...]]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires_at <= self._now() or form.get("redirect_uri") != code.redirect_uri:
            raise TokenRefusal("invalid_grant")
        if not self._settings_of(code.organisation).consent_active:
            raise TokenRefusal("invalid_grant")
        return code.organisation, code.scopes

    def _refresh(self, form: Mapping[str, str]) -> tuple[Organisation, str]:
        offered = form.get("refresh_token", "")
        organisation = self.by_refresh_token.get(offered)
        if organisation is None or not self._settings_of(organisation).consent_active:
            raise TokenRefusal("invalid_grant")
        if not self._settings_of(organisation).rotate_refresh_tokens:
            return organisation, offered
        del self.by_refresh_token[offered]
        organisation.refresh_tokens.remove(offered)
        return organisation, self._new_refresh_token(organisation)

    def _new_refresh_token(self, organisation: Organisation) -> str:
        refresh = self._stage.new_secret()
        organisation.refresh_tokens.append(refresh)
        self.by_refresh_token[refresh] = organisation
        return refresh

    def _answer(
        self, organisation: Organisation, scopes: tuple[str, ...], refresh: str | None
    ) -> dict[str, object]:
        seconds = self._settings_of(organisation).token_seconds
        expires = self._now() + seconds
        text = _jwt({"exp": int(expires), "scope": list(scopes)}, self._stage.new_secret())
        self._tokens[text] = Token(organisation, scopes, self._now(), expires)
        answer: dict[str, object] = {"access_token": text, "expires_in": seconds, "token_type": "Bearer"}
        if refresh is not None:
            answer["refresh_token"] = refresh
        if "openid" in scopes:
            answer["id_token"] = _jwt({"sub": organisation.subject}, self._stage.new_secret())
        return answer

    def token(self, text: str | None) -> Token | None:
        """A token that was given out, expired or not."""
        return self._tokens.get(text or "")

    def is_valid(self, token: Token) -> bool:
        """Whether it has not expired and its user's consent stands."""
        return token.expires_at > self._now() and self._settings_of(token.organisation).consent_active

    def revoke(self, organisation: Organisation) -> None:
        """Make every access token of an organisation invalid."""
        self._tokens = {
            text: token for text, token in self._tokens.items() if token.organisation is not organisation
        }

    def forget(self, organisation: Organisation) -> None:
        """Forget an organisation."""
        self.revoke(organisation)
        for refresh in organisation.refresh_tokens:
            self.by_refresh_token.pop(refresh, None)

    def claims(self, token: Token, issuer: str, cluster_url: str) -> dict[str, object]:
        """What the validation of a token answers."""
        organisation, settings = token.organisation, self._settings_of(token.organisation)
        claims: dict[str, object] = {
            "aud": f"{issuer}/resources",
            "iss": issuer,
            "nbf": int(token.given_at),
            "exp": int(token.expires_at),
            "client_id": self.client_id,
            "scope": list(token.scopes),
            "sub": organisation.subject,
            "auth_time": int(token.given_at - timedelta(minutes=10).total_seconds()),
            "idp": "idsrv",
            "amr": ["password"],
        }
        if "twf.organisationUser" in token.scopes:
            claims["twf.organisationUserCode"] = organisation.user
        if "twf.organisation" in token.scopes:
            claims |= {
                "twf.organisationCode": organisation.code,
                "twf.organisationId": organisation.id,
            }
            if settings.cluster_claim:
                claims["twf.clusterUrl"] = cluster_url
        return claims

    def _now(self) -> float:
        return self._stage.clock().timestamp()


def _form(body: bytes) -> dict[str, str]:
    try:
        parsed = parse_qs(body.decode("utf-8"))
    except UnicodeDecodeError:
        return {}
    return {name: values[0] for name, values in parsed.items()}


def _basic(header: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _jwt(claims: Mapping[str, object], signature: str) -> str:
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, signature])
