"""Elements that a document may have, and checking a document against them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vendors.twinfield.simulator.messages import Language, say
from vendors.twinfield.simulator.tree import Node

BOOLEAN = r"true|false"
INTEGER = r"\d{1,9}"
AMOUNT = r"\d{1,15}(\.\d{1,2})?"
FINE_AMOUNT = r"\d{1,15}(\.\d{1,10})?"
DAY = r"\d{8}"


@dataclass(frozen=True)
class Field:
    """What an element may hold.

    Attributes:
        length: the longest text.
        pattern: of a text that is not empty.
        read_only: it may be in answers only.
        is_repeated: it may be there more than once.
        inside: the elements inside; empty: a leaf.
        attributes: with the pattern of each; others are ignored.
    """

    length: int | None = None
    pattern: str | None = None
    read_only: bool = False
    is_repeated: bool = False
    inside: Mapping[str, Field] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Check:
    """Checks documents, in the language of the user; not strict: only what the vendor is known to refuse."""

    language: Language
    strict: bool

    def say(self, key: str, **values: object) -> str:
        """A message."""
        return say(self.language, key, **values)

    def elements(self, node: Node, known: Fields) -> None:
        """Complain about every element inside that may not be as it is."""
        seen: set[str] = set()
        for child in node.children:
            wanted = known.get(child.tag)
            if wanted is None:
                if self.strict:
                    child.complain(self.say("not_allowed", tag=child.tag))
                continue
            if wanted.read_only:
                child.complain(self.say("not_allowed", tag=child.tag))
                continue
            if child.tag in seen and not wanted.is_repeated:
                child.complain(self.say("twice", tag=child.tag))
            seen.add(child.tag)
            self._one(child, wanted)

    def _one(self, node: Node, wanted: Field) -> None:
        for name, pattern in wanted.attributes.items():
            value = node.attributes.get(name)
            if value is not None and re.fullmatch(pattern, value) is None:
                node.complain(self.say("wrong_value", value=value, tag=name))
        if wanted.inside:
            self.elements(node, wanted.inside)
            return
        if node.children:
            node.complain(self.say("wrong_value", value="…", tag=node.tag))
            return
        if self.strict and wanted.length is not None and len(node.text) > wanted.length:
            node.complain(self.say("too_long", tag=node.tag, length=wanted.length))
        if wanted.pattern is not None and node.text and re.fullmatch(wanted.pattern, node.text) is None:
            node.complain(self.say("wrong_value", value=node.text[:40], tag=node.tag))


def read_day(text: str) -> date | None:
    """A date in the form YYYYMMDD; None when it is none."""
    if re.fullmatch(DAY, text) is None:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def day_text(day: date) -> str:
    """A date as YYYYMMDD."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def read_amount(text: str) -> Decimal | None:
    """An amount without a sign; None when it is none."""
    return Decimal(text) if re.fullmatch(AMOUNT, text) else None
