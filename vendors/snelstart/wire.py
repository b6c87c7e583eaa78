"""JSON as SnelStart reads and writes it, with exact decimals.

Amounts are JSON numbers on the wire. Python's own encoder would make floats of them, so documents are
written here from `Decimal` digit by digit, and read back with every fraction as a `Decimal`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | Decimal | bool | None"

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_text = json.JSONEncoder(ensure_ascii=False).encode


def encode(document: Mapping[str, object]) -> bytes:
    """A document as UTF-8 JSON.

    Raises:
        TypeError: for a float, or any other type that has no exact form.
    """
    return _encode(document).encode()


def _encode(value: object) -> str:
    match value:
        case str():
            return _text(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case Decimal():
            if not value.is_finite():
                raise TypeError(f"{value} has no JSON form")
            return f"{value:f}"
        case UUID():
            return f'"{value}"'
        case Mapping():
            return "{" + ",".join(f"{_text(str(key))}:{_encode(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(_encode(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


def decode(body: bytes) -> Json:
    """A body as Python values, fractions as `Decimal`.

    Raises:
        ValueError: when it is not JSON (an HTML page, a cut answer, NaN).
    """
    text = body.decode("utf-8-sig")
    try:
        value: Json = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as failure:
        raise ValueError("nested too deeply") from failure
    return value


def _refuse_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is not a number")


def plain(text: str) -> str:
    """A remote text without control characters and lone surrogates, which nothing behind us can store."""
    return _NOT_TEXT.sub("\ufffd", text)
