"""The attachment step: after the booking, from allowed hosts only, and never at the booking's expense."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, cast

import httpx
import psycopg
import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow
from tenacity import wait_fixed

from ledger.rows import Change, LaneKey, Lease, PostingId
from ledger.work import due_postings
from schemas.outcome import Code, Outcome
from sinks.attachments import AttachmentRules, AttachmentStep
from sinks.books import Books
from sinks.contract import AttachmentFile, DirectSink
from sinks.terms import DeliveryTerms
from tests.ledger.desk import Desk
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import invoice
from vendors.failure import Failure, NotSent, Refused, Uncertain

T = TypeVar("T")
PDF = b"%PDF-1.7 factuur"
URI = "https://files.enk.example/1.pdf"
RULES = AttachmentRules(allowed_hosts=frozenset({"files.enk.example"}), max_bytes=100)
TERMS = DeliveryTerms(document_attempts=3, retry_wait=wait_fixed(0))


@dataclass
class Package:
    """Takes the PDF, or fails as told."""

    failure: Failure | None = None
    taken: list[tuple[str, AttachmentFile]] = field(default_factory=list)

    async def attach(self, document: Any, invoice: Any, file: AttachmentFile) -> None:
        if self.failure is not None:
            raise self.failure
        self.taken.append((document.id, file))


@dataclass
class Case:
    """A booked invoice with a PDF to come."""

    desk: Desk
    key: LaneKey
    lease: Lease
    package: Package = field(default_factory=Package)
    answer: Callable[[httpx.Request], httpx.Response] = lambda request: httpx.Response(200, content=PDF)
    asked: list[str] = field(default_factory=list)

    async def write(self, run: Callable[[Cursor[TupleRow]], T]) -> T:
        return self.desk.write(run)

    async def run(self) -> dict[str, Any]:
        """One turn of the step; the posting afterwards."""

        def respond(request: httpx.Request) -> httpx.Response:
            self.asked.append(str(request.url))
            return self.answer(request)

        step = AttachmentStep(RULES, TERMS, lambda: httpx.AsyncClient(transport=httpx.MockTransport(respond)))
        self.desk.connection.execute("UPDATE posting SET due_at = clock_timestamp()")
        (posting,) = due_postings(self.desk.connection, self.key, 10)
        await step.run(posting, cast(DirectSink, self.package), cast(Books, self), self.lease)
        return self.desk.posting("inv-9001")

    @property
    def told(self) -> list[dict[str, Any]]:
        return self.desk.told("inv-9001")


@pytest.fixture
def make(postgres: str) -> Iterator[Callable[..., Case]]:
    with fresh_ledger(postgres) as url, psycopg.connect(url, autocommit=True) as connection:

        def case(**changes: object) -> Case:
            desk = Desk(url, connection)
            key = desk.administration()
            pdf = {
                "uri": URI,
                "sha256": hashlib.sha256(PDF).hexdigest(),
                "media_type": "application/pdf",
                "file_name": "1.pdf",
            }
            desk.take_in(invoice(attachment=pdf | changes))
            posting = PostingId(desk.posting("inv-9001")["id"])
            booked = Change(
                posting, Outcome.BOOKED, package_number="1", package_id="b-1", attachment_state="due"
            )
            lease = desk.lease()
            desk.change(lease, booked)
            return Case(desk, key, lease)

        yield case


def assert_reported(case: Case, row: dict[str, Any]) -> None:
    """The booking stands; that the PDF cannot be had is told once."""
    assert (row["state"], row["package_id"], row["attachment_state"]) == ("booked", "b-1", "failed")
    assert row["due_at"] is None
    booked, failed = case.told
    assert (booked["outcome"], failed["outcome"]) == ("booked", "booked")
    assert failed["error"]["field"] == "$.attachment"
    assert failed["error"]["message"]["nl"]


async def test_the_pdf_is_added_to_the_booking(make: Callable[..., Case]) -> None:
    case = make()
    row = await case.run()
    assert (row["state"], row["attachment_state"], row["due_at"]) == ("booked", "done", None)
    assert case.package.taken == [("b-1", AttachmentFile("1.pdf", "application/pdf", PDF))]
    assert len(case.told) == 1, "nothing more to tell"


@pytest.mark.parametrize(
    "uri",
    [
        "http://files.enk.example/1.pdf",
        "https://elsewhere.example/1.pdf",
        "https://files.enk.example.evil.example/1.pdf",
        "https://files.enk.example@evil.example/1.pdf",
        "https://169.254.169.254/latest/meta-data",
    ],
)
async def test_only_https_from_allowed_hosts_is_asked_for(make: Callable[..., Case], uri: str) -> None:
    case = make(uri=uri)
    assert_reported(case, await case.run())
    assert case.asked == []
    assert case.package.taken == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=PDF + b"x"),
        httpx.Response(200, content=b"x" * 101),
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://evil.example/1.pdf"}),
    ],
    ids=["other hash", "too large", "not there", "elsewhere"],
)
async def test_a_file_that_is_not_the_one_stated_is_reported(
    make: Callable[..., Case], answer: httpx.Response
) -> None:
    case = make()
    case.answer = lambda request: answer
    assert_reported(case, await case.run())
    assert len(case.asked) == 1, "no redirect is followed"
    assert case.package.taken == []


async def test_what_passes_is_tried_again_and_then_reported(make: Callable[..., Case]) -> None:
    case = make()
    case.answer = lambda request: httpx.Response(503)
    for attempt in (1, 2):
        row = await case.run()
        assert (row["attachment_state"], row["transient"], row["due_at"] is not None) == (
            "due",
            attempt,
            True,
        )
        assert len(case.told) == 1
    assert_reported(case, await case.run())


@pytest.mark.parametrize(
    "failure", [NotSent(Code.UNAVAILABLE), Refused(Code.RATE_LIMITED, retry_after=timedelta())]
)
async def test_a_package_that_is_away_is_tried_again(make: Callable[..., Case], failure: Failure) -> None:
    case = make()
    case.package.failure = failure
    assert (await case.run())["attachment_state"] == "due"
    case.package.failure = None
    assert (await case.run())["attachment_state"] == "done"
    assert len(case.package.taken) == 1


@pytest.mark.parametrize("failure", [Refused(Code.TOO_LONG, "te groot"), Uncertain(Code.TIMEOUT_UNCERTAIN)])
async def test_a_refusal_or_a_doubt_is_reported_and_not_repeated(
    make: Callable[..., Case], failure: Failure
) -> None:
    case = make()
    case.package.failure = failure
    assert_reported(case, await case.run())


async def test_a_step_that_was_cut_short_is_not_repeated(make: Callable[..., Case]) -> None:
    case = make()
    case.desk.connection.execute("UPDATE posting SET attachment_state = 'sending'")
    assert_reported(case, await case.run())
    assert case.package.taken == []
