"""Nothing is lost when the intake is killed, when it is told to stop, when the broker goes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from ops.embedded.kafka_node import KafkaNode
from schemas.outcome import Package
from schemas.topics import ENK_INVOICES, sink_topic
from streams.run import EXIT_GAVE_UP
from tests.schemas import builders
from tests.streams.conftest import OUTPUTS, Publish, create_topics
from tests.streams.intake_process import IntakeProcess
from tests.streams.topic_reader import Arrived, TopicReader

pytestmark = pytest.mark.timeout(600)

EVENTS = 5_000
KILLS = 4
ADMINISTRATIONS = 40
GROUP = "koppeling.intake"


@pytest.fixture
def intake(bootstrap: str, tmp_path: Path) -> Iterator[IntakeProcess]:
    process = IntakeProcess(bootstrap, tmp_path)
    yield process
    process.kill()


def administration_of(index: int) -> str:
    return f"adm-{index % ADMINISTRATIONS}"


def publish_many(bootstrap: str, run: str, count: int) -> set[bytes]:
    """Publish so many invoices; their values."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    values = set()
    for index in range(count):
        data = builders.invoice(
            administration=administration_of(index), id=f"{run}-{index}", number=f"{run}-{index}"
        )
        topic, key, headers, value = builders.record(data)
        producer.send(topic, key=key, headers=headers, value=value)
        values.add(value)
    producer.flush()
    producer.close()
    return values


def wait_for(outputs: TopicReader, values: set[bytes], count: int | None = None) -> list[Arrived]:
    """Read until at least so many of the values have arrived; all of them by default."""
    enough = len(values) if count is None else count
    return outputs.until(lambda _arrived: len(values & outputs.values) >= enough)


def committed(bootstrap: str) -> dict[int, int]:
    """By partition of the invoices, the offset that the intake starts from the next time."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        offsets = admin.list_group_offsets({GROUP: None})[GROUP]
        return {
            partition.partition: offset.offset
            for partition, offset in offsets.items()
            if partition.topic == ENK_INVOICES
        }
    finally:
        admin.close()


def in_order(arrived: list[Arrived], run: str) -> bool:
    """Whether what came first of every source came in the order of the sources."""
    last: dict[tuple[str, int], int] = {}
    seen: set[tuple[str | None, ...]] = set()
    for record in arrived:
        if record.source in seen or run.encode() not in (record.value or b""):
            continue
        seen.add(record.source)
        offset = int(record.header("koppeling_source_offset") or -1)
        lane = (record.topic, record.partition)
        if offset < last.get(lane, -1):
            return False
        last[lane] = offset
    return True


def test_nothing_is_missing_after_kill_upon_kill(
    bootstrap: str, publish: Publish, intake: IntakeProcess
) -> None:
    with TopicReader(bootstrap, OUTPUTS) as outputs:
        for index in range(ADMINISTRATIONS):
            publish(
                *builders.record(builders.administration(id=administration_of(index), package="snelstart"))
            )
        intake.start()
        known = {administration_of(index).encode() for index in range(ADMINISTRATIONS)}
        outputs.until(lambda arrived: known <= {record.key for record in arrived})
        values = publish_many(bootstrap, "killed", EVENTS)
        for kill in range(1, KILLS + 1):
            # Some of them, not all: the kill falls in the middle of the work.
            wait_for(outputs, values, EVENTS * kill // (KILLS + 1))
            intake.kill()
            intake.start()
        arrived = wait_for(outputs, values)
        assert in_order(arrived, "killed")
        # The packages were learned before the first kill and are known after every one.
        topics = {record.topic for record in arrived if b"killed" in (record.value or b"")}
        assert topics == {sink_topic(Package.SNELSTART)}
    assert intake.stop() == 0, intake.log


def test_a_stop_finishes_and_commits_what_was_begun(bootstrap: str, intake: IntakeProcess) -> None:
    with TopicReader(bootstrap, OUTPUTS) as outputs:
        values = publish_many(bootstrap, "stopped", 2_000)
        intake.start()
        # At once: the agent consumes before Faust says that it has started.
        wait_for(outputs, values, 1)
        assert intake.stop() == 0, intake.log
        outputs.read_to_the_end()
        begun: dict[int, int] = {}
        for record in outputs.arrived:
            if b"stopped" in (record.value or b""):
                offset = int(record.header("koppeling_source_offset") or -1)
                begun[record.partition] = max(offset + 1, begun.get(record.partition, 0))
        after = committed(bootstrap)
        assert begun
        assert {partition: after[partition] for partition in begun} == begun
        intake.start()
        wait_for(outputs, values)
        intake.wait_ready()
    assert intake.stop() == 0, intake.log


def test_a_restart_of_the_broker_costs_nothing(
    broker: KafkaNode, bootstrap: str, intake: IntakeProcess
) -> None:
    intake.start().wait_ready()
    with TopicReader(bootstrap, OUTPUTS) as outputs:
        values = publish_many(bootstrap, "before", 1_000)
        wait_for(outputs, values, 100)
        broker.kill()
        broker.start()
        arrived = wait_for(outputs, values | publish_many(bootstrap, "after", 200))
        assert in_order(arrived, "after")
    assert intake.stop() == 0, intake.log


def test_a_record_that_cannot_be_sent_ends_the_process_and_is_read_again(
    bootstrap: str, publish: Publish, tmp_path: Path
) -> None:
    afas = sink_topic(Package.AFAS)
    impatient = IntakeProcess(bootstrap, tmp_path, send_timeout_seconds=2.0)
    publish(*builders.record(builders.administration(id="adm-afas", package="afas")))
    assert impatient.start().wait() == EXIT_GAVE_UP, impatient.log
    create_topics(bootstrap, [afas])
    with TopicReader(bootstrap, [afas]) as outputs:
        impatient = IntakeProcess(bootstrap, tmp_path).start()
        (record,) = outputs.until(lambda arrived: len(arrived) >= 1)
        assert record.key == b"adm-afas"
        assert impatient.stop() == 0, impatient.log


def test_a_start_that_fails_ends_the_process(broker: KafkaNode, bootstrap: str, tmp_path: Path) -> None:
    """It must not linger with the threads of Faust's consumer: its supervisor would take it for alive."""
    broker.kill()
    try:
        assert IntakeProcess(bootstrap, tmp_path).start().wait() == EXIT_GAVE_UP
    finally:
        broker.start()
