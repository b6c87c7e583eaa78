"""JSON as SnelStart reads and writes it, with exact decimals.

Amounts are JSON numbers on the wire. Python's own encoder would make floats of them, so documents are
written here from `Decimal` digit by digit, and read back with every fraction as a `Decimal`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, TypeAlias
from uuid import UUID

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | Decimal | bool | None"

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_text = encode_basestring


def encode(document: Mapping[str, object]) -> bytes:
    """A document as UTF-8 JSON.

    Raises:
        TypeError: for a float, or any other type that has no exact form.
    """
    return _object(document).encode()


def _encode(value: object) -> str:
    written = _WRITTEN.get(type(value))
    if written is not None:
        return written(value)
    for kind, write in _KINDS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} has no exact JSON form")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} has no JSON form")
    return f"{value:f}"


def _object(value: Mapping[str, object]) -> str:
    return "{" + ",".join([f"{_text(str(key))}:{_encode(item)}" for key, item in value.items()]) + "}"


def _array(value: Sequence[object]) -> str:
    return "[" + ",".join([_encode(item) for item in value]) + "]"


_KINDS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (str, lambda value: _text(str(value))),
    (type(None), lambda value: "null"),
    (bool, lambda value: "true" if value else "false"),
    (int, lambda value: str(int(value))),
    (Decimal, _decimal),
    (UUID, lambda value: f'"{value}"'),
    (Mapping, _object),
    (list, _array),
    (tuple, _array),
)
_WRITTEN: dict[type, Callable[[Any], str]] = {**dict(_KINDS), dict: _object}
"""By exact type, which is nearly all of a document; kinds of kinds (an enum of texts) go by `_KINDS`."""


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
