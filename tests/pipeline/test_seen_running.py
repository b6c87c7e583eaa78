"""A real worker, seen running: health, metrics, logs, and one trace from ENK to the package and back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from kafka import KafkaConsumer, TopicPartition

from ledger.credentials import CredentialVault
from ledger.readbacks import ensure_readback
from ops.simulated_company import credentials_of
from schemas.topics import ENK_POSTINGS
from tests.pipeline import harness
from tests.pipeline.harness import Administration, Pipeline, until
from tests.pipeline.recording_proxy import Recorded, recording

ROOT = Path(__file__).parents[2]
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@dataclass
class Running:
    """`koppeling worker` or `koppeling streams`, from its announcement on."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def get(self, page: str) -> tuple[int, Any]:
        answer = httpx.get(f"{self.url}/{page}", trust_env=False)
        return answer.status_code, answer.json() if page != "metrics" else answer.text

    def metrics(self) -> dict[str, float]:
        """Values by series, as they are scraped."""
        lines = [line for line in self.get("metrics")[1].splitlines() if not line.startswith("#")]
        return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}

    def lines(self) -> list[dict[str, Any]]:
        """The log, which is JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def start(pipeline: Pipeline, folder: Path, *arguments: str, **environment: str) -> Running:
    inherited = {name: value for name, value in os.environ.items() if "__" not in name}
    log = folder / f"{'-'.join(arguments)}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli", *arguments, "--announce"],
            cwd=ROOT,
            env={
                **inherited,
                "KAFKA__BOOTSTRAP_SERVERS": pipeline.bootstrap_servers,
                "DATABASE__URL": pipeline.database_url,
                "CREDENTIALS__KEYS": pipeline.vault_key,
                "DATA_DIR": str(folder / "data"),
                "HTTP__PORT": "0",
                "LOG__FORMAT": "json",
                "LOG__LEVEL": "DEBUG",
                "DELIVERY__CALL_TIMEOUT_SECONDS": "3",
                "DELIVERY__SETTLE_SECONDS": "0.3",
                "READBACK__INTERVAL_SECONDS": "1",
                "READBACK__SWEEP_INTERVAL_SECONDS": "1",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    assert process.stdout is not None
    kind, _, address = process.stdout.readline().strip().partition(" ")
    assert kind == "http", log.read_text()
    return Running(process, address, log)


def end(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0, running.log.read_text()[-4000:]
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.fixture(scope="module")
def worker(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(pipeline, tmp_path_factory.mktemp("worker"), "worker")
    yield running
    end(running)


@pytest.fixture(scope="module")
def recorded(pipeline: Pipeline) -> Iterator[Recorded]:
    origin = urlsplit(pipeline.control)._replace(path="").geturl()
    with recording(origin) as recorded:
        yield recorded


@pytest.fixture
def administration(
    pipeline: Pipeline, worker: Running, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> Administration:
    """Connected to SnelStart through the recording proxy."""
    origin = urlsplit(pipeline.control)._replace(path="").geturl()

    def through_proxy(made: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(credentials_of(made)).replace(origin, recorded.url)
        changed: dict[str, Any] = json.loads(text)
        return changed

    monkeypatch.setattr(harness, "credentials_of", through_proxy)
    connected = pipeline.administration()
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        ensure_readback(cursor, connected.key, timedelta())
    return connected


def published(pipeline: Pipeline, administration: Administration) -> list[tuple[dict[str, str], Any]]:
    """Headers and data of every event about an administration."""
    consumer = KafkaConsumer(bootstrap_servers=pipeline.bootstrap_servers, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(ENK_POSTINGS, n) for n in consumer.partitions_for_topic(ENK_POSTINGS)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        found = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for messages in consumer.poll(timeout_ms=500).values():
                for message in messages:
                    if message.key == administration.id.encode():
                        headers = {name: value.decode() for name, value in message.headers}
                        found.append((headers, json.loads(message.value)))
        return found
    finally:
        consumer.close()


def test_it_is_ready_and_every_part_moves(worker: Running) -> None:
    until(lambda: worker.get("readyz")[0] == 200, "it is ready")
    status, said = worker.get("healthz")
    assert (status, said["healthy"]) == (200, True)
    assert {part["part"] for part in said["parts"]} == {
        "writer",
        "holder",
        "leases",
        "receiver",
        "publisher",
        "watchman",
        "event loop",
        "lanes",
        "readbacks",
    }


def test_a_trace_goes_from_enks_event_to_the_package_and_back_to_enk(
    pipeline: Pipeline, administration: Administration, recorded: Recorded
) -> None:
    administration.publish(administration.relation(), administration.sale("2026001"))
    administration.until_states({"s-2026001": "booked"})
    (booking,) = recorded.headers_of("POST", "/verkoopboekingen")
    assert booking["traceparent"] == TRACEPARENT

    def told() -> list[dict[str, str]]:
        return [
            headers
            for headers, event in published(pipeline, administration)
            if event["what"]["id"] == "s-2026001" and event["outcome"] == "booked"
        ]

    (headers,) = until(told, "ENK is told")
    assert headers["traceparent"] == TRACEPARENT


def test_what_happened_is_in_the_metrics(worker: Running, administration: Administration) -> None:
    before = worker.metrics()
    administration.publish(
        administration.relation(),
        administration.sale("1"),
        administration.sale("2", lines=[harness.builders.line(ledger_account="0000")]),
    )
    administration.until_states({"s-1": "booked", "s-2": "rejected"})

    def gained(series: str) -> float:
        return worker.metrics().get(series, 0.0) - before.get(series, 0.0)

    label = '{package="snelstart"}'
    assert gained('koppeling_received_records_total{topic="koppeling.sink.snelstart.v1"}') == 3
    assert gained(f"koppeling_completions_total{label}") == 3
    assert gained(f"koppeling_time_to_booked_seconds_count{label}") == 1
    made = 'koppeling_package_calls_total{operation="verkoopboeking maken",package="snelstart",status="201"}'
    assert gained(made) == 1
    assert (
        gained('koppeling_package_call_seconds_count{operation="verkoopboeking maken",package="snelstart"}')
        == 1
    )
    booked = 'koppeling_postings_total{code="",outcome="booked",package="snelstart"}'
    until(lambda: gained(booked) == 2, "both are told to ENK")
    until(
        lambda: any(
            series.startswith("koppeling_postings_total") and 'outcome="rejected"' in series
            for series in worker.metrics()
        ),
        "the rejection is told to ENK",
    )
    until(lambda: gained(f"koppeling_observations_total{label}"), "payments are read")
    left = 'koppeling_call_budget_left_ratio{package="snelstart",period="60"}'
    until(lambda: left in worker.metrics(), "budgets were looked at")
    values = worker.metrics()
    for series in (
        'koppeling_token_refreshes_total{given="yes",package="snelstart"}',
        "koppeling_receive_batch_seconds_count",
        "koppeling_ledger_write_seconds_count",
        f"koppeling_last_completion_timestamp_seconds{label}",
        left,
        "koppeling_standing_timestamp_seconds",
    ):
        assert values[series] > 0, series
    for series in (
        'koppeling_consumer_lag_records{group="koppeling.receiver"}',
        'koppeling_oldest_unreceived_seconds{group="koppeling.receiver"}',
        "koppeling_outbox_oldest_seconds",
        f"koppeling_writes_after_fencing_total{label}",
    ):
        assert values[series] == 0, series


def test_log_lines_name_the_document_and_none_holds_a_secret(
    worker: Running, pipeline: Pipeline, administration: Administration, recorded: Recorded
) -> None:
    administration.fault("status", operation="verkoopboekingen.POST", status=503)
    administration.publish(administration.relation(), administration.sale("7"))
    administration.until_states({"s-7": "booked"})
    posting = administration.posting("s-7")["id"]

    def failed() -> list[dict[str, Any]]:
        return [
            line
            for line in worker.lines()
            if line["event"] == "posting.failed" and line.get("posting") == posting
        ]

    line = until(failed, "the failure is in the log")[0]
    assert (line["administration"], line["package"], line["trace"]) == (
        administration.id,
        "snelstart",
        TRACE,
    )
    secrets = {urlsplit(pipeline.database_url).password, pipeline.vault_key}
    for _, _, headers in recorded.calls:
        secrets |= {headers["authorization"].removeprefix("Bearer ")} if "authorization" in headers else set()
        secrets |= {value for name, value in headers.items() if name == "ocp-apim-subscription-key"}
    with pipeline.ledger.cursor() as cursor:
        for (stored,) in cursor.execute("SELECT credentials FROM connection WHERE credentials IS NOT NULL"):
            known = json.loads(CredentialVault([pipeline.vault_key]).decrypt(bytes(stored)))
            secrets |= {value for value in known.values() if isinstance(value, str) and "://" not in value}
    assert len(secrets) >= 5
    text = worker.log.read_text()
    assert [secret for secret in secrets if secret and secret in text] == []


@pytest.mark.timeout(120)
def test_the_intake_serves_its_own(pipeline: Pipeline, tmp_path: Path) -> None:
    intake = start(pipeline, tmp_path, "streams")
    assert intake.get("readyz")[0] in (200, 503)
    until(lambda: intake.get("readyz")[0] == 200, "its partitions are assigned")
    status, said = intake.get("healthz")
    assert (status, {part["part"] for part in said["parts"]}) == (200, {"intake", "event loop"})
    assert "koppeling_part_still_seconds" in intake.get("metrics")[1]
    end(intake)
