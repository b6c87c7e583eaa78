"""The Faust application and the settings that keep it from losing records.

Faust's defaults are made for streams where a lost record is tolerable. Each setting below that differs from
its default is there because of what a kill, a rebalance or a large record does with the default.
"""

from __future__ import annotations

from pathlib import Path

import faust
from faust.types.auth import CredentialsT
from mode.utils.queues import ThrowableQueue

from schemas.topics import PARTITIONS
from streams.config import Security, StreamsConfig

SESSION_TIMEOUT_SECONDS = 10.0
"""After this long without a heartbeat the partitions of a killed process are given to another one."""

LARGEST_REQUEST_BYTES = 12 * 1024 * 1024
"""A source record of 10 MiB and the headers we add to it."""


class KeepingTopic(faust.Topic):  # type: ignore[misc]  # Faust is not typed for us
    """A topic whose waiting records survive the end of a table's recovery.

    Faust reads the source topics again from their committed offsets when its tables are read, lets records
    come in, and only then empties the queues that they come into. Under load that loses those that were
    quicker. Keeping all costs at most that some are read twice; those of a former assignment are skipped by
    their generation.
    """

    _queue: ThrowableQueue | None

    @property
    def queue(self) -> ThrowableQueue:
        """The records that wait for the agent."""
        if self._queue is None:
            self._queue = self.app.FlowControlQueue(
                maxsize=self.app.conf.stream_buffer_maxsize, clear_on_resume=False
            )
        return self._queue


def create_app(config: StreamsConfig) -> faust.App:
    """Make the application without its agents, connected to nothing yet.

    Must be called inside the running event loop that will run it.
    """
    return faust.App(
        config.app_id,
        broker=[f"kafka://{server}" for server in config.bootstrap_servers],
        broker_credentials=_credentials(config.security),
        broker_client_id=f"{config.app_id}-{config.instance_id}",
        datadir=Path(config.data_dir),
        Topic=KeepingTopic,
        # A killed process comes back under its own name and takes its partitions without a rebalance; if it
        # does not come back, the others wait for the session timeout only (the default is a minute).
        consumer_group_instance_id=config.instance_id,
        broker_session_timeout=SESSION_TIMEOUT_SECONDS,
        broker_heartbeat_interval=3.0,
        broker_commit_interval=1.0,
        broker_commit_every=500,
        consumer_auto_offset_reset="earliest",
        # The broker returns a record larger than the fetch size on its own, so large records pass; with the
        # size of the largest record instead, 144 partitions of backlog would fill the memory.
        consumer_max_fetch_size=1024 * 1024,
        stream_buffer_maxsize=512,
        producer_acks=-1,
        producer_max_request_size=LARGEST_REQUEST_BYTES,
        producer_request_timeout=config.send_timeout_seconds,
        # The intake itself waits for what is on its way before it stops; see `Intake.finish`.
        stream_wait_empty=False,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        table_standby_replicas=0,
        topic_partitions=PARTITIONS,
        topic_replication_factor=config.replication_factor,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
    )


def _credentials(security: Security) -> CredentialsT | None:
    context = security.ssl_context()
    if security.mechanism:
        return faust.SASLCredentials(
            username=security.username,
            password=security.password,
            ssl_context=context,
            mechanism=security.mechanism,
        )
    if context:
        return faust.SSLCredentials(context=context)
    return None
