"""Whether the intake of this process consumes while there is something to consume.

What it has committed is asked of the broker, not of itself: a consumer that has gone silent knows of no lag.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import structlog
from kafka.errors import KafkaError

from ops.bootstrap import intake_group
from ops.kafka_clients import kafka_client_config
from ops.lag import SOURCES, lag_by_partition
from telemetry.progress import Progress, Pulse

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

    from ops.settings import Settings

log = structlog.get_logger(__name__)

Place = tuple[str, int]
"""(topic, partition)"""

EVERY_SECONDS = 15.0
STILL_SECONDS = 120.0


class Backlog:
    """Decides whether a consumer gets on: it has nothing to read, or the place that it has reached moves."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._reached: Mapping[Place, int] | None = None

    def seen(self, lag: int, reached: Mapping[Place, int]) -> None:
        """How much there is to read now, and how far it has got by partition."""
        if lag == 0 or reached != self._reached:
            self._pulse.beat()
        self._reached = dict(reached)

    def unknown(self) -> None:
        """The broker does not say: nothing that this process could do about it."""
        self._pulse.beat()
        self._reached = None


class IntakeWatch:
    """A thread beside the intake that asks the broker every few seconds."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._kafka = kafka_client_config(settings)
        self._group = intake_group(settings)
        self._backlog = Backlog(progress.pulse("intake", STILL_SECONDS))
        self._partitions: Callable[[], frozenset[Place]] = frozenset
        self._admin: KafkaAdminClient | None = None

    def start(self, partitions: Callable[[], frozenset[Place]]) -> None:
        """Begin; `partitions` says which ones this process reads, none of them = it should read any."""
        self._partitions = partitions
        threading.Thread(target=self._run, name="intake-watch", daemon=True).start()

    def _run(self) -> None:
        never = threading.Event()
        while not never.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        from kafka import KafkaAdminClient

        try:
            if self._admin is None:
                self._admin = KafkaAdminClient(**self._kafka)
            standing = lag_by_partition(self._admin, self._group, SOURCES)
        except KafkaError as error:
            log.info("intake_watch.broker_away", error=repr(error))
            self._backlog.unknown()
            admin, self._admin = self._admin, None
            if admin is not None:
                admin.close()
            return
        mine = self._partitions() & standing.keys() or standing.keys()
        self._backlog.seen(
            sum(standing[place].lag for place in mine), {place: standing[place].position for place in mine}
        )
