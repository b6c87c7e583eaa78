"""What one run of the readback engine reads, stores and tells, with a package in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.payments import list_payments
from ledger.readbacks import (
    advance,
    follow_activity,
    readback_state,
)
from ledger.unseen import missing
from ledger.writer import Fenced
from schemas.outcome import Code
from schemas.payment import SettledBy
from sinks.books import Books
from sources.contract import Pull
from sources.readback import Readback
from tests.sources.booked_ledger import BookedLedger, lease_of
from tests.sources.desk import TERMS, Desk
from vendors.failure import NotSent, Refused, Scope


async def test_connecting_reads_everything_once_and_then_only_changes(desk: Desk) -> None:
    paid, still_open = desk.book("i1", open_amount="0.00"), desk.book("i2")
    assert desk.is_due
    assert await desk.run() == ["sweep"]
    assert desk.statuses == ["paid"]
    assert not desk.is_due
    assert await desk.run() == [], "nothing is due"

    desk.source.pay(still_open, "21.00", SettledBy.BANK)
    assert await desk.pull() == ["pull"]
    assert desk.source.cursors[-1] == {"position": "2"}
    assert desk.statuses == ["paid", "partly_paid"]
    assert desk.row("cursor") == ({"position": "3"},)
    assert paid in desk.source.invoices


async def test_a_payment_that_is_not_logged_as_a_change_is_found_by_the_sweep(desk: Desk) -> None:
    held_as = desk.book("i1")
    await desk.run()
    desk.source.pay(held_as, "0.00", logged=False)
    await desk.pull()
    assert desk.statuses == []
    assert await desk.sweep() == ["sweep"]
    assert desk.statuses == ["paid"]
    [event] = desk.ledger.events()
    assert event["settled_by"] == "unknown"


async def test_intervals_decide_when_the_next_is_due(desk: Desk) -> None:
    await desk.run()
    pull_in, sweep_in = desk.row("pull_due_at - pulled_at, sweep_due_at - swept_at")
    assert isinstance(pull_in, timedelta)
    assert isinstance(sweep_in, timedelta)
    assert TERMS.pull_every <= pull_in < 2 * TERMS.pull_every
    assert TERMS.sweep_every <= sweep_in < 2 * TERMS.sweep_every
    due_before = desk.row("sweep_due_at, swept_at")
    await desk.pull()
    assert desk.row("sweep_due_at, swept_at") == due_before, "a pull does not put off the sweep"


async def test_observations_and_cursor_are_stored_together_or_not_at_all(desk: Desk) -> None:
    desk.book("i1", open_amount="0.00")
    # the cursor, which is written after the observations, cannot be stored
    desk.ledger.connection.execute("ALTER TABLE readback ADD CONSTRAINT cut CHECK (cursor IS NULL)")
    try:
        with pytest.raises(psycopg.errors.CheckViolation):
            await desk.run()
    finally:
        desk.ledger.connection.execute("ALTER TABLE readback DROP CONSTRAINT cut")
    assert desk.statuses == []
    await desk.run()
    assert desk.statuses == ["paid"]


async def test_many_invoices_go_in_batches_and_the_cursor_moves_last(desk: Desk) -> None:
    for number in range(25):
        desk.book(f"i{number:02}", open_amount="0.00")
    writes = []
    original = desk.books.write

    class Watched:
        read = staticmethod(desk.books.read)

        @staticmethod
        def write(run: object) -> object:
            writes.append(desk.row("cursor")[0])
            return original(run)  # type: ignore[arg-type]

    lease = lease_of(desk.key)
    terms = replace(TERMS, batch=10)
    await Readback(desk._open, Watched(), desk.key, terms, lambda: lease).run()  # type: ignore[arg-type]
    assert writes == [None, None, None, {"position": "25"}], "three batches, then the end of the run"
    assert len(desk.ledger.events()) == 25


async def test_a_stopping_process_leaves_the_rest_to_the_next(desk: Desk) -> None:
    for number in range(3):
        desk.book(f"i{number}", open_amount="0.00")
    desk.stopping = True
    await desk.run()
    assert desk.statuses == []
    assert desk.is_due
    desk.stopping = False
    await desk.run()
    assert desk.statuses == ["paid"] * 3


async def test_invoices_missing_from_a_sweep_are_asked_for_by_id(desk: Desk) -> None:
    hidden, gone = desk.book("i1"), desk.book("i2")
    await desk.run()
    desk.source.hidden.add(hidden)
    desk.source.pay(hidden, "0.00", logged=False)
    del desk.source.invoices[gone]
    assert await desk.pull() == ["pull"], "a pull shows a part: nothing is missing from it"

    assert await desk.sweep() == ["sweep", f"invoice {hidden}", f"invoice {gone}"]
    assert desk.statuses == ["paid"], "the hidden one, and nothing about the one that is gone"
    assert [item.invoice_id for item in desk.ledger.write(missing)] == ["i2"]

    assert await desk.sweep() == ["sweep", f"invoice {hidden}"], "known to be missing: not asked again"
    desk.source.book(gone, "121.00")
    await desk.sweep()
    assert desk.ledger.write(missing) == []
    assert desk.statuses == ["paid"]


async def test_an_invoice_booked_while_the_sweep_runs_is_not_missed(desk: Desk) -> None:
    async def book_meanwhile() -> None:
        if not desk.source.hidden:
            desk.source.hidden.add(desk.book("i1"))

    desk.source.before_answer = book_meanwhile
    assert await desk.run() == ["sweep"]
    assert desk.ledger.write(missing) == []


async def test_one_invoice_that_the_package_refuses_does_not_stop_the_sweep(desk: Desk) -> None:
    held_as = desk.book("i1")
    desk.source.hidden.add(held_as)
    desk.source.invoice_failure = Refused(Code.BAD_FORMAT, "vreemd id")
    await desk.run()
    assert desk.ledger.write(missing) == [], "not answered is not the same as gone"
    assert desk.row("swept_at IS NOT NULL, code") == (True, None)

    desk.source.invoice_failure = NotSent(Code.UNAVAILABLE, scope=Scope.ADMINISTRATION)
    await desk.sweep()
    assert desk.row("failures, code") == (1, "unavailable")


async def test_a_process_that_lost_its_lease_writes_nothing(desk: Desk) -> None:
    desk.book("i1", open_amount="0.00")

    async def take_over() -> None:
        desk.ledger.connection.execute("UPDATE connection SET lease_epoch = lease_epoch + 1")

    desk.source.before_answer = take_over
    with pytest.raises(Fenced):
        await desk.run()
    assert desk.statuses == []
    assert desk.row("cursor, pulled_at") == (None, None)
    assert desk.is_due


async def test_a_run_that_began_earlier_does_not_move_the_cursor_back(desk: Desk) -> None:
    await desk.run()
    state = readback_state(desk.ledger.connection, desk.key)
    assert state is not None
    before = desk.row("cursor, pulled_at")

    def late(cursor: Cursor[TupleRow]) -> None:
        advance(cursor, desk.key, state.now - timedelta(hours=1), {"position": "old"})

    desk.ledger.write(late)
    assert desk.row("cursor, pulled_at") == before


async def test_a_pull_without_a_cursor_leaves_the_cursor(desk: Desk) -> None:
    await desk.run()

    async def nothing_new(cursor: object) -> Pull:
        return Pull((), complete=False, cursor=None)

    desk.source.pull = nothing_new  # type: ignore[method-assign]
    await desk.pull()
    assert desk.row("cursor") == ({"position": "0"},)


async def test_every_administration_has_its_own_readback(
    desk: Desk, ledger: BookedLedger, books: Books
) -> None:
    other = Desk(ledger, books, ledger.add_administration("adm-2"))
    for one in (desk, other):
        one.book("i1", gross="121.00", open_amount="0.00" if one is desk else "100.00")
    desk.source.failure = NotSent(Code.UNAVAILABLE, scope=Scope.ADMINISTRATION)
    await desk.run()
    await other.run()
    [row] = ledger.write(list_payments)
    assert (row.administration, row.paid) == ("adm-2", Decimal("21.00"))
    follow = other.key.administration
    ledger.write(lambda cursor: follow_activity(cursor, follow, active=False))
    assert other.row("pull_due_at") == (None,)
    assert desk.row("pull_due_at IS NULL") == (False,)
