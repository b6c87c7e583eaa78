"""The ledger's operations in every order, with a crash at any step, against a small model of the world.

Two workers lease, decide, commit intents, call, and commit outcomes, each of these a step of its own, so
that anything may come between: another revision, a person, a package change, time, the other worker, the
archive. A worker may be gone at any step, and any of its transactions may be rolled back. In the end
everybody gets on with it, and each document must be booked once.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.administrations import hold_lane, release_lane
from ledger.due import recompute_lanes
from ledger.leases import claim, release, renew
from ledger.postings import Intent, good, write_changes, write_intents
from ledger.repair import Refused, discard, resolve, retry
from ledger.retention import Retention, tidy
from ledger.rows import Change, DuePosting, LaneKey, Lease, PostingId
from ledger.work import credited, due_postings, siblings, twins
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Package, reason
from schemas.relation import Relation
from sinks.turn import (
    End,
    Go,
    Wait,
    after_credited,
    among_revisions,
    among_twins,
    relation_present,
)
from sinks.waiting import not_now
from tests.ledger.desk import NOW, TERMS, Desk
from tests.ledger.fresh_ledger import fresh_ledger
from tests.ledger.model import DOCUMENTS, ENDED, GOOD, Row, World
from tests.schemas.builders import Json, invoice, line, relation

PACKAGES = (Package.SNELSTART, Package.KING)
WORKERS = ("one", "two")
LIMIT = timedelta(hours=1)
LONG_AGO = Retention(finished=timedelta(0), input=timedelta(0))
NUMBERS = itertools.count(1)
OFFSETS = itertools.count(1)
"""Places on ENK's topics, which identify a record for ever, also from one run to the next."""


@dataclass(frozen=True)
class Step:
    """How a worker's next step goes, whichever it is."""

    crash: bool
    place: int
    answer: str


ANSWERS = ("booked", "booked", "refused", "cut after commit", "cut", "later")
STEPS = st.builds(
    Step,
    crash=st.sampled_from([False, False, False, False, True]),
    place=st.integers(0, 3),
    answer=st.sampled_from(ANSWERS),
)
workers = st.sampled_from(WORKERS)
documents = st.sampled_from(sorted(DOCUMENTS))


class _CrashError(Exception):
    """The transaction never came to its commit."""


@dataclass
class Work:
    """What a worker has in hand: a posting, how far it is, and under which lease."""

    lease: Lease
    key: LaneKey
    posting: DuePosting
    turn: Go | Wait | End
    seen: frozenset[Row]
    intended: bool = False
    change: Change | None = None

    @property
    def row(self) -> Row:
        return self.posting.document_id, self.posting.revision


