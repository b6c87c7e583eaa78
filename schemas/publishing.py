"""From an event to the Kafka record that carries it: ours to ENK, and lines of a file as ENK would publish.

`record_from_line` takes anything: it exists so that any bad input can be tried too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from schemas.attention import ATTENTION_CHANGED, AttentionChanged
from schemas.envelope import JSON_CONTENT, SOURCE, Envelope, Header, envelope_headers
from schemas.event_kind import KIND_OF_TYPE, TOPIC_OF_KIND
from schemas.model import EventModel
from schemas.payment import PAYMENT_CHANGED, PaymentChanged
from schemas.posting import POSTING_CHANGED, PostingChanged
from schemas.topics import ATTENTION, ENK_PAYMENTS, ENK_POSTINGS


class Record(NamedTuple):
    """A Kafka record to be published."""

    topic: str
    key: bytes | None
    headers: list[Header]
    value: bytes | None


class BadLine(ValueError):
    """A line asks for a raw record but does not say which."""


def posting_record(
    event: PostingChanged,
    *,
    event_id: str,
    causation_id: str | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
    key: bytes | str,
) -> Record:
    """The record of a posting event.

    Args:
        event: what became of a document.
        event_id: ours, the same whenever the same change is published again.
        causation_id: the id of ENK's event that it comes from.
        correlation_id: passed on from that event.
        traceparent: the trace it belongs to.
        key: the administration, else the input record's key, else `unreadable`.
    """
    trace = _Trace(event_id, causation_id, correlation_id, traceparent)
    return _record(ENK_POSTINGS, POSTING_CHANGED, event, event.occurred_at, event.what.id, key, trace)


def payment_record(
    event: PaymentChanged,
    *,
    event_id: str,
    causation_id: str | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
    key: bytes | str,
) -> Record:
    """The record of a payment event; arguments as `posting_record`."""
    trace = _Trace(event_id, causation_id, correlation_id, traceparent)
    return _record(ENK_PAYMENTS, PAYMENT_CHANGED, event, event.observed_at, event.invoice.id, key, trace)


def attention_record(event: AttentionChanged, *, event_id: str) -> Record:
    """The record of an attention event; the key is the administration."""
    trace = _Trace(event_id, None, None, None)
    return _record(
        ATTENTION, ATTENTION_CHANGED, event, event.occurred_at, event.id, event.administration, trace
    )


@dataclass(frozen=True)
class _Trace:
    event_id: str
    causation_id: str | None
    correlation_id: str | None
    traceparent: str | None


def _record(
    topic: str,
    type_: str,
    event: EventModel,
    time: datetime,
    subject: str | None,
    key: bytes | str,
    trace: _Trace,
) -> Record:
    key_bytes = key.encode() if isinstance(key, str) else key
    envelope = Envelope(
        id=trace.event_id,
        source=SOURCE,
        type=type_,
        time=time,
        subject=subject,
        # An input record's key may be any bytes; an attribute must be text.
        partition_key=key_bytes.decode("utf-8", "replace"),
        correlation_id=trace.correlation_id,
        causation_id=trace.causation_id,
        traceparent=trace.traceparent,
    )
    return Record(
        topic, key_bytes, envelope_headers(envelope), event.model_dump_json(exclude_none=True).encode()
    )


_LINE_END = b"\r\n"
_SPACE = re.compile(r"[ \t\r\n]*")
_NOT_ATTRIBUTES = frozenset({"data", "data_base64", "datacontenttype"})
_OWN_HEADERS = frozenset({"traceparent", "tracestate"})


def record_from_line(line: bytes, default_topic: str) -> Record:
    """The record that a line of a JSON Lines file stands for.

    A CloudEvents JSON object becomes a record in binary mode, its data byte for byte as written, on the topic
    of its type (`default_topic` for an unknown type), with its partition key as key; without data, or with
    null, the value is null. `{"raw": {"topic", "key", "headers", "value_base64"}}` becomes that very record
    (headers as an object or a list of pairs; what is absent is null, the topic then the default). Anything
    else is published as the bytes that it is, without key and headers.

    Raises:
        BadLine: a `raw` that says something impossible.
    """
    line = line.rstrip(_LINE_END)
    try:
        text = line.decode("utf-8")
        members = dict(_members(text))
    except (ValueError, RecursionError):
        return Record(default_topic, None, [], line)
    if set(members) == {"raw"}:
        return _raw_record(members["raw"].value, default_topic)
    values = {name: member.value for name, member in members.items()}
    if not _is_cloud_event(values):
        return Record(default_topic, None, [], line)
    return _binary_record(values, members.get("data"), default_topic)


def _is_cloud_event(values: Mapping[str, object]) -> bool:
    """Also one from which an attribute is missing, so that missing ones can be tried."""
    return "specversion" in values or ("type" in values and ("data" in values or "source" in values))


def _binary_record(values: Mapping[str, object], data: _Member | None, default_topic: str) -> Record:
    content_type = values.get("datacontenttype", JSON_CONTENT)
    headers = [
        (name if name in _OWN_HEADERS else f"ce_{name}", _header_value(value))
        for name, value in values.items()
        if name not in _NOT_ATTRIBUTES and value is not None
    ]
    if content_type is not None:
        headers.append(("content-type", _header_value(content_type)))
    kind = KIND_OF_TYPE.get(str(values.get("type")))
    key = values.get("partitionkey")
    value = None if data is None or data.value is None else _bytes(data.text)
    if "data_base64" in values:
        value = _base64(values["data_base64"], "data_base64")
    return Record(
        TOPIC_OF_KIND[kind] if kind else default_topic,
        None if key is None else _header_value(key),
        headers,
        value,
    )


def _raw_record(raw: object, default_topic: str) -> Record:
    if not isinstance(raw, dict) or not set(raw) <= {"topic", "key", "headers", "value_base64"}:
        raise BadLine("raw must be an object with topic, key, headers and value_base64")
    topic = default_topic if raw.get("topic") is None else raw["topic"]
    if not isinstance(topic, str) or not topic:
        raise BadLine("raw.topic must be the name of a topic")
    key = raw.get("key")
    if key is not None and not isinstance(key, str):
        raise BadLine("raw.key must be a string or null")
    value = raw.get("value_base64")
    return Record(
        topic,
        None if key is None else _bytes(key),
        list(_raw_headers(raw.get("headers"))),
        None if value is None else _base64(value, "raw.value_base64"),
    )


def _raw_headers(headers: object) -> Iterator[Header]:
    pairs = list(headers.items()) if isinstance(headers, dict) else headers or []
    if not isinstance(pairs, list):
        raise BadLine("raw.headers must be an object or a list of pairs")
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise BadLine("raw.headers must be an object or a list of [name, value]")
        if pair[1] is not None:
            yield pair[0], _header_value(pair[1])


def _base64(text: object, where: str) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadLine(f"{where} is not base64") from error


def _header_value(value: object) -> bytes:
    return _bytes(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _bytes(text: str) -> bytes:
    """Lone surrogates too, which then are not UTF-8: bad input must be able to travel."""
    return text.encode("utf-8", "surrogatepass")


class _Member(NamedTuple):
    value: object
    text: str


def _members(text: str) -> Iterator[tuple[str, _Member]]:
    """The members of a JSON object with the text of each value, which a parser would not keep.

    Raises:
        ValueError: it is not a JSON object.
    """
    decoder = json.JSONDecoder()
    at = _after(text, 0, "{")
    if text.startswith("}", at):
        at = _after(text, at, "}")
    else:
        while True:
            name, at = decoder.raw_decode(text, at)
            if not isinstance(name, str):
                raise ValueError("a name must be a string")
            at = _after(text, at, ":")
            value, end = decoder.raw_decode(text, at)
            yield name, _Member(value, text[at:end])
            at = _skip(text, end)
            if not text.startswith(",", at):
                break
            at = _after(text, at, ",")
        at = _after(text, at, "}")
    if at != len(text):
        raise ValueError("there is something after the object")


def _after(text: str, at: int, expected: str) -> int:
    at = _skip(text, at)
    if not text.startswith(expected, at):
        raise ValueError(f"expected {expected} at {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
