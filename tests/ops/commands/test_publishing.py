"""`koppeling publish`: which records go out, and what it says about those that cannot."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from tests.ops.commands.conftest import Terminal
from tests.schemas import builders


@pytest.fixture
def topic(kafka: str, terminal: Terminal) -> str:
    """A topic of one partition on the broker that the terminal's commands use."""
    name = f"publish-{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "100000"})])
    admin.wait_for_topics([name])
    admin.close()
    terminal.environment["KAFKA__BOOTSTRAP_SERVERS"] = kafka
    return name


def records(kafka: str, topic: str) -> list[tuple[bytes | None, list[tuple[str, bytes]], bytes | None]]:
    consumer = KafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    found = []
    while consumer.position(partition) < end:
        for batch in consumer.poll(timeout_ms=500).values():
            found += [(message.key, list(message.headers), message.value) for message in batch]
    consumer.close()
    return found


def raw(topic: str, **record: object) -> bytes:
    return json.dumps({"raw": {"topic": topic, **record}}).encode()


def test_any_record_can_be_published_in_the_order_of_the_file(
    kafka: str, topic: str, terminal: Terminal, tmp_path: Path
) -> None:
    value = base64.b64encode(b"\x00\xff").decode()
    lines = [
        b"this is \xff not JSON",
        b"",
        raw(topic, key="k", headers=[["a", "1"], ["a", "2"]], value_base64=value),
        raw(topic, key="k"),
        raw(topic),
        json.dumps({"not": "an event"}).encode(),
    ]
    file = tmp_path / "bad.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    assert topic in terminal.ok("publish", str(file), "--topic", topic)
    assert records(kafka, topic) == [
        (None, [], b"this is \xff not JSON"),
        (b"k", [("a", b"1"), ("a", b"2")], b"\x00\xff"),
        (b"k", [], None),
        (None, [], None),
        (None, [], b'{"not": "an event"}'),
    ]


def test_standard_input_and_where_each_record_went(kafka: str, topic: str, terminal: Terminal) -> None:
    printed = terminal.ok("publish", "-", "--topic", topic, "--json", stdin=b"one\ntwo\n")
    assert json.loads(printed) == [
        {"topic": topic, "partition": 0, "offset": 0},
        {"topic": topic, "partition": 0, "offset": 1},
    ]


def test_an_impossible_line_is_named_and_nothing_is_published(
    kafka: str, topic: str, terminal: Terminal
) -> None:
    said = terminal.said("publish", "-", "--topic", topic, stdin='fine\n\n{"raw": {"topic": 3}}\n')
    assert "Line 3: raw.topic must be the name of a topic" in said
    assert records(kafka, topic) == []


def test_a_topic_that_does_not_exist(topic: str, terminal: Terminal) -> None:
    said = terminal.said("publish", "-", stdin=raw(f"{topic}-no").decode())
    assert f"Line 1: topic {topic}-no does not exist" in said


def test_a_record_that_the_broker_refuses(topic: str, terminal: Terminal) -> None:
    said = terminal.said("publish", "-", "--topic", topic, stdin="x" * 200_000)
    assert "Line 1 was not published" in said


def test_an_empty_input(topic: str, terminal: Terminal) -> None:
    assert "nothing to publish" in terminal.said("publish", "-", stdin="\n \n")


def test_a_file_that_does_not_exist(topic: str, terminal: Terminal) -> None:
    assert "/nowhere.jsonl" in terminal.said("publish", "/nowhere.jsonl")


def test_a_topic_that_the_intake_does_not_read_is_not_waited_for(
    topic: str, terminal: Terminal, commands_ledger: str
) -> None:
    terminal.environment["DATABASE__URL"] = commands_ledger
    result = terminal.run("publish", "-", "--topic", topic, "--wait", stdin="x")
    assert result.exit_code == 0, result.output
    assert f"1 records went to {topic}, which the intake does not read" in " ".join(result.stderr.split())


def test_events_are_records_in_binary_mode(kafka: str, topic: str, terminal: Terminal) -> None:
    event = builders.cloud_event(builders.invoice(), type="nl.enk.something.else.v1")
    terminal.ok("publish", "-", "--topic", topic, stdin=json.dumps(event))
    [(key, headers, value)] = records(kafka, topic)
    assert key == b"adm-1001"
    assert ("ce_type", b"nl.enk.something.else.v1") in headers
    assert json.loads(value or b"") == builders.invoice()
