"""What a list of delays comes to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles


def part(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of them do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
