"""Reading JSON bodies as SnelStart binds them.

Names bind without regard to case, numbers also as strings, enums by name or number, dates in three forms.
Strict mode adds what the vendor does not do: a field that is unknown or read-only is refused instead of
silently ignored, and so is an amount with more than two decimals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from vendors.snelstart.simulator.problems import Rejection, business, model_state

NO_ID = "00000000-0000-0000-0000-000000000000"

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DECIMAL = re.compile(r"-?\d{1,16}(\.\d+)?")
_INTEGER = re.compile(r"-?\d{1,10}")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}:\d{2}(\.\d{1,7})?)?")


def is_guid(text: str) -> bool:
    """Whether a text is a GUID with hyphens."""
    return _GUID.fullmatch(text) is not None


class Binder:
    """Collects what is wrong while a body is bound, so that all of it is reported at once."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.errors: dict[str, list[str]] = {}

    def fail(self, path: str, message: str) -> None:
        """Note a fault of one field."""
        self.errors.setdefault(path, []).append(message)

    def finish(self) -> None:
        """Refuse the body if anything was wrong."""
        if self.errors:
            raise model_state(self.errors)


Reader = Callable[[Binder, object, str], object]


@dataclass(frozen=True)
class Field:
    """A field of a body; a read-only one may be in answers only."""

    name: str
    read: Reader
    read_only: bool = False


Fields = Mapping[str, Field]


def fields(*known: Field) -> Fields:
    """Fields by their name in lower case."""
    return {field.name.lower(): field for field in known}


def parse_object(body: bytes, parameter: str) -> dict[str, object]:
    """The JSON object of a body; fractions become Decimal.

    Raises:
        Rejection: empty, not JSON, or not an object.
    """
    if not body.strip():
        raise business("ALG-0106")
    try:
        value = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise model_state({parameter: [f"The body is not valid JSON: {error}"]}) from error
    if value is None:
        raise business("ALG-0106")
    if not isinstance(value, dict):
        raise model_state({parameter: ["The body is not a JSON object."]})
    return value


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


def bind(binder: Binder, value: Mapping[str, object], known: Fields, path: str) -> dict[str, object]:
    """The known fields of an object under their own names; absent and null ones are left out."""
    bound: dict[str, object] = {}
    for name, item in value.items():
        field = known.get(name.lower())
        if field is None:
            if binder.strict:
                binder.fail(f"{path}.{name}", f"The field {name} does not exist (the simulator is strict).")
            continue
        if field.read_only:
            if binder.strict:
                binder.fail(f"{path}.{name}", f"The field {name} is read-only (the simulator is strict).")
            continue
        if item is not None:
            read = field.read(binder, item, f"{path}.{_pascal(field.name)}")
            if read is not None:
                bound[field.name] = read
    return bound


@cache
def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def text(binder: Binder, value: object, path: str) -> str | None:
    """A string."""
    if isinstance(value, str):
        return value
    _wrong(binder, path, value, "string")
    return None


def integer(binder: Binder, value: object, path: str) -> int | None:
    """A 32-bit integer, also as a string."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    _wrong(binder, path, value, "int")
    return None


def decimal(binder: Binder, value: object, path: str) -> Decimal | None:
    """An exact decimal, also as a string."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        _wrong(binder, path, value, "decimal")
        return None
    if binder.strict and value != value.quantize(Decimal("0.01")):
        binder.fail(path, f"The amount {value} has more than two decimals (the simulator is strict).")
    return value


def boolean(binder: Binder, value: object, path: str) -> bool | None:
    """True or false."""
    if isinstance(value, bool):
        return value
    _wrong(binder, path, value, "bool")
    return None


def guid(binder: Binder, value: object, path: str) -> str | None:
    """A GUID, in lower case."""
    if isinstance(value, str) and is_guid(value):
        return value.lower()
    _wrong(binder, path, value, "Guid")
    return None


def nothing(_binder: Binder, _value: object, _path: str) -> None:
    """A field of which the value does not matter."""


@dataclass(frozen=True)
class BadDate:
    """A date that is none; the business rules have their own code for it."""

    text: str


def day(binder: Binder, value: object, path: str) -> date | BadDate | None:
    """A date: `yyyy-MM-dd`, alone or with a time that is dropped."""
    if not isinstance(value, str):
        _wrong(binder, path, value, "DateTime")
        return None
    match = _DATE.fullmatch(value.strip())
    if match is None:
        return BadDate(value)
    try:
        datetime.fromisoformat(value.strip()[:19])
        return date.fromisoformat(match[1])
    except ValueError:
        return BadDate(value)


def choice(*names: str) -> Reader:
    """An enum: the name of a value, or its place in the list."""
    by_name = {name.lower(): name for name in names}

    def read(binder: Binder, value: object, path: str) -> str | None:
        if isinstance(value, str) and value.lower() in by_name:
            return by_name[value.lower()]
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value]
        _wrong(binder, path, value, "enum " + "|".join(names))
        return None

    return read


def nested(known: Fields) -> Reader:
    """An object."""

    def read(binder: Binder, value: object, path: str) -> dict[str, object] | None:
        if isinstance(value, dict):
            return bind(binder, value, known, path)
        _wrong(binder, path, value, "object")
        return None

    return read


def several(reader: Reader) -> Reader:
    """An array."""

    def read(binder: Binder, value: object, path: str) -> list[object] | None:
        if not isinstance(value, list):
            _wrong(binder, path, value, "array")
            return None
        items = (reader(binder, item, f"{path}[{place}]") for place, item in enumerate(value))
        return [item for item in items if item is not None]

    return read


def _wrong(binder: Binder, path: str, value: object, wanted: str) -> None:
    shown = str(value)[:60]
    binder.fail(path, f"Error converting value \"{shown}\" to type '{wanted}'.")


reference = nested(fields(Field("id", guid), Field("uri", text)))
"""`{"id": …, "uri": …}`; the uri is not looked at."""


def reference_id(bound: Mapping[str, object], name: str) -> str | None:
    """The id in a bound reference; None when absent or all zeros."""
    value = bound.get(name)
    identifier = value.get("id") if isinstance(value, dict) else None
    return identifier if isinstance(identifier, str) and identifier != NO_ID else None


def string(bound: Mapping[str, object], name: str) -> str | None:
    """A bound text."""
    value = bound.get(name)
    return value if isinstance(value, str) else None


def rows(bound: Mapping[str, object], name: str) -> Sequence[dict[str, object]]:
    """The objects of a bound array."""
    value = bound.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def require_new_id(bound: Mapping[str, object], code: str) -> Rejection | None:
    """On POST the id must be absent or all zeros."""
    return None if bound.get("id", NO_ID) == NO_ID else business(code)
