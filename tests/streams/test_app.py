"""The settings that keep Faust from losing records, and how a broker with a login is reached."""

import ssl
from pathlib import Path

import faust
import pytest

from streams.app import LARGEST_REQUEST_BYTES, create_app
from streams.config import Security, StreamsConfig
from streams.intake import SOURCE_TOPICS


def app_with(tmp_path: Path, **settings: object) -> faust.App:
    return create_app(StreamsConfig(("one:9092", "two:9092"), tmp_path, **settings))  # type: ignore[arg-type]


async def test_a_killed_process_is_known_by_its_name_and_missed_within_seconds(tmp_path: Path) -> None:
    conf = app_with(tmp_path, instance_id="intake-3").conf
    assert conf.consumer_group_instance_id == "intake-3"
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval) == (10.0, 3.0)
    assert conf.consumer_auto_offset_reset == "earliest"


async def test_a_record_counts_as_sent_when_all_replicas_have_it(tmp_path: Path) -> None:
    conf = app_with(tmp_path, replication_factor=3, send_timeout_seconds=7.0).conf
    assert conf.producer_acks == -1
    assert conf.producer_request_timeout == 7.0
    assert conf.producer_max_request_size == LARGEST_REQUEST_BYTES > 10 * 1024 * 1024
    assert conf.topic_replication_factor == 3


async def test_all_brokers_are_named(tmp_path: Path) -> None:
    assert [(url.host, url.port) for url in app_with(tmp_path).conf.broker] == [("one", 9092), ("two", 9092)]


async def test_records_that_wait_survive_the_end_of_a_recovery(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    app.flow_control.resume()
    queue = aiter(app.topic(*SOURCE_TOPICS, key_type=bytes, value_type=bytes)).queue
    queue.put_nowait("a record")
    # What Faust does when its tables are read, while the source topics are read already.
    app.flow_control.resume()
    assert queue.get_nowait() == "a record"


@pytest.mark.parametrize(
    ("security", "protocol"),
    [
        (Security(mechanism="SCRAM-SHA-512", username="u", password="p"), "SASL_PLAINTEXT"),
        (Security(tls=True, mechanism="PLAIN", username="u", password="p"), "SASL_SSL"),
        (Security(tls=True), "SSL"),
    ],
)
async def test_a_broker_with_tls_or_a_login_is_reached_with_them(
    tmp_path: Path, security: Security, protocol: str
) -> None:
    credentials = app_with(tmp_path, security=security).conf.broker_credentials
    assert credentials.protocol.value == protocol
    if security.tls:
        context = security.ssl_context()
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Security(mechanism="PLAIN", username="u", password="hunter2"))
