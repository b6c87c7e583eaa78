"""Consent, once, by a person in a browser: the address to open, and the refresh token that its code buys.

Facts: vendor's article on OpenID Connect, authorization-code flow. The redirect address must be the one
registered with our client id, to the letter.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import SecretStr

from schemas.outcome import Code
from vendors.failure import Refused, Scope
from vendors.transport import Transport
from vendors.twinfield.auth import App, ask_for_tokens

SCOPES = ("openid", "twf.user", "twf.organisation", "twf.organisationUser", "offline_access")
"""`twf.organisation` yields the cluster, `offline_access` the refresh token."""


def consent_url(app: App, redirect_uri: str, state: str, nonce: str) -> str:
    """Where the bookkeeper logs in and consents."""
    query = {
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": state,
        "nonce": nonce,
    }
    return f"{app.address('authorize')}?{urlencode(query)}"


def code_from(returned: str, state: str) -> str:
    """The code in the address that the browser was sent back to.

    Raises:
        Refused: consent was not given (`auth_revoked`), or the address answers another question
            (`bad_format`).
    """
    query = parse_qs(urlsplit(returned.strip()).query)
    if query.get("error"):
        raise Refused(Code.AUTH_REVOKED, query["error"][0], scope=Scope.ADMINISTRATION)
    if query.get("state") != [state] or not query.get("code"):
        raise Refused(
            Code.BAD_FORMAT,
            field="code",
            scope=Scope.ADMINISTRATION,
            problem_nl="dit is niet het adres waarnaar Twinfield na uw toestemming doorverwees",
            problem_en="this is not the address that Twinfield redirected to after your consent",
        )
    return query["code"][0]


async def refresh_token_for(transport: Transport, app: App, code: str, redirect_uri: str) -> SecretStr:
    """Exchange a code, once, for the refresh token to store.

    Raises:
        Refused: the code is not accepted, or consent was given without `offline_access`.
        NotSent: the login does not answer as it should.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    tokens = await ask_for_tokens(transport, app, form)
    if tokens.refresh is None:
        raise Refused(
            Code.AUTH_REVOKED, "geen refresh_token: offline_access ontbreekt", scope=Scope.ADMINISTRATION
        )
    return tokens.refresh
