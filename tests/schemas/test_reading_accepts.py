"""What ENK may send, and what comes of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.administration import Administration
from schemas.invoice import Invoice
from schemas.outcome import Code, Package
from schemas.posting import WhatKind
from schemas.reading import EventKind, ReadEvent, Rejection, SchemaAhead, Tombstone, read_data, read_record
from schemas.relation import Relation
from tests.schemas.builders import Json, administration, cloud_event, invoice, line, record, relation


def read(data: Json, **kwargs: str) -> ReadEvent:
    event = read_record(*record(data, **kwargs))
    assert isinstance(event, ReadEvent)
    return event


def read_bytes(value: bytes) -> ReadEvent:
    topic, key, headers, _ = record(invoice())
    event = read_record(topic, key, headers, value)
    assert isinstance(event, ReadEvent)
    return event


def test_an_administration_is_read() -> None:
    event = read(administration())
    assert event.kind is EventKind.ADMINISTRATION
    assert isinstance(event.data, Administration)
    assert event.data.package is Package.SNELSTART
    assert event.data.go_live_date == date(2026, 1, 1)
    assert event.administration == "adm-1001"


def test_a_relation_is_read() -> None:
    event = read(relation())
    assert isinstance(event.data, Relation)
    assert event.what_kind is WhatKind.RELATION
    assert event.data.number == "00204"


def test_an_invoice_is_read_with_its_envelope() -> None:
    event = read(invoice(), event_id="evt-1")
    assert isinstance(event.data, Invoice)
    assert event.what_kind is WhatKind.SALES_INVOICE
    assert event.data.totals.gross == Decimal("121.00")
    assert event.envelope.id == "evt-1"
    assert event.envelope.time == datetime(2026, 3, 31, 9, 15, tzinfo=UTC)
    assert event.envelope.partition_key == "adm-1001"
    assert event.envelope.correlation_id == "cor-1"
    assert event.envelope.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_null_value_says_that_an_administration_is_gone() -> None:
    assert read_record("enk.administrations.v1", b"adm-1001", [], None) == Tombstone("adm-1001")


def test_a_null_value_without_a_usable_key_is_refused() -> None:
    for key in (None, b"\xff", b"", b"x" * 300):
        with pytest.raises(Rejection) as caught:
            read_record("enk.administrations.v1", key, [], None)
        assert caught.value.reason.field == "key"


@pytest.mark.parametrize(
    "data",
    [
        invoice(
            [line("100.00"), line("50.00", "laag", "9", "2"), line("25.00", "verlegd", "0", "3")],
            kind="termijn",
            term={"index": 2, "of": 4, "percentage": "30"},
            werk={"number": "W1", "name": "School"},
            work_period={"from": "2026-01-01", "to": "2026-03-31"},
            g_account={"iban": "NL91 ABNA 0417 1643 00", "amount": "20.00", "percentage": "10.4"},
        ),
        invoice([line("-100.00")], kind="los", credits_invoice_number="20260001"),
        invoice([line("-100.00")], kind="los"),
        invoice([line("-100.00")], kind="eindafrekening"),
        invoice([line("100.00"), line("-100.00", id="2")]),
        invoice([line("100.00", "laag", "6")], issue_date="2018-12-31", due_date="2018-12-31"),
        invoice([line("100.00", "hoog", "21.0000")]),
        invoice(
            [line("10.00", kind, "0", str(n)) for n, kind in enumerate(("icp", "export", "nul", "geen"))]
        ),
        invoice([line("100.00", "import", "0")], direction="purchase"),
        invoice(
            [line(vat={"kind": "verlegd", "rate": "0", "assessed_rate": "9"}, kind="verlegd", rate="0")],
            direction="purchase",
        ),
        invoice([line("-1.00")], direction="purchase", credits_invoice_number="F-1"),
        invoice([line("-0.00")]),
        invoice(description="tab\tand\r\nline end, é ü 😀 \u00a0"),
        invoice(extensions={"anything": [1.5, None, {"x": "y"}], "1e999": 1}),
        invoice(opdrachtbonnen=["B1"], attachment=None, kind="opdrachtbon"),
        invoice(revision=2**31 - 1),
    ],
)
def test_invoices_in_order(data: Json) -> None:
    event = read(data)
    assert read_data(event.kind, event.data_bytes) == event.data


@pytest.mark.parametrize(
    "vat_identifier",
    ["NL123456782B12", "NL004495445B01", "BE0428759497", "DE136695976", "GB980780684", "nl 0044.95.445.B01"],
)
def test_vat_ids_that_can_exist(vat_identifier: str) -> None:
    data = read(relation(vat_identifier=vat_identifier)).data
    assert isinstance(data, Relation)
    assert data.vat_identifier == vat_identifier.replace(" ", "").replace(".", "").upper()


def test_an_iban_is_kept_without_its_spaces() -> None:
    data = read(relation(bank_accounts=[{"iban": "nl91 abna 0417 1643 00", "kind": "g_account"}])).data
    assert isinstance(data, Relation)
    assert data.bank_accounts[0].iban == "NL91ABNA0417164300"


def test_structured_mode_is_the_same_event() -> None:
    event = cloud_event(invoice(), id="evt-9", correlationid="cor-1", traceparent="not one")
    headers = [("content-type", b'Application/CloudEvents+JSON; charset="UTF-8"')]
    structured = read_record("enk.invoices.v1", b"adm-1001", headers, json.dumps(event).encode())
    binary = read(invoice(), event_id="evt-9")
    assert isinstance(structured, ReadEvent)
    assert structured.data_bytes == binary.data_bytes
    assert structured.envelope.id == "evt-9"
    assert structured.envelope.traceparent is None


def test_the_same_data_has_the_same_hash_however_it_is_written() -> None:
    first = read(invoice())
    text = json.dumps(invoice())
    other = text.replace('"100.00"', '"100"').replace('"21"', '"21.0"').replace('"21.00"', '"21.0"')
    shuffled = json.dumps(
        dict(reversed(json.loads(other).items())) | {"werk": None, "opdrachtbonnen": []}, indent=1
    )
    assert read_bytes(shuffled.encode()).content_hash == first.content_hash
    assert read_bytes(shuffled.encode()).data_bytes == first.data_bytes


def test_revision_and_extensions_are_not_content() -> None:
    first, second = read(invoice()), read(invoice(revision=7, extensions={"a": 1}))
    assert first.content_hash == second.content_hash
    assert first.data_bytes != second.data_bytes
    assert json.loads(second.data_bytes)["extensions"] == {"a": 1}
    assert json.loads(second.data_bytes)["revision"] == 7


def test_other_content_has_another_hash() -> None:
    assert read(invoice()).content_hash != read(invoice(description="Anders")).content_hash
    assert read(invoice()).content_hash != read(invoice([line("100.01")])).content_hash


def test_the_hash_of_a_document_is_the_same_in_every_release() -> None:
    """The ledger compares with hashes that older releases stored."""
    assert read(invoice()).content_hash.hex() == GOLDEN_INVOICE
    assert read(relation()).content_hash.hex() == GOLDEN_RELATION


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (invoice(colour="red"), "$.colour"),
        (invoice([line(colour="red")]), "$.lines[0].colour"),
        (invoice([line(vat={"kind": "hoog", "rate": "21", "why": {"deep": []}})]), "$.lines[0].vat.why"),
        (invoice() | {"with space": 1}, "$['with space']"),
        (relation(payment_terms={"days": 1, "discount": "2"}), "$.payment_terms.discount"),
        (administration(vat_group="x"), "$.vat_group"),
    ],
)
def test_an_unknown_field_means_that_enk_is_ahead(data: Json, field: str) -> None:
    with pytest.raises(SchemaAhead) as caught:
        read_record(*record(data, event_id="evt-3"))
    ahead = caught.value
    assert ahead.field == field
    assert ahead.reason.code is Code.SCHEMA_AHEAD
    assert ahead.administration == "adm-1001"
    assert ahead.id == data["id"]
    assert ahead.event_id == ahead.envelope.id == "evt-3"
    assert len(ahead.content_hash) == 32


def test_unknown_fields_are_content() -> None:
    hashes = set()
    for colour in ("red", "blue"):
        with pytest.raises(SchemaAhead) as caught:
            read_record(*record(invoice(colour=colour)))
        hashes.add(caught.value.content_hash)
    assert len(hashes) == 2


GOLDEN_INVOICE = "c9880b00cdb98f4bd9db1ec31968c66b7e5a1d8059426c598a9c3ab1e54d5244"
GOLDEN_RELATION = "8700a1889598d874c84f884ec49b6c078ca43d76da38eaaec7dc76d1c85c51ad"
