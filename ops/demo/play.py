"""Plays the demo on a running stack: faults on, a month published, what goes wrong, payments, the proof."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psycopg
from psycopg.rows import TupleRow

from ledger.overview import PostingFilter, list_postings
from ledger.unconnected import connected
from ops.commands.following import Verdict
from ops.commands.terminal import progress, say
from ops.demo.payments import Bookkeeper, Statuses, read_back
from ops.demo.publishing import Published, alternating, publish, settled
from ops.demo.report import Standing, standing
from ops.demo.scenario import FAULTS, Company
from ops.proof import Proof, booked_documents, fetch_books, prove, sent_documents
from ops.running.session import Session
from schemas.catalogue import ROW_OF_PACKAGE
from schemas.outcome import Code, Outcome, Package, parse_code
from vendors.simulation.contract import CompanyBooks

CONNECTED_WITHIN_SECONDS = 45.0
SETTLED_WITHIN_SECONDS = 120.0
IN_THE_BOOKS_WITHIN_SECONDS = 20.0
EVERY_SECONDS = 0.25


class DemoStopped(Exception):
    """Somebody stopped the demo before it was over."""


@dataclass(frozen=True)
class Played:
    """How it ended.

    Attributes:
        proof: the books against the events.
        standings: what was done in each package.
        trouble: what else is not as it must be, a sentence each.
    """

    proof: Proof
    standings: Mapping[Package, Standing]
    trouble: Sequence[str]

    @property
    def is_good(self) -> bool:
        """The proof holds, and everything that was to happen happened."""
        return self.proof.holds and not self.trouble


class Play:
    """One performance."""

    def __init__(
        self,
        session: Session,
        companies: Sequence[Company],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._companies = companies
        self._monotonic = monotonic
        self._stop: threading.Event = session.stop
        self._control = session.stack.control
        self._faults: dict[str, str] = {}

    def run(self) -> Played:
        """From the first fault to the proof.

        Raises:
            DemoStopped: by a signal.
        """
        with (
            httpx.Client(timeout=30, trust_env=False) as http,
            self._session.open_ledger() as ledger,
        ):
            self._arm(http)
            published = self._publish_month(ledger)
            undone = self._follow(ledger, published)
            trouble = [*self._late(undone), *self._pay(http, ledger)]
            proof, books = self._prove(http, ledger)
            trouble += [*self._unread_records(ledger), *self._faults_that_did_not_strike(http)]
            standings = {
                company.package: standing(ledger, company, books[company.administration])
                for company in self._companies
                if company.administration in books
            }
        return Played(proof, standings, trouble)

    # --- publishing ----------------------------------------------------------------------------------

    def _arm(self, http: httpx.Client) -> None:
        for company in self._companies:
            for name, fault in FAULTS.get(company.package, ()):
                answer = http.post(f"{self._control}/faults", json={**fault, "package": str(company.package)})
                answer.raise_for_status()
                self._faults[str(answer.json()["fault"])] = f"{company.package.label}: {name}"
        say("Faults that are switched on: " + "; ".join(self._faults.values()) + ".")

    def _publish_month(self, ledger: psycopg.Connection[TupleRow]) -> Published:
        settings = self._session.stack.settings
        published = publish(settings, alternating(self._companies, lambda company: company.month))
        say(f"Published {len(published)} events of {len(self._companies)} companies.")
        wanted = {company.administration for company in self._companies}

        def are_connected() -> bool:
            return wanted <= {key.administration for key in connected(ledger)}

        if not self._until(are_connected, CONNECTED_WITHIN_SECONDS):
            return published
        more = publish(settings, alternating(self._companies, lambda company: company.extras))
        say(
            f"Connected them, and published {len(more)} more: an unknown ledger account, an invoice before "
            "its relation, a repeated event, an unreadable record, for each."
        )
        return {**published, **more}

    def _follow(self, ledger: psycopg.Connection[TupleRow], published: Published) -> list[Verdict]:
        """Wait until everything is finished or waits for a person; what is not after the longest wait."""
        undone: list[Verdict] = []
        with self._bars(published) as show:

            def is_over() -> bool:
                nonlocal undone
                done, undone = settled(ledger, published)
                show(done)
                return not undone

            self._until(is_over, SETTLED_WITHIN_SECONDS)
        return undone

    @contextmanager
    def _bars(self, published: Published) -> Iterator[Callable[[Mapping[str, int]], None]]:
        totals = dict.fromkeys(published.values(), 0)
        for administration in published.values():
            totals[administration] += 1
        with progress() as bars:
            tasks = {
                company.administration: bars.add_task(
                    company.package.label, total=totals.get(company.administration, 0), state=""
                )
                for company in self._companies
            }

            def show(done: Mapping[str, int]) -> None:
                for administration, task in tasks.items():
                    bars.update(task, completed=done.get(administration, 0))
                if bars.disable:
                    self._say_progress(done, totals)

            yield show

    _said_at = 0.0

    def _say_progress(self, done: Mapping[str, int], totals: Mapping[str, int]) -> None:
        now = self._monotonic()
        if now - self._said_at < 2:
            return
        self._said_at = now
        say("  " + ", ".join(f"{name} {done.get(name, 0)} of {total}" for name, total in totals.items()))

    # --- payments ------------------------------------------------------------------------------------

    def _pay(self, http: httpx.Client, ledger: psycopg.Connection[TupleRow]) -> list[str]:
        keepers = {
            company.administration: Bookkeeper(self._control, books, http)
            for company, books in self._own_books(http)
            if ROW_OF_PACKAGE[company.package].has_readback
        }
        if not keepers:
            return []
        paid = {administration: keeper.pay() for administration, keeper in keepers.items()}
        say(f"Paid {sum(map(len, paid.values()))} invoices in the packages, one of them in part.")
        late = [*self._read_back(ledger, paid)]
        reversed_ = {administration: keeper.reverse() for administration, keeper in keepers.items()}
        say("Took one payment back.")
        return [*late, *self._read_back(ledger, reversed_)]

    def _read_back(
        self, ledger: psycopg.Connection[TupleRow], wanted: Mapping[str, Statuses]
    ) -> Sequence[str]:
        late = read_back(ledger, wanted, self._stop.wait, self._monotonic)
        self._check_stopped()
        return late

    # --- proof ---------------------------------------------------------------------------------------

    def _prove(
        self, http: httpx.Client, ledger: psycopg.Connection[TupleRow]
    ) -> tuple[Proof, dict[str, CompanyBooks]]:
        """The proof, once the last file has been read by its package; and the books by administration."""
        found: list[tuple[Proof, dict[str, CompanyBooks]]] = []

        def holds() -> bool:
            books = {company.administration: one for company, one in self._own_books(http)}
            found.append((self._proof(ledger, books), books))
            return found[-1][0].holds

        self._until(holds, IN_THE_BOOKS_WITHIN_SECONDS)
        return found[-1]

    def _proof(self, ledger: psycopg.Connection[TupleRow], books: Mapping[str, CompanyBooks]) -> Proof:
        packages = []
        for company in self._companies:
            sent = sent_documents(company.events)
            codes = self._refusals(ledger, company)
            own = books.get(company.administration)
            packages.append(
                prove(
                    company.package,
                    sent,
                    [] if own is None else booked_documents(own, company.administration),
                    company.expected,
                    {one.place: codes[one.document_id] for one in sent if one.document_id in codes},
                )
            )
        return Proof(tuple(packages))

    def _refusals(self, ledger: psycopg.Connection[TupleRow], company: Company) -> dict[str, Code]:
        rejected = PostingFilter(administration=company.administration, states=(Outcome.REJECTED,))
        found: dict[str, Code] = {}
        for posting in list_postings(ledger, rejected):
            if posting.document_id is not None and posting.code is not None:
                found[posting.document_id] = parse_code(posting.code)
        return found

    def _unread_records(self, ledger: psycopg.Connection[TupleRow]) -> list[str]:
        """The unreadable record of each company must have been refused as one."""
        return [
            f"the unreadable record of {company.administration} was not refused"
            for company in self._companies
            if not list_postings(
                ledger, PostingFilter(administration=company.administration, code=Code.INVALID_EVENT)
            )
        ]

    def _faults_that_did_not_strike(self, http: httpx.Client) -> list[str]:
        answer = http.get(f"{self._control}/faults")
        answer.raise_for_status()
        hits = {str(fault["fault"]): int(fault["hits"]) for fault in answer.json()["faults"]}
        return [
            f"the fault '{name}' never struck" for fault, name in self._faults.items() if not hits.get(fault)
        ]

    # --- little things -------------------------------------------------------------------------------

    def _own_books(self, http: httpx.Client) -> list[tuple[Company, CompanyBooks]]:
        by_id = {books.company: books for books in fetch_books(self._control, http)}
        return [
            (company, by_id[company.administration])
            for company in self._companies
            if company.administration in by_id
        ]

    def _late(self, undone: Sequence[Verdict]) -> list[str]:
        return [
            f"{verdict.posting.kind} {verdict.posting.number} of {verdict.posting.administration} is still "
            f"{verdict.outcome}"
            if verdict.posting
            else f"record {verdict.place} is still {verdict.outcome}"
            for verdict in undone
        ]

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = self._monotonic() + seconds
        while not condition():
            if self._monotonic() > deadline:
                return False
            self._stop.wait(EVERY_SECONDS)
            self._check_stopped()
        return True

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise DemoStopped
