"""Carrying out a schedule in time: each act in a thread of its own, begun at its moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ops.chaos.schedule import Act, Schedule


class Timeline:
    """Begins every act when its moment has come."""

    def __init__(self, schedule: Schedule, strike: Callable[[Act], None]) -> None:
        self._schedule = schedule
        self._strike = strike
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(32, thread_name_prefix="chaos")
        self._struck: list[Future[None]] = []
        self._thread = threading.Thread(target=self._run, name="chaos-timeline", daemon=True)

    def start(self) -> None:
        """Begin; the schedule's moments count from now."""
        self._thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        for act in self._schedule.acts:
            if self._stop.wait(max(0.0, began + act.at - time.monotonic())):
                return
            self._struck.append(self._pool.submit(self._strike, act))

    @property
    def finished(self) -> bool:
        """Everything was done and is over."""
        return not self._thread.is_alive() and all(struck.done() for struck in self._struck)

    def stop(self) -> None:
        """Begin no more; wait for what was begun."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def check(self) -> None:
        """Raises what went wrong in carrying out an act: a bug, not a fault."""
        for struck in self._struck:
            if struck.done() and not struck.cancelled():
                struck.result()
