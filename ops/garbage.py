"""How often a long-lived process looks for garbage in cycles.

A document is a few thousand small objects that reference counting frees by itself. CPython's default is to
look for cycles after every 700 of them, which took a quarter of a worker's processor time
(docs/performance.md); looking after 50,000 costs a few megabytes.
"""

from __future__ import annotations

import gc

ALLOCATIONS = 50_000


def collect_less_often() -> None:
    """To be called once, after the imports: what exists by then is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 50)
