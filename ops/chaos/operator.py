"""The people of a chaos run: what support and bookkeepers do when the pipeline asks them to.

They act only on what the ledger says needs a person, with the functions behind the commands: a consent is
given again (`connect`), a document that was set aside goes again (`postings retry`), a package that was
stopped goes on (`administrations release --package`), and for files somebody looks in the package
(`files resolve`, `postings resolve`). Every act is counted: what a run needed people for is a result.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import structlog
from psycopg.rows import TupleRow
from pydantic import ValidationError

from ledger import repair
from ledger.audit import record_action
from ledger.file_answers import NotPossible
from ledger.file_answers import resolve as resolve_file
from ledger.health import standing
from ledger.rows import LaneKey
from ledger.settling import DoubtfulFile, OpenRow, doubtful_files, lanes_held_by, open_rows
from ops.chaos.companies import Credentials
from ops.chaos.documents import place_of
from ops.connecting import Connector
from ops.proof import Place
from schemas.outcome import Code, Outcome, Package
from sinks.breaker import let_package_go
from vendors.failure import Failure
from vendors.simulation.contract import BooksAnswer, CompanyBooks

log = structlog.get_logger(__name__)

WHO = "koppeling chaos"
EVERY_SECONDS = 1.0
CONSENT = (str(Code.AUTH_REVOKED),)
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.QueryCanceled, httpx.HTTPError)


class NotReadYet(Exception):
    """The package has not read everything that lies in its folder: nobody can say what it holds."""


class Operator:
    """A thread that does what the ledger asks people to do."""

    def __init__(
        self,
        open_ledger: Callable[[], psycopg.Connection[TupleRow]],
        connector: Connector,
        credentials: Credentials,
        control: str,
        folders: Path,
    ) -> None:
        """`folders` holds the import folder of each administration that is booked by file."""
        self._folders = folders
        self._open_ledger = open_ledger
        self._connector = connector
        self._credentials = credentials
        self._control = control
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-operator", daemon=True)
        self._failure: BaseException | None = None
        self.acts: Counter[str] = Counter()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(60)

    def check(self) -> None:
        """Raises what ended the thread: a bug."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        ledger: psycopg.Connection[TupleRow] | None = None
        with httpx.Client(timeout=30, trust_env=False) as http:
            while not self._stop.wait(EVERY_SECONDS):
                try:
                    if ledger is None or ledger.closed:
                        ledger = self._open_ledger()
                    self._look(ledger, http)
                except _AWAY as error:
                    log.info("operator.again", cause=str(error).strip())
                    if ledger is not None:
                        ledger.close()
                except BaseException as error:  # noqa: BLE001 - told by `check`
                    self._failure = error
                    return
        if ledger is not None:
            ledger.close()

    def _look(self, ledger: psycopg.Connection[TupleRow], http: httpx.Client) -> None:
        for key in lanes_held_by(ledger, CONSENT):
            self._consent(ledger, key)
        for breaker in standing(ledger).breakers:
            self._release_package(ledger, Package(breaker.package))
        books: dict[str, CompanyBooks] = {}

        def look_up(administration: str) -> CompanyBooks:
            if administration not in books:
                self._wait_until_read(administration)
                answer = http.get(f"{self._control}/books", params={"company": administration})
                answer.raise_for_status()
                books[administration] = BooksAnswer.model_validate_json(answer.content).companies[0]
            return books[administration]

        for row in open_rows(ledger):
            with suppress(NotReadYet):
                self._row(ledger, row, look_up)
        for file in doubtful_files(ledger):
            with suppress(NotReadYet):
                self._file(ledger, file, look_up)

    def _wait_until_read(self, administration: str) -> None:
        """What still lies in the folder may be the document that is looked for: first King must read it."""
        folder = self._folders / administration
        if not folder.is_dir() or folder.is_mount() or any(folder.glob("*.xml")):
            raise NotReadYet(administration)

    def _consent(self, ledger: psycopg.Connection[TupleRow], key: LaneKey) -> None:
        try:
            asyncio.run(self._connector.connect(ledger, key, self._credentials[key.administration]))
        except (Failure, ValidationError) as error:
            log.info("operator.consent_refused", administration=key.administration, cause=str(error))
            return
        self.acts["consent given again"] += 1

    def _release_package(self, ledger: psycopg.Connection[TupleRow], package: Package) -> None:
        with ledger.transaction(), ledger.cursor() as cursor:
            let_package_go(cursor, package)
            record_action(cursor, WHO, "release", str(package), {})
        self.acts["package released"] += 1

    def _row(
        self,
        ledger: psycopg.Connection[TupleRow],
        row: OpenRow,
        look_up: Callable[[str], CompanyBooks],
    ) -> None:
        """Held documents and doubts without a next look; what is rejected stays, and is judged."""
        if row.state == Outcome.HELD and row.code == str(Code.RECOVERY):
            self._after_recovery(ledger, row, look_up(row.administration))
        elif (row.state == Outcome.HELD and row.scope == "document") or row.state == Outcome.UNCERTAIN:
            self._again(ledger, row, "document sent again")

    def _after_recovery(
        self, ledger: psycopg.Connection[TupleRow], row: OpenRow, books: CompanyBooks
    ) -> None:
        """Only the package knows whether the lost ledger had put the document in a file."""
        place = wanted_place(row.administration, row.kind, row.match_key)
        if place not in booked_places(books, row.administration):
            self._again(ledger, row, "after the restore: not in the package, filed again")
            return
        with ledger.transaction(), ledger.cursor() as cursor:
            refused = repair.resolve(cursor, str(row.id), booked_as=row.number)
            record_action(cursor, WHO, "resolve", str(row.id), {"booked_as": row.number})
        if refused is None:
            self.acts["after the restore: found in the package"] += 1

    def _again(self, ledger: psycopg.Connection[TupleRow], row: OpenRow, what: str) -> None:
        with ledger.transaction(), ledger.cursor() as cursor:
            refused = repair.retry(cursor, str(row.id), datetime.now(UTC))
            record_action(cursor, WHO, "retry", str(row.id), {})
        if refused is None:
            self.acts[what] += 1

    def _file(
        self,
        ledger: psycopg.Connection[TupleRow],
        file: DoubtfulFile,
        look_up: Callable[[str], CompanyBooks],
    ) -> None:
        """Its invoices are in the books or not; relations alone may be read again without harm."""
        books = booked_places(look_up(file.administration), file.administration)
        arrived = any(wanted_place(file.administration, *invoice) in books for invoice in file.invoices)
        try:
            with ledger.transaction(), ledger.cursor() as cursor:
                resolve_file(cursor, file.id, arrived=arrived)
                record_action(cursor, WHO, "files resolve", str(file.id), {"arrived": arrived})
        except NotPossible as error:
            log.info("operator.file_not_resolved", file=file.id, cause=str(error))
            return
        self.acts["file said to have arrived" if arrived else "file said not to have arrived"] += 1


def booked_places(books: CompanyBooks, administration: str) -> set[Place]:
    """Every document that a person finds in the package."""
    return {
        place_of(administration, str(document.direction), document.number)
        for document in (*books.sales, *books.purchases)
    }


def wanted_place(administration: str, kind: str, match_key: str) -> Place:
    """Where a posting's document is looked for; a purchase's match key has the creditor before the number."""
    direction = "purchase" if kind == "purchase_invoice" else "sales"
    return place_of(administration, direction, match_key.rpartition("|")[2])
