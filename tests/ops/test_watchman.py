"""One process of all looks at ledger and broker; when it goes, another one takes over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from prometheus_client import generate_latest

from ops.lag import group_lags, lag_by_partition
from ops.watchman import Watchman
from telemetry import metrics
from tests.ledger.fresh_ledger import fresh_ledger
from tests.ops.waiting import until


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest.fixture
def topic(kafka: str) -> str:
    name = f"watched-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(name, 2, 1)])
    admin.close()
    return name


@contextmanager
def watching(url: str, kafka: str, group: str, topic: str) -> Iterator[Watchman]:
    """One that has been started."""
    watchman = Watchman(
        lambda: psycopg.connect(url, autocommit=True),
        {"bootstrap_servers": kafka},
        {group: (topic,)},
        every=timedelta(seconds=0.05),
    )
    watchman.start()
    try:
        yield watchman
    finally:
        watchman.stop(30)
    assert watchman.failure is None


def shown() -> str:
    return generate_latest(metrics.STANDING).decode()


def test_lag_and_age_of_unread_records(kafka: str, topic: str) -> None:
    group = f"group-{topic}"
    producer = KafkaProducer(bootstrap_servers=kafka)
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        for age in (1000, 400, 0):
            producer.send(topic, b"x", partition=0, timestamp_ms=int((time.time() - age) * 1000)).get(30)
        (found,) = group_lags(admin, {group: (topic,)}, {})
        assert (found.lag, found.members) == (3, 0)
        assert 800 <= found.oldest_seconds <= 1010
        (found,) = group_lags(admin, {group: (topic,)}, {(topic, 0): 1})
        assert found.lag == 2
        assert 300 <= found.oldest_seconds <= 410
        (found,) = group_lags(admin, {group: (topic,)}, {(topic, 0): 3})
        assert (found.lag, found.oldest_seconds) == (0, 0.0)
        partitions = lag_by_partition(admin, group, (topic,))
        assert {place[1]: (each.position, each.lag) for place, each in partitions.items()} == {
            0: (0, 3),
            1: (0, 0),
        }
    finally:
        producer.close()
        admin.close()


def test_another_one_takes_over_and_what_is_gone_is_not_shown(url: str, kafka: str, topic: str) -> None:
    with psycopg.connect(url, autocommit=True) as ledger, watching(url, kafka, "g", topic) as first:
        ledger.execute(
            "INSERT INTO package_breaker (package, code, message) VALUES ('king', 'internal', 'x')"
        )
        until(lambda: first.looking and 'koppeling_breakers_open{package="king"} 1.0' in shown())
        assert 'koppeling_consumer_lag_records{group="g"} 0.0' in shown()
        with watching(url, kafka, "g", topic) as second:
            first.stop(30)
            assert not first.looking
            ledger.execute("DELETE FROM package_breaker")
            until(lambda: second.looking and "koppeling_breakers_open{" not in shown())


def test_a_session_that_is_ended_only_makes_it_begin_again(url: str, kafka: str, topic: str) -> None:
    with psycopg.connect(url, autocommit=True) as ledger, watching(url, kafka, "g", topic) as one:
        until(lambda: one.looking)
        ledger.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        before = looked_at()
        until(lambda: one.looking and looked_at() != before)


def looked_at() -> float | None:
    return metrics.STANDING.get_sample_value("koppeling_standing_timestamp_seconds")
