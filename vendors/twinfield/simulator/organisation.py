"""An organisation (environment): the user who consented, and the offices that may be opened with it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Organisation:
    """What a refresh token is bound to. Its first office decides its settings."""

    code: str
    id: str
    user: str
    subject: str
    refresh_tokens: list[str]
    offices: list[str] = field(default_factory=list)
    spent: deque[tuple[float, int]] = field(default_factory=deque)
    """Moments and credits of the last minute."""
    in_flight: int = 0
