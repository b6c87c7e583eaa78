"""The CloudEvents attributes of a record: from its headers (binary mode) or its JSON (structured mode).

A wrong attribute is reported as `headers.ce_…` in both modes, so that `$…` always is a path in the data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from schemas.envelope import JSON_CONTENT, SPECVERSION, STRUCTURED_CONTENT, Envelope, Header
from schemas.instant import parse_instant
from schemas.model import MAX_ID
from schemas.outcome import Code
from schemas.plain_text import MAX_TEXT, NOT_TEXT, shown, shown_json
from schemas.refusal import Refusal, refuse

CONTENT_TYPE = "content-type"

_SHORT = frozenset({"ce_id", "ce_source", "ce_partitionkey"})
_READ = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "ce_partitionkey",
    "ce_correlationid",
    "ce_causationid",
)
_CONTENT_TYPE = re.compile(r"\s*([a-z]+/[a-z0-9.+-]+)\s*(?:;\s*charset\s*=\s*\"?([a-z0-9_-]+)\"?\s*)?;?\s*")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]*)?")


class Headers:
    """A record's headers by name; a name that comes twice with different values is refused when read."""

    def __init__(self, headers: Sequence[Header]) -> None:
        self._values: dict[str, list[bytes]] = {}
        for name, value in headers:
            # Kafka allows a header without a value, whatever a client's types say.
            if value is not None and value not in self._values.setdefault(name, []):
                self._values[name].append(value)

    def text(self, name: str) -> str | None:
        """The header's text, or None when there is none.

        Raises:
            Refusal: `invalid_event`: twice with different values, not UTF-8, or characters that are not text.
        """
        values = self._values.get(name)
        if not values:
            return None
        if len(values) > 1:
            refuse(
                Code.INVALID_EVENT,
                f"headers.{name}",
                "de header komt meer dan eens voor, met verschillende waarden",
                "the header comes more than once, with different values",
            )
        try:
            return values[0].decode("utf-8")
        except UnicodeDecodeError:
            refuse(
                Code.INVALID_EVENT, f"headers.{name}", "de header is geen UTF-8", "the header is not UTF-8"
            )

    def traceparent(self) -> str | None:
        """The trace that the event belongs to; one that is not well-formed is left aside (W3C)."""
        values = self._values.get("traceparent", [])
        return _trace(values[0].decode("latin-1")) if len(values) == 1 else None


def is_structured(headers: Headers) -> bool:
    """Whether the record is in structured mode; its content type must be one of the two that we read.

    Raises:
        Refusal: `content-type` is missing or another one.
    """
    given = headers.text(CONTENT_TYPE)
    if given is None or not given.strip():
        raise Refusal(Code.REQUIRED_FIELD, f"headers.{CONTENT_TYPE}")
    match = _CONTENT_TYPE.fullmatch(given.lower()) if len(given) <= MAX_ID else None
    if match is None or match[2] not in {None, "utf-8", "utf8"} or match[1] not in _CONTENT:
        refuse(
            Code.INVALID_EVENT,
            f"headers.{CONTENT_TYPE}",
            f"{shown(given)} is niet {JSON_CONTENT} of {STRUCTURED_CONTENT} in utf-8",
            f"{shown(given)} is not {JSON_CONTENT} or {STRUCTURED_CONTENT} in utf-8",
        )
    return match[1] == STRUCTURED_CONTENT


_CONTENT = frozenset({JSON_CONTENT, STRUCTURED_CONTENT})


def envelope_of_headers(headers: Headers) -> Envelope:
    """The attributes in the headers of a record in binary mode.

    Raises:
        Refusal: the first that is missing (`required_field`) or wrong.
    """
    return _envelope({name: headers.text(name) for name in _READ}, headers.traceparent())


def envelope_of_object(event: Mapping[str, object]) -> Envelope:
    """The attributes in the JSON of a record in structured mode.

    Raises:
        Refusal: the first that is missing (`required_field`) or wrong.
    """
    values: dict[str, str | None] = {}
    for name in _READ:
        value = event.get(name.removeprefix("ce_"))
        if value is not None and not isinstance(value, str):
            _refuse_attribute(name, shown_json(value), "geen tekst", "not a text")
        values[name] = value
    trace = event.get("traceparent")
    return _envelope(values, _trace(trace) if isinstance(trace, str) else None)


def _envelope(values: Mapping[str, str | None], traceparent: str | None) -> Envelope:
    specversion = _required(values, "ce_specversion")
    if specversion != SPECVERSION:
        _refuse_attribute("ce_specversion", shown(specversion), f"niet {SPECVERSION}", f"not {SPECVERSION}")
    id_, source, type_ = (_required(values, name) for name in ("ce_id", "ce_source", "ce_type"))
    time = _required(values, "ce_time")
    try:
        moment = parse_instant(time)
    except ValueError:
        _refuse_attribute(
            "ce_time",
            shown(time),
            "geen tijdstip met tijdzone (RFC 3339)",
            "not a moment with an offset (RFC 3339)",
        )
    return Envelope(
        id=id_,
        source=source,
        type=type_,
        time=moment,
        subject=_optional(values, "ce_subject"),
        partition_key=_required(values, "ce_partitionkey"),
        correlation_id=_optional(values, "ce_correlationid"),
        causation_id=_optional(values, "ce_causationid"),
        traceparent=traceparent,
    )


def _required(values: Mapping[str, str | None], name: str) -> str:
    text = _optional(values, name)
    if text is None or not text.strip():
        raise Refusal(Code.REQUIRED_FIELD, f"headers.{name}")
    return text


def _optional(values: Mapping[str, str | None], name: str) -> str | None:
    text = values[name]
    if text is None:
        return None
    longest = MAX_ID if name in _SHORT else MAX_TEXT
    if len(text) > longest:
        refuse(
            Code.TOO_LONG,
            f"headers.{name}",
            f"{len(text)} tekens, en het mogen er {longest} zijn",
            f"{len(text)} characters, and {longest} are allowed",
        )
    bad = NOT_TEXT.search(text)
    if bad:
        code_point = f"U+{ord(bad[0]):04X}"
        _refuse_attribute(name, code_point, "geen teken in een tekst", "not a character in a text")
    return text


def _refuse_attribute(name: str, given: str, nl: str, en: str) -> NoReturn:
    refuse(Code.INVALID_EVENT, f"headers.{name}", f"{given} is {nl}", f"{given} is {en}")


def _trace(text: str) -> str | None:
    return text if len(text) <= MAX_ID and _TRACEPARENT.fullmatch(text) else None
