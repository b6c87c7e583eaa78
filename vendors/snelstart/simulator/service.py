"""The two HTTP services of SnelStart: the token endpoint and B2B API v2, each below its own path."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from vendors.simulation.calls import Call
from vendors.simulation.contract import Kind, NewCompany
from vendors.simulation.faults import CallKind, Fault
from vendors.simulation.simulator import Simulator, Stage
from vendors.snelstart.simulator import gate
from vendors.snelstart.simulator.asked import Asked, Route
from vendors.snelstart.simulator.company import SnelStartCompany
from vendors.snelstart.simulator.problems import Rejection, gateway, token_error
from vendors.snelstart.simulator.resources import ROUTES

TOKEN_PATH = "auth/b2b/token"
API_PREFIX = "api/v2/"


@dataclass(frozen=True)
class Target:
    """What a path of the API names."""

    route: Route | None
    operation: str
    parts: tuple[str, ...]


class SnelStartSimulator(Simulator):
    """SnelStart B2B API v2 with its token endpoint.

    Below its prefix: `auth/b2b/token` stands for auth.snelstart.nl, `api/v2/…` for b2bapi.snelstart.nl/v2.
    """

    package: ClassVar[str] = "snelstart"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._companies: dict[str, SnelStartCompany] = {}
        self._by_key: dict[str, str] = {}
        self._tokens = gate.Tokens(stage)
        self.subscription_key = stage.new_secret()

    @property
    def companies(self) -> Mapping[str, SnelStartCompany]:
        """Its administrations by id."""
        return self._companies

    def create_company(self, wanted: NewCompany) -> SnelStartCompany:
        """Create an administration with its own koppelsleutel."""
        identifier = wanted.id or f"snelstart-{len(self._companies) + 1}"
        while identifier in self._companies:
            identifier += "x"
        pair = f"{self._stage.new_id()}:{self._stage.new_secret()}"
        koppelsleutel = base64.b64encode(pair.encode()).decode()
        company = SnelStartCompany(self._stage, wanted, identifier, koppelsleutel, self.subscription_key)
        self._companies[identifier] = company
        self._by_key[koppelsleutel] = identifier
        return company

    def forget_company(self, company: str) -> None:
        """Delete an administration, its koppelsleutel and its tokens."""
        self._tokens.revoke(company)
        del self._by_key[self._companies.pop(company).koppelsleutel]

    def restore(self, companies: Mapping[str, SnelStartCompany]) -> None:
        """Have these administrations, with the subscription key that they were told."""
        for identifier, company in companies.items():
            company.under_way = 0
            self._companies[identifier] = company
            self._by_key[company.koppelsleutel] = identifier
            self.subscription_key = company.subscription_key

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a call to the token endpoint or to the API."""
        body = await request.read()
        if path == TOKEN_PATH:
            return await self._token_call(request, body)
        if path.startswith(API_PREFIX):
            return await self._api_call(request, path.removeprefix(API_PREFIX), body)
        return _respond(404, {"statusCode": 404, "message": "Resource not found"})

    async def _token_call(self, request: web.Request, body: bytes) -> web.Response:
        try:
            company = self._by_key.get(gate.requested_key(body))
        except Rejection:
            company = None
        call = Call(self.package, company, "token.POST", CallKind.TOKEN, request)
        return await self._stage.calls.perform(
            call, lambda: self._answer(call, lambda: self._token(call, body)), self
        )

    def _token(self, call: Call, body: bytes) -> web.Response:
        if call.request.method != "POST":
            return _respond(405, {"Message": "The requested resource does not support this method."})
        company = self._companies.get(self._by_key.get(gate.requested_key(body), ""))
        if company is None or not company.settings.koppelsleutel_active:
            raise token_error(
                400, "GrantType clientkey was found. Parameter clientkey does not contain a valid value"
            )
        return _respond(200, self._tokens.give(company))

    async def _api_call(self, request: web.Request, path: str, body: bytes) -> web.Response:
        target = find_route(request.method, path)
        name = self._tokens.company_of(request)
        kind = CallKind.READ if request.method in {"GET", "HEAD"} else CallKind.WRITE
        call = Call(self.package, name, target.operation, kind, request)
        company = self._companies.get(name or "")
        if company is not None:
            company.under_way += 1
        try:
            return await self._stage.calls.perform(
                call, lambda: self._answer(call, lambda: self._api(call, target, body)), self
            )
        finally:
            if company is not None:
                company.under_way -= 1

    def _api(self, call: Call, target: Target, body: bytes) -> web.Response:
        request, route = call.request, target.route
        gate.check_subscription_key(request, self.subscription_key)
        if route is None:
            raise gateway(404, "Resource not found")
        if not route.scopes:
            return _respond(*route.answer(Asked(None, target.parts, request.query, body)))
        company = self._companies[self._tokens.check(request, route.scopes)]
        gate.check_limits(company, self._stage.clock().timestamp())
        if request.method in {"POST", "PUT"} and request.content_type not in {
            "application/json",
            "text/json",
        }:
            media = request.content_type
            message = f"The request entity's media type '{media}' is not supported for this resource."
            return _respond(415, {"Message": message})
        return _respond(*route.answer(Asked(company, target.parts, request.query, body)))

    def _answer(self, call: Call, make: Callable[[], web.Response]) -> web.Response:
        try:
            return make()
        except Rejection as rejection:
            call.detail = rejection.detail
            return _respond(rejection.status, rejection.body, rejection.headers)

    def faulted(self, fault: Fault, call: Call) -> web.Response:
        """The vendor's own words for a limit and for a token that is no longer good."""
        wanted = fault.request
        headers = {} if wanted.retry_after is None else {"Retry-After": str(wanted.retry_after)}
        if wanted.kind is Kind.RATE_LIMIT and wanted.status == 403:
            return _respond(
                403, _gateway(403, "Out of call volume quota. Quota will be replenished soon."), headers
            )
        if wanted.kind is Kind.RATE_LIMIT:
            return _respond(
                429,
                _gateway(429, f"Rate limit is exceeded. Try again in {wanted.retry_after or 1} seconds."),
                headers,
            )
        if wanted.kind is Kind.TOKEN_REVOKED:
            if call.company is not None:
                self._tokens.revoke(call.company)
            if call.kind is CallKind.TOKEN:
                error = "GrantType clientkey was found. Parameter clientkey does not contain a valid value"
                return _respond(wanted.status or 400, {"error": error})
            return _respond(401, {"Message": "Authorization has been denied for this request."})
        return super().faulted(fault, call)


def find_route(method: str, path: str) -> Target:
    """What a path below `v2/` names; names of resources are not case-sensitive."""
    parts = [part for part in path.split("/") if part]
    resource = parts[0].lower() if parts else ""
    shape = [resource]
    if len(parts) > 1:
        shape.append("id")
    shape.extend(part.lower() for part in parts[2:])
    name = "/".join(shape)
    route = ROUTES.get((method, name))
    shown = name if method == "GET" or len(parts) > 2 else resource
    return Target(route, f"{shown}.{method}", tuple(parts[1:]))


def _gateway(status: int, message: str) -> dict[str, object]:
    return {"statusCode": status, "message": message}


def _respond(status: int, body: object, headers: Mapping[str, str] | None = None) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    text = _ENCODER.encode(body)
    return web.Response(
        status=status, body=text.encode(), content_type="application/json", charset="utf-8", headers=headers
    )


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        text = value.isoformat(timespec="seconds")
        return f"{text}.{value.microsecond // 10_000:02d}" if value.microsecond else text
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"))


def create_simulator(stage: Stage, folder: Path) -> SnelStartSimulator:
    """The simulator of this package; it needs no folder."""
    del folder
    return SnelStartSimulator(stage)
