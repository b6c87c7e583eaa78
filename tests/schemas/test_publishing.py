"""Records of our own events, and of the lines of a file."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.attention import AttentionChanged, AttentionKind, AttentionStatus
from schemas.outcome import Code, Outcome, Package, WhoActs, reason
from schemas.payment import PaidInvoice, PaymentAmount, PaymentChanged, PaymentStatus, SettledBy
from schemas.posting import (
    Message,
    PackageDocument,
    PostingChanged,
    PostingError,
    SourceRecord,
    What,
    WhatKind,
)
from schemas.publishing import BadLine, attention_record, payment_record, posting_record, record_from_line
from schemas.reading import ReadEvent, Rejection, read_record
from tests.schemas.builders import administration, cloud_event, invoice, relation

NOON = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
POSTING = PostingChanged(
    administration="adm-1001",
    package=Package.SNELSTART,
    what=What(kind=WhatKind.SALES_INVOICE, id="inv-1", number="20260123", revision=1),
    source_record=SourceRecord(topic="enk.invoices.v1", partition=3, offset=17, event_id="evt-1"),
    outcome=Outcome.RETRY,
    package_document=PackageDocument(number="20260123"),
    error=PostingError.of(reason(Code.UNAVAILABLE, package=Package.SNELSTART), next_attempt_at=NOON),
    attempt=2,
    sequence=5,
    occurred_at=NOON,
)
PAYMENT = PaymentChanged(
    administration="adm-1001",
    package=Package.SNELSTART,
    invoice=PaidInvoice(id="inv-1", number="20260123"),
    status=PaymentStatus.PARTLY_PAID,
    settled_by=SettledBy.BANK,
    amount=PaymentAmount(gross=Decimal("121"), paid=Decimal("100.5"), open=Decimal("20.50")),
    last_payment_date=date(2026, 4, 1),
    sequence=1,
    observed_at=NOON,
)
ATTENTION = AttentionChanged(
    id="case-1",
    status=AttentionStatus.OPEN,
    administration="adm-1001",
    package=Package.KING,
    kind=AttentionKind.FILE_READY,
    who_acts=WhoActs.BOOKKEEPER,
    message=Message(nl="Lees het in.", en="Import it."),
    count=1,
    examples=("verkoop-1.xml",),
    since=NOON,
    opened_at=NOON,
    sequence=1,
    occurred_at=NOON,
)


def test_a_posting_event_as_a_record() -> None:
    topic, key, headers, value = posting_record(
        POSTING,
        event_id="p-1",
        causation_id="evt-1",
        correlation_id="cor-1",
        traceparent=None,
        key="adm-1001",
    )
    assert (topic, key) == ("enk.postings.v1", b"adm-1001")
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"p-1",
        "ce_source": b"/enk-koppeling",
        "ce_type": b"nl.enk.koppeling.posting.changed.v1",
        "ce_time": b"2026-04-01T12:00:00Z",
        "ce_subject": b"inv-1",
        "ce_partitionkey": b"adm-1001",
        "ce_correlationid": b"cor-1",
        "ce_causationid": b"evt-1",
        "content-type": b"application/json",
    }
    assert value is not None
    body = json.loads(value)
    assert body["error"]["code"] == "unavailable"
    assert "file" not in body
    assert "vendor_message" not in body["error"]
    assert PostingChanged.model_validate_json(value) == POSTING


def test_a_payment_event_as_a_record() -> None:
    topic, _, headers, value = payment_record(PAYMENT, event_id="p-1", key="adm-1001")
    assert topic == "enk.payments.v1"
    assert dict(headers)["ce_subject"] == b"inv-1"
    assert value is not None
    assert json.loads(value)["amount"] == {"gross": "121.00", "paid": "100.50", "open": "20.50"}


def test_an_attention_event_as_a_record() -> None:
    topic, key, headers, value = attention_record(ATTENTION, event_id="a-1")
    assert (topic, key) == ("koppeling.attention.v1", b"adm-1001")
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"a-1",
        "ce_source": b"/enk-koppeling",
        "ce_type": b"nl.enk.koppeling.attention.changed.v1",
        "ce_time": b"2026-04-01T12:00:00Z",
        "ce_subject": b"case-1",
        "ce_partitionkey": b"adm-1001",
        "content-type": b"application/json",
    }
    assert value is not None
    assert "code" not in json.loads(value)
    assert AttentionChanged.model_validate_json(value) == ATTENTION


def test_a_key_that_is_no_text_can_still_be_told_about() -> None:
    _, key, headers, _ = posting_record(POSTING, event_id="p", key=b"\xff\x00")
    assert key == b"\xff\x00"
    assert dict(headers)["ce_partitionkey"].decode()


@pytest.mark.parametrize("data", [administration(), relation(), invoice()])
def test_a_line_with_a_cloud_event_becomes_a_record_that_is_read(data: dict[str, object]) -> None:
    line = json.dumps(cloud_event(data, subject="s", correlationid="c")).encode() + b"\r\n"
    record = record_from_line(line, "enk.invoices.v1")
    event = read_record(*record)
    assert isinstance(event, ReadEvent)
    assert record.key == b"adm-1001"
    assert event.envelope.correlation_id == "c"


def test_data_is_published_byte_for_byte() -> None:
    event = json.dumps(cloud_event(invoice())).replace(
        '"revision": 1', '"revision":  1, "revision": 1e0, "x": NaN'
    )
    value = record_from_line(event.encode(), "enk.invoices.v1").value
    assert value is not None
    assert b'"revision":  1, "revision": 1e0, "x": NaN' in value
    assert value.startswith(b"{")
    assert value.endswith(b"}")


def test_an_unknown_type_goes_to_the_default_topic_in_binary_mode() -> None:
    line = json.dumps(cloud_event(invoice(), type="nl.enk.unheard.of.v9")).encode()
    topic, key, headers, _ = record_from_line(line, "enk.invoices.v1")
    assert (topic, key) == ("enk.invoices.v1", b"adm-1001")
    assert dict(headers)["ce_type"] == b"nl.enk.unheard.of.v9"


@pytest.mark.parametrize("attribute", ["specversion", "id", "source", "type", "time", "partitionkey"])
def test_an_event_without_an_attribute_is_published_without_it(attribute: str) -> None:
    event = cloud_event(invoice())
    del event[attribute]
    record = record_from_line(json.dumps(event).encode(), "enk.invoices.v1")
    with pytest.raises(Rejection) as caught:
        read_record(*record)
    assert caught.value.reason.field == f"headers.ce_{attribute}"


def test_an_event_without_data_is_a_tombstone() -> None:
    line = json.dumps(cloud_event(administration()) | {"data": None}).encode()
    record = record_from_line(line, "enk.invoices.v1")
    assert (record.topic, record.key, record.value) == ("enk.administrations.v1", b"adm-1001", None)


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"",
        b"\xff\xfe",
        b"[1]",
        b"{",
        b'{"a": 1} x',
        b'{"a": 1}',
        b"{}",
        b"{1: 2}",
        b"[" * 100_000,
        b"NaN",
    ],
)
def test_anything_else_is_published_as_it_is(line: bytes) -> None:
    assert record_from_line(line + b"\n", "enk.relations.v1") == ("enk.relations.v1", None, [], line)


def test_a_raw_record_is_published_exactly() -> None:
    raw = {
        "topic": "enk.administrations.v1",
        "key": "k",
        "headers": [["a", "1"], ["a", "2"]],
        "value_base64": base64.b64encode(b"\xff\x00").decode(),
    }
    record = record_from_line(json.dumps({"raw": raw}).encode(), "enk.invoices.v1")
    assert record == ("enk.administrations.v1", b"k", [("a", b"1"), ("a", b"2")], b"\xff\x00")


def test_a_raw_record_may_be_all_null() -> None:
    line = b'{"raw": {"topic": null, "key": null, "headers": null, "value_base64": null}}'
    assert record_from_line(line, "enk.invoices.v1") == ("enk.invoices.v1", None, [], None)
    assert record_from_line(b'{"raw": {"headers": {"a": "b"}}}', "t") == ("t", None, [("a", b"b")], None)


@pytest.mark.parametrize(
    "raw",
    [
        1,
        {"topic": ""},
        {"topic": 1},
        {"key": 1},
        {"headers": 1},
        {"headers": [1]},
        {"value_base64": "*"},
        {"valeu": 1},
    ],
)
def test_an_impossible_raw_record_is_a_bad_line(raw: object) -> None:
    with pytest.raises(BadLine):
        record_from_line(json.dumps({"raw": raw}).encode(), "t")
