"""Whatever the bytes: an event, a tombstone, a Rejection or a SchemaAhead. Nothing else comes out."""

from __future__ import annotations

import json
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event_kind import KIND_OF_TOPIC
from schemas.reading import ReadEvent, Rejection, SchemaAhead, Tombstone, read_data, read_record
from tests.schemas.builders import Json, administration, cloud_event, invoice, line, record, relation

TOPICS = st.sampled_from(sorted(KIND_OF_TOPIC))
EVENTS = (
    administration(),
    relation(),
    invoice([line(), line("5.00", "laag", "9", "2")], werk={"number": "1", "name": "n"}),
    invoice(direction="purchase", g_account={"iban": "NL91ABNA0417164300", "amount": "1.00"}),
)
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -1, 0, 1e400, -1e400, float("nan")]),
    st.floats(),
    st.text(),
    st.sampled_from(
        ["", "\x00", "\ud800", "1e9", "-0", "9" * 5000, "2026-02-30", "NL91ABNA0417164300", "\uffff"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(), st.text(), max_size=2),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ce_id", "ce_type", "ce_time", "ce_partitionkey", "content-type", "traceparent", "x"]
        ),
        st.binary(max_size=30)
        | st.just(None)
        | st.sampled_from([b"application/cloudevents+json", b"adm-1001"]),
    ),
    max_size=4,
)


def outcome(topic: str, key: bytes | None, headers: list[tuple[str, bytes]], value: bytes | None) -> object:
    try:
        event = read_record(topic, key, headers, value)
    except (Rejection, SchemaAhead) as refused:
        reason = refused.reason
        # What is told to ENK must be text, whatever came in.
        (reason.nl + reason.en + (reason.field or "")).encode()
        for text in (refused.administration, refused.id, refused.number, refused.event_id):
            assert text is None or "\x00" not in text
            (text or "").encode()
        return refused
    if isinstance(event, ReadEvent):
        assert read_data(event.kind, event.data_bytes) == event.data
    else:
        assert isinstance(event, Tombstone)
    return event


@given(TOPICS, st.none() | st.binary(max_size=20), HEADERS, st.none() | st.binary())
def test_any_bytes(
    topic: str, key: bytes | None, headers: list[tuple[str, bytes]], value: bytes | None
) -> None:
    outcome(topic, key, headers, value)


@given(st.data(), st.sampled_from(EVENTS))
@settings(max_examples=400)
def test_a_valid_event_with_one_value_replaced(data: st.DataObject, event: Json) -> None:
    changed = json.loads(json.dumps(event))
    here: Json | list[object] = changed
    while True:
        step = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else list(range(len(here)))))
        inner = cast(dict[object, object], here)[step]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            break
        here = inner
    cast(dict[object, object], here)[step] = data.draw(NASTY)
    topic, key, headers, _ = record(event)
    outcome(topic, key, headers, json.dumps(changed).encode())


@given(st.data(), st.sampled_from(EVENTS))
def test_a_valid_record_with_some_bytes_replaced(data: st.DataObject, event: Json) -> None:
    topic, key, headers, value = record(event)
    at = data.draw(st.integers(0, len(value)))
    length = data.draw(st.integers(0, 5))
    broken = value[:at] + data.draw(st.binary(max_size=8)) + value[at + length :]
    outcome(topic, key, headers, broken)


@given(st.sampled_from(EVENTS), HEADERS, st.none() | st.binary(max_size=9))
def test_a_valid_value_with_other_headers_and_key(
    event: Json, headers: list[tuple[str, bytes]], key: bytes | None
) -> None:
    topic, own, good, value = record(event)
    outcome(topic, own, [*good, *headers], value)
    outcome(topic, key, good, value)
    outcome(topic, key, headers, value)


@given(st.data(), st.sampled_from(EVENTS))
def test_structured_mode_with_one_attribute_replaced(data: st.DataObject, event: Json) -> None:
    topic, key, _, _ = record(event)
    structured = cloud_event(event)
    structured[data.draw(st.sampled_from(sorted(structured)))] = data.draw(NASTY)
    headers = [("content-type", b"application/cloudevents+json")]
    outcome(topic, key, headers, json.dumps(structured).encode())
