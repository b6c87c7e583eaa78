"""Dead letters: what they say, and what happens when another tool puts one back on ENK's topic."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from ledger.admission import KafkaRecord
from ledger.outbox import OutboundRecord, pending
from ledger.repair import discard
from ledger.rows import Change, Lease, PostingId
from schemas.dead_letter import CONNECT_PREFIX, without_marks
from schemas.outcome import Code, Outcome, Package, reason
from schemas.topics import (
    ENK_INVOICES,
    INTAKE_DLQ,
    POSTINGS_DLQ,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
    sink_topic,
)
from streams.records import SourceRecord
from streams.routing import route
from tests.ledger.desk import Desk
from tests.schemas.builders import invoice, line, relation

WHY = reason(
    Code.NOT_FOUND_LEDGER_ACCOUNT, field="$.lines[0].ledger_account", vendor_message="Onbekend: 8000"
)


@dataclass
class Post:
    """A ledger with one administration, and the topics before and behind it."""

    desk: Desk
    offset: int = 5000

    def dead_letters(self) -> list[OutboundRecord]:
        return [record for _, record in pending(self.desk.connection, 100) if record.topic == POSTINGS_DLQ]

    def end(self, outcome: Outcome, document: str = "inv-9001", lease: Lease | None = None) -> Lease:
        """Bring a document to an outcome, as its lane does."""
        lease = lease or self.desk.lease()
        assert self.desk.intend(lease, document)
        posting = PostingId(self.desk.posting(document)["id"])
        change = Change(posting, outcome, WHY, scope="document", keep_intent=outcome is Outcome.UNCERTAIN)
        self.desk.change(lease, replace(change, reason=None) if outcome.is_good else change)
        return lease

    def put_back(self, letter: OutboundRecord | KafkaRecord, *, headers: str = "all") -> None:
        """Publish on ENK's topic anew, through the intake, as a tool for dead letters does."""
        kept = {
            "all": list(letter.headers),
            "connect": [h for h in letter.headers if not h[0].startswith("koppeling_")],
            "none": without_marks(letter.headers),
        }[headers]
        self.offset += 1
        record = SourceRecord(ENK_INVOICES, 3, self.offset, letter.key, letter.value, tuple(kept))
        (sent,) = route(record, lambda _: Package.SNELSTART).records
        filled = [(name, value or b"") for name, value in sent.headers]
        self.desk.take_in(KafkaRecord(sent.topic, 3, self.offset, sent.key, filled, sent.value))

    @property
    def state(self) -> str:
        return str(self.desk.posting("inv-9001")["state"])

    def audited(self) -> list[str]:
        return [row["action"] for row in self.desk.rows("SELECT action FROM audit ORDER BY id")]


@pytest.fixture
def post(desk: Desk) -> Post:
    desk.administration()
    return Post(desk)


def text(record: OutboundRecord | KafkaRecord) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def test_a_dead_letter_has_connects_headers_and_ours(post: Post) -> None:
    post.desk.take_in(invoice())
    source = post.desk.rows("SELECT source_topic, source_partition, source_offset FROM posting")[0]
    post.end(Outcome.REJECTED)
    (letter,) = post.dead_letters()
    assert letter.key == b"adm-1001"
    assert json.loads(letter.value)["number"] == "20260123"
    headers = text(letter)
    connect = {name.removeprefix(CONNECT_PREFIX): value for name, value in headers.items() if "__" in name}
    assert set(connect) == {
        "topic",
        "partition",
        "offset",
        "connector.name",
        "task.id",
        "stage",
        "class.name",
        "exception.class.name",
        "exception.message",
        "exception.stacktrace",
    }
    assert (connect["topic"], int(connect["offset"])) == ("enk.invoices.v1", source["source_offset"])
    assert (connect["connector.name"], connect["stage"]) == ("koppeling.sink.snelstart", "TASK_PUT")
    assert connect["exception.message"] == WHY.en
    assert "Onbekend: 8000" in connect["exception.stacktrace"]
    assert headers["koppeling_origin_offset"] == str(source["source_offset"])
    assert (headers["koppeling_error_code"], headers["koppeling_error_codes"]) == (
        "not_found_ledger_account",
        "not_found_ledger_account",
    )
    assert (headers["koppeling_attempts"], headers["koppeling_outcome"]) == ("1", "rejected")
    assert headers["koppeling_error_nl"] == WHY.nl
    assert (headers["ce_type"], headers["ce_partitionkey"]) == ("nl.enk.invoice.issued.v1", "adm-1001")


def test_what_goes_on_by_itself_is_no_dead_letter(post: Post) -> None:
    outcomes = [Outcome.BOOKED, Outcome.RETRY, Outcome.WAITING, Outcome.UNCERTAIN, Outcome.HELD]
    post.desk.take_in(*(invoice(id=f"i-{one}", number=f"n-{one}") for one in outcomes))
    lease = post.desk.lease()
    for outcome in outcomes:
        post.end(outcome, f"i-{outcome}", lease)
    # Nothing has a time of its own here: a doubtful and a held one wait for somebody.
    assert [text(letter)["koppeling_outcome"] for letter in post.dead_letters()] == ["uncertain", "held"]


