"""The numbers that delivery works by; `ops.settings` fills them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from tenacity import wait_exponential, wait_exponential_jitter
from tenacity.wait import wait_base


@dataclass(frozen=True)
class DeliveryTerms:
    """How delivery behaves.

    Attributes:
        call_timeout: overrides the packages' own longest call, None = theirs.
        settle: overrides the packages' settle time, None = theirs.
        margin: how much longer a lease lasts than the longest call.
        safety: how much of a lease must be left, beyond the longest call, when a write starts.
        batch: due postings read at once per lane.
        document_attempts: transient failures of one document before it is set aside.
        waiting_limit: how long a posting waits before somebody is named.
        retry_wait: between transient failures of a document.
        probe_wait: between probes of a held administration.
        breaker_administrations: how many administrations failing alike stop the package.
        breaker_window: within which time.
        drain: how long a stopping process waits for its calls.
        cut_documents, cut_quiet: when a file is cut.
    """

    call_timeout: timedelta | None = None
    settle: timedelta | None = None
    margin: timedelta = timedelta(seconds=10)
    safety: timedelta = timedelta(seconds=2)
    batch: int = 50
    document_attempts: int = 6
    waiting_limit: timedelta = timedelta(hours=1)
    retry_wait: wait_base = field(
        default_factory=lambda: wait_exponential_jitter(multiplier=2, max=900, jitter=2)
    )
    probe_wait: wait_base = field(default_factory=lambda: wait_exponential(multiplier=5, min=5, max=900))
    breaker_administrations: int = 5
    breaker_window: timedelta = timedelta(minutes=15)
    drain: timedelta = timedelta(seconds=25)
    cut_documents: int = 500
    cut_quiet: timedelta = timedelta(seconds=60)
