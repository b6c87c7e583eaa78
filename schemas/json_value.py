"""From bytes to a JSON value, with everything refused that one JSON reader takes and the next does not.

Not UTF-8, not JSON, NaN and Infinity, a name twice in one object, nesting over 32, text over 10,000
characters, control characters, lone surrogates, more than 1 MiB. Takes time in proportion to the bytes
and never recurses on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn

from schemas.json_path import json_path
from schemas.outcome import Code
from schemas.plain_text import MAX_TEXT, NOT_TEXT, shown
from schemas.refusal import refuse

MAX_RECORD = 1024 * 1024
MAX_DEPTH = 32
VALUE = "value"

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = b"[]{}"
_NOT_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_NOT_STRUCTURE = bytes(set(_NOT_BRACKETS) - set(b'"'))
_OPENING = frozenset(b"[{")
_DOUBTFUL = re.compile(rb"\\u(?:00[01789]|[dD][89a-fA-F])|\\[bf]|\x7f|\xc2[\x80-\x9f]")
_LONGEST_INTEGER = 100


class _Repeated(dict[str, object]):
    """An object in which a name came twice."""

    name: str = ""


class _NotANumber(Exception):
    """NaN or Infinity, which JSON does not have."""


def parse_json(value: bytes) -> object:
    """The JSON value in a record.

    Raises:
        Refusal: `too_long` or `invalid_event`, field `value` or the path of what is wrong.
    """
    if len(value) > MAX_RECORD:
        refuse(
            Code.TOO_LONG,
            VALUE,
            f"het bericht is {len(value)} bytes en mag {MAX_RECORD} zijn",
            f"the record has {len(value)} bytes and may have {MAX_RECORD}",
        )
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse(
            Code.INVALID_EVENT,
            VALUE,
            f"het is geen UTF-8 (byte {error.start})",
            f"it is not UTF-8 (byte {error.start})",
        )
    if _too_deep(value):
        refuse(
            Code.INVALID_EVENT,
            VALUE,
            f"de JSON is dieper genest dan {MAX_DEPTH}",
            f"the JSON is nested deeper than {MAX_DEPTH}",
        )
    repeated: list[_Repeated] = []

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            marked = _Repeated(found)
            marked.name = _first_repeated(pairs)
            repeated.append(marked)
            return marked
        return found

    try:
        parsed: object = json.loads(
            text, object_pairs_hook=unique, parse_constant=_no_constant, parse_int=_integer
        )
    except _NotANumber as error:
        refuse(Code.INVALID_EVENT, VALUE, f"{error} bestaat niet in JSON", f"{error} does not exist in JSON")
    except json.JSONDecodeError as error:
        refuse(
            Code.INVALID_EVENT,
            VALUE,
            f"het is geen JSON (teken {error.pos})",
            f"it is not JSON (character {error.pos})",
        )
    if repeated:
        _refuse_repeated(parsed)
    if _may_have_bad_text(value):
        _refuse_bad_text(parsed)
    return parsed


def _first_repeated(pairs: list[tuple[str, object]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _no_constant(name: str) -> NoReturn:
    raise _NotANumber(name)


def _integer(digits: str) -> int | float:
    """An integer; one beyond all use becomes a float: no field takes it, and it is read in linear time."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _too_deep(value: bytes) -> bool:
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    structure = value.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in structure or b"\\" in value:
        # Brackets or quotes inside strings: take the strings out first, which costs ten times as much.
        structure = _STRING.sub(b"", value).translate(None, _NOT_BRACKETS)
    depth = 0
    for bracket in structure:
        if bracket in _OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False


def _may_have_bad_text(value: bytes) -> bool:
    if len(value) > MAX_TEXT:
        return True
    # Three searches for one byte are far cheaper than the pattern, and most records have none of them.
    return (b"\\" in value or b"\xc2" in value or b"\x7f" in value) and _DOUBTFUL.search(value) is not None


def _walk(value: object) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every value with its path, names included (a name comes with the path of its object)."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while waiting:
        path, here = waiting.pop()
        yield path, here
        if isinstance(here, dict):
            for name in here:
                yield path, name
            waiting.extend(((*path, name), below) for name, below in reversed(here.items()))
        elif isinstance(here, list):
            waiting.extend(((*path, index), here[index]) for index in reversed(range(len(here))))


def _refuse_repeated(parsed: object) -> NoReturn:
    for path, value in _walk(parsed):
        if isinstance(value, _Repeated):
            name = shown(value.name)
            refuse(
                Code.INVALID_EVENT,
                json_path((*path, value.name)),
                f"de naam {name} komt twee keer voor in hetzelfde object",
                f"the name {name} comes twice in one object",
            )
    raise AssertionError("the outermost object with a name twice is part of the value")


def _refuse_bad_text(parsed: object) -> None:
    for path, value in _walk(parsed):
        if not isinstance(value, str):
            continue
        bad = NOT_TEXT.search(value)
        if bad:
            refuse(
                Code.INVALID_EVENT,
                json_path(path),
                f"de tekst bevat het teken U+{ord(bad[0]):04X}, dat geen tekst is",
                f"the text has the character U+{ord(bad[0]):04X}, which is not text",
            )
        if len(value) > MAX_TEXT:
            refuse(
                Code.TOO_LONG,
                json_path(path),
                f"de tekst heeft {len(value)} tekens en mag er {MAX_TEXT} hebben",
                f"the text has {len(value)} characters and may have {MAX_TEXT}",
            )