def test_a_rejected_posting_that_is_put_back_goes_out_again(post: Post) -> None:
    post.desk.take_in(invoice())
    lease = post.end(Outcome.REJECTED)
    for times, headers in enumerate(("all", "connect", "none"), start=1):
        letter = post.dead_letters()[-1]
        post.put_back(letter, headers=headers)
        assert (post.state, len(post.desk.postings())) == ("received", 1)
        assert post.audited() == ["postings.put_back"] * times
        post.end(Outcome.REJECTED, lease=lease)
    assert post.desk.became() == ["posting", "repeated", "repeated", "repeated"]
    assert post.desk.rows("SELECT 1 FROM rejected_input") == []
    assert text(post.dead_letters()[-1])["koppeling_attempts"] == "4"


def test_a_booked_posting_that_is_put_back_stays_booked(post: Post) -> None:
    post.desk.take_in(invoice())
    lease = post.end(Outcome.REJECTED)
    (letter,) = post.dead_letters()
    post.put_back(letter)
    post.end(Outcome.BOOKED, lease=lease)
    for headers in ("all", "connect", "none"):
        post.put_back(letter, headers=headers)
    assert (post.state, len(post.audited()), len(post.desk.postings())) == ("booked", 1, 1)


def test_a_put_back_posting_that_waits_its_turn_is_tried_now_only_when_the_record_says_so(post: Post) -> None:
    post.desk.take_in(invoice())
    lease = post.end(Outcome.REJECTED)
    (letter,) = post.dead_letters()
    post.put_back(letter)
    post.end(Outcome.RETRY, lease=lease)
    post.put_back(letter, headers="none")
    assert post.state == "retry"
    post.put_back(letter)
    assert post.state == "received"


def test_what_a_person_ended_stays_ended(post: Post) -> None:
    post.desk.take_in(invoice())
    post.end(Outcome.REJECTED)
    (letter,) = post.dead_letters()
    name = str(post.desk.posting("inv-9001")["id"])
    assert post.desk.write(lambda cursor: discard(cursor, name, "dubbel")) is None
    post.put_back(letter)
    assert (post.state, post.audited()) == ("discarded", [])


def test_a_put_back_relation_goes_out_again(post: Post) -> None:
    post.desk.take_in(relation())
    post.end(Outcome.REJECTED, "rel-204")
    (letter,) = post.dead_letters()
    post.offset += 1
    place = [
        (SOURCE_TOPIC_HEADER, b"enk.relations.v1"),
        (SOURCE_PARTITION_HEADER, b"0"),
        (SOURCE_OFFSET_HEADER, str(post.offset).encode()),
    ]
    headers = [*without_marks(letter.headers), *place]
    post.desk.take_in(
        KafkaRecord(sink_topic(Package.SNELSTART), 0, post.offset, letter.key, headers, letter.value)
    )
    assert post.desk.states() == [("rel-204", 1, "received")]


def test_rejected_input_that_is_put_back_as_it_is_stays_one_rejection(post: Post) -> None:
    broken = post.desk.record(invoice(currency="USD"), topic=INTAKE_DLQ)
    post.desk.take_in(broken)
    told = len(post.desk.told())
    for headers in ("all", "connect", "none"):
        post.put_back(broken, headers=headers)
    assert post.desk.became() == ["rejected", "repeated", "repeated", "repeated"]
    assert len(post.desk.rows("SELECT 1 FROM rejected_input")) == 1
    assert len(post.desk.told()) == told


def test_rejected_input_that_was_mended_on_its_way_back_is_that_posting(post: Post) -> None:
    broken = post.desk.record(invoice(currency="USD"), topic=INTAKE_DLQ)
    post.desk.take_in(broken)
    post.put_back(replace(broken, value=json.dumps(invoice()).encode()))
    assert post.desk.states() == [("inv-9001", 1, "received")]
    assert post.desk.value("SELECT state FROM rejected_input") == "replayed"
    post.put_back(broken)
    assert post.desk.became() == ["rejected", "posting", "repeated"]


def test_a_contradiction_is_dead_lettered_with_its_bytes_and_stays_one(post: Post) -> None:
    first, other = post.desk.record(invoice()), post.desk.record(invoice([line("9.00")]))
    post.desk.take_in(first, other)
    (letter,) = post.dead_letters()
    assert (letter.value, letter.key) == (other.value, other.key)
    assert text(letter)["koppeling_error_field"] == "$.revision"
    post.put_back(letter)
    assert post.desk.became() == ["posting", "rejected", "repeated"]


def test_an_origin_that_is_a_lie_makes_no_document_disappear(post: Post) -> None:
    post.desk.take_in(invoice())
    post.end(Outcome.REJECTED)
    (letter,) = post.dead_letters()
    other = post.desk.record(invoice(id="inv-2", number="2"))
    marks = [h for h in letter.headers if h[0].startswith("koppeling_origin")]
    marks += [(name, value) for name, value in (("koppeling_origin_partition", b"9" * 30),)]
    post.put_back(replace(other, headers=[*without_marks(other.headers), *marks]))
    assert post.desk.states() == [("inv-9001", 1, "rejected"), ("inv-2", 1, "received")]
