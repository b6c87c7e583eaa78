"""Waiting for the ledger without leaving the consumer group.

A consumer that does not poll is put out of its group after a while, and a database that stands still (a
stopped server, a lock, a dead network) answers nothing at all for as long as it likes. So what concerns the
ledger runs in a thread of its own, and whoever owns the consumer goes on polling with everything paused.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

import structlog
from kafka import KafkaConsumer
from tenacity import wait_exponential

from ledger.away import LEDGER_AWAY
from ledger.pauses import pause

log = structlog.get_logger(__name__)

T = TypeVar("T")

_AT_ONCE_SECONDS = 0.5
"""So long a job may take before the consumer is paused and polled."""

_POLL_MS = 500


class Patience:
    """Runs jobs one at a time, each until the ledger has answered it."""

    def __init__(self, stopping: threading.Event, beat: Callable[[], None]) -> None:
        """`beat` is called whenever the consumer was polled."""
        self._stopping = stopping
        self._beat = beat
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # A daemon, or a process could not end while the ledger stands still.
        threading.Thread(target=self._work, name="receiver-ledger", daemon=True).start()

    def run(self, consumer: KafkaConsumer, job: Callable[[], T], again: Callable[[], None]) -> T:
        """The job's result; `again` is called before it is run once more because the ledger was away.

        Afterwards the consumer may be paused. Raises what the job raises, and when stopping also that the
        ledger is away.
        """
        failures = 0
        while True:
            answer = self._submit(job)
            wait([answer], _AT_ONCE_SECONDS)
            while not answer.done() and not self._stopping.is_set():
                self._poll(consumer, _POLL_MS)
            try:
                return answer.result()
            except LEDGER_AWAY as error:
                failures += 1
                log.warning("receiver.database_away", error=str(error).strip(), failures=failures)
                again()
                self._poll(
                    consumer, int(pause(wait_exponential(0.1, max=2), failures).total_seconds() * 1000)
                )
                if self._stopping.is_set():
                    raise

    def end(self) -> None:
        """Let the thread go."""
        self._jobs.put(None)

    def _poll(self, consumer: KafkaConsumer, milliseconds: int) -> None:
        """Stay in the group; a record that comes all the same is read again later."""
        consumer.pause(*consumer.assignment())
        for partition, batch in consumer.poll(timeout_ms=milliseconds).items():
            consumer.seek(partition, batch[0].offset)
        self._beat()

    def _submit(self, job: Callable[[], T]) -> Future[T]:
        answer: Future[T] = Future()

        def work() -> None:
            try:
                answer.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it is the caller's, and is raised there
                answer.set_exception(error)

        self._jobs.put(work)
        return answer

    def _work(self) -> None:
        while (work := self._jobs.get()) is not None:
            work()
