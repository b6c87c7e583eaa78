"""How long to wait before attempt n+1: tenacity's wait strategies without its loop."""

from __future__ import annotations

from datetime import timedelta

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_base


def pause(strategy: wait_base, failures: int) -> timedelta:
    """The strategy's wait after `failures` failures (1 = the first)."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = max(failures, 1)
    return timedelta(seconds=float(strategy(state)))
