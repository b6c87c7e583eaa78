"""The types of King's elements: strings with a length, numbers, amounts, days, closed lists, and nesting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol


class Leaf(Protocol):
    """The type of an element with a value."""

    def problem(self, text: str) -> str | None:
        """What is wrong with a value that is not empty."""


@dataclass(frozen=True)
class String:
    """`xs:string` with a greatest length."""

    limit: int | None = None

    def problem(self, text: str) -> str | None:
        """Too long?"""
        return f"longer than {self.limit}" if self.limit is not None and len(text) > self.limit else None


@dataclass(frozen=True)
class Integer:
    """`xs:integer` from 0 to a greatest value."""

    most: int

    def problem(self, text: str) -> str | None:
        """Not digits, or too large?"""
        if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > self.most:
            return f"not an integer from 0 to {self.most}"
        return None


@dataclass(frozen=True)
class Amount:
    """`xs:decimal` of at most 12 digits, 2 of them after the point."""

    def problem(self, text: str) -> str | None:
        """Not such a number? We write every amount with two decimals, never negative."""
        return None if re.fullmatch(r"[0-9]{1,10}\.[0-9]{2}", text) else "not an amount such as 12.50"


@dataclass(frozen=True)
class Day:
    """`xs:date`."""

    def problem(self, text: str) -> str | None:
        """Not a day that exists?"""
        try:
            date.fromisoformat(text)
        except ValueError:
            return "not a date"
        return None if len(text) == 10 else "not a date"


@dataclass(frozen=True)
class OneOf:
    """A closed list."""

    values: tuple[str, ...]

    def problem(self, text: str) -> str | None:
        """Not on the list?"""
        return None if text in self.values else f"not one of {', '.join(self.values)}"


@dataclass(frozen=True)
class Node:
    """An element with children: which there may be, which there must be."""

    children: Mapping[str, Leaf | Node | Many]
    required: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Many:
    """A list: one or more of one element."""

    name: str
    item: Node
