"""Looks at the whole installation now and then, and shows what it sees as metrics.

One worker of all does it at a time: the one whose session has the lock. Its process publishes the gauges, the
others do not, so that no number is counted twice and no look is paid for twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import structlog
from kafka.errors import KafkaError
from psycopg.rows import TupleRow

from ledger.gauges import LedgerGauges, alone, ledger_gauges
from ops.lag import GroupLag, group_lags
from ops.worker_thread import WorkerThread
from telemetry import metrics

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

log = structlog.get_logger(__name__)


class Watchman(WorkerThread):
    """A thread of a worker; `looking` is True while this process is the one that publishes."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[TupleRow]],
        kafka_config: Mapping[str, object],
        groups: Mapping[str, Collection[str]],
        *,
        every: timedelta = timedelta(seconds=15),
        stuck_after: timedelta = timedelta(seconds=60),
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`connect` opens a connection in autocommit mode; `groups` are consumer groups and their topics."""
        super().__init__("watchman", every.total_seconds(), first_after=0)
        self._connect = connect
        self._kafka = kafka_config
        self._groups = groups
        self._stuck_after = stuck_after
        self._beat = beat
        self._session: psycopg.Connection[TupleRow] | None = None
        self._admin: KafkaAdminClient | None = None
        self.looking = False

    def _turn(self) -> None:
        self._beat()
        if self._session is None or self._session.closed:
            self.looking = False
            self._session = self._connect()
        if not self.looking and not alone(self._session, self._stuck_after):
            return
        show_ledger(ledger_gauges(self._session))
        self._look_at_kafka(next_offsets(self._session))
        metrics.STANDING_AT.set(time.time())
        self.looking = True

    def _look_at_kafka(self, read: Mapping[tuple[str, int], int]) -> None:
        from kafka import KafkaAdminClient

        try:
            if self._admin is None:
                self._admin = KafkaAdminClient(**self._kafka)
            show_lags(group_lags(self._admin, self._groups, read))
        except KafkaError as error:
            log.info("watchman.broker_away", error=repr(error))
            show_lags(())
            self._close_admin()

    def _close_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()

    def _let_go(self) -> None:
        self.looking = False
        self._close_admin()
        session, self._session = self._session, None
        if session is not None:
            session.close()


def next_offsets(connection: psycopg.Connection[TupleRow]) -> dict[tuple[str, int], int]:
    """Where the ledger is in each partition that a receiver reads."""
    rows = connection.execute("SELECT topic, partition, next_offset FROM input_offset")
    return {(topic, partition): offset for topic, partition, offset in rows}


def show_ledger(seen: LedgerGauges) -> None:
    """What the ledger says, as metrics."""
    opened = {(state.package or "unknown", state.state): state for state in seen.open}
    metrics.show(metrics.POSTINGS_OPEN, {key: state.count for key, state in opened.items()})
    metrics.show(
        metrics.POSTINGS_OLDEST_SECONDS, {key: state.oldest_seconds for key, state in opened.items()}
    )
    metrics.show(metrics.OLDEST_DUE_SECONDS, {(due.package,): due.oldest_seconds for due in seen.due})
    metrics.show(metrics.LANES_DUE, {(due.package,): due.late for due in seen.due})
    metrics.show(metrics.LANES_UNATTENDED, {(due.package,): due.unattended for due in seen.due})
    metrics.show(metrics.ADMINISTRATIONS_HELD, dict(seen.held.items()))
    metrics.show(metrics.BREAKERS_OPEN, {(package,): 1 for package in seen.breakers})
    metrics.show(
        metrics.RECONCILIATION_DOUBLES, {(package,): count for package, count in seen.doubles.items()}
    )
    metrics.OUTBOX_PENDING.set(seen.outbox.size)
    metrics.OUTBOX_OLDEST_SECONDS.set(seen.outbox_oldest_seconds)
    metrics.ADMINISTRATIONS_IN_RECOVERY.set(seen.in_recovery)
    metrics.MISSING_IN_PACKAGE.set(seen.missing_in_package)


def show_lags(lags: Sequence[GroupLag]) -> None:
    """How far the consumer groups are behind, as metrics; nothing when that is not known."""
    metrics.show(metrics.CONSUMER_LAG, {(lag.group,): lag.lag for lag in lags})
    metrics.show(metrics.CONSUMERS, {(lag.group,): lag.members for lag in lags})
    metrics.show(metrics.OLDEST_UNRECEIVED_SECONDS, {(lag.group,): lag.oldest_seconds for lag in lags})
