"""JSON paths as `error.field` carries them: `$.lines[2].vat.rate`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.plain_text import shown

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME = 60


def json_path(steps: Sequence[str | int]) -> str:
    """The path of names and indexes; a name that is not plain goes in brackets, cleaned and shortened."""
    return "$" + "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN.fullmatch(step) and len(step) <= _LONGEST_NAME:
        return f".{step}"
    return "['" + shown(step, _LONGEST_NAME).replace("'", "\\'") + "']"
