"""From a Kafka record of ENK's to a checked event: the one way in.

`read_record` checks everything that the record itself proves. Whatever the bytes, it returns, or it raises
`Rejection` or `SchemaAhead`; nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from pydantic import ValidationError

from schemas.administration import Administration
from schemas.attributes import Headers, envelope_of_headers, envelope_of_object, is_structured
from schemas.complaints import refusal_of, unknown_fields
from schemas.content import canonical_data, raw_content_hash
from schemas.envelope import Envelope, Header
from schemas.event_kind import KIND_OF_TOPIC, TYPE_OF_KIND, EventKind
from schemas.invoice import Direction, Invoice
from schemas.json_path import json_path
from schemas.json_value import VALUE, parse_json
from schemas.model import MAX_ID, MAX_INTEGER
from schemas.outcome import Code
from schemas.plain_text import NOT_TEXT, shown, shown_json
from schemas.posting import WhatKind
from schemas.refusal import Recognised, Refusal, Rejection, SchemaAhead, refuse
from schemas.relation import Relation
from schemas.rules import check_invoice

__all__ = [
    "EventKind",
    "Header",
    "ReadEvent",
    "Recognised",
    "Rejection",
    "SchemaAhead",
    "Tombstone",
    "read_data",
    "read_record",
]

Data = Administration | Relation | Invoice

_MODELS: Mapping[EventKind, type[Administration] | type[Relation] | type[Invoice]] = {
    EventKind.ADMINISTRATION: Administration,
    EventKind.RELATION: Relation,
    EventKind.INVOICE: Invoice,
}


@dataclass(frozen=True)
class ReadEvent:
    """An event that is in order.

    Attributes:
        envelope: its attributes.
        kind: which of the three.
        data: the checked data.
        content_hash: sha-256 over the canonical data apart from revision and extensions.
        data_bytes: the canonical JSON of the data; `read_data` reads it back.
    """

    envelope: Envelope
    kind: EventKind
    data: Data
    content_hash: bytes
    data_bytes: bytes

    @property
    def administration(self) -> str:
        """The administration that the event is about."""
        return self.data.id if isinstance(self.data, Administration) else self.data.administration

    @property
    def what_kind(self) -> WhatKind:
        """What a posting event calls it."""
        if isinstance(self.data, Invoice):
            return _INVOICE_KINDS[self.data.direction]
        return WhatKind(self.kind.value)


@dataclass(frozen=True)
class Tombstone:
    """A null value on the administrations topic: the administration is inactive."""

    administration: str


_INVOICE_KINDS = {
    Direction.SALES: WhatKind.SALES_INVOICE,
    Direction.PURCHASE: WhatKind.PURCHASE_INVOICE,
}


def read_record(
    topic: str, key: bytes | None, headers: Sequence[Header], value: bytes | None
) -> ReadEvent | Tombstone:
    """Read and check one record of an input topic.

    Args:
        topic: the topic that ENK published it on (one of the three of `schemas.event_kind`).
        key: the record key.
        headers: its headers, in order.
        value: its bytes.

    Raises:
        Rejection: it cannot be processed; exactly one code, field and sentence.
        SchemaAhead: it is in order but for a field that this release does not know.
        ValueError: `topic` is none of the three, which is a mistake of the caller.
    """
    kind = KIND_OF_TOPIC.get(topic)
    if kind is None:
        raise ValueError(f"{topic} is not an input topic")
    reading = _Reading(kind, key, Headers(headers))
    try:
        return reading.read(value)
    except Refusal as refusal:
        raise Rejection(refusal.reason(), reading.recognised()) from None


def read_data(kind: EventKind, data_bytes: bytes) -> Data:
    """Read back what `ReadEvent.data_bytes` holds, without checking its rules again.

    Raises:
        pydantic.ValidationError: these are not the bytes of such an event.
    """
    return _MODELS[kind].model_validate_json(data_bytes)


class _Reading:
    """One record on its way through the checks, and what has been recognised of it so far."""

    def __init__(self, kind: EventKind, key: bytes | None, headers: Headers) -> None:
        self._kind = kind
        self._key = key
        self._headers = headers
        self._event_id: object = None
        self._data: Mapping[str, object] = {}

    def read(self, value: bytes | None) -> ReadEvent | Tombstone:
        if value is None:
            return self._tombstone()
        parsed = self._parsed(value)
        structured = is_structured(self._headers)
        if not isinstance(parsed, dict):
            refuse(Code.INVALID_EVENT, "$", "dit is geen JSON-object", "this is not a JSON object")
        if structured:
            envelope = envelope_of_object(parsed)
            data = _structured_data(parsed)
        else:
            envelope = envelope_of_headers(self._headers)
            data = parsed
        self._check_type(envelope)
        self._check_key(envelope, data)
        return self._checked(envelope, data)

    def _tombstone(self) -> Tombstone:
        if self._kind is not EventKind.ADMINISTRATION:
            refuse(Code.INVALID_EVENT, VALUE, "het bericht is leeg (null)", "the record is empty (null)")
        key = self._key_text()
        if _id(key) is None:
            refuse(Code.INVALID_EVENT, "key", f"{shown(key)} is geen id", f"{shown(key)} is not an id")
        return Tombstone(key)

    def _parsed(self, value: bytes) -> object:
        """The JSON, remembering what it says of itself whatever is wrong around it."""
        parsed = parse_json(value)
        if isinstance(parsed, dict):
            inner = parsed.get("data")
            self._data = inner if isinstance(inner, dict) and "specversion" in parsed else parsed
            self._event_id = parsed.get("id") if self._data is inner else None
        return parsed

    def recognised(self) -> Recognised:
        """Whatever could be made out."""
        data = self._data
        administration = data.get("id" if self._kind is EventKind.ADMINISTRATION else "administration")
        revision = data.get("revision")
        return Recognised(
            administration=_id(administration) or _id(self._key_or_none()),
            kind=self._what_kind(),
            id=_id(data.get("id")),
            number=_id(data.get("number")),
            revision=revision if type(revision) is int and 1 <= revision <= MAX_INTEGER else None,
            event_id=_id(self._event_id) or self._event_id_of_headers(),
        )

    def _what_kind(self) -> WhatKind | None:
        if not self._data:
            return None
        if self._kind is not EventKind.INVOICE:
            return WhatKind(self._kind.value)
        direction = self._data.get("direction")
        return next((what for name, what in _INVOICE_KINDS.items() if name == direction), None)

    def _event_id_of_headers(self) -> str | None:
        try:
            return _id(self._headers.text("ce_id"))
        except Refusal:
            return None

    def _key_or_none(self) -> str | None:
        try:
            return self._key_text()
        except Refusal:
            return None

    def _key_text(self) -> str:
        if self._key is None:
            refuse(Code.INVALID_EVENT, "key", "het bericht heeft geen sleutel", "the record has no key")
        try:
            return self._key.decode("utf-8")
        except UnicodeDecodeError:
            refuse(Code.INVALID_EVENT, "key", "de sleutel is geen UTF-8", "the key is not UTF-8")

    def _check_type(self, envelope: Envelope) -> None:
        expected = TYPE_OF_KIND[self._kind]
        if envelope.type != expected:
            given = shown(envelope.type)
            refuse(
                Code.INVALID_EVENT,
                "headers.ce_type",
                f"{given} hoort niet op dit topic; verwacht is {expected}",
                f"{given} does not belong on this topic; {expected} was expected",
            )

    def _check_key(self, envelope: Envelope, data: Mapping[str, object]) -> None:
        """Key, partition key and administration are one; the odd one out is to blame."""
        name = "id" if self._kind is EventKind.ADMINISTRATION else "administration"
        key, attribute, administration = self._key_text(), envelope.partition_key, data.get(name)
        if administration is None or administration == "":
            raise Refusal(Code.REQUIRED_FIELD, f"$.{name}")
        if key == attribute == administration:
            return
        if key == attribute:
            field, given, others = f"$.{name}", shown_json(administration), key
        elif key == administration:
            field, given, others = "headers.ce_partitionkey", attribute, key
        else:
            field, given, others = "key", key, shown_json(administration)
        refuse(
            Code.INVALID_EVENT,
            field,
            f"{shown(given)} is een andere administratie dan {shown(others)}",
            f"{shown(given)} is another administration than {shown(others)}",
        )

    def _checked(self, envelope: Envelope, data: dict[str, object]) -> ReadEvent:
        model = _MODELS[self._kind]
        unknown: str | None = None
        try:
            checked = model.model_validate(data, by_name=False, by_alias=True)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            refusal = refusal_of(errors)
            if refusal is not None:
                raise refusal from None
            paths = unknown_fields(errors)
            unknown = json_path(paths[0])
            checked = model.model_validate(_without(data, paths), by_name=False, by_alias=True)
        if isinstance(checked, Invoice):
            check_invoice(checked)
        if unknown is not None:
            raise SchemaAhead(unknown, self.recognised(), envelope, raw_content_hash(data))
        data_bytes, hashed = canonical_data(checked)
        return ReadEvent(envelope, self._kind, checked, hashed, data_bytes)


def _structured_data(event: Mapping[str, object]) -> dict[str, object]:
    data = event.get("data")
    if data is None:
        raise Refusal(Code.REQUIRED_FIELD, "$")
    if not isinstance(data, dict):
        refuse(Code.INVALID_EVENT, "$", "data is geen JSON-object", "data is not a JSON object")
    return data


def _without(data: Mapping[str, object], paths: Sequence[tuple[str | int, ...]]) -> object:
    """A copy of the data without what is at the paths."""
    copy = deepcopy(data)
    for *way, last in paths:
        here: object = copy
        for step in way:
            here = here[step]  # type: ignore[index]
        del here[last]  # type: ignore[attr-defined]
    return copy


def _id(value: object) -> str | None:
    """The value if it can be an id."""
    if isinstance(value, str) and 0 < len(value) <= MAX_ID and value.strip() and not NOT_TEXT.search(value):
        return value
    return None
