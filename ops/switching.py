"""How soon the threads of a worker let one another go on.

CPython lets a thread that works keep the interpreter for 5 ms while another waits for it. A document crosses
from the event loop to the ledger's writer and back, and every answer of PostgreSQL is such a wait, so under
load those 5 ms were most of the time between two calls of a lane (docs/performance.md).
"""

from __future__ import annotations

import sys

SECONDS = 0.0005


def hand_over_sooner() -> None:
    """To be called once, by a process that runs an event loop beside threads."""
    sys.setswitchinterval(SECONDS)
