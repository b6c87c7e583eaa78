r"""Amounts and decimals: decimal strings in JSON, `Decimal` in memory, never a float.

Money is `-?\d+(\.\d{1,2})?` with at most 12 digits; rates, quantities and percentages have at most 4
decimals. `-0` is 0, and equal amounts are written alike.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.plain_text import shown, shown_json

MONEY_PATTERN = r"^-?[0-9]+(\.[0-9]{1,2})?$"
DECIMAL_PATTERN = r"^-?[0-9]+(\.[0-9]{1,4})?$"
RATE_PATTERN = r"^[0-9]+(\.[0-9]{1,4})?$"

CENT = Decimal("0.01")
_ZERO = Decimal(0)
_MONEY = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,2})?")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,4})?")
_MONEY_DIGITS = 12
_TOO_MUCH = Decimal(10**_MONEY_DIGITS)


def parse_money(text: str) -> Decimal:
    r"""The amount that a decimal string stands for, exactly.

    Raises:
        ValueError: it is not `-?\d+(\.\d{1,2})?`, or has more than 12 digits.
    """
    if _MONEY.fullmatch(text) is None or (len(text) > _MONEY_DIGITS and _digits(text) > _MONEY_DIGITS):
        raise ValueError(f"not an amount: {shown(text)}")
    return Decimal(text) or _ZERO


def format_money(amount: Decimal) -> str:
    """An amount as events carry it, always with two decimals: `12.50`, `-3.00`, `0.00`.

    Raises:
        ValueError: it has a part of a cent.
    """
    rounded = amount.quantize(CENT)
    if rounded != amount:
        raise ValueError(f"{amount} has a part of a cent")
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}"


def parse_decimal(text: str) -> Decimal:
    r"""A rate, quantity or percentage of at most 4 decimals.

    Raises:
        ValueError: it is not `-?\d+(\.\d{1,4})?`, or has more than 12 digits before the point.
    """
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"not a number: {shown(text)}")
    return Decimal(text) or _ZERO


def format_decimal(number: Decimal) -> str:
    """A rate, quantity or percentage without idle zeros: `21`, `0.5`, `100`."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _money(value: object) -> Decimal:
    if isinstance(value, Decimal):
        if value.is_finite() and abs(value) < _TOO_MUCH and value == value.quantize(CENT):
            return value
    elif isinstance(value, str):
        try:
            return parse_money(value)
        except ValueError:
            pass
    raise _bad_format(
        value,
        'geen bedrag: een bedrag is een tekst met hooguit 12 cijfers en 2 decimalen, zoals "1234.50"',
        'not an amount: an amount is a string of at most 12 digits with 2 decimals, such as "1234.50"',
    )


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        if value.is_finite():
            return value
    elif isinstance(value, str):
        try:
            return parse_decimal(value)
        except ValueError:
            pass
    raise _bad_format(
        value,
        'geen getal: een getal is een tekst met hooguit 4 decimalen, zoals "2.5"',
        'not a number: a number is a string with at most 4 decimals, such as "2.5"',
    )


def _rate(value: object) -> Decimal:
    number = _decimal(value)
    if not 0 <= number <= 100:
        raise _bad_format(value, "geen percentage van 0 tot en met 100", "not a percentage from 0 to 100")
    return number


def _bad_format(value: object, nl: str, en: str) -> PydanticCustomError:
    given = shown_json(value)
    return PydanticCustomError(
        "bad_format", "bad format", {"nl": f"{given} is {nl}", "en": f"{given} is {en}"}
    )


Money = Annotated[
    Decimal,
    PlainValidator(_money),
    PlainSerializer(format_money, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN, "maxLength": 14, "examples": ["1234.50"]}),
]
"""An amount in the document's currency."""

Quantity = Annotated[
    Decimal,
    PlainValidator(_decimal),
    PlainSerializer(format_decimal, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DECIMAL_PATTERN, "examples": ["2.5"]}),
]
"""A quantity or percentage: at most 4 decimals."""

Rate = Annotated[
    Decimal,
    PlainValidator(_rate),
    PlainSerializer(format_decimal, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN, "examples": ["21"]}),
]
"""A VAT rate in percent, 0 to 100: at most 4 decimals."""