class LedgerMachine(RuleBasedStateMachine):
    """One administration per run."""

    url: str

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.desk = Desk(self.url, psycopg.connect(self.url, autocommit=True), OFFSETS)
        self.name = f"adm-{next(NUMBERS)}"
        self.world = World()
        self.package = Package.SNELSTART
        for package in reversed(PACKAGES):
            self.desk.administration(self.name, package)
        self.leases: dict[str, dict[LaneKey, Lease]] = {worker: {} for worker in WORKERS}
        self.lapsed: set[Lease] = set()
        self.work: dict[str, Work] = {}
        for name in data.draw(st.sampled_from([["rel-1", "rel-2"], ["rel-1"], ["rel-2", "rel-1"], []])):
            self.a_relation_comes(name, 1)
        for name in data.draw(st.lists(documents, min_size=1, unique=True)):
            self.an_invoice_comes(name, 1, "100.00")

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        try:
            self._come_to_rest()
        finally:
            self.desk.connection.execute(
                "UPDATE lane SET due_at = NULL, connection_id = NULL WHERE administration_id = %s",
                (self.name,),
            )
            self.desk.connection.close()

    # --- the world -----------------------------------------------------------------------------------

    @rule(
        document=documents, revision=st.integers(1, 3), content=st.sampled_from(["100.00", "100.00", "90.00"])
    )
    def an_invoice_comes(self, document: str, revision: int, content: str) -> None:
        one = DOCUMENTS[document]
        event = invoice(
            [line(f"-{content}" if one.credits else content)],
            administration=self.name,
            id=document,
            number=one.number,
            revision=revision,
            relation_id=one.relation,
            kind="los",
            **({"credits_invoice_number": one.credits} if one.credits else {}),
        )
        self._came(event, self.world.receives(document, revision, content))

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data(), later=st.sampled_from([0, 0, 1]), archived=st.booleans())
    def it_comes_again(self, data: st.DataObject, later: int, archived: bool) -> None:
        """The same under another event id, or the next revision of it; perhaps years afterwards."""
        if archived:
            self.what_is_over_is_archived()
        row = data.draw(st.sampled_from(sorted(self.world.rows)))
        self.an_invoice_comes(row[0], row[1] + later, self.world.rows[row])

    @rule(name=st.sampled_from(["rel-1", "rel-2"]), revision=st.integers(1, 3))
    def a_relation_comes(self, name: str, revision: int) -> None:
        self.desk.take_in(
            relation(administration=self.name, id=name, number=name, revision=revision, phone=f"{revision}")
        )
        self.world.relations.add(name)

    @rule(package=st.sampled_from(PACKAGES))
    def it_changes_package(self, package: Package) -> None:
        self.desk.announce(self.name, package)
        self.package = package

    @rule()
    def time_passes(self) -> None:
        """Longer than a lease and a settle time: no call under a lease of before is under way any more."""
        self.desk.connection.execute(
            "UPDATE connection SET lease_until = clock_timestamp() - interval '1 hour'"
            " WHERE lease_owner IS NOT NULL AND id LIKE %s",
            (f"%:{self.name}",),
        )
        self.lapsed |= {lease for held in self.leases.values() for lease in held.values()}
        self.lapsed |= {work.lease for work in self.work.values()}
        self._settle()

    @rule()
    def what_is_over_is_archived(self) -> None:
        tidy(self.desk.connection, LONG_AGO, datetime.now(UTC) + timedelta(days=1))

    # --- people --------------------------------------------------------------------------------------

    @rule(package=st.sampled_from(PACKAGES), release_it=st.sampled_from([True, True, False]))
    def somebody_holds_or_releases_it(self, package: Package, release_it: bool) -> None:
        key = LaneKey(self.name, package)
        if release_it:
            self.desk.write(lambda cursor: release_lane(cursor, key))
        else:
            why = reason(Code.HELD_BY_OPERATOR, administration=self.name)
            self.desk.write(lambda cursor: hold_lane(cursor, key, why, None))

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data())
    def somebody_discards(self, data: st.DataObject) -> None:
        self.somebody_acts(data, "discard")

    @precondition(lambda self: self.world.rows)
    @rule(data=st.data(), act=st.sampled_from(["retry", "booked_as", "not_booked"]))
    def somebody_acts(self, data: st.DataObject, act: str) -> None:
        row = data.draw(st.sampled_from(sorted(self.world.rows)))
        found = self._find(row)
        if found is None:
            return
        identifier, package = str(found["id"]), str(found["package"])
        booked = self.world.books.get(DOCUMENTS[row[0]].number) == (package, row)
        before = (found["state"], found["intent_step"])
        in_doubt = before[0] == "uncertain" or before[1] is not None or row in self.world.doubt
        match act:
            case "retry":
                self.desk.write(lambda cursor: retry(cursor, identifier, NOW))
            case "discard":
                refused = self.desk.write(lambda cursor: discard(cursor, identifier, "weg"))
                assert isinstance(refused, Refused) or not in_doubt
                if refused is None:
                    self.world.ends(row)
            case "booked_as" if booked:
                refused = self.desk.write(lambda cursor: resolve(cursor, identifier, booked_as="x"))
                if refused is None:
                    self.world.answered(row)
            case "not_booked" if not booked:
                refused = self.desk.write(lambda cursor: resolve(cursor, identifier, booked_as=None))
                if refused is None:
                    self.world.answered(row)

    # --- workers -------------------------------------------------------------------------------------

    @rule(worker=workers, steps=st.lists(STEPS, min_size=1, max_size=8))
    def a_worker_goes_on(self, worker: str, steps: list[Step]) -> None:
        """Some steps, each what comes next for this worker."""
        for step in steps:
            if not self.leases[worker] and worker not in self.work:
                self._claims(worker, step.crash)
            elif worker not in self.work:
                self._decides(worker, step.place)
            elif self.work[worker].change is not None:
                self._commits_the_outcome(worker, step.crash)
            elif self.work[worker].intended:
                self._calls(worker, step.answer)
            else:
                self._commits_its_intent_or_sets_aside(worker, step.crash)

    @rule(worker=workers, steps=st.lists(STEPS, min_size=4, max_size=16))
    def a_worker_goes_on_for_longer(self, worker: str, steps: list[Step]) -> None:
        self.a_worker_goes_on(worker, steps)

    @rule(worker=workers, steps=st.lists(STEPS, min_size=4, max_size=16))
    def another_takes_over(self, worker: str, steps: list[Step]) -> None:
        """Whoever holds the leases stands still for too long, and goes on later with what it has."""
        self.time_passes()
        self.leases[worker].clear()
        self.work.pop(worker, None)
        self.a_worker_goes_on(worker, steps)

    def _claims(self, worker: str, crash: bool) -> None:
        with self._maybe(crash):
            self._claim(worker, crash)

    def _claim(self, worker: str, crash: bool) -> None:
        with self.desk.connection.transaction(), self.desk.connection.cursor() as cursor:
            recompute_lanes(cursor, PACKAGES)
            taken = claim(cursor, worker, PACKAGES, TERMS, 50, 0.0)
            if crash:
                raise _CrashError
        for lease in taken:
            package, _, name = lease.connection.partition(":")
            assert name == self.name
            self.leases[worker][LaneKey(name, Package(package))] = lease

    @rule(worker=workers)
    def a_worker_renews(self, worker: str) -> None:
        for key, lease in list(self.leases[worker].items()):
            kept = self.desk.write(partial(renew, owner=worker, leases=[lease], terms=TERMS, asked_at=1.0))
            assert bool(kept) is self._is_current(lease)
            if kept and not (worker in self.work and self.work[worker].key == key):
                self.leases[worker][key] = kept[0]
                self.lapsed.discard(kept[0])
            elif not kept:
                del self.leases[worker][key]

    @precondition(lambda self: any(worker not in self.work for worker in WORKERS))
    @rule(worker=workers)
    def a_worker_gives_back(self, worker: str) -> None:
        if worker not in self.work:
            leases = list(self.leases[worker].values())
            self.desk.write(lambda cursor: release(cursor, leases))
            self.leases[worker].clear()

    @rule(worker=workers)
    def a_worker_is_gone(self, worker: str) -> None:
        self.work.pop(worker, None)
        self.leases[worker].clear()

    def _decides(self, worker: str, place: int) -> None:
        for key, lease in self.leases[worker].items():
            due = due_postings(self.desk.connection, key, 10)
            if not due:
                continue
            posting = due[min(place, len(due) - 1)]
            if posting.kind == "relation":
                self._write_relation(key, lease, posting)
            else:
                self._decide(worker, key, lease, posting)
            return

    def _decide(self, worker: str, key: LaneKey, lease: Lease, posting: DuePosting) -> None:
        row = (posting.document_id, posting.revision)
        in_doubt = posting.state is Outcome.UNCERTAIN and posting.intent_step == "book"
        if in_doubt and self.world.looks_up(row, str(key.package)):
            booked = self.world.books[DOCUMENTS[row[0]].number][1]
            if booked == row:
                self._hand_in(worker, lease, key, posting, self._booked(posting, Outcome.ADOPTED))
                return
        self.work[worker] = Work(lease, key, posting, self._turn(posting), frozenset(self.world.rows))

    def _turn(self, posting: DuePosting) -> Go | Wait | End:
        with self.desk.connection.cursor() as cursor:
            go = Go()
            if posting.has_siblings:
                turn = among_revisions(posting, siblings(cursor, posting, self.name))
                if not isinstance(turn, Go):
                    return turn
                go = turn
            if posting.has_twin and isinstance(
                turn := among_twins(posting, twins(cursor, posting, self.name)), End
            ):
                return turn
            if posting.credits_key is not None and isinstance(
                wait := after_credited(posting, credited(cursor, posting, self.name)), Wait
            ):
                return wait
        known = posting.relation_payload
        present = relation_present(
            posting,
            Relation.model_validate_json(known) if known else None,
            Invoice.model_validate_json(posting.payload),
        )
        return present if isinstance(present, Wait) else go

    def _write_relation(self, key: LaneKey, lease: Lease, posting: DuePosting) -> None:
        """Relations are written in one go; in doubt they are written again, which changes nothing."""
        intent = (lease, Intent(posting.id, "relation:debtor", posting.version))
        if self.desk.write(lambda cursor: write_intents(cursor, [intent])):
            booked = self._booked(posting, Outcome.BOOKED)
            self.desk.write(lambda cursor: write_changes(cursor, [(lease, booked)]))

    def _commits_its_intent_or_sets_aside(self, worker: str, crash: bool) -> None:
        work = self.work[worker]
        if not isinstance(work.turn, Go):
            change = not_now(work.posting, work.turn, LIMIT, datetime.now(UTC))
            self._hand_in(worker, work.lease, work.key, work.posting, change)
            return
        with self._maybe(crash):
            for earlier in work.turn.supersedes:
                if self._write(work.lease, Change(earlier, Outcome.SUPERSEDED)):
                    self.world.ends(self._row_of(earlier))
            intent = (work.lease, Intent(work.posting.id, "book", work.posting.version))
            with self.desk.connection.transaction(), self.desk.connection.cursor() as cursor:
                written = write_intents(cursor, [intent])
                if crash:
                    raise _CrashError
            assert not written or self._is_current(work.lease), "an intent was written under an old epoch"
            if not written:
                del self.work[worker]
                return
            work.intended = True
        if not work.intended:
            del self.work[worker]

    def _calls(self, worker: str, answer: str) -> None:
        work = self.work[worker]
        posting, row = work.posting, work.row
        if work.lease in self.lapsed:
            # The guard before the call: the lease is about to end, and no call is made.
            work.change = Change(posting.id, Outcome.RECEIVED, due_in=timedelta(), announce=False)
            return
        commits = answer in ("booked", "cut after commit")
        self.world.calls(row, str(work.key.package), work.seen, commits=commits)
        match answer:
            case "booked":
                work.change = self._booked(posting, Outcome.BOOKED)
            case "refused":
                work.change = Change(
                    posting.id, Outcome.REJECTED, reason(Code.INTERNAL, vendor_message="nee")
                )
            case "later":
                why = reason(Code.RATE_LIMITED, number=posting.number)
                work.change = Change(posting.id, Outcome.RETRY, why, due_in=timedelta(), transient=1)
            case _:
                why = reason(Code.TIMEOUT_UNCERTAIN, number=posting.number)
                work.change = Change(posting.id, Outcome.UNCERTAIN, why, due_in=LIMIT, keep_intent=True)

    def _commits_the_outcome(self, worker: str, crash: bool) -> None:
        work = self.work[worker]
        assert work.change is not None
        with self._maybe(crash):
            if crash:
                self._roll_back(work.lease, work.change)
            else:
                self._hand_in(worker, work.lease, work.key, work.posting, work.change)
        self.work.pop(worker, None)
        if crash:
            self.leases[worker].clear()

    # --- what must hold always -----------------------------------------------------------------------

    @invariant()
    def the_ledger_agrees_with_the_world(self) -> None:
        if not hasattr(self, "desk"):
            return
        rows = self._rows()
        assert Counter(self._key(row) for row in rows) == Counter(self.world.rows.keys()), (
            "each received row, once"
        )
        for row in rows:
            self._row_agrees(row)

    def _row_agrees(self, found: Json) -> None:
        row, state = self._key(found), str(found["state"])
        number = DOCUMENTS[row[0]].number
        package, booked = self.world.books.get(number, (None, None))
        is_open = found["intent_step"] is not None or state == "uncertain"
        if booked == row:
            assert state in GOOD or is_open, f"{row} is booked and the ledger says {state}"
            assert found["package"] == package, (
                f"{row} is booked in {package}, the ledger says {found['package']}"
            )
        if state in GOOD:
            name = booked[0] if booked else None
            assert name == row[0], f"{row} is {state}, and in the books is {booked}"
        if row in self.world.doubt:
            assert is_open, f"{row} may be booked, and the ledger says {state}"
        if state in ENDED:
            assert row not in self.world.doubt
            assert booked != row, f"{row} is {state}, and booked"
        if row in self.world.ended:
            assert state in ENDED, f"{row} ended and is {state}"
        if state in ("received", "retry", "waiting"):
            moves = found["due_at"] is not None or found["intent_step"] is not None
            assert moves, f"{row} is {state} and nothing happens to it"
        if state in ("rejected", "held"):
            assert found["code"] is not None

    # --- the end -------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        """Everybody gets on with it: then each document that was not ended or refused is booked once."""
        for worker in WORKERS:
            self.a_worker_is_gone(worker)
        for name in ("rel-1", "rel-2"):
            self.a_relation_comes(name, 1)
        for package in PACKAGES:
            self.somebody_holds_or_releases_it(package, release_it=True)
        well = Step(crash=False, place=0, answer="booked")
        for _ in range(60):
            if not self._moving():
                break
            self.another_takes_over("one", [well] * 12)
            self.the_ledger_agrees_with_the_world()
        assert not self._moving(), "something never comes to rest"
        told = Counter(
            (event["what"]["id"], event["sequence"])
            for event in self.desk.told()
            if event["administration"] == self.name
        )
        assert not [one for one, count in told.items() if count > 1], "a sequence was told twice"

    def _moving(self) -> list[Row]:
        """What should still come to an end; a credit may wait for an invoice that is refused for good."""
        return [
            self._key(row)
            for row in self._rows()
            if row["state"] not in GOOD | ENDED | {"rejected"}
            and not (
                row["state"] == "waiting"
                and (credits := DOCUMENTS[str(row["document_id"])].credits) is not None
                and credits not in self.world.books
            )
        ]

    # --- hands ---------------------------------------------------------------------------------------

    def _came(self, event: Json, expected: str) -> None:
        self.desk.take_in(event)
        became = self.desk.value('SELECT became FROM input_record ORDER BY "offset" DESC LIMIT 1')
        assert became == expected

    def _hand_in(self, worker: str, lease: Lease, key: LaneKey, posting: DuePosting, change: Change) -> None:
        """Commit a change; it is written exactly when the lease is still ours."""
        changed = Change(**{**change.__dict__, "version": posting.version})
        before = self._find((posting.document_id, posting.revision))
        # What a person discarded and the archive has taken meanwhile is over: nothing is written there.
        there = bool(self.desk.rows("SELECT 1 FROM posting WHERE id = %s", posting.id))
        written = self._write(lease, changed)
        expected = there and self._is_current(lease)
        assert written is expected, "written is what the holder writes, and nothing else"
        self.work.pop(worker, None)
        after = self._find((posting.document_id, posting.revision))
        if not written:
            assert before == after, "a fenced write changed the row"
            return
        assert after is not None
        if not change.keep_intent and after["intent_step"] is None:
            self.world.answered((posting.document_id, posting.revision))
        if change.state in (Outcome.SUPERSEDED, Outcome.DISCARDED) and after["state"] == str(change.state):
            self.world.ends((posting.document_id, posting.revision))

    def _write(self, lease: Lease, change: Change) -> bool:
        return change.posting in self.desk.write(lambda cursor: write_changes(cursor, [(lease, change)]))

    def _roll_back(self, lease: Lease, change: Change) -> None:
        with self.desk.connection.transaction(), self.desk.connection.cursor() as cursor:
            write_changes(cursor, [(lease, change)])
            raise _CrashError

    def _booked(self, posting: DuePosting, outcome: Outcome) -> Change:
        change = Change(posting.id, outcome, package_number=posting.number, package_id=f"p-{posting.id}")
        return good(change, posting.kind, posting.document_id, posting.match_key, posting.relation_id)

    @contextmanager
    def _maybe(self, crash: bool) -> Iterator[None]:
        try:
            yield
        except _CrashError:
            assert crash

    def _settle(self) -> None:
        self.desk.connection.execute(
            "UPDATE posting SET due_at = clock_timestamp() - interval '1 second'"
            " WHERE administration_id = %s AND due_at IS NOT NULL",
            (self.name,),
        )
        self.desk.connection.execute(
            "UPDATE lane SET due_at = clock_timestamp() - interval '1 second'"
            " WHERE administration_id = %s AND due_at IS NOT NULL",
            (self.name,),
        )

    def _is_current(self, lease: Lease) -> bool:
        epoch = self.desk.value("SELECT lease_epoch FROM connection WHERE id = %s", lease.connection)
        return bool(epoch == lease.epoch)

    def _rows(self) -> list[Json]:
        return self.desk.rows(
            "SELECT * FROM posting_all WHERE administration_id = %s AND kind <> 'relation' ORDER BY id",
            self.name,
        )

    def _find(self, row: Row) -> Json | None:
        found = [one for one in self._rows() if self._key(one) == row]
        return found[0] if found else None

    def _row_of(self, posting: PostingId) -> Row:
        return next(self._key(row) for row in self._rows() if row["id"] == posting)

    @staticmethod
    def _key(row: Json) -> Row:
        return str(row["document_id"]), int(str(row["revision"]))


@pytest.fixture(scope="module")
def machine(postgres: str) -> Iterator[type[LedgerMachine]]:
    with fresh_ledger(postgres) as url:
        LedgerMachine.url = url
        yield LedgerMachine


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_happens_each_document_is_booked_once(machine: type[LedgerMachine]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
