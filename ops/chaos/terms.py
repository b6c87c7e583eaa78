"""The terms that a chaos run delivers by: shorter than in production, so that every wait ends within it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SHORT_MINUTES = 5.0
"""A run shorter than this has the shortest terms."""


@dataclass(frozen=True)
class ChaosTerms:
    """What follows from how long a run lasts; all in seconds.

    Attributes:
        call_timeout: the longest call to a package.
        margin: how much longer a lease lasts than that.
        settle: after how long a look-up can be believed.
        session: after how long Kafka gives a dead worker's partitions to another.
        quiet: after how long without a new document a file is cut.
    """

    call_timeout: float
    margin: float
    settle: float
    session: float
    quiet: float

    @property
    def lease(self) -> float:
        """How long a lease lasts."""
        return self.call_timeout + self.margin

    @property
    def outlived(self) -> float:
        """How long a process must be stopped so that another takes over, looks up and books."""
        return self.lease + self.call_timeout + self.settle + 3.0

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of the processes."""
        return {
            "DELIVERY__CALL_TIMEOUT_SECONDS": f"{self.call_timeout:g}",
            "DELIVERY__LEASE_MARGIN_SECONDS": f"{self.margin:g}",
            "DELIVERY__SETTLE_SECONDS": f"{self.settle:g}",
            "FILES__QUIET_SECONDS": f"{self.quiet:g}",
            "READBACK__INTERVAL_SECONDS": "10",
            "READBACK__SWEEP_INTERVAL_SECONDS": "120",
            "SNELSTART__CALLS_PER_MINUTE": "60000",
            "SNELSTART__CALLS_PER_HOUR": "600000",
            "CHAOS_SESSION_SECONDS": f"{self.session:g}",
            # The number of processes is small: no process needs more than its lanes do.
            "DATABASE__POOL_SIZE": "6",
        }


def terms_of(minutes: float) -> ChaosTerms:
    """The terms of a run of so many minutes."""
    if minutes < SHORT_MINUTES:
        return ChaosTerms(call_timeout=2, margin=3, settle=1, session=3, quiet=1)
    return ChaosTerms(call_timeout=5, margin=5, settle=2, session=10, quiet=3)
