"""Connects every announced administration that has no connection to a fresh company in a simulator.

For `up --simulators` and the demo: events of anybody's making run through. A company gets what the documents
that wait for it need (`ops.company_plan`), so it is created when they have been quiet for a moment; what
later documents need is added while they come in, before they are delivered where that can be, else they are
sent again. An administration that somebody disconnected stays disconnected.

Simulators remember their companies and books over a clean stop, a kill -9 of `up` included. When they were
killed themselves, their companies are gone: each administration gets a fresh, empty company under the same
id, and its postings stay as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import structlog
from psycopg.rows import TupleRow
from pydantic import ValidationError

from ledger.administrations import set_mapping
from ledger.open_documents import open_documents
from ledger.overview import PostingFilter, list_postings
from ledger.repair import retry
from ledger.rows import LaneKey
from ledger.unconnected import Unconnected, connected, invoices_after, unconnected
from ledger.work import lane as read_lane
from ops.company_plan import CompanyPlan, company_plan
from ops.connecting import Connector
from ops.packages import PACKAGES
from ops.simulated_company import credentials_of
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Package
from vendors.failure import Failure
from vendors.simulation import PACKAGES_WITH_SIMULATOR

log = structlog.get_logger(__name__)

QUIET_SECONDS = 1.5
FIRST_INVOICE_SECONDS = 4.0
"""How long an administration without any invoice waits for the first, which tells what its company needs."""

PATIENCE_SECONDS = 6.0
"""Connected after so long even when documents keep coming."""

REFUSED_PAUSE_SECONDS = 10.0
EVERY_SECONDS = 0.4
SIMULATED = tuple(package for package in PACKAGES if package in PACKAGES_WITH_SIMULATOR)
UNLIMITED: Mapping[Package, Mapping[str, object]] = {Package.SNELSTART: {"limits": "off"}}
"""A burst of documents must end: calls are not counted unless somebody asks for that."""

EARLIEST = "2000-01-01"
"""The go-live date of an administration for which ENK gave none."""

_OVERLAP = 100
"""Postings are looked at again that have an id a little lower than the last: ids are not commit order."""

_ADDED = frozenset(
    {
        Code.NOT_FOUND_LEDGER_ACCOUNT,
        Code.NOT_FOUND_COST_CENTRE,
        Code.NOT_FOUND_VAT,
        Code.VAT_MISMATCH,
        Code.MAPPING_MISSING,
    }
)
"""Refusals that what was added may have mended."""

_REFUSED_WITHIN_SECONDS = 12.0
_AGAIN_SECONDS = 3.0
_COMPANY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass
class _Watched:
    """An administration that is not connected yet: how many documents it had when last looked, and when."""

    documents: int
    invoices: int
    since: float
    first_seen: float


@dataclass(frozen=True)
class _Expected:
    """A posting that may be refused by lists that were read too early: until when, and when to send again."""

    until: float
    again_at: float


@dataclass(frozen=True)
class Told:
    """Something that was done, for people."""

    key: LaneKey
    company: str
    what: str


class Registry:
    """Which company was made for which administration, remembered in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._companies: dict[LaneKey, str] = {}
        if path.exists():
            stored: dict[str, str] = json.loads(path.read_text())
            for name, company in stored.items():
                administration, _, package = name.rpartition("@")
                self._companies[LaneKey(administration, Package(package))] = company

    def __contains__(self, key: LaneKey) -> bool:
        return key in self._companies

    def __len__(self) -> int:
        return len(self._companies)

    def __iter__(self) -> Iterator[tuple[LaneKey, str]]:
        return iter(list(self._companies.items()))

    def company(self, key: LaneKey) -> str | None:
        """The company of an administration that we connected."""
        return self._companies.get(key)

    def keep(self, key: LaneKey, company: str) -> None:
        """Remember, at once and on disk."""
        self._companies[key] = company
        stored = {f"{key.administration}@{key.package}": name for key, name in self._companies.items()}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(stored, indent=2) + "\n")
        new.replace(self._path)


