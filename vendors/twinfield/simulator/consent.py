"""The page where a user allows an application to act for an organisation.

There is nobody to log in to a simulator: with one organisation, or with one named in `acr_values` by the
id of its company, consent is given at once; else a page offers the organisations as links.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from vendors.twinfield.simulator.login import Login
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.settings import DEFAULT_SCOPES

MANDATORY = ("client_id", "redirect_uri", "response_type", "scope", "nonce")


def authorize(request: web.Request, companies: Mapping[str, TwinfieldOffice], login: Login) -> web.Response:
    """Answer `connect/authorize`: back to the application with a code, a page to choose on, or an error."""
    query = request.query
    missing = [name for name in MANDATORY if not query.get(name)]
    redirect = query.get("redirect_uri", "")
    if missing or query.get("client_id") != login.client_id or not urlsplit(redirect).netloc:
        return _page(400, f"<p>invalid_request {escape(' '.join(missing))}</p>")
    scopes = tuple(query["scope"].split())
    if query["response_type"] != "code":
        return _back(redirect, error="unsupported_response_type", state=query.get("state", ""))
    if not set(scopes) <= set(DEFAULT_SCOPES) or "twf.organisationUser" not in scopes:
        return _back(redirect, error="invalid_scope", state=query.get("state", ""))
    organisations = {company.organisation.code: company for company in companies.values()}
    chosen = companies.get(query.get("acr_values", ""))
    if chosen is None and len(organisations) == 1:
        chosen = next(iter(organisations.values()))
    if chosen is None:
        links = "".join(
            f'<li><a href="?{escape(urlencode({**query, "acr_values": company.id}))}">'
            f"{escape(company.name)} ({escape(code)})</a></li>"
            for code, company in organisations.items()
        )
        return _page(200, f"<h1>Twinfield</h1><ul>{links}</ul>")
    code = login.consent(chosen.organisation, redirect, scopes)
    return _back(redirect, code=code, state=query.get("state", ""))


def _back(redirect: str, **values: str) -> web.Response:
    joint = "&" if urlsplit(redirect).query else "?"
    sent = {name: value for name, value in values.items() if value}
    return web.Response(status=302, headers={"Location": f"{redirect}{joint}{urlencode(sent)}"})


def _page(status: int, inner: str) -> web.Response:
    return web.Response(
        status=status, text=f"<!DOCTYPE html><html><body>{inner}</body></html>", content_type="text/html"
    )
