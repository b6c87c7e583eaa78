"""The HTTP services of Twinfield: the login server and the clusters, each below its own path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from vendors.simulation.calls import Call
from vendors.simulation.contract import Kind, NewCompany
from vendors.simulation.faults import CallKind, Fault
from vendors.simulation.simulator import Simulator, Stage
from vendors.twinfield.simulator import consent, limits, responses, wsdl
from vendors.twinfield.simulator.login import Login, TokenRefusal
from vendors.twinfield.simulator.messages import Language
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.organisation import Organisation
from vendors.twinfield.simulator.refusal import BadRequest, ClientFault, Denied, TooManyCredits
from vendors.twinfield.simulator.settings import TwinfieldSettings
from vendors.twinfield.simulator.soap_calls import Asked, answer, read_request

LOGIN_PREFIX = "login/auth/authentication/connect/"
SERVICES: Mapping[str, Callable[[str], str]] = {
    "webservices/processxml.asmx": wsdl.process_xml_wsdl,
    "webservices/finder.asmx": wsdl.finder_wsdl,
}
_XML = "text/xml"


class TwinfieldSimulator(Simulator):
    """Twinfield with its login server and any number of clusters.

    Below its prefix: `login/…` stands for login.twinfield.com, `<cluster>/…` for
    `<cluster>.twinfield.com`.
    """

    package: ClassVar[str] = "twinfield"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._companies: dict[str, TwinfieldOffice] = {}
        self._organisations: dict[str, Organisation] = {}
        self.login = Login(stage, self.settings_of)
        self._client = limits.Client()

    @property
    def companies(self) -> Mapping[str, TwinfieldOffice]:
        """Its offices by id."""
        return self._companies

    def settings_of(self, organisation: Organisation) -> TwinfieldSettings:
        """The settings of an organisation are those of its first office."""
        return self._companies[organisation.offices[0]].settings

    def offices_of(self, organisation: Organisation) -> dict[str, TwinfieldOffice]:
        """The offices of an organisation by code."""
        offices = [self._companies[identifier] for identifier in organisation.offices]
        return {office.code: office for office in offices}

    def create_company(self, wanted: NewCompany) -> TwinfieldOffice:
        """Create an office, in an organisation of its own unless its settings name one."""
        identifier = wanted.id or f"twinfield-{len(self._companies) + 1}"
        while identifier in self._companies:
            identifier += "x"
        settings = TwinfieldSettings.model_validate(wanted.settings)
        place = len(self._companies) + 1
        code = settings.office or f"ENK{place:03d}"
        organisation_code = settings.organisation or f"ORG{place:03d}"
        while settings.organisation is None and organisation_code in self._organisations:
            place += 1
            organisation_code = f"ORG{place:03d}"
        organisation = self._organisations.get(organisation_code)
        if organisation is None:
            organisation = self._new_organisation(organisation_code)
        elif settings.office in self.offices_of(organisation):
            raise ValueError(f"office {code} exists in organisation {organisation_code}")
        office = TwinfieldOffice(
            self._stage,
            wanted,
            identifier,
            code,
            organisation,
            (self.login.client_id, self.login.client_secret),
        )
        self._organisations[organisation_code] = organisation
        organisation.offices.append(identifier)
        for refresh in organisation.refresh_tokens:
            self.login.by_refresh_token[refresh] = organisation
        self._companies[identifier] = office
        return office

    def _new_organisation(self, code: str) -> Organisation:
        stage = self._stage
        return Organisation(code, stage.new_id(), "ENKAPI", stage.new_id(), [stage.new_secret()])

    def forget_company(self, company: str) -> None:
        """Delete an office; with the last one, its organisation and its tokens."""
        organisation = self._companies.pop(company).organisation
        organisation.offices.remove(company)
        if not organisation.offices:
            self.login.forget(organisation)
            del self._organisations[organisation.code]

    def restore(self, companies: Mapping[str, TwinfieldOffice]) -> None:
        """Have these offices, with the client registration that they were told."""
        for identifier, office in companies.items():
            organisation = office.organisation
            organisation.in_flight = 0
            self._companies[identifier] = office
            self._organisations[organisation.code] = organisation
            for refresh in organisation.refresh_tokens:
                self.login.by_refresh_token[refresh] = organisation
            self.login.client_id, self.login.client_secret = office.client

    # --- calls ---

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer a call to the login server or to a cluster."""
        body = await request.read()
        if path.startswith(LOGIN_PREFIX):
            return await self._login_call(request, path.removeprefix(LOGIN_PREFIX), body)
        cluster, _, service = path.partition("/")
        describe = SERVICES.get(service)
        if describe is None:
            return web.Response(status=404)
        where = f"{self._url(request)}/{path}"
        if request.method == "GET":
            if "wsdl" not in {name.lower() for name in request.query}:
                return web.Response(status=405)
            return web.Response(text=describe(where), content_type=_XML, charset="utf-8")
        if request.method != "POST":
            return web.Response(status=405)
        return await self._soap_call(request, cluster, service, where, body)

    def _url(self, request: web.Request) -> str:
        return f"{request.url.origin()}/{self.package}"

    async def _login_call(self, request: web.Request, action: str, body: bytes) -> web.Response:
        if action == "authorize":
            return consent.authorize(request, self._companies, self.login)
        if action == "token" and request.method == "POST":
            organisation = self.login.requested(body)
            operation, kind = "token.POST", CallKind.TOKEN
        elif action in {"accesstokenvalidation", "userinfo"} and request.method == "GET":
            token = self.login.token(self._offered(request, action))
            organisation = token.organisation if token else None
            operation, kind = f"{action}.GET", CallKind.READ
        else:
            return web.Response(status=404)
        company = organisation.offices[0] if organisation and organisation.offices else None
        call = Call(self.package, company, operation, kind, request)
        return await self._stage.calls.perform(call, lambda: self._login(call, action, body), self)

    @staticmethod
    def _offered(request: web.Request, action: str) -> str:
        if action == "accesstokenvalidation":
            return request.query.get("token", "")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    def _login(self, call: Call, action: str, body: bytes) -> web.Response:
        request = call.request
        if action == "token":
            try:
                return responses.as_json(200, self.login.give(request.headers.get("Authorization"), body))
            except TokenRefusal as refusal:
                call.detail = str(refusal)
                return responses.as_json(400, {"error": str(refusal)})
        token = self.login.token(self._offered(request, action))
        if token is None or not self.login.is_valid(token):
            call.detail = "no valid token"
            if action == "userinfo":
                return web.Response(status=401)
            return responses.as_json(400, {"Message": "invalid_token"})
        cluster = f"{self._url(request)}/{self.settings_of(token.organisation).cluster}"
        claims = self.login.claims(token, f"{self._url(request)}/login/auth/authentication", cluster)
        if action == "userinfo":
            claims = {name: value for name, value in claims.items() if name == "sub" or "." in name}
        return responses.as_json(200, claims)

    async def _soap_call(
        self, request: web.Request, cluster: str, service: str, where: str, body: bytes
    ) -> web.Response:
        asked = read_request(request, service, body)
        token = self.login.token(asked.token)
        organisation = token.organisation if token else None
        name = None
        if organisation is not None and organisation.offices:
            office = self.offices_of(organisation).get(asked.office)
            name = office.id if office else organisation.offices[0]
        call = Call(self.package, name, asked.operation, asked.kind, request)
        counted = [one for one in (self._client, organisation) if one is not None]
        for one in counted:
            one.in_flight += 1
        try:
            return await self._stage.calls.perform(
                call, lambda: self._soap(call, asked, cluster, where), self
            )
        finally:
            for one in counted:
                one.in_flight -= 1

    def _soap(self, call: Call, asked: Asked, cluster: str, where: str) -> web.Response:
        language = self._language_of(asked)
        headers: dict[str, str] = {}
        try:
            if isinstance(asked.problem, BadRequest | ClientFault):
                raise asked.problem
            organisation = self._admitted(asked, cluster)
            if asked.problem is not None:
                raise asked.problem
            settings = self.settings_of(organisation)
            now = self._stage.clock().timestamp()
            bill = limits.charge(self._client, organisation, asked.kind, now, settings.limits)
            headers = bill.headers() if bill else {}
            text, refused = answer(asked, self.offices_of(organisation), language)
            call.detail, call.refused = refused or None, bool(refused)
            return web.Response(text=text, content_type=asked.media, charset="utf-8", headers=headers)
        except BadRequest as problem:
            call.detail = problem.detail
            return web.Response(status=400)
        except ClientFault as problem:
            call.detail = problem.text
            return responses.web_server_fault(asked, problem.text)
        except TooManyCredits as problem:
            call.detail = "429"
            return web.Response(status=429, headers={"Retry-After": str(problem.seconds)})
        except Denied as problem:
            call.detail = problem.detail
            return responses.denied(asked, problem, language, where, headers)

    def _language_of(self, asked: Asked) -> Language:
        """That of the user; English while nobody is known."""
        token = self.login.token(asked.token)
        return "en" if token is None else self.settings_of(token.organisation).language

    def _admitted(self, asked: Asked, cluster: str) -> Organisation:
        """Whose call it is.

        Raises:
            Denied: no token, or not a valid one; the wrong cluster; no access.
        """
        if not asked.token:
            raise Denied(101, "Access denied. AccessToken missing in request header.")
        token = self.login.token(asked.token)
        if token is None:
            raise Denied(354)
        settings = self.settings_of(token.organisation)
        if not self.login.is_valid(token):
            raise Denied(354 if settings.expired_token_answer == "http" else 103)
        if "twf.organisationUser" not in token.scopes:
            raise Denied(351)
        if cluster != settings.cluster:
            raise Denied(108)
        if settings.access_code is not None:
            raise Denied(settings.access_code)
        if asked.company and asked.company not in self.offices_of(token.organisation):
            raise Denied(109)
        return token.organisation

    def faulted(self, fault: Fault, call: Call) -> web.Response:
        """As the vendor words it, where it has words of its own."""
        if fault.request.kind is Kind.TOKEN_REVOKED:
            company = self._companies.get(call.company or "")
            if company is not None:
                self.login.revoke(company.organisation)
        return responses.ordered(fault.request, call) or super().faulted(fault, call)


def create_simulator(stage: Stage, folder: Path) -> TwinfieldSimulator:
    """The simulator of this package; it needs no folder."""
    del folder
    return TwinfieldSimulator(stage)
