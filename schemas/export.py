"""The contract as files for others: a JSON Schema per event and one AsyncAPI 3 document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic.json_schema import GenerateJsonSchema

from schemas.administration import Administration
from schemas.attention import ATTENTION_CHANGED, AttentionChanged
from schemas.dead_letter_contract import DEAD_LETTERS, dead_letter_message, dead_letter_operation
from schemas.event_kind import TYPE_OF_KIND, EventKind
from schemas.invoice import Invoice
from schemas.model import EventModel
from schemas.payment import PAYMENT_CHANGED, PaymentChanged
from schemas.posting import POSTING_CHANGED, PostingChanged
from schemas.relation import Relation
from schemas.topics import (
    ATTENTION,
    ENK_ADMINISTRATIONS,
    ENK_INVOICES,
    ENK_PAYMENTS,
    ENK_POSTINGS,
    ENK_RELATIONS,
    TOPIC,
)

CONTRACT_VERSION = "1.0.0"
ASYNCAPI_FILE = "asyncapi.yaml"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, object]


@dataclass(frozen=True)
class _Event:
    """One event of the contract; `incoming` as seen from the coupling."""

    name: str
    event_type: str
    topic: str
    model: type[EventModel]
    incoming: bool
    title: str
    key: str

    @property
    def file(self) -> str:
        return f"{self.name}.v1.schema.json"


_KEY = "The administration's id, as in `ce_partitionkey` and in the data."
_EVENTS = (
    _Event(
        "administration.changed",
        TYPE_OF_KIND[EventKind.ADMINISTRATION],
        ENK_ADMINISTRATIONS,
        Administration,
        True,
        "An administration was added or changed",
        _KEY,
    ),
    _Event(
        "relation.changed",
        TYPE_OF_KIND[EventKind.RELATION],
        ENK_RELATIONS,
        Relation,
        True,
        "A debtor or creditor was added or changed",
        _KEY,
    ),
    _Event(
        "invoice.issued",
        TYPE_OF_KIND[EventKind.INVOICE],
        ENK_INVOICES,
        Invoice,
        True,
        "A sales or purchase invoice was issued",
        _KEY,
    ),
    _Event(
        "posting.changed",
        POSTING_CHANGED,
        ENK_POSTINGS,
        PostingChanged,
        False,
        "What became of a document or relation changed",
        "The administration's id; of a record that could not be read its own key, else `unreadable`.",
    ),
    _Event(
        "payment.changed",
        PAYMENT_CHANGED,
        ENK_PAYMENTS,
        PaymentChanged,
        False,
        "The payment of a sales invoice changed",
        "The administration's id.",
    ),
    _Event(
        "attention.changed",
        ATTENTION_CHANGED,
        ATTENTION,
        AttentionChanged,
        False,
        "Something in an administration needs somebody, or does not any more",
        "The administration's id.",
    ),
)


class _WithoutTitles(GenerateJsonSchema):
    """Field titles only repeat the field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def export(directory: Path) -> None:
    """Write the contract to `directory`, made if need be; one release always writes the same bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in contract_files().items():
        (directory / name).write_text(content, encoding="utf-8", newline="\n")


def contract_files() -> dict[str, str]:
    """The files of the contract by name."""
    files = {
        event.file: json.dumps(json_schema(event.event_type), indent=2, ensure_ascii=False) + "\n"
        for event in _EVENTS
    }
    files[ASYNCAPI_FILE] = yaml.safe_dump(_asyncapi(), sort_keys=False, allow_unicode=True, width=110)
    return files


def json_schema(event_type: str) -> Json:
    """The JSON Schema of the data of an event type.

    Sums, check digits and other rules across fields are not in it: it is necessary, not sufficient.

    Raises:
        KeyError: no event has that type.
    """
    event = next((event for event in _EVENTS if event.event_type == event_type), None)
    if event is None:
        raise KeyError(event_type)
    schema = event.model.model_json_schema(by_alias=True, schema_generator=_WithoutTitles)
    if not event.incoming:
        _open(schema)
    return {
        "$schema": _DIALECT,
        "$id": f"urn:{event.event_type.replace('.', ':')}",
        **schema,
        "title": event.event_type,
    }


def _open(schema: object) -> None:
    """Consumers must ignore fields that they do not know: we may add some."""
    if isinstance(schema, dict):
        schema.pop("additionalProperties", None)
        for value in schema.values():
            _open(value)
    elif isinstance(schema, list):
        for value in schema:
            _open(value)


def _asyncapi() -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "enk-koppeling",
            "version": CONTRACT_VERSION,
            "description": "Events between ENK and the coupling with accounting packages: "
            "CloudEvents 1.0 over Kafka, "
            "binary mode (structured mode is read too). Amounts are decimal strings, dates ISO 8601.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            **{event.name: _channel(event) for event in _EVENTS},
            **{name: _channel_of(kind.topic, _reference(name)) for name, kind in DEAD_LETTERS.items()},
        },
        "operations": {
            **{_operation_name(event): _operation(event) for event in _EVENTS},
            **{f"send.{name}": dead_letter_operation(name) for name in DEAD_LETTERS},
        },
        "components": {
            "messages": {
                **{event.name: _message(event) for event in _EVENTS},
                "administration.inactive": {
                    "name": "administration.inactive",
                    "title": "An administration is gone (null value)",
                    "summary": "A tombstone: means the same as `active: false`. Needs no headers.",
                    "payload": {"type": "null"},
                    "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
                },
                **{name: dead_letter_message(name) for name in DEAD_LETTERS},
            },
        },
    }


def _channel(event: _Event) -> Json:
    messages = _reference(event.name)
    if event.topic == ENK_ADMINISTRATIONS:
        messages["administration.inactive"] = {"$ref": "#/components/messages/administration.inactive"}
    return _channel_of(event.topic, messages)


def _reference(message: str) -> Json:
    return {message: {"$ref": f"#/components/messages/{message}"}}


def _channel_of(name: str, messages: Json) -> Json:
    topic = TOPIC[name]
    configuration: Json = {
        "cleanup.policy": [topic.cleanup.value],
        "retention.ms": topic.retention_ms,
        "max.message.bytes": topic.max_message_bytes,
    }
    return {
        "address": name,
        "description": topic.what,
        "messages": messages,
        "bindings": {
            "kafka": {
                "topic": name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation_name(event: _Event) -> str:
    return ("receive." if event.incoming else "send.") + event.name


def _operation(event: _Event) -> Json:
    return {
        "action": "receive" if event.incoming else "send",
        "channel": {"$ref": f"#/channels/{event.name}"},
        "summary": event.title,
    }


def _message(event: _Event) -> Json:
    return {
        "name": event.event_type,
        "title": event.title,
        "contentType": "application/json",
        "headers": _headers(event),
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{event.file}"},
        },
        "bindings": {
            "kafka": {"key": {"type": "string", "description": event.key}, "bindingVersion": "0.5.0"}
        },
    }


def _headers(event: _Event) -> Json:
    text: Json = {"type": "string"}
    return {
        "type": "object",
        "required": [
            "ce_specversion",
            "ce_id",
            "ce_source",
            "ce_type",
            "ce_time",
            "ce_partitionkey",
            "content-type",
        ],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {**text, "description": "With `ce_source`, names the event for ever."},
            "ce_source": {**text, "description": "Who says it."},
            "ce_type": {"type": "string", "const": event.event_type},
            "ce_time": {"type": "string", "format": "date-time", "description": "When it was said."},
            "ce_subject": {**text, "description": "The id of what it is about."},
            "ce_partitionkey": {**text, "description": "The record key."},
            "ce_correlationid": {**text, "description": "Passed on unchanged."},
            "ce_causationid": {**text, "description": "The id of the event that this one comes from."},
            "traceparent": {**text, "description": "W3C trace context."},
            "content-type": {"type": "string", "examples": ["application/json"]},
        },
    }
