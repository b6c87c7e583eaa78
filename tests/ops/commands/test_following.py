"""What counts as done, as open, and as waiting for somebody; and how long a record is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from ledger.overview import Followed, ListedPosting, PostingFilter, list_postings
from ops.commands.following import SETTLE_SECONDS, Standing, Verdict, judge, look, wait_for
from ops.commands.publish import alike
from tests.ops.commands.conftest import Book
from tests.schemas import builders

DONE, SOMEBODY, OPEN = Standing.DONE, Standing.NEEDS_SOMEBODY, Standing.OPEN
PLACE = ("enk.invoices.v1", 0, 1)


@pytest.fixture
def posting(book: Book) -> Callable[..., ListedPosting]:
    book.receive(builders.administration(), builders.relation(), builders.invoice(number="1"))

    def changed(number: str, state: str, **columns: object) -> ListedPosting:
        name = book.mark(number, state, **columns)
        return list_postings(book.connection, PostingFilter(ids=[name]))[0]

    return changed


@pytest.mark.parametrize(
    ("state", "code", "due", "overdue", "standing"),
    [
        ("booked", None, False, False, DONE),
        ("already_booked", None, False, False, DONE),
        ("adopted", None, False, False, DONE),
        ("filed", None, False, False, DONE),
        ("superseded", None, False, False, DONE),
        ("discarded", "before_go_live", False, False, DONE),
        ("rejected", "too_long", False, False, SOMEBODY),
        ("held", "auth_revoked", False, False, SOMEBODY),
        ("held", "mapping_missing", False, False, SOMEBODY),
        ("held", "unavailable", False, False, OPEN),
        ("held", "rate_limited", False, False, OPEN),
        ("waiting", "not_found_relation", True, False, OPEN),
        ("waiting", "not_found_relation", True, True, SOMEBODY),
        ("waiting", "waiting_for_invoice", True, False, OPEN),
        ("uncertain", "timeout_uncertain", True, False, OPEN),
        ("uncertain", "timeout_uncertain", False, False, SOMEBODY),
        ("retry", "rate_limited", True, False, OPEN),
        ("received", None, True, False, OPEN),
        ("posting", None, True, False, OPEN),
    ],
)
def test_an_invoice(
    posting: Callable[..., ListedPosting],
    state: str,
    code: str | None,
    due: bool,
    overdue: bool,
    standing: Standing,
) -> None:
    row = posting("1", state, code=code, due_at="2026-01-01" if due else None)
    assert judge(PLACE, Followed("posting", row), overdue).standing is standing


def test_a_relation_that_waits_for_its_first_invoice_is_done(posting: Callable[..., ListedPosting]) -> None:
    row = posting("00204", "waiting", code="waiting_for_invoice")
    verdict = judge(PLACE, Followed("posting", row), False)
    assert (verdict.standing, verdict.outcome) == (DONE, "waits_for_first_invoice")


@pytest.mark.parametrize("became", ["administration", "repeated", "unchanged", "superseded"])
def test_records_that_lead_to_no_posting_of_their_own_are_done(became: str) -> None:
    assert judge(PLACE, Followed(became, None), False).standing is DONE


def test_a_record_that_was_not_received_is_open() -> None:
    assert judge(PLACE, None, False) == Verdict(PLACE, OPEN, "not_received")


def test_a_waiting_row_past_its_limit_names_somebody(book: Book) -> None:
    places = book.receive(
        builders.administration(), builders.relation(), builders.invoice(number="1", id="1")
    )
    book.mark("1", "waiting", code="not_found_relation", scope=None)
    assert look(book.connection, places)[-1].standing is OPEN
    book.mark("1", "waiting", code="not_found_relation", scope="overdue")
    assert look(book.connection, places)[-1].standing is SOMEBODY


class Time:
    """Moves only when somebody sleeps."""

    def __init__(self, on_sleep: Iterator[object] | None = None) -> None:
        self.now, self._on_sleep = 0.0, on_sleep

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)
        if self._on_sleep is not None:
            next(self._on_sleep, None)


def follow(book: Book, places: list[tuple[str, int, int]], timeout: float, time: Time) -> list[Verdict]:
    return wait_for(
        lambda: psycopg.connect(book.url, autocommit=True),
        places,
        timeout,
        monotonic=time,
        sleep=time.sleep,
    )


def test_it_waits_until_everything_is_done(book: Book) -> None:
    places = book.receive(builders.administration(), builders.relation(), builders.invoice(number="1"))

    def world() -> Iterator[None]:
        book.mark("00204", "booked")
        yield
        book.mark("1", "booked")
        yield

    book.mark("00204", "received"), book.mark("1", "received")
    time = Time(world())
    assert {verdict.standing for verdict in follow(book, places, 60, time)} == {DONE}
    assert time.now < 60


def test_a_hold_that_is_lifted_soon_was_no_end(book: Book) -> None:
    """`up --simulators` connects an administration a moment after it was announced."""
    places = book.receive(builders.administration(), builders.relation())

    def world() -> Iterator[None]:
        yield
        book.mark("00204", "booked")
        yield

    assert follow(book, places, 60, Time(world()))[-1].outcome == "booked"


def test_a_hold_that_lasts_ends_the_waiting(book: Book) -> None:
    places = book.receive(builders.administration(), builders.relation())
    time = Time()
    assert follow(book, places, 600, time)[-1].standing is SOMEBODY
    assert SETTLE_SECONDS <= time.now < 600


def test_time_up_leaves_what_is_open_open(book: Book) -> None:
    places = book.receive(builders.administration())
    missing = ("enk.invoices.v1", 7, 7)
    time = Time()
    verdicts = follow(book, [*places, missing], 30, time)
    assert [verdict.standing for verdict in verdicts] == [DONE, OPEN]
    assert time.now >= 30


def test_a_database_that_is_away_is_asked_again(book: Book) -> None:
    places = book.receive(builders.administration())
    answers = iter([False, False, True])

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        if not next(answers):
            raise psycopg.OperationalError("starting up")
        return psycopg.connect(book.url, autocommit=True)

    time = Time()
    assert wait_for(connect, places, 30, monotonic=time, sleep=time.sleep)[0].standing is DONE


def test_what_waits_for_the_same_thing_is_one_row(book: Book) -> None:
    places = book.receive(
        builders.administration(),
        builders.relation(),
        *(builders.invoice(number=str(n), id=str(n)) for n in range(9)),
    )
    rows = alike([v for v in look(book.connection, places) if v.standing is not DONE])
    assert len(rows) == 1
    assert rows[0][0] == 10
    assert str(rows[0][-1]).endswith("…")
