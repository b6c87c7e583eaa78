"""Leases: one holder per connection, an epoch for every holder, and doubt about what a former one left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from ledger.due import due_lanes, recompute_lanes
from ledger.leases import LeaseTerms, claim, release, renew
from ledger.readbacks import ensure_readback, run_soon
from ledger.rows import Change, Lease, PostingId
from ledger.work import due_version, settle_due
from schemas.outcome import Outcome, Package
from tests.ledger.desk import TERMS, Desk
from tests.schemas.builders import invoice

SHORT = LeaseTerms(timedelta(), timedelta(seconds=30), timedelta(seconds=5))
"""A lease that has ended as soon as it is given."""


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """One administration with two documents due."""
    desk.administration()
    desk.take_in(invoice(), invoice(id="2", number="2"))
    return desk


def test_only_connections_with_work_due_are_claimed(desk: Desk) -> None:
    for name in ("a", "b"):
        desk.administration(name)
        desk.connection.execute("UPDATE lane SET due_at = NULL")
    assert desk.leases() == []
    desk.take_in(invoice(administration="b"))
    assert [lease.connection for lease in desk.leases()] == ["snelstart:b"]


def test_a_held_connection_is_nobody_elses_until_its_lease_ends(busy: Desk) -> None:
    mine = busy.lease("me")
    assert busy.leases("other") == []
    busy.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '1 second'")
    theirs = busy.lease("other")
    assert theirs.epoch == mine.epoch + 1


def test_a_lease_given_back_is_free_at_once(busy: Desk) -> None:
    mine = busy.lease("me")
    busy.write(lambda cursor: release(cursor, [mine]))
    assert busy.lease("other").epoch == mine.epoch + 1


def test_a_renewed_lease_lasts_longer_and_a_lost_one_is_not_renewed(busy: Desk) -> None:
    mine = busy.lease("me")
    until = busy.value("SELECT lease_until FROM connection")
    (renewed,) = busy.write(lambda cursor: renew(cursor, "me", [mine], TERMS, 100.0))
    assert (renewed.epoch, renewed.deadline) == (mine.epoch, 140.0)
    assert busy.value("SELECT lease_until FROM connection") > until
    assert busy.write(lambda cursor: renew(cursor, "other", [mine], TERMS, 100.0)) == []
    busy.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '1 second'")
    busy.lease("other")
    assert busy.write(lambda cursor: renew(cursor, "me", [mine], TERMS, 100.0)) == []


def test_giving_back_a_lost_lease_does_not_touch_the_new_holder(busy: Desk) -> None:
    mine = busy.lease("me")
    busy.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '1 second'")
    busy.lease("other")
    busy.write(lambda cursor: release(cursor, [mine]))
    assert busy.value("SELECT lease_owner FROM connection") == "other"


def test_workers_that_claim_at_once_never_get_the_same_connection(desk: Desk) -> None:
    names = [f"adm-{number}" for number in range(12)]
    for name in names:
        desk.administration(name)
        desk.take_in(invoice(administration=name))

    def some(owner: int) -> list[str]:
        with psycopg.connect(desk.url) as connection, connection.cursor() as cursor:
            return [one.connection for one in claim(cursor, f"{owner}", tuple(Package), TERMS, 5, 0.0)]

    claimed: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        for part in pool.map(some, range(4)):
            claimed += part
    assert len(claimed) == len(set(claimed))
    claimed += [lease.connection for lease in desk.leases()]
    assert sorted(claimed) == sorted(f"snelstart:{name}" for name in names)


def test_every_ledger_write_of_a_former_holder_is_refused(busy: Desk) -> None:
    mine = busy.lease("me")
    assert busy.intend(mine, "inv-9001")
    busy.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '1 second'")
    busy.lease("other")
    posting = PostingId(busy.posting("inv-9001")["id"])
    assert busy.change(mine, Change(posting, Outcome.BOOKED)) == set()
    assert not busy.intend(mine, "2")
    assert busy.outcomes("inv-9001") == ["uncertain"]


def test_what_was_in_flight_is_looked_up_once_its_last_call_must_have_ended(busy: Desk) -> None:
    mine = busy.lease("me")
    assert busy.intend(mine, "inv-9001")
    busy.connection.execute("UPDATE connection SET lease_until = clock_timestamp() - interval '10 seconds'")
    busy.lease("other")
    posting = busy.posting("inv-9001")
    assert (posting["state"], posting["code"]) == ("uncertain", "timeout_uncertain")
    assert posting["intent_step"] == "book"
    wait = busy.value("SELECT due_at - clock_timestamp() FROM posting WHERE document_id = 'inv-9001'")
    # lease end + call time-out (30 s) + settle (5 s), of which 10 s have passed
    assert timedelta(seconds=20) < wait <= timedelta(seconds=25)
    assert busy.posting("2")["state"] == "received"
    (event,) = busy.told()
    assert (event["what"]["id"], event["outcome"]) == ("inv-9001", "uncertain")


def test_a_lease_given_back_with_a_call_in_flight_waits_the_settle_time(busy: Desk) -> None:
    mine = busy.lease("me")
    assert busy.intend(mine, "inv-9001")
    busy.write(lambda cursor: release(cursor, [mine]))
    busy.lease("other")
    wait = busy.value("SELECT due_at - clock_timestamp() FROM posting WHERE document_id = 'inv-9001'")
    assert timedelta() < wait <= timedelta(seconds=5)


def test_a_stopped_package_is_left_alone(busy: Desk) -> None:
    busy.connection.execute("INSERT INTO package_breaker VALUES ('snelstart', 'internal', 'x')")
    assert busy.leases() == []
    assert busy.leases(packages=[Package.KING]) == []
    busy.connection.execute("DELETE FROM package_breaker")
    assert busy.leases(packages=[Package.KING]) == []
    assert len(busy.leases(packages=[Package.SNELSTART])) == 1


def test_a_readback_that_is_due_claims_its_connection_too(desk: Desk) -> None:
    key = desk.administration()
    desk.connection.execute("UPDATE lane SET due_at = NULL")
    desk.write(lambda cursor: ensure_readback(cursor, key, timedelta(hours=1)))
    desk.write(lambda cursor: run_soon(cursor, key, sweep=True))
    assert [lease.connection for lease in desk.leases()] == ["snelstart:adm-1001"]


def test_a_lane_is_due_when_its_next_posting_is_and_not_again_once_settled(busy: Desk) -> None:
    (key,) = [lane for _, lane in busy.write(lambda cursor: due_lanes(cursor, ["snelstart:adm-1001"]))]
    busy.connection.execute("UPDATE posting SET due_at = clock_timestamp() + id * interval '1 hour'")
    seen = busy.write(lambda cursor: due_version(cursor, key))
    due = busy.write(lambda cursor: settle_due(cursor, key, seen))
    assert due == busy.value("SELECT min(due_at) FROM posting")
    assert busy.write(lambda cursor: due_lanes(cursor, ["snelstart:adm-1001"])) == []


def test_work_that_arrives_while_a_lane_runs_keeps_it_due(busy: Desk) -> None:
    (key,) = [lane for _, lane in busy.write(lambda cursor: due_lanes(cursor, ["snelstart:adm-1001"]))]
    seen = busy.write(lambda cursor: due_version(cursor, key))
    busy.connection.execute("UPDATE posting SET due_at = NULL, state = 'booked'")
    busy.take_in(invoice(id="3", number="3"))
    busy.write(lambda cursor: settle_due(cursor, key, seen))
    assert busy.write(lambda cursor: due_lanes(cursor, ["snelstart:adm-1001"])) == [
        ("snelstart:adm-1001", key)
    ]


def test_the_safety_net_finds_a_due_posting_of_a_lane_that_does_not_say_so(busy: Desk) -> None:
    busy.connection.execute("UPDATE lane SET due_at = NULL")
    assert busy.leases() == []
    assert busy.write(lambda cursor: recompute_lanes(cursor, tuple(Package))) == 1
    assert len(busy.leases()) == 1


def test_the_safety_net_finds_what_was_left_in_flight_on_a_connection_that_nobody_holds(busy: Desk) -> None:
    mine = busy.lease("me")
    assert busy.intend(mine, "inv-9001")
    busy.connection.execute("UPDATE posting SET due_at = NULL")
    busy.connection.execute("UPDATE lane SET due_at = NULL")
    assert busy.write(lambda cursor: recompute_lanes(cursor, tuple(Package))) == 0, "it is being worked on"
    busy.write(lambda cursor: release(cursor, [mine]))
    assert busy.write(lambda cursor: recompute_lanes(cursor, tuple(Package))) == 1
    busy.lease("other")
    assert busy.posting("inv-9001")["state"] == "uncertain"


def test_the_deadline_counts_from_before_the_lease_was_asked_for(busy: Desk) -> None:
    (lease,) = busy.write(lambda cursor: claim(cursor, "me", tuple(Package), TERMS, 1, 1000.0))
    assert lease == Lease("snelstart:adm-1001", lease.epoch, 1040.0)
    assert busy.leases("other", SHORT) == []
