"""When the readback engine reads: failures, holds, stopping, and administrations that leave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.administrations import administration_changed, hold_lane, release_lane, tombstone
from ledger.readbacks import (
    ensure_readback,
    failing,
    run_soon,
    stop_readback,
)
from schemas.administration import Administration
from schemas.outcome import Code, Package, reason
from tests.sources.booked_ledger import BookedLedger
from tests.sources.desk import TERMS, Desk
from vendors.failure import Failure, NotSent, Refused, Scope


async def test_a_package_that_fails_is_left_alone_and_says_why_in_dutch(desk: Desk) -> None:
    desk.book("i1", open_amount="0.00")
    desk.source.failure = NotSent(Code.UNAVAILABLE, "geen antwoord", scope=Scope.ADMINISTRATION)
    for failures in (1, 2):
        desk.ledger.write(lambda cursor: run_soon(cursor, desk.key, sweep=True))
        await desk.run()
        assert desk.row("failures, code") == (failures, "unavailable")
        assert not desk.is_due, "neither pull nor sweep"
    [found] = desk.ledger.write(failing)
    assert (found.key, found.code, found.failures) == (desk.key, Code.UNAVAILABLE, 2)
    assert "boekhoudpakket" in found.message_nl
    assert await desk.run() == []

    desk.source.failure = None
    await desk.sweep()
    assert desk.row("failures, code, message_nl") == (0, None, None)
    assert desk.statuses == ["paid"]


@pytest.mark.parametrize(
    ("failure", "least"),
    [
        (Refused(Code.RATE_LIMITED, retry_after=timedelta(hours=2)), timedelta(hours=2)),
        (Refused(Code.AUTH_REVOKED, scope=Scope.ADMINISTRATION), TERMS.person_wait),
        (Refused(Code.MODULE_MISSING, scope=Scope.ADMINISTRATION), TERMS.person_wait),
        (ValueError("a bug in the source"), TERMS.person_wait),
    ],
)
async def test_what_the_package_asks_and_what_a_person_must_mend_is_waited_for(
    desk: Desk, failure: Exception, least: timedelta
) -> None:
    desk.source.failure = failure
    await desk.run()
    [(is_far_enough, code)] = desk.ledger.ask(
        "SELECT LEAST(pull_due_at, sweep_due_at) > clock_timestamp() + %s::interval, code FROM readback",
        least - timedelta(minutes=5),
    )
    assert is_far_enough
    assert code == (failure.code if isinstance(failure, Failure) else "internal")


async def test_a_refusal_while_opening_counts_as_one(desk: Desk) -> None:
    desk.opening_failure = Refused(Code.AUTH_REVOKED, "onbekende sleutel", scope=Scope.ADMINISTRATION)
    assert await desk.run() == []
    assert desk.row("failures, code") == (1, "auth_revoked")
    assert not desk.is_due


async def test_connecting_again_forgets_failures_and_cursor(desk: Desk) -> None:
    await desk.run()
    desk.source.failure = Refused(Code.AUTH_REVOKED, scope=Scope.ADMINISTRATION)
    await desk.pull()
    desk.source.failure = None
    desk.ledger.write(lambda cursor: ensure_readback(cursor, desk.key, timedelta()))
    assert desk.row("failures, code, cursor") == (0, None, None)
    assert await desk.run() == ["sweep"]


@pytest.mark.parametrize("code", [Code.WRONG_COMPANY, Code.AUTH_REVOKED, Code.HELD_BY_OPERATOR])
async def test_a_held_administration_is_not_read(desk: Desk, code: Code) -> None:
    desk.ledger.write(lambda cursor: hold_lane(cursor, desk.key, reason(code), None))
    assert await desk.run() == []
    assert desk.row("code, failures") == (str(code), 0)
    assert not desk.is_due
    desk.ledger.write(lambda cursor: release_lane(cursor, desk.key))
    assert await desk.sweep() == ["sweep"]


async def test_a_hold_on_what_is_sent_does_not_stop_reading(desk: Desk) -> None:
    desk.ledger.write(lambda cursor: hold_lane(cursor, desk.key, reason(Code.MAPPING_MISSING), None))
    assert await desk.run() == ["sweep"]


async def test_a_package_without_readback_stops_by_itself(desk: Desk) -> None:
    desk.has_readback = False
    await desk.run()
    assert desk.row("pull_due_at, sweep_due_at") == (None, None)


async def test_disconnecting_stops_also_a_run_under_way(desk: Desk) -> None:
    async def disconnect() -> None:
        desk.ledger.write(lambda cursor: stop_readback(cursor, desk.key))

    desk.source.before_answer = disconnect
    assert await desk.run() == ["sweep"]
    assert desk.row("pull_due_at, sweep_due_at") == (None, None)
    assert desk.ledger.write(lambda cursor: run_soon(cursor, desk.key)) is False


@pytest.mark.parametrize(("sweep", "call"), [(False, "pull"), (True, "sweep")])
async def test_what_is_asked_for_during_a_run_is_done_after_it(desk: Desk, sweep: bool, call: str) -> None:
    async def ask() -> None:
        desk.ledger.write(lambda cursor: run_soon(cursor, desk.key, sweep=sweep))

    desk.source.before_answer = ask
    await desk.run()
    assert desk.is_due
    desk.source.before_answer = None
    assert await desk.run() == [call]
    assert not desk.is_due


async def test_inactive_stops_reading_and_active_again_reads_on(desk: Desk) -> None:
    def enk_says(active: bool, offset: int) -> None:
        event = Administration(
            id=desk.key.administration, name="Van der Berg", package=Package.SNELSTART, active=active
        )
        desk.ledger.write(lambda cursor: administration_changed(cursor, event, 0, offset))

    enk_says(False, 1)
    assert not desk.is_due
    desk.ledger.write(lambda cursor: ensure_readback(cursor, desk.key, timedelta()))
    assert not desk.is_due, "connected while inactive"
    enk_says(True, 2)
    assert desk.is_due
    desk.ledger.write(lambda cursor: tombstone(cursor, desk.key.administration, 0, 3))
    assert not desk.is_due


async def test_an_administration_that_left_is_read_until_all_is_settled(
    desk: Desk, ledger: BookedLedger
) -> None:
    held_as = desk.book("i1")
    event = Administration(id=desk.key.administration, name="x", package=Package.TWINFIELD, active=True)
    desk.ledger.write(lambda cursor: administration_changed(cursor, event, 0, 1))
    await desk.run()
    assert desk.row("pull_due_at IS NULL") == (False,), "one invoice is open"

    desk.source.pay(held_as, "0.00")
    assert await desk.pull() == ["pull"]
    [told] = desk.ledger.events()
    assert (told["package"], told["status"]) == ("snelstart", "paid")
    await desk.sweep()
    assert desk.row("pull_due_at, sweep_due_at") == (None, None)
