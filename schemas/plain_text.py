"""Which characters are text, and how a foreign value is shown inside a sentence."""

from __future__ import annotations

import re

MAX_TEXT = 10_000
"""The most characters that any text in an event may have."""

NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tab and line end, and lone surrogates."""

_SPACE = re.compile(r"\s+")


def text_only(text: str) -> str:
    """A foreign text that can be stored and sent: what is not text replaced, and not too long."""
    return NOT_TEXT.sub("\ufffd", text[:MAX_TEXT])


def shown(text: str, longest: int = 80) -> str:
    """A foreign text on one line, without what is not text, and at most `longest` characters."""
    clean = _SPACE.sub(" ", NOT_TEXT.sub("\ufffd", text[: 4 * longest])).strip()
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def shown_json(value: object, longest: int = 80) -> str:
    """A JSON value as a sentence can hold it; of an object or a list only that it is one."""
    match value:
        case str():
            return shown(value, longest) or '""'
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "{…}"
        case list():
            return "[…]"
        case _:
            return shown(str(value), longest)
