"""What cannot be read, what only a newer release reads, and a PDF that cannot be had: all beside the flow."""

from __future__ import annotations

import json

import pytest

from schemas.outcome import Package
from schemas.topics import (
    INTAKE_DLQ,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
)
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.pipeline.listening import Ear
from tests.schemas import builders


def test_a_field_that_we_do_not_know_holds_the_document_and_nothing_else(
    snelstart: Administration, ear: Ear
) -> None:
    ahead = snelstart.sale("1") | {"kortingscode": "ZOMER"}
    snelstart.publish(snelstart.relation(), ahead, snelstart.sale("2"))
    (event,) = ear.until_told(snelstart, "s-1", ["held"])
    assert (event["error"]["code"], event["error"]["field"]) == ("schema_ahead", "$.kortingscode")
    assert event["error"]["who_acts"]
    ear.until_told(snelstart, "s-2", ["booked"])
    (kept,) = snelstart.pipeline.rows(
        "SELECT value FROM rejected_input WHERE administration_id = %s", snelstart.id
    )
    assert json.loads(bytes(kept["value"])) == ahead


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"adm-?", b"{"), (None, b"\xff\xfe"), (b"\xff", b'{"gross": NaN}'), (b"adm-?", None)],
)
def test_a_record_that_cannot_be_read_is_told_with_its_place(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear, key: bytes | None, value: bytes | None
) -> None:
    offset = pipeline.next_offset()
    pipeline.producer.send(
        INTAKE_DLQ,
        key=key,
        value=value,
        headers=[
            (SOURCE_TOPIC_HEADER, b"enk.invoices.v1"),
            (SOURCE_PARTITION_HEADER, b"7"),
            (SOURCE_OFFSET_HEADER, str(offset).encode()),
        ],
    )
    pipeline.producer.flush()

    def told() -> list[dict[str, object]]:
        ear.listen()
        return [
            event
            for name in ("", "adm-?")
            for event in ear.events(name)
            if event["source_record"]["offset"] == offset
        ]

    (event,) = until(told, "ENK was told")
    assert event["outcome"] == "rejected"
    assert event["what"]["kind"] == "record"
    assert event["source_record"] == {"topic": "enk.invoices.v1", "partition": 7, "offset": offset}
    (kept,) = pipeline.rows('SELECT key, value FROM rejected_input WHERE "offset" = %s', offset)
    assert (kept["key"] and bytes(kept["key"]), kept["value"] and bytes(kept["value"])) == (key, value)


def test_a_pdf_that_cannot_be_had_never_reopens_the_booking(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    administration = pipeline.administration(mapping={"attachments": True})
    pdf = {
        "uri": "https://not-allowed.example/1.pdf",
        "sha256": "0" * 64,
        "media_type": "application/pdf",
        "file_name": "1.pdf",
    }
    administration.publish(
        administration.relation(), administration.sale("1", attachment=pdf), administration.sale("2")
    )
    booked, failed = ear.until_told(administration, "s-1", ["booked", "booked"])
    assert "error" not in booked
    assert failed["error"]["field"] == "$.attachment"
    assert "not-allowed.example" in failed["error"]["message"]["nl"]
    assert failed["package_document"] == booked["package_document"]
    ear.until_told(administration, "s-2", ["booked"])
    assert administration.booked_numbers()["sales"] == ["1", "2"]


def test_a_relation_that_is_written_with_its_first_invoice_is_silent_before(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    administration = pipeline.administration(
        Package.SNELSTART, mapping={"relations_written": "on_first_invoice"}
    )
    idle = builders.relation(administration=administration.id, id="rel-idle", number="7", kvk_number=None)
    administration.publish(administration.relation(), idle)
    administration.until_states({"rel-204": "waiting", "rel-idle": "waiting"})
    assert administration.books()["debtors"] == []
    administration.publish(administration.sale("1"))
    ear.until_told(administration, "s-1", ["booked"])
    assert [row["name"] for row in administration.books()["debtors"]] == ["Bouwbedrijf Groeneveld B.V."]
    assert ear.events(administration, "rel-idle") == []


def test_a_record_that_the_database_refuses_is_found_in_its_batch_and_stands_alone(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    pipeline.ledger.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'this row cannot be'; END$$"
    )
    pipeline.ledger.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON posting FOR EACH ROW"
        " WHEN (NEW.number = 'BOOM') EXECUTE FUNCTION refuse()"
    )
    numbers = [f"{number:02d}" for number in range(20)]
    sales = [snelstart.sale(number) for number in numbers]
    sales.insert(7, snelstart.sale("BOOM"))
    snelstart.publish(snelstart.relation(), *sales)
    ear.until_told(snelstart, "s-19", ["booked"])
    assert snelstart.booked_numbers()["sales"] == numbers
    (refused,) = until(
        lambda: [event for event in ear.events("") if "this row cannot be" in str(event)] or ear.listen(),
        "ENK was told of the refused record",
    )
    assert (refused["outcome"], refused["error"]["code"]) == ("rejected", "internal")
    assert refused["source_record"]["topic"] == "enk.invoices.v1"
    (kept,) = pipeline.rows("SELECT value FROM rejected_input WHERE code = 'internal'")
    assert json.loads(bytes(kept["value"]))["number"] == "BOOM"
