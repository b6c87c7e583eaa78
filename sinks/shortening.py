"""The one rule by which names and descriptions are made to fit a package's field.

The head of the text is kept; it ends at a word where that costs little, and with `…` where the package's
character set has it, so that a reader sees that something is missing. Numbers, codes and identifiers are
never shortened: too long is `too_long`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

ELLIPSIS = "…"
_WORTH_A_WORD = 3
"""A cut moves back to a word's end when that costs less than a third of the room."""


def one_line(text: str) -> str:
    """The text on one line: every run of white space becomes one space."""
    return " ".join(text.split())


def shorten(text: str, limit: int, *, charset: str = "utf-8") -> str:
    """The text on one line in at most `limit` characters.

    Length is counted in UTF-16 units, as the .NET and Windows programs behind most packages do; a character
    is never cut in two, nor parted from its accents. A `charset` that has no `…` gets none.
    """
    line = one_line(text)
    if length(line) <= limit:
        return line
    mark = ELLIPSIS if _has(charset, ELLIPSIS) and limit > 1 else ""
    return _head(line, limit - len(mark)) + mark


def spread(text: str, limits: Sequence[int], *, charset: str = "utf-8") -> tuple[str, ...]:
    """The text over several fields, one part each, broken between words; the last part is shortened."""
    parts: list[str] = []
    rest = one_line(text)
    for limit in limits[:-1]:
        part = rest if length(rest) <= limit else _head(rest, limit)
        parts.append(part)
        rest = rest[len(part) :].lstrip()
    parts.append(shorten(rest, limits[-1], charset=charset))
    return tuple(parts)


def length(text: str) -> int:
    """Characters, as packages count them: UTF-16 units."""
    if text.isascii():
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def fits(text: str, limit: int) -> bool:
    """Whether a text fits as it is, by the same count."""
    return length(text) <= limit


def _head(line: str, room: int) -> str:
    """The longest head of a text longer than `room`, ending at a word unless that costs too much."""
    end = used = 0
    while (used := used + length(line[end])) <= room:
        end += 1
    while end > 0 and (unicodedata.combining(line[end]) or line[end] == "\u200d"):
        end -= 1
    if line[end] != " ":
        word = line.rfind(" ", 0, end)
        if word > 0 and end - word < room // _WORTH_A_WORD:
            end = word
    return line[:end].rstrip()


def _has(charset: str, character: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
