"""Reconciliations in the ledger: asked for, spread over the night, claimed, and the newest result kept."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.rows import TupleRow

from ledger.leases import claim_one
from ledger.reconciliation_requests import (
    ask,
    due_months,
    due_reconciliations,
    failed,
    plan_night,
    requests,
    started,
    touched_months,
    withdraw,
)
from ledger.reconciliation_results import (
    doubles_standing,
    find_runs,
    latest_runs,
    open_differences,
    store_result,
)
from ledger.reconciliation_rows import (
    Difference,
    DifferenceKind,
    DirectionTotals,
    Result,
    RunId,
    RunState,
    Said,
    Sum,
    Totals,
    VatTotal,
)
from ledger.rows import LaneKey
from schemas.outcome import Code, Package, reason
from tests.ledger.desk import TERMS, Desk
from tests.schemas.builders import invoice

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
NIGHT = date(2026, 4, 15)
WAIT = timedelta(minutes=10)


def double(*ids: str) -> Difference:
    return Difference(
        kind=DifferenceKind.DOUBLE,
        direction="purchase",
        number="F-1",
        relation="rel-204",
        document_id="p-1",
        posting="7",
        our_gross=Decimal("121.00"),
        package_gross=Decimal("121.00"),
        package_ids=ids,
        state=None,
        code=None,
        who_acts="bookkeeper",
        said=Said("dubbel", "double"),
        needs_somebody=True,
    )


def result(*differences: Difference) -> Result:
    totals = Totals(
        directions=(DirectionTotals("sales", enk=Sum(2, Decimal("0.30"))),),
        vat=(VatTotal("sales", "hoog", Decimal(21), Decimal("0.10"), Decimal("0.02")),),
        not_compared=(Said("Dagboek", "Journal"),),
    )
    return Result(totals, differences)


@pytest.fixture
def key(desk: Desk) -> LaneKey:
    made = desk.administration()
    desk.connection.execute("UPDATE lane SET due_at = NULL")
    return made


def asked(desk: Desk, key: LaneKey, month: date = MARCH, attempts: int = 1) -> RunId:
    return desk.write(lambda cursor: ask(cursor, key, month, "me", attempts=attempts))


def stored(desk: Desk, key: LaneKey, found: Result, month: date = MARCH) -> int:
    run = asked(desk, key, month)
    return desk.write(lambda cursor: store_result(cursor, run, found))


def test_what_is_asked_for_brings_a_holder_to_the_connection(desk: Desk, key: LaneKey) -> None:
    assert desk.leases() == []
    asked(desk, key)
    lease = desk.lease()
    due = desk.write(lambda cursor: due_reconciliations(cursor, [lease.connection]))
    assert due == [(lease.connection, key)]
    ((run, month),) = due_months(desk.connection, key)
    (request,) = requests(desk.connection, [run])
    assert (month, request.is_held, request.connection) == (MARCH, True, lease.connection)


def test_a_night_is_planned_once_and_spread_the_same_way_every_night(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.administration(name)
    desk.administration("asleep", active=False)
    desk.administration("loose", connected=False)
    desk.administration("shut")
    desk.connection.execute("UPDATE lane SET held_code = 'auth_revoked' WHERE administration_id = 'shut'")

    def plan(day: date) -> int:
        return desk.write(lambda cursor: plan_night(cursor, day, [MARCH, APRIL], timedelta(hours=2)))

    def offsets() -> dict[str, int]:
        rows = desk.rows(
            "SELECT administration_id, extract(epoch FROM due_at - asked_at)::integer / 60 AS at"
            " FROM reconciliation_run WHERE due_at IS NOT NULL"
        )
        return {row["administration_id"]: row["at"] for row in rows}

    assert plan(NIGHT) == 6
    assert plan(NIGHT) == 0
    first = offsets()
    assert set(first) == {"a", "b", "c"}
    assert len(set(first.values())) == 3
    assert all(0 <= minutes < 120 for minutes in first.values())
    assert plan(NIGHT + timedelta(days=1)) == 0, "the night before is not made yet"
    desk.connection.execute("UPDATE reconciliation_run SET due_at = NULL")
    assert plan(NIGHT + timedelta(days=2)) == 6
    assert offsets() == first


def test_older_months_have_their_turn_when_something_in_them_was_changed(desk: Desk, key: LaneKey) -> None:
    desk.take_in(invoice(issue_date="2025-11-30", due_date="2025-12-30"), invoice(id="2", number="2"))
    lately = timedelta(days=3)
    assert touched_months(desk.connection, key, lately) == [date(2025, 11, 1), MARCH]
    assert desk.write(lambda cursor: plan_night(cursor, NIGHT, [APRIL], WAIT)) == 3
    desk.connection.execute("UPDATE posting SET changed_at = now() - interval '4 days'")
    assert touched_months(desk.connection, key, lately) == []


def test_what_differed_is_compared_every_night_until_it_is_mended(desk: Desk, key: LaneKey) -> None:
    def plan(day: date) -> list[date]:
        desk.connection.execute("DELETE FROM reconciliation_run WHERE due_at IS NOT NULL")
        desk.write(lambda cursor: plan_night(cursor, day, [APRIL], WAIT))
        rows = desk.rows("SELECT month FROM reconciliation_run WHERE due_at IS NOT NULL ORDER BY 1")
        return [row["month"] for row in rows]

    stored(desk, key, result(double("a", "b")))
    assert plan(NIGHT) == [MARCH, APRIL]
    stored(desk, key, result())
    assert plan(NIGHT + timedelta(days=1)) == [APRIL]


def test_the_newest_result_of_a_month_takes_the_place_of_the_one_before(desk: Desk, key: LaneKey) -> None:
    assert stored(desk, key, result(double("a", "b"))) == 1
    assert stored(desk, key, result(double("b", "a"))) == 0, "the same double is not new"
    assert stored(desk, key, result(double("a", "b")), APRIL) == 0
    assert stored(desk, key, result(double("a", "b"), double("c", "d"))) == 1
    (run,) = latest_runs(desk.connection, MARCH, key)
    assert run.result == result(double("a", "b"), double("c", "d"))
    assert (run.state, run.asked_by) == (RunState.DONE, "me")
    assert len(desk.rows("SELECT id FROM reconciliation_run")) == 2


def test_what_is_open_and_what_is_double_by_the_newest_results(desk: Desk, key: LaneKey) -> None:
    fine = Difference(**{**vars(double("x")), "kind": DifferenceKind.FOREIGN, "needs_somebody": False})
    stored(desk, key, result(double("a", "b"), fine))
    stored(desk, key, result(double("a", "b")), APRIL)
    opened = desk.write(open_differences)
    assert [(one.key, one.month, one.difference) for one in opened] == [
        (key, MARCH, double("a", "b")),
        (key, APRIL, double("a", "b")),
    ]
    assert desk.write(doubles_standing) == {Package.SNELSTART: 1}
    stored(desk, key, result())
    stored(desk, key, result(), APRIL)
    assert desk.write(open_differences) == []
    assert desk.write(doubles_standing) == {}


def test_a_failure_is_tried_again_and_leaves_the_last_result(desk: Desk, key: LaneKey) -> None:
    stored(desk, key, result())
    why = reason(Code.UNAVAILABLE)
    run = asked(desk, key, attempts=2)
    assert not desk.write(lambda cursor: failed(cursor, run, why, WAIT))
    assert due_months(desk.connection, key) == []
    assert desk.value("SELECT due_at > now() FROM reconciliation_run WHERE id = %s", run)
    assert desk.write(lambda cursor: failed(cursor, run, why, WAIT))
    (found,) = find_runs(desk.connection, [run])
    assert (found.state, found.code, found.result) == (RunState.FAILED, "unavailable", None)
    again = asked(desk, key)
    desk.write(lambda cursor: failed(cursor, again, why, WAIT))
    states = desk.rows("SELECT state FROM reconciliation_run ORDER BY id")
    assert [row["state"] for row in states] == ["done", "failed"]


def test_what_nobody_waits_for_is_not_made_unless_it_has_begun(desk: Desk, key: LaneKey) -> None:
    first, second = asked(desk, key), asked(desk, key, APRIL)
    desk.write(lambda cursor: started(cursor, second))
    desk.write(lambda cursor: withdraw(cursor, first))
    desk.write(lambda cursor: withdraw(cursor, second))
    assert [month for _, month in due_months(desk.connection, key)] == [APRIL]


def test_a_result_that_comes_too_late_changes_nothing(desk: Desk, key: LaneKey) -> None:
    run = asked(desk, key)
    desk.write(lambda cursor: withdraw(cursor, run))
    assert desk.write(lambda cursor: store_result(cursor, run, result(double("a", "b")))) == 0
    assert desk.rows("SELECT * FROM reconciliation_difference") == []


def test_one_connection_is_claimed_by_name_unless_it_is_held(desk: Desk, key: LaneKey) -> None:
    def take(owner: str) -> int | None:
        lease = desk.write(lambda cursor: claim_one(cursor, owner, "snelstart:adm-1001", TERMS, 0.0))
        return lease.epoch if lease else None

    assert take("command") == 1
    assert take("another") is None
    desk.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '1 second'")
    assert take("another") == 2
    assert _free(desk.connection) == 0


def _free(connection: psycopg.Connection[TupleRow]) -> int:
    row = connection.execute("SELECT count(*) FROM connection WHERE lease_owner IS NULL").fetchone()
    assert row is not None
    return int(row[0])
