"""Replays: what a dry run says, what goes when, when it stops; no process is needed for its memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from ledger import replays
from ledger.overview import PostingFilter
from ledger.repair import discard
from ledger.replay_rows import Decision, Replay, ReplayId, ReplayState
from ledger.replay_selection import preview
from ledger.replay_steps import step, unfinished
from ledger.resend import Refused
from ledger.rows import Change, Lease, PostingId
from schemas.outcome import Code, Outcome, reason
from tests.ledger.desk import NOW, Desk
from tests.schemas.builders import invoice, relation

SALES = frozenset({("snelstart", "sales_invoice")})
CODE = "not_found_ledger_account"
LATER = datetime(2999, 1, 1, tzinfo=UTC)
REJECTED = PostingFilter(code=CODE)


@dataclass
class Office:
    """A ledger with invoices `inv-1` … that were rejected, and the replays of them."""

    desk: Desk
    leases: list[Lease] = field(default_factory=list)

    def sold(self, count: int, administration: str = "adm-1001") -> None:
        first = len(self.desk.postings()) + 1
        for number in range(first, first + count):
            event = invoice(id=f"inv-{number}", number=str(number), administration=administration)
            self.desk.take_in(event)

    def mark(self, document: str | None = None, **columns: object) -> None:
        """Put one posting, or all, in a state."""
        assignments = ", ".join(f"{name} = %s" for name in columns)
        self.desk.connection.execute(
            f"UPDATE posting SET {assignments} WHERE %s::text IS NULL OR document_id = %s".encode(),
            (*columns.values(), document, document),
        )

    def reject(self, document: str | None = None) -> None:
        self.mark(document, state="rejected", code=CODE, due_at=None, field="$.lines[0].ledger_account")

    def dry_run(self, wanted: PostingFilter = REJECTED) -> dict[Decision, int]:
        return dict(preview(self.desk.connection, wanted, SALES).counts)

    def start(self, wanted: PostingFilter = REJECTED, *, rate: float = 1e5, stop_after: int = 10) -> ReplayId:
        seen = preview(self.desk.connection, wanted, SALES)
        run = self.desk.write(
            lambda cursor: replays.start(
                cursor, wanted, seen, "jansen", rate=rate, stop_after=stop_after, unasked=SALES
            )
        )
        assert not isinstance(run, Refused)
        return run

    def step(self, run: ReplayId, connection: psycopg.Connection[tuple[object, ...]] | None = None) -> bool:
        return step(connection or self.desk.connection, run, NOW, SALES)

    def steps(self, run: ReplayId) -> None:
        """As many as there are now."""
        while self.step(run):
            pass

    def replay(self, run: ReplayId) -> Replay:
        found = replays.replay(self.desk.connection, run)
        assert found is not None
        return found

    def sent(self) -> list[str]:
        """What is on its way again."""
        return [row["document_id"] for row in self.desk.postings() if row["state"] == "received"]

    def deliver(self, outcome: Outcome, *documents: str) -> None:
        """The lane decides about these."""
        self.leases = self.desk.leases() or self.leases
        (lease,) = self.leases
        for document in documents:
            assert self.desk.intend(lease, document)
            posting = PostingId(self.desk.posting(document)["id"])
            why = None if outcome.is_good else reason(Code.NOT_FOUND_LEDGER_ACCOUNT)
            assert self.desk.change(lease, Change(posting, outcome, why))


@pytest.fixture
def office(desk: Desk) -> Office:
    desk.administration()
    return Office(desk)


def test_a_dry_run_says_what_would_become_of_each_and_changes_nothing(office: Office) -> None:
    office.sold(12)
    office.reject()
    states: dict[str, dict[str, object]] = {
        "inv-2": {"look_up_first": True},
        "inv-3": {"state": "waiting"},
        "inv-4": {"state": "uncertain", "intent_step": "book", "due_at": NOW},
        "inv-5": {"state": "uncertain", "intent_step": "book"},
        "inv-6": {"state": "booked"},
        "inv-7": {"state": "discarded"},
        "inv-8": {"state": "posting", "intent_step": "book"},
        "inv-9": {"state": "posting", "due_at": NOW},
        "inv-10": {"state": "received"},
        "inv-11": {"kind": "purchase_invoice"},
    }
    for document, columns in states.items():
        office.mark(document, **columns)
    office.desk.take_in(invoice(id="inv-12", number="12", revision=2))
    before = office.desk.postings()
    assert office.dry_run() == {
        Decision.SEND: 1,
        Decision.LOOK_UP_FIRST: 2,
        Decision.WAIT: 1,
        Decision.LOOK_UP: 1,
        Decision.BOOKED: 1,
        Decision.SUPERSEDED: 1,
        Decision.DISCARDED: 1,
        Decision.UNCERTAIN: 1,
        Decision.IN_FLIGHT: 1,
        Decision.STAGED: 1,
        Decision.ON_ITS_WAY: 1,
    }
    assert office.desk.postings() == before


def test_a_sample_shows_some_of_each_kind(office: Office) -> None:
    office.sold(9)
    office.reject()
    office.desk.take_in(office.desk.record(invoice(id="inv-77") | {"number": 5}))
    found = preview(office.desk.connection, PostingFilter(administration="adm-1001"), SALES)
    assert {(row.posting.id[0] == "R", row.decision) for row in found.sample} == {
        (False, Decision.SEND),
        (True, Decision.READ_AGAIN),
    }
    assert len(found.sample) == 3
    assert (found.total, found.administrations) == (10, 1)


def test_the_administration_and_its_package_have_a_say(office: Office) -> None:
    office.sold(1)
    office.reject()
    for change, why in {
        "UPDATE lane SET held_code = 'auth_revoked'": Decision.ADMINISTRATION_HELD,
        "UPDATE administration SET active = false": Decision.ADMINISTRATION_HELD,
        "UPDATE lane SET connection_id = NULL": Decision.NOT_CONNECTED,
        "INSERT INTO package_breaker VALUES ('snelstart', 'internal', 'x')": Decision.PACKAGE_STOPPED,
        "UPDATE lane SET in_recovery = true": Decision.LOOK_UP_FIRST,
    }.items():
        with office.desk.connection.transaction(force_rollback=True):
            office.desk.connection.execute(change.encode())
            assert office.dry_run() == {why: 1}, change
    assert office.dry_run() == {Decision.SEND: 1}


def test_filters_add_up_and_select_what_the_list_selects(office: Office) -> None:
    office.desk.administration("adm-2")
    office.sold(3)
    office.sold(1, "adm-2")
    office.reject()
    office.mark("inv-3", code="too_long", field="$.number")
    ids = {row["document_id"]: str(row["id"]) for row in office.desk.postings()}

    def count(**wanted: Any) -> int:
        return sum(office.dry_run(PostingFilter(**wanted)).values())

    assert count() == 4
    assert count(administration="adm-1001") == 3
    assert count(administration="adm-1001", code=CODE) == 2
    assert count(field="$.lines[*].ledger_account") == 3
    assert count(field="$.lines[1].ledger_account") == 0
    assert count(numbers=("1", "4")) == 2
    assert count(package="king") == 0
    assert count(states=("held",)) == 0
    assert count(needs_somebody=True, open_only=True) == 4
    assert count(ids=(ids["inv-1"], ids["inv-4"])) == 2
    assert office.dry_run(PostingFilter(ids=(ids["inv-1"], "999", "R1", "nonsense"))) == {
        Decision.SEND: 1,
        Decision.NOT_FOUND: 3,
    }


def test_everything_is_never_replayed(office: Office) -> None:
    office.sold(1)
    office.reject()
    seen = preview(office.desk.connection, PostingFilter(), SALES)
    refused = office.desk.write(lambda cursor: replays.start(cursor, PostingFilter(), seen, "jansen"))
    assert isinstance(refused, Refused)
    assert replays.replays(office.desk.connection) == []


def test_all_go_once_in_order_of_arrival_and_the_outcomes_are_kept(office: Office) -> None:
    office.sold(5)
    office.reject()
    run = office.start()
    office.steps(run)
    assert office.sent() == ["inv-1", "inv-2", "inv-3", "inv-4", "inv-5"]
    assert office.replay(run).under_way == 5
    office.deliver(Outcome.BOOKED, "inv-1", "inv-2", "inv-3", "inv-4")
    office.deliver(Outcome.REJECTED, "inv-5")
    office.steps(run)
    done = office.replay(run)
    assert (done.state, done.finished, done.under_way) == (ReplayState.DONE, True, 0)
    assert done.outcomes == {"booked": 4, "rejected": 1}
    (failed,) = replays.items(office.desk.connection, run, ["rejected"])
    assert (failed.position, failed.code) == (5, CODE)
    assert unfinished(office.desk.connection) == []


def test_it_goes_no_faster_than_its_rate(office: Office) -> None:
    office.sold(3)
    office.reject()
    run = office.start(rate=0.001)
    office.steps(run)
    assert office.sent() == ["inv-1"]
    office.desk.connection.execute("UPDATE replay SET next_at = now()")
    office.steps(run)
    assert office.sent() == ["inv-1", "inv-2"]


def test_never_more_than_stop_after_fail_in_a_row(office: Office) -> None:
    office.sold(20)
    office.reject()
    run = office.start(stop_after=3)
    office.steps(run)
    assert office.sent() == ["inv-1", "inv-2", "inv-3"], "no more may be under way than may still fail"
    office.deliver(Outcome.REJECTED, "inv-1", "inv-2")
    office.steps(run)
    assert office.sent() == ["inv-3"]
    office.deliver(Outcome.BOOKED, "inv-3")
    office.steps(run)
    assert office.sent() == ["inv-4", "inv-5", "inv-6"], "a success begins the row anew"
    office.deliver(Outcome.REJECTED, "inv-4", "inv-5", "inv-6")
    office.steps(run)
    stopped = office.replay(run)
    assert (stopped.state, stopped.finished, stopped.taken) == (ReplayState.STOPPED, True, 6)
    assert CODE in (stopped.ended_why or "")
    assert office.desk.write(lambda cursor: replays.resume(cursor, run)) is None
    office.steps(run)
    assert office.sent() == ["inv-7", "inv-8", "inv-9"]


def test_what_changed_meanwhile_is_passed_over_and_counted(office: Office) -> None:
    office.sold(4)
    office.reject()
    run = office.start()
    office.mark("inv-1", state="booked")
    office.desk.write(lambda cursor: discard(cursor, str(office.desk.posting("inv-2")["id"]), "dubbel"))
    office.desk.take_in(invoice(id="inv-3", number="3", revision=2))
    office.steps(run)
    assert office.replay(run).skipped == {"booked": 1, "discarded": 1, "superseded": 1}
    assert office.desk.posting("inv-4")["state"] == "received"


def test_a_package_that_is_stopped_stops_the_replay(office: Office) -> None:
    office.sold(9)
    office.reject()
    run = office.start(stop_after=2)
    office.step(run)
    office.desk.connection.execute("INSERT INTO package_breaker VALUES ('snelstart', 'internal', 'x')")
    office.steps(run)
    stopped = office.replay(run)
    assert (stopped.state, stopped.taken) == (ReplayState.STOPPED, 2)
    assert stopped.outcomes == {"held": 1, "left_out": 1}


def test_what_waits_for_a_file_is_done(office: Office) -> None:
    office.sold(1)
    office.reject()
    run = office.start()
    office.steps(run)
    office.mark("inv-1", state="posting", due_at=LATER)
    office.steps(run)
    assert office.replay(run).outcomes == {"posting": 1}


def test_a_doubtful_one_is_followed_until_it_was_looked_up(office: Office) -> None:
    office.sold(1)
    office.mark(state="uncertain", code=CODE, intent_step="book", due_at=LATER)
    run = office.start()
    office.steps(run)
    assert office.replay(run).under_way == 1
    office.mark("inv-1", due_at=LATER)
    office.steps(run)
    assert office.replay(run).outcomes == {"uncertain": 1}


def test_rejected_input_is_read_again_and_followed(office: Office) -> None:
    record = office.desk.record(invoice(id="inv-1") | {"number": 5})
    office.desk.take_in(record)
    office.desk.take_in(office.desk.record(invoice(id="inv-2") | {"number": 6}))
    good = office.desk.record(invoice(id="inv-1"))
    (first, _) = (row["id"] for row in office.desk.rows("SELECT id FROM rejected_input ORDER BY id"))
    office.desk.connection.execute("UPDATE rejected_input SET value = %s WHERE id = %s", (good.value, first))
    run = office.start(PostingFilter(needs_somebody=True))
    office.steps(run)
    assert office.sent() == ["inv-1"], "as a release would that can read it"
    office.deliver(Outcome.BOOKED, "inv-1")
    office.steps(run)
    assert office.replay(run).outcomes == {"booked": 1, "rejected": 1}


def test_a_process_that_dies_in_a_step_leaves_nothing_half_done(office: Office) -> None:
    office.sold(3)
    office.reject()
    run = office.start()
    office.step(run)

    def die() -> None:
        raise SystemExit

    with psycopg.connect(office.desk.url, autocommit=True) as other, pytest.raises(SystemExit):
        step(other, run, NOW, SALES, before_commit=die)
    assert (office.sent(), office.replay(run).taken) == (["inv-1"], 1)
    office.steps(run)
    assert office.replay(run).under_way == 3


def test_of_two_processes_one_is_at_it(office: Office) -> None:
    office.sold(3)
    office.reject()
    run = office.start()
    with psycopg.connect(office.desk.url, autocommit=True) as other:
        took: list[bool] = []
        step(
            office.desk.connection,
            run,
            NOW,
            SALES,
            before_commit=lambda: took.append(step(other, run, NOW, SALES)),
        )
        assert took == [False]
        assert step(other, run, NOW, SALES)
    assert office.sent() == ["inv-1", "inv-2"]


def test_a_cancelled_one_takes_nothing_more_and_keeps_what_was_under_way(office: Office) -> None:
    office.sold(3)
    office.reject()
    run = office.start()
    office.step(run)
    with psycopg.connect(office.desk.url) as other, other.cursor() as cursor:
        assert replays.cancel(cursor, run, "pietersen") is None
    office.steps(run)
    cancelled = office.replay(run)
    assert (cancelled.state, cancelled.finished, cancelled.ended_by) == (
        ReplayState.CANCELLED,
        False,
        "pietersen",
    )
    office.deliver(Outcome.BOOKED, "inv-1")
    office.steps(run)
    assert (office.replay(run).finished, office.replay(run).outcomes) == (True, {"booked": 1})
    assert office.sent() == []
    assert isinstance(office.desk.write(lambda cursor: replays.cancel(cursor, run, "x")), Refused)


def test_a_relation_is_sent_without_a_look_up(office: Office) -> None:
    office.desk.take_in(relation())
    office.reject()
    assert office.dry_run() == {Decision.SEND: 1}
