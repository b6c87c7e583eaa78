"""What must move in a worker, and how long each part may stand still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from telemetry.progress import Progress, Pulse


class Moves:
    """The parts and conditions of one worker.

    Attributes:
        lanes: turns of lanes under way; every document, every call and every file part is a step.
        readbacks: runs of readbacks under way.
        kafka: the receiver has been given its partitions.
    """

    def __init__(self, progress: Progress, patience: timedelta, call_timeout: timedelta) -> None:
        """`patience` is for parts that do not call packages; a call takes up to `call_timeout`."""
        self._progress = progress
        self._patience = patience.total_seconds()
        # A call that is read again takes a time-out, a wait and another time-out between two steps.
        for_calls = max(self._patience, 4 * call_timeout.total_seconds())
        self.lanes = progress.tasks("lanes", for_calls)
        self.readbacks = progress.tasks("readbacks", for_calls)
        self.ledger = progress.condition("ledger", "not asked yet")
        self.kafka = progress.condition("kafka", "the receiver has not joined its group yet")
        self._running = progress.condition("running", "starting")

    def loop(self, part: str) -> Pulse:
        """A loop that may stand still for as long as anything that does not call packages."""
        return self._progress.pulse(part, self._patience)

    def looked_for_work(self) -> Callable[[str | None], None]:
        """To be told of each look for work, with why the ledger could not be asked."""
        pulse = self.loop("holder")

        def looked(trouble: str | None) -> None:
            pulse.beat()
            if trouble is None:
                self.ledger.met()
                self._running.met()
                return
            self.ledger.lost(f"the ledger does not answer: {trouble}")
            # They wait for the ledger: nothing that a restart would help.
            self.lanes.excuse()
            self.readbacks.excuse()

        return looked

    def stopping(self) -> None:
        """No new work is taken."""
        self._running.lost("stopping")
