"""The control interface over HTTP, under `/_simulator/`; the same for every package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from vendors.simulation import contract
from vendors.simulation.books import ZERO, BookedDocument, Payment, Role
from vendors.simulation.schema import control_schema
from vendors.simulation.simulator import Company, Simulator, Stage


class Refusal(Exception):
    """A request to the control interface that cannot be met."""

    def __init__(self, status: int, error: str, details: list[str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.details = details or []


M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request, str | None], Awaitable[BaseModel | web.Response]]


class Control:
    """Answers the control interface of one server."""

    def __init__(
        self, stage: Stage, simulators: Mapping[str, Simulator], base_url: Callable[[], str]
    ) -> None:
        self._stage = stage
        self._simulators = simulators
        self._base_url = base_url
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", "books"): self._books,
            ("POST", "payments"): self._pay,
            ("POST", "faults"): self._arm,
            ("GET", "faults"): self._faults,
            ("DELETE", "faults"): self._clear,
            ("POST", "reset"): self._reset,
            ("GET", "log"): self._log,
            ("POST", "companies"): self._create,
            ("GET", "companies"): self._companies,
            ("POST", "settings"): self._change_settings,
            ("GET", "schema"): self._schema,
        }

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer one request; `path` is what follows `/_simulator/`."""
        name, _, rest = path.partition("/")
        handler = self._routes.get((request.method, name))
        try:
            if handler is None:
                raise Refusal(404, f"no {request.method} /_simulator/{path}")
            answer = await handler(request, rest or None)
        except Refusal as refusal:
            problem = contract.Problem(error=str(refusal), details=refusal.details)
            return _json(problem, refusal.status)
        return answer if isinstance(answer, web.Response) else _json(answer)

    def _all(self) -> list[tuple[Simulator, Company]]:
        return [
            (simulator, company)
            for simulator in self._simulators.values()
            for company in simulator.companies.values()
        ]

    def _find(self, identifier: str) -> tuple[Simulator, Company]:
        for simulator in self._simulators.values():
            company = simulator.companies.get(identifier)
            if company is not None:
                return simulator, company
        raise Refusal(404, f"no company {identifier!r}")

    def _url(self, simulator: Simulator) -> str:
        return f"{self._base_url()}/{simulator.package}"

    async def _books(self, request: web.Request, _rest: str | None) -> BaseModel:
        wanted = request.query.get("company")
        chosen = self._all() if wanted is None else [self._find(wanted)]
        package = request.query.get("package")
        return contract.BooksAnswer(
            companies=[
                self._one_set_of_books(simulator, company)
                for simulator, company in chosen
                if package is None or simulator.package == package
            ]
        )

    def _one_set_of_books(self, simulator: Simulator, company: Company) -> contract.CompanyBooks:
        books = company.books
        overlaps = self._stage.writes.overlaps.get(company.id, [])
        documents = list(books.documents.values())
        return contract.CompanyBooks(
            company=company.id,
            package=simulator.package,
            name=company.name,
            debtors=list(books.relations[Role.DEBTOR].values()),
            creditors=list(books.relations[Role.CREDITOR].values()),
            sales=[document for document in documents if document.direction == "sales"],
            purchases=[document for document in documents if document.direction == "purchase"],
            doubles=books.doubles(),
            arrivals=books.arrivals,
            overlapping_writes=contract.OverlapsAnswer(count=len(overlaps), list=overlaps),
            reports=company.reports(),
        )

    async def _pay(self, request: web.Request, _rest: str | None) -> BaseModel:
        wanted = await _read(request, contract.PaymentRequest)
        _, company = self._find(wanted.company)
        now = self._stage.clock()
        if wanted.reverse is not None:
            document, payment = self._reversal(company, wanted, now)
        else:
            document = _document(company, wanted)
            amount = document.open if wanted.amount == "rest" else wanted.amount
            payment = self._payment(wanted, amount, now, None)
        company.books.pay(document, payment)
        company.was_paid(document)
        return contract.PaymentAnswer(
            payment=payment.id,
            document=document.id,
            number=document.number,
            gross=document.gross,
            paid=document.paid,
            open=document.open,
        )

    def _reversal(
        self, company: Company, wanted: contract.PaymentRequest, now: datetime
    ) -> tuple[BookedDocument, Payment]:
        found = company.books.payment(wanted.reverse or "")
        if found is None:
            raise Refusal(404, f"no payment {wanted.reverse!r}")
        document, earlier = found
        if any(payment.reverses == earlier.id for payment in document.payments):
            raise Refusal(409, f"payment {earlier.id} was reversed before")
        return document, self._payment(wanted, -earlier.amount, now, earlier.id)

    def _payment(
        self, wanted: contract.PaymentRequest, amount: Decimal, now: datetime, reverses: str | None
    ) -> Payment:
        if amount != amount.quantize(ZERO):
            raise Refusal(422, f"amount {amount} has more than two decimals")
        return Payment(
            id=self._stage.new_id(),
            amount=amount,
            date=wanted.date or now.date(),
            settled_by=wanted.settled_by,
            reverses=reverses,
            created_at=now,
        )

    async def _arm(self, request: web.Request, _rest: str | None) -> BaseModel:
        wanted = await _read(request, contract.FaultRequest)
        if wanted.company is not None:
            self._find(wanted.company)
        if wanted.package is not None and wanted.package not in self._simulators:
            raise Refusal(404, f"no package {wanted.package!r}")
        return self._stage.faults.answer(self._stage.faults.arm(wanted))

    async def _faults(self, _request: web.Request, rest: str | None) -> BaseModel:
        faults = self._stage.faults.answers()
        if rest is None:
            return contract.FaultsAnswer(faults=faults)
        for fault in faults:
            if fault.fault == rest:
                return fault
        raise Refusal(404, f"no fault {rest!r}")

    async def _clear(self, _request: web.Request, rest: str | None) -> BaseModel:
        if not self._stage.faults.clear(rest):
            raise Refusal(404, f"no fault {rest!r}")
        return contract.Done()

    async def _reset(self, request: web.Request, _rest: str | None) -> BaseModel:
        wanted = await _read(request, contract.ResetRequest)
        chosen = self._all() if wanted.company is None else [self._find(wanted.company)]
        chosen = [pair for pair in chosen if wanted.package in {None, pair[0].package}]
        ids = {company.id for _, company in chosen}
        packages = set(self._simulators) if wanted.package is None else {wanted.package}
        whole = wanted.company is None
        for simulator, company in chosen:
            company.empty()
            self._stage.writes.overlaps.pop(company.id, None)
            if wanted.companies:
                simulator.forget_company(company.id)
        self._stage.faults.forget(
            lambda fault: (
                fault.company in ids
                or (
                    whole
                    and fault.company is None
                    and (fault.package in packages or (fault.package is None and wanted.package is None))
                )
            )
        )
        self._stage.log.forget(lambda call: call.company in ids or (whole and call.package in packages))
        return contract.Done()

    async def _log(self, request: web.Request, _rest: str | None) -> BaseModel:
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise Refusal(422, "since is the seq of a call")
        calls = self._stage.log.since(
            int(since), request.query.get("company"), request.query.get("operation")
        )
        return contract.LogAnswer(calls=calls, last=self._stage.log.last)

    async def _create(self, request: web.Request, _rest: str | None) -> BaseModel:
        wanted = await _read(request, contract.NewCompany)
        simulator = self._simulators.get(wanted.package)
        if simulator is None:
            raise Refusal(404, f"no package {wanted.package!r}")
        if wanted.id is not None and any(wanted.id == company.id for _, company in self._all()):
            raise Refusal(409, f"company {wanted.id!r} exists")
        try:
            company = simulator.create_company(wanted)
        except ValidationError as error:
            raise _invalid(error) from error
        except ValueError as error:
            raise Refusal(422, str(error)) from error
        return company.describe(self._url(simulator))

    async def _companies(self, _request: web.Request, rest: str | None) -> BaseModel:
        if rest is not None:
            simulator, company = self._find(rest)
            return company.describe(self._url(simulator))
        return contract.CompaniesAnswer(
            companies=[company.describe(self._url(simulator)) for simulator, company in self._all()]
        )

    async def _change_settings(self, request: web.Request, _rest: str | None) -> BaseModel:
        wanted = await _read(request, contract.SettingsRequest)
        simulator, company = self._find(wanted.company)
        try:
            company.change_settings(wanted.settings)
        except ValidationError as error:
            raise _invalid(error) from error
        return company.describe(self._url(simulator))

    async def _schema(self, _request: web.Request, _rest: str | None) -> web.Response:
        return web.json_response(control_schema())


def _document(company: Company, wanted: contract.PaymentRequest) -> BookedDocument:
    if wanted.document is not None:
        document = company.books.documents.get(wanted.document)
        if document is None:
            raise Refusal(404, f"no document {wanted.document!r}")
        return document
    found = company.books.numbered(wanted.direction, wanted.number or "")
    if not found:
        raise Refusal(404, f"no {wanted.direction} document {wanted.number!r}")
    if len(found) > 1:
        raise Refusal(409, f"{wanted.number!r} is there {len(found)} times: name the document id")
    return found[0]


async def _read(request: web.Request, model: type[M]) -> M:
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> Refusal:
    details = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    return Refusal(422, "the request is not valid", details)


def _json(answer: BaseModel, status: int = 200) -> web.Response:
    return web.Response(status=status, text=answer.model_dump_json(), content_type="application/json")
