"""The ledger's numbers for metrics: right, cheap, and shown by one process at a time."""

from __future__ import annotations

from datetime import timedelta

import psycopg

from ledger.gauges import OPEN_STATES, DueLanes, alone, ledger_gauges
from ledger.rows import Change
from schemas.outcome import Code, Outcome, Package, reason
from tests.ledger.desk import Desk
from tests.schemas.builders import invoice, relation

MINUTE = timedelta(minutes=1)


def test_an_empty_ledger_has_nothing(desk: Desk) -> None:
    found = ledger_gauges(desk.connection)
    assert (found.open, found.due, found.held, found.breakers, found.doubles) == ((), (), {}, (), {})
    assert (found.outbox.size, found.outbox_oldest_seconds, found.in_recovery) == (0, 0.0, 0)


def test_open_documents_are_counted_and_finished_ones_are_not(desk: Desk) -> None:
    desk.administration()
    desk.take_in(relation(), *(invoice(id=f"s-{n}", number=f"{n}") for n in range(3)))
    lease = desk.lease()
    desk.intend(lease, "s-0")
    desk.change(lease, Change(desk.posting("s-0")["id"], Outcome.BOOKED, package_number="0", package_id="x"))
    desk.intend(lease, "s-1")
    too_long = reason(Code.TOO_LONG, field="$.number", number="1")
    desk.change(lease, Change(desk.posting("s-1")["id"], Outcome.REJECTED, too_long))
    desk.connection.execute(
        "UPDATE posting SET changed_at = clock_timestamp() - interval '90 s' WHERE state = 'rejected'"
    )
    found = {state.state: state for state in ledger_gauges(desk.connection).open}
    assert {name: state.count for name, state in found.items()} == {"received": 2, "rejected": 1}
    assert 90 <= found["rejected"].oldest_seconds < 1000
    assert found["rejected"].package == "snelstart"


def test_what_is_open_is_found_by_an_index(desk: Desk) -> None:
    states = ", ".join(f"'{state}'" for state in OPEN_STATES)
    desk.connection.execute("SET enable_seqscan = off")
    plan = desk.rows(
        f"EXPLAIN SELECT package, state, count(*) FROM posting WHERE state IN ({states}) GROUP BY 1, 2"
    )
    assert "posting_open" in "\n".join(row["QUERY PLAN"] for row in plan)


def test_a_lane_counts_as_due_after_a_minute_and_as_unattended_while_nobody_holds_it(desk: Desk) -> None:
    for name in ("adm-1", "adm-2", "adm-3"):
        desk.administration(name)
        desk.take_in(relation(administration=name), invoice(administration=name))
    desk.connection.execute(
        "UPDATE lane SET due_at = clock_timestamp() - interval '5 min' WHERE administration_id <> 'adm-3'"
    )
    (due,) = ledger_gauges(desk.connection).due
    assert (due.package, due.late, due.unattended) == ("snelstart", 2, 2)
    assert 300 <= due.oldest_seconds < 1000
    desk.leases()
    assert [(due.late, due.unattended) for due in ledger_gauges(desk.connection).due] == [(2, 0)]


def test_a_stopped_package_is_not_due_but_stopped(desk: Desk) -> None:
    desk.administration()
    desk.take_in(invoice())
    desk.connection.execute("UPDATE lane SET due_at = clock_timestamp() - interval '5 min'")
    desk.connection.execute(
        "INSERT INTO package_breaker (package, code, message) VALUES ('snelstart', 'internal', 'x')"
    )
    found = ledger_gauges(desk.connection)
    assert (found.due, found.breakers) == ((), ("snelstart",))


def test_held_administrations_are_counted_by_code_and_events_by_age(desk: Desk) -> None:
    desk.administration("adm-1")
    desk.administration("adm-2", Package.KING)
    desk.take_in(invoice(administration="adm-1"))
    desk.connection.execute(
        "UPDATE lane SET held_code = 'auth_revoked', held_nl = '', held_en = '', held_who_acts = 'bookkeeper'"
        " WHERE administration_id = 'adm-1'"
    )
    desk.connection.execute(
        "INSERT INTO outbox (topic, key, headers, value, at)"
        " VALUES ('t', '', '[]', '', clock_timestamp() - interval '400 s')"
    )
    found = ledger_gauges(desk.connection)
    assert found.held == {("snelstart", "auth_revoked"): 1}
    assert found.outbox.size >= 1
    assert 400 <= found.outbox_oldest_seconds < 1000


def test_one_session_looks_until_it_ends(desk: Desk) -> None:
    with (
        psycopg.connect(desk.url, autocommit=True) as first,
        psycopg.connect(desk.url, autocommit=True) as second,
    ):
        assert alone(first, MINUTE)
        assert not alone(second, MINUTE)
        first.close()
        # The server may take a moment to notice.
        assert any(alone(second, MINUTE) for _ in range(2000))


def test_a_session_that_stands_still_is_ended_by_the_next(desk: Desk) -> None:
    with (
        psycopg.connect(desk.url, autocommit=True) as stuck,
        psycopg.connect(desk.url, autocommit=True) as next_,
    ):
        assert alone(stuck, MINUTE)
        assert not alone(next_, timedelta())
        assert any(alone(next_, MINUTE) for _ in range(2000))
        assert stuck.closed or not _answers(stuck)


def _answers(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_due_lanes_of_packages_stand_apart(desk: Desk) -> None:
    desk.administration("adm-1")
    desk.administration("adm-2", Package.KING)
    desk.connection.execute("UPDATE lane SET due_at = clock_timestamp() - interval '2 min'")
    found = sorted(ledger_gauges(desk.connection).due, key=lambda due: due.package)
    assert [(due.package, due.late) for due in found] == [("king", 1), ("snelstart", 1)]
    assert all(isinstance(due, DueLanes) for due in found)
