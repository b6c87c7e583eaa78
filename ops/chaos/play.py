"""A chaos run from beginning to end: set up, publish under faults, come to rest, judge."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import structlog
from psycopg.rows import TupleRow

from ledger.settling import Rest, rest
from ops.bootstrap import connector
from ops.chaos import naming
from ops.chaos.companies import Credentials, connect_all, create_companies, plan_of
from ops.chaos.documents import companies_of, documents, setting_up
from ops.chaos.done import Record
from ops.chaos.faults import Faults
from ops.chaos.operator import WHO, Operator
from ops.chaos.publishing import Publishing
from ops.chaos.recovery import Booking, Struck, recoveries
from ops.chaos.report import ChaosReport
from ops.chaos.schedule import PLAYING, Company, draw_schedule
from ops.chaos.terms import terms_of
from ops.chaos.timeline import Timeline
from ops.chaos.verdict import Facts, judge
from ops.chaos.worker_process import FOLDER_VARIABLE
from ops.kafka_clients import kafka_client_config
from ops.packages import PACKAGES, DirectPackage
from ops.running.stack import Stack, StackPlan
from schemas.invoice import Direction
from schemas.outcome import Package
from vendors.simulation import PACKAGES_WITH_SIMULATOR
from vendors.simulation.contract import BooksAnswer, CompanyBooks, FaultsAnswer

log = structlog.get_logger(__name__)

TELL_SECONDS = 10.0
SETTING_UP_SECONDS = 120.0
AT_REST_LOOKS = 3
"""So many looks in a row must find everything at rest: a person may have been about to act."""

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.QueryCanceled)


@dataclass(frozen=True)
class ChaosPlan:
    """What to run; `settle_seconds` is how long it may take at most to come to rest."""

    minutes: float
    seed: int
    administrations: int
    documents: int
    workers: int
    data_dir: Path

    @property
    def settle_seconds(self) -> float:
        """Generous: what takes longer than this does not come by itself."""
        return max(150.0, self.minutes * 60 * 0.5)

    @property
    def command(self) -> str:
        """What runs it again."""
        return (
            f"koppeling chaos --minutes {self.minutes:g} --seed {self.seed} --administrations "
            f"{self.administrations} --documents {self.documents} --workers {self.workers}"
        )

    @property
    def companies(self) -> list[Company]:
        """Its administrations."""
        return companies_of(self.administrations)


class DoesNotStart(Exception):
    """The run could not be set up; the text says why."""


def play(plan: ChaosPlan, say: Callable[[str], None]) -> ChaosReport:
    """Run it. Raises `DoesNotStart`, `PublishingFailed`, and what is a bug."""
    terms = terms_of(plan.minutes)
    folder = plan.data_dir / "chaos"
    folder.mkdir(parents=True, exist_ok=True)
    stack = Stack(
        StackPlan(
            data_dir=plan.data_dir,
            simulators=PACKAGES_WITH_SIMULATOR,
            workers=plan.workers,
            terms={**terms.environment, FOLDER_VARIABLE: str(folder)},
            seed=plan.seed,
            worker_module="ops.chaos.worker_process",
        ),
        on_progress=say,
    )
    with stack:
        return _Run(plan, stack, folder, say).report()


class _Run:
    """One run on a stack that works."""

    def __init__(self, plan: ChaosPlan, stack: Stack, folder: Path, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._stack = stack
        self._say = say
        self._terms = terms_of(plan.minutes)
        self._companies = plan.companies
        self._record = Record()
        self._faults = Faults(stack, folder, self._record)
        self._schedule = draw_schedule(plan.seed, plan.minutes, self._companies, self._terms)
        publishing_seconds = plan.minutes * 60 * PLAYING
        self._publishing = Publishing(
            dict(kafka_client_config(stack.settings)),
            documents(self._companies, plan.documents, plan.seed),
            plan.documents * 1.1 / publishing_seconds,
        )
        self._timeline = Timeline(self._schedule, self._faults.strike)

    def report(self) -> ChaosReport:
        """Play, and judge."""
        credentials = self._set_up()
        operator = Operator(
            self._open_ledger,
            connector(self._stack.settings, WHO),
            credentials,
            self._stack.control,
            self._stack.simulator_folder / "king",
        )
        self._say(f"Publishing {self._plan.documents} documents, and {len(self._schedule.acts)} faults")
        operator.start()
        self._publishing.start()
        self._timeline.start()
        try:
            self._wait_until_played(operator)
            hits = self._hits()
            self._faults.end()
            settled = self._wait_until_at_rest(operator)
        finally:
            self._timeline.stop()
            self._publishing.stop()
            operator.stop()
        self._timeline.check()
        return self._judge(operator, hits, settled)

    # --- setting up ----------------------------------------------------------------------------------

    def _set_up(self) -> Credentials:
        self._say(f"Setting up {len(self._companies)} administrations")
        plans = {company.administration: plan_of(company, self._plan.seed) for company in self._companies}
        credentials = create_companies(self._stack.control, self._companies, plans)
        self._publishing.publish_now(setting_up(self._companies, self._plan.seed))
        deadline = time.monotonic() + SETTING_UP_SECONDS
        with self._open_ledger() as ledger:
            while rest(ledger).records < self._publishing.records:
                if time.monotonic() > deadline:
                    raise DoesNotStart(
                        f"The administrations did not reach the ledger within {SETTING_UP_SECONDS:g} s. See "
                        f"{self._plan.data_dir / 'logs'}."
                    )
                time.sleep(0.2)
            asyncio.run(
                connect_all(ledger, connector(self._stack.settings, WHO), self._companies, plans, credentials)
            )
        return credentials

    def _open_ledger(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(
            self._stack.settings.database_url,
            autocommit=True,
            connect_timeout=5,
            options="-c statement_timeout=30000 -c lock_timeout=30000",
            application_name="koppeling-chaos",
        )

    # --- while it runs -------------------------------------------------------------------------------

    def _check(self, operator: Operator) -> None:
        self._publishing.check()
        self._timeline.check()
        operator.check()

    def _wait_until_played(self, operator: Operator) -> None:
        began = told = time.monotonic()
        # Long after its time it is the machine that does not keep up, and the verdict will say so.
        deadline = began + self._plan.minutes * 60 * 2 + 120
        while time.monotonic() < deadline and not (self._publishing.finished and self._timeline.finished):
            self._check(operator)
            time.sleep(0.25)
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._say(
                    f"{told - began:.0f} s: {len(self._publishing.documents)} documents published, "
                    f"{len(self._record.done)} faults, {sum(self._record.kills.values())} kills"
                )

    def _wait_until_at_rest(self, operator: Operator) -> float | None:
        self._say("Everything was published; waiting until it is at rest")
        began = told = time.monotonic()
        looks = 0
        while time.monotonic() < began + self._plan.settle_seconds:
            self._check(operator)
            now = self._rest()
            looks = looks + 1 if now is not None and self._at_rest(now) else 0
            if looks >= AT_REST_LOOKS:
                return round(time.monotonic() - began, 1)
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._say(f"{told - began:.0f} s: {now}")
            time.sleep(1.0)
        return None

    def _rest(self) -> Rest | None:
        try:
            with self._open_ledger() as ledger:
                return rest(ledger)
        except _AWAY as error:
            log.info("chaos.ledger_away", cause=str(error).strip())
            return None

    def _at_rest(self, now: Rest) -> bool:
        unread = any(self._stack.simulator_folder.glob("king/*/*.xml"))
        moves = now.moving or now.outbox or now.files or now.held_lanes or unread
        return now.records >= self._publishing.records and not moves

    # --- judging -------------------------------------------------------------------------------------

    def _hits(self) -> Counter[str]:
        """Calls that a package answered wrongly, by kind of fault."""
        hits: Counter[str] = Counter()
        answer = httpx.get(f"{self._stack.control}/faults", timeout=60, trust_env=False)
        for fault in FaultsAnswer.model_validate_json(answer.content).faults:
            hits[str(fault.request.kind)] += fault.hits
        return +hits

    def _books(self) -> list[CompanyBooks]:
        """One company at a time: the books of all at once are large."""
        found = []
        with httpx.Client(timeout=120, trust_env=False) as http:
            for company in self._companies:
                answer = http.get(f"{self._stack.control}/books", params={"company": company.administration})
                answer.raise_for_status()
                found += BooksAnswer.model_validate_json(answer.content).companies
        return found

    def _judge(self, operator: Operator, hits: Mapping[str, int], settled: float | None) -> ChaosReport:
        self._say("Comparing the packages' books with the events")
        books = self._books()
        with self._open_ledger() as ledger:
            now = rest(ledger)
        facts = Facts(
            guarded=guarded(),
            stops=self._record.stops,
            grace=timedelta(seconds=self._terms.call_timeout * 2 + 3),
            named=naming.doubles_named(self._plan.data_dir, books),
            nobody=now.nobody,
            untraced=max(0, self._publishing.records - now.records),
        )
        verdict = judge(self._publishing.documents, books, facts)
        bookings = [
            Booking(company.company, entry.created_at)
            for company in books
            for entry in (*company.sales, *company.purchases)
        ]
        struck = [
            Struck(done.act.name, done.ended, self._company(done.act.target)) for done in self._record.done
        ]
        faults = Counter(done.act.name for done in self._record.done)
        return ChaosReport(
            command=self._plan.command,
            seed=self._plan.seed,
            minutes=self._plan.minutes,
            administrations=len(self._companies),
            workers=self._plan.workers,
            terms=self._terms.environment,
            verdict=verdict,
            settled_seconds=settled,
            faults=dict(faults),
            hits=dict(hits),
            missed=dict(self._record.missed),
            kills=dict(self._record.kills),
            disorder={str(kind): count for kind, count in self._publishing.disorder.items()},
            adopted=now.adopted,
            somebody=now.somebody,
            operator=dict(operator.acts),
            recoveries=recoveries(struck, bookings),
            notes=sorted(self._record.notes),
        )

    def _company(self, target: str) -> str:
        return target if any(target == company.administration for company in self._companies) else ""


def guarded() -> frozenset[tuple[Package, str]]:
    """Package and direction of which nothing may ever be double.

    A package that refuses a number that it has; and every file package, where whoever takes over removes the
    file that a stopped worker was about to put in its place.
    """
    guards = {
        name: package.traits.guarded if isinstance(package, DirectPackage) else frozenset(Direction)
        for name, package in PACKAGES.items()
    }
    return frozenset(
        (name, str(direction)) for name, directions in guards.items() for direction in directions
    )


__all__ = ["ChaosPlan", "DoesNotStart", "guarded", "play"]
