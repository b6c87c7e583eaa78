"""The currencies that the coupling handles: EUR."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.plain_text import shown_json

EUR = "EUR"
_SHAPE = re.compile(r"[A-Z]{3}")


def _currency(value: object) -> str:
    if value == EUR:
        return EUR
    if isinstance(value, str) and _SHAPE.fullmatch(value):
        raise PydanticCustomError("currency_unsupported", "currency unsupported", {"currency": value})
    given = shown_json(value)
    raise PydanticCustomError(
        "invalid_event",
        "not a currency",
        {"nl": f"{given} is geen valutacode zoals EUR", "en": f"{given} is not a currency code such as EUR"},
    )


Currency = Annotated[str, PlainValidator(_currency), WithJsonSchema({"type": "string", "const": EUR})]
"""ISO 4217; EUR only for now."""
