"""What is told: numbered per document in the order of commits, published in order, deleted after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.outbox import OutboundRecord, next_sequences, pending, published, size, store
from ledger.recovery import enter_recovery
from tests.ledger.desk import Desk

EPOCH = 1 << 32


def record(key: str, value: str) -> OutboundRecord:
    return OutboundRecord(
        "enk.postings.v1", key.encode(), [("ce_id", b"e-1"), ("a", "é".encode())], value.encode()
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), min_size=1, max_size=4))
def test_sequences_rise_by_one_per_document_within_and_across_transactions(
    desk: Desk, batches: list[list[str]]
) -> None:
    desk.connection.execute("TRUNCATE document_sequence")
    given_out: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    for batch in batches:
        numbered = desk.write(partial(next_sequences, documents=batch))
        for document, sequence in zip(batch, numbered, strict=True):
            given_out[document].append(sequence)
    for sequences in given_out.values():
        assert sequences == [EPOCH + number for number in range(1, len(sequences) + 1)]


def test_sequences_given_out_at_once_are_in_the_order_of_commits(desk: Desk) -> None:
    def tell(worker: int) -> None:
        with psycopg.connect(desk.url, autocommit=True) as connection:
            for turn in range(15):
                with connection.transaction(), connection.cursor() as cursor:
                    documents = ["x", "y"] if (worker + turn) % 2 else ["y", "x"]
                    for document, sequence in zip(documents, next_sequences(cursor, documents), strict=True):
                        store(cursor, [record(document, f"{sequence}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(4)))
    for document in "xy":
        rows = desk.rows("SELECT value FROM outbox WHERE key = %s ORDER BY id", document.encode())
        sequences = [int(bytes(row["value"])) for row in rows]
        assert sequences == list(range(EPOCH + 1, EPOCH + 61)), "the outbox is in the order of sequences"


def test_a_transaction_that_is_undone_gives_its_sequences_back(desk: Desk) -> None:
    def undone(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        next_sequences(cursor, ["a", "a"])
        raise KeyError

    with pytest.raises(KeyError):
        desk.write(undone)
    assert desk.write(lambda cursor: next_sequences(cursor, ["a"])) == [EPOCH + 1]


def test_after_a_recovery_sequences_go_on_in_a_higher_epoch(desk: Desk) -> None:
    desk.write(lambda cursor: next_sequences(cursor, ["a", "a"]))
    epoch = desk.write(lambda cursor: enter_recovery(cursor, "restored", 7))
    assert epoch == 8
    assert desk.write(lambda cursor: next_sequences(cursor, ["a", "new"])) == [
        (8 << 32) + 1,
        (8 << 32) + 1,
    ]


def test_records_come_back_as_they_were_stored_and_in_order(desk: Desk) -> None:
    records = [record(f"adm-{number % 3}", f"{number}") for number in range(7)]
    desk.write(lambda cursor: store(cursor, records))
    found = pending(desk.connection, 5)
    assert [one for _, one in found] == records[:5]
    published(desk.connection, [number for number, _ in found])
    assert size(desk.connection) == 2
    assert [one for _, one in pending(desk.connection, 5)] == records[5:]
