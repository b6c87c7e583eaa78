"""What all parts of an event have in common: frozen, closed, and built of text that is text."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.plain_text import MAX_TEXT, shown_json

MAX_ID = 200
"""The most characters of an id or a number: what the ledger's keys are made of."""

MAX_INTEGER = 2**31 - 1

Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT)]
"""Any text, empty allowed."""

Filled = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_TEXT, pattern=r"\S")]
"""A text that says something."""

Id = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_ID, pattern=r"\S")]
"""An id, number or code of ENK's; leading zeros belong to it."""

Count = Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)]
"""An integer from 1."""

Days = Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]
"""An integer from 0."""

Flag = Annotated[bool, Field(strict=True)]
"""true or false."""

Extensions = dict[str, JsonValue]
"""Anything; we keep our hands off it."""


class EventModel(BaseModel):
    """A part of an event: frozen, and closed to fields that the contract does not name."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: object) -> date:
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    given = shown_json(value)
    raise PydanticCustomError(
        "bad_format",
        "bad format",
        {
            "nl": f"{given} is geen bestaande datum (jjjj-mm-dd)",
            "en": f"{given} is not a date that exists (yyyy-mm-dd)",
        },
    )


Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-03-31"]}),
]
"""A day, ISO 8601 without time."""
