"""Literals and comparisons of OData version 3 filters.

Property names are passed as the package spells them (case-sensitive). Values are escaped here and
nowhere else; the HTTP client percent-encodes the whole.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

Value = str | int | datetime | UUID


def literal(value: Value) -> str:
    """A value as a version 3 literal: `'O''Neill'`, `42`, `datetime'2026-03-14T00:00:00'`, `guid'…'`."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case datetime():
            return f"datetime'{value.replace(tzinfo=None).isoformat()}'"
        case UUID():
            return f"guid'{value}'"
        case str():
            return "'" + value.replace("'", "''") + "'"


def eq(name: str, value: Value) -> str:
    """`Name eq value`."""
    return f"{name} eq {literal(value)}"


def gt(name: str, value: Value) -> str:
    """`Name gt value`."""
    return f"{name} gt {literal(value)}"


def ge(name: str, value: Value) -> str:
    """`Name ge value`."""
    return f"{name} ge {literal(value)}"


def le(name: str, value: Value) -> str:
    """`Name le value`."""
    return f"{name} le {literal(value)}"


def both(left: str, right: str) -> str:
    """`left and right`."""
    return f"{left} and {right}"
