"""What is over goes out of the way and loses its payload; what it is needed for works as before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from ledger.archive import drop_year, years
from ledger.overview import PostingFilter, list_postings, posting_history, posting_payload
from ledger.payments import list_payments
from ledger.receivables import Sighting, observe
from ledger.repair import Refused, retry
from ledger.retention import Retention, tidy
from ledger.rows import Change, DuePosting, LaneKey, Lease, PostingId
from ledger.unseen import all_settled, unseen
from ledger.work import credited, due_postings, lane, siblings, twins
from schemas.outcome import Code, Outcome
from schemas.payment import PaymentStatus
from sinks.turn import End, Go, after_credited, among_revisions, among_twins
from tests.ledger.desk import NOW, Desk
from tests.schemas.builders import invoice, line, relation

RETENTION = Retention()
OLD = timedelta(days=401)


@dataclass
class Past:
    """A ledger with one invoice that was booked long ago."""

    desk: Desk
    key: LaneKey
    lease: Lease

    def book(self, document: str, outcome: Outcome = Outcome.BOOKED, **changes: Any) -> None:
        assert self.desk.intend(self.lease, document)
        posting = PostingId(self.desk.posting(document)["id"])
        change = Change(
            posting,
            outcome,
            package_number="17",
            package_id=f"uuid-{document}",
            **changes,
        )
        assert self.desk.change(self.lease, change) == {posting}

    def age(self, by: timedelta = OLD) -> None:
        """Everything in the ledger happened that much earlier."""
        for table, column in (
            ("posting", "changed_at"),
            ("posting", "received_at"),
            ("input_record", "received_at"),
            ("rejected_input", "received_at"),
            ("posting_history", "at"),
            ("file", "cut_at"),
        ):
            self.desk.connection.execute(
                f"UPDATE {table} SET {column} = {column} - %s::interval".encode(), (by,)
            )

    def tidy(self, **changes: Any) -> int:
        done = tidy(self.desk.connection, Retention(**changes), batch=2)
        assert done is not None
        return done.archived

    def archived(self) -> list[str]:
        return [row["document_id"] for row in self.desk.rows("SELECT * FROM posting_archive ORDER BY id")]

    def due(self, document: str) -> DuePosting:
        due = due_postings(self.desk.connection, self.key, 50)
        return next(one for one in due if one.document_id == document)


@pytest.fixture
def past(desk: Desk) -> Past:
    key = desk.administration()
    desk.take_in(relation(), invoice())
    found = Past(desk, key, desk.lease())
    found.book("inv-9001")
    found.age()
    return found


@pytest.fixture
def archived(past: Past) -> Past:
    assert past.tidy() == 1
    return past


def test_a_finished_invoice_past_its_retention_keeps_what_it_takes_never_to_book_it_again(past: Past) -> None:
    before = past.desk.posting("inv-9001")
    assert past.tidy() == 1
    (kept,) = past.desk.rows("SELECT * FROM posting_archive")
    same = ("id", "administration_id", "kind", "document_id", "revision", "number", "gross", "content_hash")
    assert {name: kept[name] for name in same} == {name: before[name] for name in same}
    assert "payload" not in kept
    assert b"Groepenkast" not in repr(kept).encode()
    assert [row["kind"] for row in past.desk.postings()] == ["relation"]
    assert past.desk.value("SELECT count(*) FROM posting_history WHERE posting_id = %s", kept["id"]) == 0


def test_what_is_recent_unfinished_or_a_relation_stays(past: Past) -> None:
    past.desk.take_in(invoice(id="inv-2", number="2"), invoice(id="inv-3", number="3"))
    past.book("inv-2", Outcome.UNCERTAIN, keep_intent=True)
    past.age()
    past.desk.take_in(invoice(id="inv-4", number="4"))
    past.book("inv-4")
    assert past.tidy() == 1
    assert past.archived() == ["inv-9001"]
    assert past.tidy(finished=timedelta(days=10_000)) == 0


@pytest.mark.parametrize(
    "outcome", [Outcome.ADOPTED, Outcome.ALREADY_BOOKED, Outcome.SUPERSEDED, Outcome.DISCARDED]
)
def test_every_end_is_archived(past: Past, outcome: Outcome) -> None:
    past.desk.take_in(invoice(id="inv-2", number="2"))
    past.book("inv-2", outcome)
    past.age()
    assert past.tidy() == 2


def test_a_document_in_a_file_is_kept_until_it_is_confirmed(past: Past) -> None:
    past.desk.take_in(invoice(id="inv-2", number="2"))
    past.book("inv-2", Outcome.FILED)
    posting = past.desk.posting("inv-2")["id"]
    file = past.desk.value(
        "INSERT INTO file (administration_id, package, sequence, cut_at, state)"
        " VALUES ('adm-1001', 'snelstart', 1, now(), 'delivered') RETURNING id"
    )
    past.desk.connection.execute("INSERT INTO file_member VALUES (%s, %s, 1)", (file, posting))
    past.age()
    assert past.tidy() == 1
    past.desk.connection.execute("UPDATE file_member SET state = 'confirmed'")
    assert past.tidy() == 1
    assert past.archived() == ["inv-9001", "inv-2"]


def test_an_archived_document_that_is_delivered_again_has_no_effect(archived: Past) -> None:
    archived.desk.take_in(invoice())
    assert archived.desk.became()[-1] == "repeated"
    assert [row["kind"] for row in archived.desk.postings()] == ["relation"]


def test_an_archived_revision_with_other_content_is_refused(archived: Past) -> None:
    archived.desk.take_in(invoice([line("200.00")]))
    (refused,) = archived.desk.rows("SELECT code FROM rejected_input")
    assert refused["code"] == "invalid_event"


def test_a_later_revision_of_an_archived_booking_is_changed_after_booking(archived: Past) -> None:
    archived.desk.take_in(invoice([line("200.00")], revision=2))
    due = archived.due("inv-9001")
    assert due.has_siblings
    others = siblings(archived.desk.connection.cursor(), due, "adm-1001")
    ended = among_revisions(due, others)
    assert isinstance(ended, End)
    assert ended.reason is not None
    assert ended.reason.code is Code.CHANGED_AFTER_BOOKING


def test_an_earlier_revision_that_comes_late_is_superseded(archived: Past) -> None:
    archived.desk.connection.execute("UPDATE posting_archive SET revision = 5")
    archived.desk.take_in(invoice(revision=4))
    assert archived.desk.posting("inv-9001")["state"] == "superseded"


def test_another_document_with_the_number_of_an_archived_one_is_a_duplicate(archived: Past) -> None:
    archived.desk.take_in(invoice(id="inv-other"))
    due = archived.due("inv-other")
    assert due.has_twin
    ended = among_twins(due, twins(archived.desk.connection.cursor(), due, "adm-1001"))
    assert isinstance(ended, End)
    assert ended.reason is not None
    assert ended.reason.code is Code.DUPLICATE_NUMBER


def test_a_credit_of_an_archived_invoice_goes(archived: Past) -> None:
    archived.desk.take_in(
        invoice([line("-100.00")], id="inv-c", number="C1", kind="los", credits_invoice_number="20260123")
    )
    due = archived.due("inv-c")
    found = credited(archived.desk.connection.cursor(), due, "adm-1001")
    assert [one.state for one in found] == [Outcome.BOOKED]
    assert isinstance(after_credited(due, found), Go)


def test_payments_of_an_archived_invoice_are_read_back(archived: Past) -> None:
    seen = Sighting(
        "uuid-inv-9001", Decimal("121.00"), Decimal("0.00"), PaymentStatus.PAID, None, date(2026, 5, 1)
    )
    told = archived.desk.write(lambda cursor: observe(cursor, archived.key, [seen], datetime.now(UTC)))
    assert told.told == (PaymentStatus.PAID,)
    (payment,) = archived.desk.write(list_payments)
    assert (payment.number, payment.booked_gross, payment.open) == ("20260123", Decimal("121.00"), Decimal(0))


def test_an_archived_invoice_that_is_still_open_is_looked_for(archived: Past) -> None:
    connection = archived.desk.connection
    assert [one.number for one in unseen(connection, archived.key, datetime.now(UTC), 10)] == ["20260123"]
    assert not all_settled(connection.cursor(), archived.key)


def test_an_archived_posting_is_listed_and_shown(archived: Past) -> None:
    (kept,) = archived.desk.rows("SELECT id FROM posting_archive")
    found = list_postings(archived.desk.connection, PostingFilter(ids=[str(kept["id"])]))
    assert [(one.number, one.state, one.archived) for one in found] == [("20260123", "booked", True)]
    assert [
        one.number for one in list_postings(archived.desk.connection, PostingFilter(numbers=["20260123"]))
    ] == ["20260123"]
    assert [change[1] for change in posting_history(archived.desk.connection, kept["id"])] == ["booked"]
    assert posting_payload(archived.desk.connection, str(kept["id"])) is None
    refused = archived.desk.write(lambda cursor: retry(cursor, str(kept["id"]), NOW))
    assert isinstance(refused, Refused)
    assert "archived" in refused.why


def test_only_one_process_tidies_at_a_time(past: Past) -> None:
    with psycopg.connect(past.desk.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(764106)")
        assert tidy(past.desk.connection, RETENTION) is None
        other.execute("SELECT pg_advisory_unlock(764106)")
    assert past.tidy() == 1


def test_tidying_stops_between_batches_and_goes_on_next_time(past: Past) -> None:
    past.desk.take_in(*(invoice(id=f"inv-{n}", number=str(n)) for n in range(5)))
    for n in range(5):
        past.book(f"inv-{n}")
    past.age()
    asked = iter([False, True])
    first = tidy(past.desk.connection, RETENTION, batch=2, stopping=lambda: next(asked, True))
    assert first is not None
    assert 0 < first.archived < 6
    assert first.archived + past.tidy() == 6


def test_a_year_is_dropped_whole_and_what_was_issued_before_is_never_sent_again(archived: Past) -> None:
    connection = archived.desk.connection
    (year,) = [one.year for one in years(connection)]
    drop_year(connection, year)
    assert years(connection) == []
    archived.desk.take_in(invoice())
    found = lane(connection, archived.key)
    assert found is not None
    adopt_only_before = found.adopt_only_before(None)
    assert adopt_only_before == date(year + 1, 1, 1)
    assert archived.desk.posting("inv-9001")["issue_date"] < adopt_only_before


def test_what_is_finished_in_a_dropped_year_goes_into_the_next(archived: Past) -> None:
    connection = archived.desk.connection
    (year,) = [one.year for one in years(connection)]
    drop_year(connection, year)
    archived.desk.take_in(invoice(id="inv-2", number="2", issue_date="2020-01-01", due_date="2020-02-01"))
    archived.book("inv-2")
    archived.age(OLD * 4)
    assert archived.tidy() == 1
    assert [one.year for one in years(connection)] == [year + 1]


def test_notes_of_input_go_and_their_records_still_have_no_effect(past: Past) -> None:
    (record,) = [past.desk.record(invoice(id="inv-2", number="2"))]
    rejected = past.desk.record(invoice(id="inv-3", revision=0))
    past.desk.take_in(record, rejected)
    before = past.desk.value("SELECT count(*) FROM input_record")
    past.age()
    done = tidy(past.desk.connection, RETENTION, batch=2)
    assert done is not None
    assert done.input_records == before - 1
    assert past.desk.rows("SELECT became FROM input_record") == [{"became": "rejected"}]
    postings = past.desk.states()
    past.desk.take_in(record, rejected)
    assert past.desk.states() == postings
    assert past.desk.value("SELECT count(*) FROM rejected_input") == 1


def test_bytes_of_rejected_input_go_once_it_is_finished(past: Past) -> None:
    past.desk.take_in(invoice(id="inv-3", revision=0), invoice(id="inv-4", revision=0))
    past.desk.connection.execute("UPDATE rejected_input SET state = 'discarded' WHERE document_id = 'inv-3'")
    past.age()
    assert past.tidy() == 1
    rows = past.desk.rows("SELECT document_id, code, value IS NULL AS gone FROM rejected_input ORDER BY id")
    assert [(row["document_id"], row["gone"]) for row in rows] == [("inv-3", True), ("inv-4", False)]
    assert all(row["code"] for row in rows)


@pytest.mark.parametrize(
    ("state", "cut_at", "goes"),
    [
        ("delivered", "2018-12-31", True),
        ("void", "2018-06-01", True),
        ("delivered", "2019-01-01", False),
        ("uncertain", "2018-12-31", False),
    ],
)
def test_file_bytes_go_after_the_legal_retention_and_no_earlier(
    desk: Desk, state: str, cut_at: str, goes: bool
) -> None:
    file = desk.value(
        "INSERT INTO file (administration_id, package, sequence, cut_at, state)"
        " VALUES ('a', 'king', 1, %s, %s) RETURNING id",
        cut_at,
        state,
    )
    desk.connection.execute("INSERT INTO file_part VALUES (%s, 1, 'x.xml', 'hash', 3)", (file,))
    desk.connection.execute("INSERT INTO file_chunk VALUES (%s, 1, 0, 'abc')", (file,))
    done = tidy(desk.connection, RETENTION, datetime(2026, 3, 1, tzinfo=UTC))
    assert done is not None
    assert bool(done.files) is goes
    assert desk.value("SELECT count(*) FROM file_chunk") == (0 if goes else 1)
    assert desk.value("SELECT count(*) FROM file_part") == 1
