"""Receiving: identity decides what a record becomes; rows and offsets are one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.admission import KafkaRecord
from ledger.inbox import receive
from ledger.input_offsets import OffsetConflict, advance_offsets, next_offsets
from schemas.outcome import Package
from schemas.topics import HOLDING, INTAKE_DLQ
from tests.ledger.desk import NOW, Desk
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import administration, invoice, line, record, relation
from tests.schemas.strategies import unhurried

TOPIC = "koppeling.sink.snelstart.v1"


@pytest.fixture
def known(desk: Desk) -> Desk:
    """A ledger that knows adm-1001 and has it connected."""
    desk.administration()
    return desk


# --- identity ---


def test_a_document_is_received_once_and_is_due(known: Desk) -> None:
    assert known.take_in(relation(), invoice()) == 2
    assert known.states() == [("rel-204", 1, "received"), ("inv-9001", 1, "received")]
    assert known.became() == ["posting", "posting"]
    assert known.told() == []
    assert all(row["due_at"] is not None for row in known.postings())
    assert known.value("SELECT due_at IS NOT NULL AS due FROM lane")


def test_the_same_record_read_again_has_no_effect(known: Desk) -> None:
    first = known.record(invoice())
    assert known.take_in(first) == 1
    assert known.take_in(first, first) == 0
    assert len(known.postings()) == 1
    assert known.became() == ["posting"]


def test_the_same_event_published_again_has_no_effect(known: Desk) -> None:
    one, again = known.record(invoice(), event_id="e-1"), known.record(invoice(), event_id="e-1")
    renamed = known.record(invoice(), event_id="e-2")
    known.take_in(one, again, renamed)
    assert len(known.postings()) == 1
    assert known.became() == ["posting", "repeated", "repeated"]
    assert known.told() == []


@pytest.mark.parametrize("together", [True, False])
def test_the_same_event_id_with_other_content_is_invalid(known: Desk, together: bool) -> None:
    records = [
        known.record(invoice(), event_id="e-1"),
        known.record(invoice(id="inv-2", number="2"), event_id="e-1"),
    ]
    for batch in [records] if together else [[one] for one in records]:
        known.take_in(*batch)
    assert known.states() == [("inv-9001", 1, "received")]
    (event,) = known.told()
    assert (event["outcome"], event["what"]["id"]) == ("rejected", "inv-2")
    assert (event["error"]["code"], event["error"]["field"]) == ("invalid_event", "headers.ce_id")
    assert "e-1" in event["error"]["message"]["nl"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("make", [invoice, relation])
def test_a_revision_never_changes(
    known: Desk, make: Callable[..., dict[str, object]], together: bool
) -> None:
    field = "description" if make is invoice else "name"
    records = [known.record(make()), known.record(make(**{field: "Iets anders"}))]
    for batch in [records] if together else [[one] for one in records]:
        known.take_in(*batch)
    (posting,) = known.postings()
    assert "Iets anders" not in bytes(posting["payload"]).decode()
    (event,) = known.told()
    assert event["error"]["code"] == "invalid_event"
    (kept,) = known.rows("SELECT value FROM rejected_input")
    assert "Iets anders" in bytes(kept["value"]).decode()


def test_a_lower_revision_that_comes_late_is_superseded(known: Desk) -> None:
    known.take_in(invoice(revision=3))
    known.take_in(invoice(revision=1, description="Eerst"))
    assert known.states() == [("inv-9001", 3, "received"), ("inv-9001", 1, "superseded")]
    (event,) = known.told()
    assert (event["outcome"], event["what"]["revision"]) == ("superseded", 1)


def test_sales_and_purchase_with_one_id_are_two_documents(known: Desk) -> None:
    bought = invoice([line(ledger_account="7000")], direction="purchase")
    known.take_in(invoice(), bought)
    assert [row["kind"] for row in known.postings()] == ["sales_invoice", "purchase_invoice"]
    assert known.told() == []


def test_a_number_is_matched_per_creditor_trimmed_and_without_case(known: Desk) -> None:
    lines = [line(ledger_account="7000")]
    known.take_in(invoice(lines, direction="purchase", supplier_invoice_number="  F-55 012 x"))
    (posting,) = known.postings()
    assert posting["match_key"] == "rel-204|f-55 012 x"


# --- relations ---


def test_a_relation_published_again_unchanged_has_no_effect(known: Desk) -> None:
    known.take_in(relation())
    known.take_in(relation(), relation(revision=5))
    assert known.states() == [("rel-204", 1, "received")]
    assert known.became() == ["posting", "unchanged", "unchanged"]
    assert known.told() == []


@pytest.mark.parametrize("together", [True, False])
def test_a_relation_has_one_posting_that_takes_the_newest_revision(known: Desk, together: bool) -> None:
    records = [known.record(relation()), known.record(relation(revision=2, name="Nieuw B.V."))]
    for batch in [records] if together else [[one] for one in records]:
        known.take_in(*batch)
    assert known.states() == [("rel-204", 2, "received")]
    (stored,) = known.rows("SELECT revision, payload FROM relation")
    assert stored["revision"] == 2
    assert "Nieuw B.V." in bytes(stored["payload"]).decode()


def test_a_lower_revision_of_a_relation_is_ignored(known: Desk) -> None:
    known.take_in(relation(revision=2, name="Nieuw B.V."), relation(revision=1))
    assert known.became() == ["posting", "superseded"]
    assert known.value("SELECT revision FROM relation") == 2
    assert known.told() == []


def test_a_relation_that_is_being_written_goes_again_afterwards(known: Desk) -> None:
    known.take_in(relation())
    lease = known.lease()
    assert known.intend(lease, "rel-204", "relation:debtor")
    known.take_in(relation(revision=2, name="Nieuw B.V."))
    posting = known.posting("rel-204")
    assert (posting["state"], posting["again"], posting["revision"]) == ("posting", True, 2)


def test_a_relation_wakes_what_waits_for_it(known: Desk) -> None:
    known.take_in(invoice())
    known.connection.execute(
        "UPDATE posting SET state = 'waiting', waiting_key = 'relation:rel-204',"
        " due_at = clock_timestamp() + interval '1 hour'"
    )
    known.take_in(relation())
    assert known.value("SELECT due_at <= clock_timestamp() AS due FROM posting WHERE kind <> 'relation'")


# --- holding ---


def test_an_unknown_administration_is_held_in_its_order_and_told(desk: Desk) -> None:
    desk.take_in(
        *(desk.record(data, topic=HOLDING) for data in (relation(), invoice(), invoice(id="2", number="2")))
    )
    assert {row["code"] for row in desk.postings()} == {"unknown_administration"}
    assert [event["outcome"] for event in desk.told()] == ["held"] * 3
    desk.administration()
    assert [row["state"] for row in desk.postings()] == ["received"] * 3
    assert [row["document_id"] for row in desk.postings()] == ["rel-204", "inv-9001", "2"]


def test_an_administration_in_the_middle_of_a_batch_counts_from_there_on(desk: Desk) -> None:
    desk.take_in(
        invoice(), administration(), invoice(id="2", number="2"), administration(active=False, id="x")
    )
    assert [(row["package"], row["code"]) for row in desk.postings()] == [
        ("snelstart", "mapping_missing")
    ] * 2
    assert [event["error"]["code"] for event in desk.told()] == [
        "unknown_administration",
        "mapping_missing",
        "mapping_missing",
    ]


def test_a_move_to_another_package_takes_along_only_what_was_never_sent(known: Desk) -> None:
    known.take_in(relation(), invoice(), invoice(id="2", number="2"), invoice(id="3", number="3"))
    lease = known.lease()
    assert known.intend(lease, "2")
    known.connection.execute("UPDATE posting SET state = 'booked' WHERE document_id = '3'")
    known.administration(package=Package.KING)
    packages = {row["document_id"]: (row["package"], row["state"]) for row in known.postings()}
    assert packages == {
        "rel-204": ("king", "received"),
        "inv-9001": ("king", "received"),
        "2": ("snelstart", "posting"),
        "3": ("snelstart", "booked"),
    }


# --- what cannot be read, and what is hard to store ---


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00\xff",
        b'{"administration": "adm-1001", "id": "a\\u0000b", "lines": "\\u0000"}',
        b"[" * 5000,
        json.dumps(invoice(description="nul \x00 byte", id="x\x00y")).encode(),
        json.dumps(invoice(number="\ud800")).encode(),
    ],
)
def test_bad_bytes_are_kept_and_told_and_what_is_behind_flows_on(known: Desk, value: bytes) -> None:
    good = known.record(invoice())
    bad = KafkaRecord(
        TOPIC, 0, 999, good.key, [(n, v) for n, v in good.headers if "koppeling" not in n], value
    )
    known.take_in(bad, good)
    (kept,) = known.rows("SELECT * FROM rejected_input")
    assert bytes(kept["value"]) == value
    assert known.states()[-1] == ("inv-9001", 1, "received")
    assert [event["outcome"] for event in known.told()] == ["rejected"]


def test_headers_with_zero_bytes_are_kept(known: Desk) -> None:
    odd = known.record(invoice(), event_id="e\x00vil", ce_source="\x00")
    known.take_in(odd)
    (event,) = known.told()
    assert event["outcome"] == "rejected"


def test_a_payload_of_nearly_a_mebibyte_is_stored_whole(known: Desk) -> None:
    lines = [line("1.00", id=str(number), description="x" * 9_000) for number in range(110)]
    big = invoice(lines)
    size = len(record(big)[3])
    assert 900_000 < size <= 1024 * 1024
    known.take_in(big)
    (posting,) = known.postings()
    assert json.loads(bytes(posting["payload"]))["lines"] == [{**one, "net_amount": "1.00"} for one in lines]


def test_a_dead_letter_is_kept_with_the_intakes_reason(known: Desk) -> None:
    wrong = known.record(invoice(due_date="2026-01-01"), topic=INTAKE_DLQ)
    known.take_in(wrong)
    (event,) = known.told()
    assert (event["outcome"], event["what"]["id"]) == ("rejected", "inv-9001")
    assert known.postings() == []


# --- batches ---


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "relation", "administration", "bad"]),
        st.sampled_from(["a", "b"]),
        st.integers(1, 3),
        st.sampled_from(["x", "y"]),
        st.sampled_from(["e1", "e2", "e3", None]),
    ),
    min_size=1,
    max_size=14,
)


def event_of(kind: str, name: str, revision: int, content: str) -> dict[str, object]:
    match kind:
        case "invoice":
            return invoice(id=name, number=name, revision=revision, description=content)
        case "relation":
            return relation(id=name, number=name, revision=revision, name=content)
        case "administration":
            return administration(active=content == "x")
        case _:
            return invoice(id=name, currency="USD")


@pytest.fixture(scope="module")
def two_ledgers(postgres: str) -> object:
    with fresh_ledger(postgres) as one, fresh_ledger(postgres) as other:
        yield one, other


@settings(unhurried, max_examples=40)
@given(EVENTS)
def test_a_batch_decides_as_one_record_after_the_other(
    two_ledgers: tuple[str, str], drawn: list[tuple[str, str, int, str, str | None]]
) -> None:
    seen = []
    for url, together in zip(two_ledgers, (True, False), strict=True):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "TRUNCATE posting, relation, administration, lane, connection, input_record, rejected_input,"
                " outbox, document_sequence RESTART IDENTITY CASCADE"
            )
            desk = Desk(url, connection)
            records = []
            for place, (kind, name, revision, content, event_id) in enumerate(drawn):
                data = event_of(kind, name, revision, content)
                records.append(desk.record(data, event_id=event_id or f"own-{place}"))
            for batch in [records] if together else [[one] for one in records]:
                desk.take_in(*batch)
            told = [
                (event["what"]["kind"], event["what"].get("id"), event["outcome"], event["sequence"])
                for event in desk.told()
            ]
            seen.append((desk.states(), desk.became(), sorted(map(str, told))))
    assert seen[0] == seen[1]


# --- offsets ---


def test_offsets_move_on_and_another_receivers_move_is_a_conflict(desk: Desk) -> None:
    desk.write(lambda cursor: advance_offsets(cursor, [(TOPIC, 0, 0, 5), (TOPIC, 1, 0, 2)]))
    assert desk.write(lambda cursor: next_offsets(cursor, [(TOPIC, 0), (TOPIC, 1), (TOPIC, 2)])) == {
        (TOPIC, 0): 5,
        (TOPIC, 1): 2,
    }
    desk.write(lambda cursor: advance_offsets(cursor, [(TOPIC, 0, 7, 9)]))
    with pytest.raises(OffsetConflict):
        desk.write(lambda cursor: advance_offsets(cursor, [(TOPIC, 1, 2, 3), (TOPIC, 0, 5, 9)]))
    assert desk.write(lambda cursor: next_offsets(cursor, [(TOPIC, 0), (TOPIC, 1)])) == {
        (TOPIC, 0): 9,
        (TOPIC, 1): 2,
    }, "nothing of a move that conflicts stays"


def test_rows_and_offsets_stay_or_go_together(known: Desk) -> None:
    def fail(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        advance_offsets(cursor, [(TOPIC, 0, 0, 1)])
        receive(cursor, [known.record(invoice())], NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        known.write(fail)
    assert known.postings() == []
    assert known.rows("SELECT * FROM input_offset") == []


def test_of_two_receivers_of_one_partition_only_one_gets_on(known: Desk) -> None:
    same = known.record(invoice())

    def take(_: int) -> bool:
        with psycopg.connect(known.url, autocommit=True) as connection:
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    advance_offsets(cursor, [(TOPIC, 0, 0, 1)])
                    receive(cursor, [same], NOW)
            except OffsetConflict:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == [False, False, False, True]
    assert len(known.postings()) == 1
