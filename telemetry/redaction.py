"""Takes secrets out of what is logged, by the name of a field and by the look of a text.

The second line of defence: the first is not to log a secret at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from structlog.typing import EventDict, WrappedLogger

REDACTED: Final = "[redacted]"

_SECRET = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|subscription[_-]?key|client[_-]?key"
    r"|koppel[_-]?sleutel|maatwerk[_-]?sleutel|authorization|cookie|credentials?|private[_-]?key|fernet(?:[_-]?keys?)?"
)
_SECRET_NAME: Final = re.compile(_SECRET, re.IGNORECASE)
_HARMLESS_NAME: Final = re.compile(r"(?:^|_)(?:token_type|token_url|expires_in|key_id)$", re.IGNORECASE)

_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # Authorization: Bearer abc, Authorization: Basic abc
    (re.compile(r"\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1\2{REDACTED}"),
    # a JSON Web Token, wherever it stands
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), REDACTED),
    # https://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE), rf"\1:{REDACTED}@"),
    # "access_token": "abc", password='abc', client_secret=abc&…, Ocp-Apim-Subscription-Key: abc
    (
        re.compile(
            rf"""(["']?[\w.-]*(?:{_SECRET})[\w-]*["']?\s*[:=]\s*)"""
            rf"""(?!{re.escape(REDACTED)}|(?:bearer|basic)\s)("[^"]*"|'[^']*'|[^\s"'&,;)}}\]]+)""",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)


def redact_text(text: str) -> str:
    """The text without anything that looks like a secret."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: redacts every field of an event, at any depth."""
    # Names that begin with an underscore are structlog's own and never rendered.
    return {
        name: value if name.startswith("_") else _redact_field(name, value) for name, value in event.items()
    }


def _redact_field(name: str, value: object) -> object:
    if value is not None and _SECRET_NAME.search(name) and not _HARMLESS_NAME.search(name):
        return REDACTED
    return _redact(value)


def _redact(value: object) -> object:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {key: _redact_field(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))
