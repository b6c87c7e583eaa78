"""Masks that codes of dimensions must fit: `#` a digit, `$` a digit or letter, `*` any text, else itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

_CLASSES = {"#": "[0-9]", "$": "[0-9A-Z]", "*": ".*"}


def shown_format(mask: str) -> str:
    """A mask as Twinfield's message shows it: `1###` as `1[0-9][0-9][0-9]`."""
    return "".join(_CLASSES.get(char, char) for char in mask)


def fits(mask: str, code: str) -> bool:
    """Whether a code fits a mask."""
    pattern = "".join(_CLASSES.get(char, re.escape(char)) for char in mask)
    return bool(code) and len(code) <= 16 and re.fullmatch(pattern, code) is not None


def next_code(mask: str, is_taken: Callable[[str], bool], start: int = 0) -> tuple[str, int] | None:
    """The first free code that fits, from a place in the row on, and the place after it."""
    digits = sum(char in "#$" for char in mask)
    if digits == 0:
        mask, digits = f"{mask.replace('*', '')}######", 6
    for number in itertools.count(start):
        if number >= 10**digits:
            return None
        row = iter(f"{number:0{digits}}")
        code = "".join(next(row) if char in "#$" else char for char in mask if char != "*")
        if not is_taken(code):
            return code, number + 1
    return None
