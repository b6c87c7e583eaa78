"""A moment: RFC 3339 with an offset in JSON, an aware `datetime` in UTC in memory."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.plain_text import shown, shown_json

_SHAPE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,12}))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_instant(text: str) -> datetime:
    """The moment that an RFC 3339 text stands for, in UTC, to the microsecond.

    Raises:
        ValueError: it is not RFC 3339, has no offset, or does not exist.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a moment: {shown(text)}")
    day, time, fraction, offset = match.groups()
    micros = (fraction or "0")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{day}T{time}.{micros}{offset.upper()}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"not a moment: {shown(text)}") from error


def format_instant(moment: datetime) -> str:
    """A moment as events carry it: UTC, `Z`, milliseconds or microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, str):
        try:
            return parse_instant(value)
        except ValueError:
            pass
    given = shown_json(value)
    raise PydanticCustomError(
        "bad_format",
        "bad format",
        {
            "nl": f"{given} is geen tijdstip met tijdzone (RFC 3339)",
            "en": f"{given} is not a moment with an offset (RFC 3339)",
        },
    )


Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-31T09:15:00Z"]}),
]
