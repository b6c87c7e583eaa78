"""What a package answered, and what is told about each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was made: its name, the status (None when there was no answer), seconds."""

    operation: str
    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the package said; `headers` are found by name in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """A 2xx status."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> timedelta | None:
        """`Retry-After` in either of its forms; a date is taken relative to the answer's own `Date`."""
        return _retry_after(self.headers)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), LONGEST_PAUSE)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_PAUSE)
