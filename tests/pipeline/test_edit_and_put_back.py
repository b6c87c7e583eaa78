"""A refused document on a running pipeline: dead-lettered, edited, put back, resolved."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from ledger.edits import Edited, Editor, edit
from ledger.repair import resolve
from schemas.outcome import Package
from schemas.topics import ENK_INVOICES, POSTINGS_DLQ
from streams.records import SourceRecord
from streams.routing import route
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.pipeline.listening import Ear
from tests.schemas import builders

UNKNOWN_ACCOUNT = {"lines": [builders.line(ledger_account="9999")]}


def edited(
    pipeline: Pipeline, administration: Administration, document: str, content: dict[str, Any]
) -> object:
    identifier = str(administration.posting(document)["id"])
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        value = json.dumps(content).encode()
        return edit(cursor, identifier, value, Editor("anna"), datetime.now(UTC))


def dead_letters(pipeline: Pipeline, administration: Administration) -> list[Any]:
    """What was published about it on the dead-letter topic, in order."""
    consumer = KafkaConsumer(bootstrap_servers=pipeline.bootstrap_servers, enable_auto_commit=False)
    try:
        numbers = consumer.partitions_for_topic(POSTINGS_DLQ) or set()
        partitions = [TopicPartition(POSTINGS_DLQ, number) for number in numbers]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        found: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for messages in consumer.poll(timeout_ms=200).values():
                found += [message for message in messages if message.key == administration.id.encode()]
        return found
    finally:
        consumer.close()


def put_back(pipeline: Pipeline, administration: Administration, letter: Any) -> None:
    """What a tool for dead letters publishes on ENK's topic, through the intake."""
    offset = pipeline.next_offset()
    record = SourceRecord(ENK_INVOICES, 0, offset, letter.key, letter.value, tuple(letter.headers))
    (sent,) = route(record, lambda _: administration.package).records
    pipeline.producer.send(sent.topic, key=sent.key, value=sent.value, headers=list(sent.headers))
    pipeline.producer.flush()


def test_an_edit_is_booked_and_what_enk_sent_comes_back_without_effect(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    wrong = snelstart.sale("1", **UNKNOWN_ACCOUNT)
    snelstart.publish(snelstart.relation(), wrong)
    ear.until_told(snelstart, "s-1", ["rejected"])
    right = snelstart.sale("1", lines=[builders.line("200.00")])
    assert isinstance(edited(pipeline, snelstart, "s-1", right), Edited)
    _, told, booked = ear.until_told(snelstart, "s-1", ["rejected", "received", "booked"])
    assert (told["edit"], booked["edit"]) == (1, 1)
    (letter,) = until(lambda: dead_letters(pipeline, snelstart), "the dead letter is published")
    assert json.loads(letter.value)["totals"]["gross"] == "121.00"
    put_back(pipeline, snelstart, letter)
    snelstart.publish(wrong, snelstart.sale("2"))
    ear.until_told(snelstart, "s-2", ["booked"])
    assert [row["gross"] for row in snelstart.books()["sales"]] == ["242.00", "121.00"]
    assert pipeline.rows("SELECT 1 FROM rejected_input WHERE administration_id = %s", snelstart.id) == []


def test_a_dead_letter_that_is_put_back_is_tried_again(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    snelstart.publish(snelstart.relation(), snelstart.sale("1", **UNKNOWN_ACCOUNT))
    ear.until_told(snelstart, "s-1", ["rejected"])
    (letter,) = until(lambda: dead_letters(pipeline, snelstart), "the dead letter is published")
    put_back(pipeline, snelstart, letter)
    ear.until_told(snelstart, "s-1", ["rejected", "rejected"])
    attempts = until(
        lambda: [dict(one.headers)["koppeling_attempts"] for one in dead_letters(pipeline, snelstart)][1:],
        "the second dead letter is published",
    )
    assert len(attempts) == 1
    assert len(snelstart.postings()) == 2


def test_a_document_that_waits_for_its_file_is_edited_or_typed_in_by_hand(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    king = pipeline.administration(Package.KING)
    king.publish(king.sale("1"), king.sale("2"))
    ear.until_told(king, "s-1", ["waiting"])
    ear.until_told(king, "s-2", ["waiting"])
    right = king.sale("1", lines=[builders.line("200.00")])
    assert isinstance(edited(pipeline, king, "s-1", right), Edited)
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        assert resolve(cursor, str(king.posting("s-2")["id"]), booked_as="2") is None
    king.publish(king.relation())
    king.until_states({"s-1": "filed", "s-2": "adopted"})
    until(lambda: king.books()["sales"], "King has read the file")
    assert [(row["number"], row["gross"]) for row in king.books()["sales"]] == [("1", "242.00")]
