"""The grouped writer: many small writes in few transactions, in order, patient, and fenced by the epoch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import TupleRow
from tenacity import wait_fixed

from ledger.administrations import connect
from ledger.postings import Intent
from ledger.rows import Change, Lease, PostingId
from ledger.writer import Fenced, LedgerWriter, WriterClosed
from schemas.outcome import Outcome
from telemetry.progress import Progress
from tests.ledger.desk import Desk
from tests.ops.waiting import until
from tests.schemas.builders import invoice
from tests.telemetry.test_progress import Clock

Connect = Callable[[], psycopg.Connection[TupleRow]]
DOCUMENTS = 40


@pytest.fixture
def lease(desk: Desk) -> Lease:
    desk.administration()
    desk.take_in(*(invoice(id=str(number), number=str(number)) for number in range(DOCUMENTS)))
    return desk.lease()


@asynccontextmanager
async def writing(connect_: Connect, gather_seconds: float = 0.05) -> AsyncIterator[LedgerWriter]:
    writer = LedgerWriter(
        connect_,
        asyncio.get_running_loop(),
        gather_seconds=gather_seconds,
        wait_between_attempts=wait_fixed(0.01),
    )
    writer.start()
    try:
        yield writer
    finally:
        await writer.close(10)


def connector(desk: Desk) -> Connect:
    return lambda: psycopg.connect(desk.url, autocommit=True, application_name="the-writer")


def ids(desk: Desk) -> list[PostingId]:
    return [PostingId(row["id"]) for row in desk.postings()]


def booked(posting: PostingId) -> Change:
    return Change(posting, Outcome.BOOKED, package_number="1", package_id="x")


async def test_what_is_handed_in_together_is_committed_together(desk: Desk, lease: Lease) -> None:
    postings = ids(desk)
    async with writing(connector(desk)) as writer:
        await asyncio.gather(*(writer.intent(lease, Intent(posting, "book")) for posting in postings))
        assert writer.transactions <= 2
        await asyncio.gather(*(writer.change(lease, booked(posting)) for posting in postings))
        assert writer.transactions <= 4
    assert {row["state"] for row in desk.postings()} == {"booked"}
    assert [event["outcome"] for event in desk.told()] == ["booked"] * DOCUMENTS


async def test_an_outcome_and_the_next_intent_travel_in_one_transaction(desk: Desk, lease: Lease) -> None:
    first, second, *_ = ids(desk)
    async with writing(connector(desk)) as writer:
        await writer.intent(lease, Intent(first, "book"))
        before = writer.transactions
        change = writer.change(lease, booked(first))
        await writer.intent(lease, Intent(second, "book"))
        assert change.done()
        assert writer.transactions == before + 1


async def test_two_changes_of_one_posting_are_both_written_in_their_order(desk: Desk, lease: Lease) -> None:
    posting = ids(desk)[0]
    async with writing(connector(desk)) as writer:
        doubt = Change(posting, Outcome.UNCERTAIN, keep_intent=True)
        both = [writer.intent(lease, Intent(posting, "book"))]
        both += [writer.change(lease, change) for change in (doubt, booked(posting))]
        await asyncio.gather(*both)
    assert desk.outcomes("0") == ["uncertain", "booked"]
    assert desk.posting("0")["state"] == "booked"


async def test_a_transaction_runs_after_what_was_handed_in_before_it(desk: Desk, lease: Lease) -> None:
    posting = ids(desk)[0]
    async with writing(connector(desk)) as writer:
        writer.change(lease, booked(posting))
        seen = await writer.transaction(
            lambda cursor: cursor.execute("SELECT state FROM posting WHERE id = %s", [posting]).fetchone()
        )
        assert seen == ("booked",)


async def test_what_a_transaction_raises_reaches_its_caller_and_undoes_it(desk: Desk, lease: Lease) -> None:
    def fail(cursor: psycopg.Cursor[TupleRow]) -> None:
        cursor.execute("UPDATE posting SET state = 'held'")
        raise KeyError("mine")

    async with writing(connector(desk)) as writer:
        with pytest.raises(KeyError, match="mine"):
            await writer.transaction(fail)
        await writer.intent(lease, Intent(ids(desk)[0], "book"))
    assert {row["state"] for row in desk.postings()} == {"posting", "received"}


async def test_who_lost_the_lease_writes_nothing(desk: Desk, lease: Lease) -> None:
    first, second, *_ = ids(desk)
    old = replace(lease, epoch=lease.epoch - 1)
    async with writing(connector(desk)) as writer:
        mixed = await asyncio.gather(
            writer.intent(old, Intent(first, "book")),
            writer.change(old, booked(first)),
            writer.intent(lease, Intent(second, "book")),
            return_exceptions=True,
        )
    assert [type(one) for one in mixed] == [Fenced, Fenced, type(None)]
    assert desk.posting("0")["state"] == "received"
    assert desk.told("0") == []


async def test_a_posting_that_is_booked_takes_no_intent(desk: Desk, lease: Lease) -> None:
    posting = ids(desk)[0]
    async with writing(connector(desk)) as writer:
        await writer.change(lease, booked(posting))
        with pytest.raises(Fenced):
            await writer.intent(lease, Intent(posting, "book"))


async def test_a_change_that_cannot_be_stored_fails_alone(desk: Desk, lease: Lease) -> None:
    postings = ids(desk)[:9]
    bad = replace(booked(postings[4]), package_number="a\x00b")
    async with writing(connector(desk)) as writer:
        changes = [bad if posting == bad.posting else booked(posting) for posting in postings]
        done = await asyncio.gather(
            *(writer.change(lease, change) for change in changes), return_exceptions=True
        )
        assert [isinstance(one, psycopg.DataError) for one in done] == [n == 4 for n in range(9)]
        await writer.intent(lease, Intent(ids(desk)[9], "book"))
    assert [desk.posting(str(n))["state"] for n in range(9)].count("booked") == 8


async def test_a_session_that_the_database_ends_costs_nothing(desk: Desk, lease: Lease) -> None:
    postings = ids(desk)
    async with writing(connector(desk), gather_seconds=0.0) as writer:
        for posting in postings:
            await writer.intent(lease, Intent(posting, "book"))
            change = writer.change(lease, booked(posting))
            if posting % 5 == 0:
                desk.connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'the-writer' AND datname = current_database()"
                )
            await change
    assert {row["state"] for row in desk.postings()} == {"booked"}
    assert {event["what"]["id"] for event in desk.told()} == {str(number) for number in range(DOCUMENTS)}


async def test_an_answer_in_hand_is_written_when_the_database_is_back(desk: Desk, lease: Lease) -> None:
    posting = ids(desk)[0]
    away, asked = threading.Event(), threading.Event()
    away.set()

    def connect_() -> psycopg.Connection[TupleRow]:
        if away.is_set():
            asked.set()
            raise psycopg.OperationalError("the database is away")
        return connector(desk)()

    async with writing(connect_) as writer:
        change = writer.change(lease, booked(posting))
        await asyncio.to_thread(asked.wait)
        assert not change.done()
        away.clear()
        await change
    assert desk.posting("0")["state"] == "booked"


async def test_an_answer_in_hand_is_not_written_over_a_new_holder(desk: Desk, lease: Lease) -> None:
    posting = ids(desk)[0]
    away = threading.Event()
    away.set()

    def connect_() -> psycopg.Connection[TupleRow]:
        if away.is_set():
            raise psycopg.OperationalError("the database is away")
        return connector(desk)()

    async with writing(connect_) as writer:
        change = writer.change(lease, booked(posting))
        desk.connection.execute("UPDATE connection SET lease_epoch = lease_epoch + 1")
        away.clear()
        with pytest.raises(Fenced):
            await change
    assert desk.posting("0")["state"] == "received"


async def test_closing_writes_what_was_handed_in(desk: Desk, lease: Lease) -> None:
    writer = LedgerWriter(connector(desk), asyncio.get_running_loop(), gather_seconds=5)
    writer.start()
    changes = [writer.change(lease, booked(posting)) for posting in ids(desk)]
    await writer.close(20)
    assert all(change.done() and change.exception() is None for change in changes)
    assert {row["state"] for row in desk.postings()} == {"booked"}


async def test_closing_while_the_database_is_away_ends_after_the_patience(desk: Desk, lease: Lease) -> None:
    def connect_() -> psycopg.Connection[TupleRow]:
        raise psycopg.OperationalError("the database is away")

    writer = LedgerWriter(connect_, asyncio.get_running_loop(), wait_between_attempts=wait_fixed(0.01))
    writer.start()
    change = writer.change(lease, booked(ids(desk)[0]))
    await writer.close(0.05)
    with pytest.raises(WriterClosed):
        await change


async def test_connecting_again_leaves_the_lease_alone(desk: Desk, lease: Lease) -> None:
    (row,) = desk.rows("SELECT administration_id FROM lane")
    key = desk.administration(row["administration_id"])
    desk.write(lambda cursor: connect(cursor, key, lease.connection, b"new", {}))
    async with writing(connector(desk)) as writer:
        await writer.intent(lease, Intent(ids(desk)[0], "book"))


async def test_a_writer_that_stands_still_is_late_and_one_that_has_nothing_to_write_is_not(
    desk: Desk, lease: Lease
) -> None:
    """The thread is stopped in the middle of a batch; the clock is ours."""
    clock = Clock()
    progress = Progress(clock)
    stopped, go_on = threading.Event(), threading.Event()

    def checkpoint(name: str) -> None:
        stopped.set()
        assert go_on.wait(60)

    writer = LedgerWriter(
        connector(desk),
        asyncio.get_running_loop(),
        checkpoint=checkpoint,
        pulse=progress.pulse("writer", 120),
    )
    writer.start()
    posting = ids(desk)[0]
    await writer.intent(lease, Intent(posting, "book"))
    clock.now += 1000
    # An intent has no checkpoint: the thread waits for more to do.
    await until_resting(progress)
    writing = writer.change(lease, booked(posting))
    assert await asyncio.to_thread(stopped.wait, 60)
    clock.now += 121
    assert [part.part for part in progress.late()] == ["writer"]
    go_on.set()
    await writing
    await until_resting(progress)
    await writer.close(10)


async def until_resting(progress: Progress) -> None:
    await asyncio.to_thread(until, lambda: not progress.parts()[0].seconds)