class Autoconnect:
    """Looks at the ledger again and again, and connects what is announced."""

    def __init__(
        self,
        open_ledger: Callable[[], psycopg.Connection[TupleRow]],
        connector: Connector,
        control: str,
        registry: Registry,
        *,
        extend: bool = True,
        company_settings: Mapping[Package, Mapping[str, object]] | None = None,
        on_told: Callable[[Told], None] = lambda told: None,
        life: Callable[[], object] = lambda: 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to watch.

        Args:
            open_ledger: makes a ledger connection in autocommit mode.
            connector: connects in the name of somebody that the audit shows.
            control: URL of the simulators' control interface.
            registry: which company was made for whom.
            extend: whether companies get what documents need that come after they were connected.
            company_settings: goes over what this decides (the demo leaves SnelStart's limits on).
            on_told: hears what was done.
            life: another value whenever the simulators were started again.
            monotonic: the clock that quiet is measured by.
        """
        self._open_ledger = open_ledger
        self._connector = connector
        self._control = control
        self._registry = registry
        self._extend = extend
        self._company_settings = UNLIMITED if company_settings is None else company_settings
        self._on_told = on_told
        self._monotonic = monotonic
        self._watched: dict[LaneKey, _Watched] = {}
        self._seen: set[int] = set()
        self._expected: dict[str, _Expected] = {}
        self._life = life
        self._life_checked: object = None
        self._http: httpx.AsyncClient | None = None

    def keep(self, stop: threading.Event) -> None:
        """Do so until `stop` is set (in a thread); a ledger or simulator that is away is asked again."""
        asyncio.run(self._keep(stop))

    async def _keep(self, stop: threading.Event) -> None:
        ledger: psycopg.Connection[TupleRow] | None = None
        while not stop.is_set():
            try:
                if ledger is None or ledger.closed:
                    ledger = self._open_ledger()
                await self.step(ledger)
            except (psycopg.OperationalError, psycopg.InterfaceError, httpx.HTTPError) as error:
                log.info("autoconnect.again", cause=type(error).__name__, message=str(error).strip())
                if ledger is not None:
                    ledger.close()
            await asyncio.sleep(EVERY_SECONDS)
        if ledger is not None:
            ledger.close()

    async def step(self, ledger: psycopg.Connection[TupleRow]) -> list[Told]:
        """Look once; what was done."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            self._http = http
            told = await self._reconnect_lost(ledger)
            for found in unconnected(ledger, SIMULATED):
                if found.key not in self._registry and self._may_connect(found):
                    told.append(await self._try_to_connect(ledger, found))
            if self._extend:
                told += await self._add_what_is_missing(ledger)
        for one in told:
            log.info("autoconnect.done", administration=one.key.administration, what=one.what)
            self._on_told(one)
        return told

    def _may_connect(self, found: Unconnected) -> bool:
        now = self._monotonic()
        watched = self._watched.get(found.key)
        if watched is None:
            watched = self._watched[found.key] = _Watched(found.documents, found.invoices, now, now)
        elif (watched.documents, watched.invoices) != (found.documents, found.invoices):
            watched.documents, watched.invoices, watched.since = found.documents, found.invoices, now
        waited = now - watched.first_seen
        is_quiet = now - watched.since >= QUIET_SECONDS
        return waited >= PATIENCE_SECONDS or (
            is_quiet and (found.invoices > 0 or waited >= FIRST_INVOICE_SECONDS)
        )

    # --- connecting ----------------------------------------------------------------------------------

    async def _try_to_connect(self, ledger: psycopg.Connection[TupleRow], found: Unconnected) -> Told:
        """One that cannot be connected must not keep the others waiting; it is tried again later."""
        self._watched.pop(found.key, None)
        try:
            return await self._connect(ledger, found)
        except (httpx.HTTPStatusError, ValidationError, Failure) as error:
            log.warning("autoconnect.refused", administration=found.key.administration, cause=str(error))
            later = self._monotonic() + REFUSED_PAUSE_SECONDS
            self._watched[found.key] = _Watched(found.documents, found.invoices, later, later)
            return Told(found.key, "", f"not connected: {type(error).__name__}")

    async def _connect(self, ledger: psycopg.Connection[TupleRow], found: Unconnected) -> Told:
        key = found.key
        lane = read_lane(ledger, key)
        stored = dict(lane.mapping) if lane else {}
        if found.go_live_date is None:
            stored.setdefault("go_live_date", EARLIEST)
        plan = company_plan(key.package, _invoices(ledger, key), stored, {})
        company = await self._new_company(ledger, key, found.name, plan)
        # What came in between the look and the connection.
        await self._extend_company(ledger, key, _invoices(ledger, key))
        return Told(key, company, "connected")

    async def _new_company(
        self, ledger: psycopg.Connection[TupleRow], key: LaneKey, name: str, plan: CompanyPlan
    ) -> str:
        settings = {**plan.settings, **self._company_settings.get(key.package, {})}
        wanted = {"package": str(key.package), "name": name or key.administration, "settings": settings}
        made = await self._create(wanted, _company_ids(key))
        with ledger.transaction(), ledger.cursor() as cursor:
            set_mapping(cursor, key, plan.mapping)
        await self._connector.connect(ledger, key, credentials_of(made))
        company = str(made["company"])
        self._registry.keep(key, company)
        return company

    async def _create(self, wanted: Mapping[str, object], ids: Sequence[str]) -> dict[str, object]:
        """The company, under the first id that is free."""
        for company in ids:
            answer = await self._client.post(f"{self._control}/companies", json={**wanted, "id": company})
            if answer.status_code != httpx.codes.CONFLICT:
                return _object(answer)
        return await self._post("companies", wanted)

    async def _reconnect_lost(self, ledger: psycopg.Connection[TupleRow]) -> list[Told]:
        """Administrations whose company went with an earlier life of the simulators."""
        life = self._life()
        if len(self._registry) == 0 or life is None or life == self._life_checked:
            return []
        companies = (await self._get("companies"))["companies"]
        assert isinstance(companies, list)
        there = {str(company["company"]) for company in companies}
        told = []
        lanes = connected(ledger)
        for key, company in self._registry:
            if company in there or key not in lanes:
                continue
            lane = read_lane(ledger, key)
            if lane is None:
                continue
            plan = company_plan(key.package, _invoices(ledger, key), lane.mapping, {})
            fresh = await self._new_company(ledger, key, lane.name, plan)
            told.append(Told(key, fresh, "connected again: the simulator had lost its company and books"))
        self._life_checked = life
        return told

    # --- what later documents need -------------------------------------------------------------------

    async def _add_what_is_missing(self, ledger: psycopg.Connection[TupleRow]) -> list[Told]:
        lanes: dict[LaneKey, dict[str, Invoice]] = {}
        after = max(self._seen, default=0) - _OVERLAP
        for posting, key, payload in invoices_after(ledger, SIMULATED, after):
            if posting not in self._seen and key in self._registry:
                lanes.setdefault(key, {})[str(posting)] = Invoice.model_validate_json(payload)
            self._seen.add(posting)
        last = max(self._seen, default=0)
        self._seen = {posting for posting in self._seen if posting > last - 2 * _OVERLAP}
        told = []
        for key, found in lanes.items():
            if await self._extend_company(ledger, key, list(found.values())):
                told.append(Told(key, self._registry.company(key) or "", "given what later documents need"))
                now = self._monotonic()
                self._expected |= dict.fromkeys(found, _Expected(now + _REFUSED_WITHIN_SECONDS, now))
        self._send_again(ledger)
        return told

    def _send_again(self, ledger: psycopg.Connection[TupleRow]) -> None:
        """What was refused before its company had what it needs goes once more."""
        now = self._monotonic()
        self._expected = {posting: one for posting, one in self._expected.items() if one.until > now}
        ready = sorted(posting for posting, one in self._expected.items() if one.again_at <= now)
        if not ready:
            return
        for posting in list_postings(ledger, PostingFilter(ids=ready)):
            if posting.state == Outcome.REJECTED and posting.code in _ADDED:
                with ledger.transaction(), ledger.cursor() as cursor:
                    retry(cursor, posting.id, datetime.now(UTC))
                # A turn of the lane that is under way may still refuse it by the lists that it has read.
                expected = self._expected[posting.id]
                self._expected[posting.id] = replace(expected, again_at=now + _AGAIN_SECONDS)

    async def _extend_company(
        self, ledger: psycopg.Connection[TupleRow], key: LaneKey, invoices: Sequence[Invoice]
    ) -> bool:
        lane = read_lane(ledger, key)
        company = self._registry.company(key)
        if lane is None or company is None:
            return False
        answer = await self._get(f"companies/{company}")
        settings = answer.get("settings")
        assert isinstance(settings, dict)
        plan = company_plan(key.package, invoices, lane.mapping, settings)
        changed = {name: value for name, value in plan.settings.items() if settings.get(name) != value}
        if not changed and dict(plan.mapping) == dict(lane.mapping):
            return False
        if changed:
            await self._post("settings", {"company": company, "settings": changed})
        with ledger.transaction(), ledger.cursor() as cursor:
            set_mapping(cursor, key, plan.mapping)
        return True

    # --- the control interface -----------------------------------------------------------------------

    @property
    def _client(self) -> httpx.AsyncClient:
        assert self._http is not None
        return self._http

    async def _get(self, path: str) -> dict[str, object]:
        return _object(await self._client.get(f"{self._control}/{path}"))

    async def _post(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        return _object(await self._client.post(f"{self._control}/{path}", json=body))


def _object(answer: httpx.Response) -> dict[str, object]:
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return found


def _invoices(ledger: psycopg.Connection[TupleRow], key: LaneKey) -> list[Invoice]:
    return [Invoice.model_validate_json(invoice) for invoice, _ in open_documents(ledger, key)]


def _company_ids(key: LaneKey) -> tuple[str, ...]:
    """The administration's id where that can be a company's, so that people find its books."""
    own = key.administration
    if not _COMPANY_ID.fullmatch(own):
        own = f"adm-{hashlib.sha256(own.encode()).hexdigest()[:12]}"
    return (own, f"{own[:40]}.{key.package}")
