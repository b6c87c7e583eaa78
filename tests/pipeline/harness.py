"""The whole pipeline for tests: a broker, a ledger, the simulators, and workers in processes of their own.

Records go straight to the sink topics, as the intake would forward them (the intake has its own tests).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from cryptography.fernet import Fernet
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from psycopg.rows import dict_row

from ledger.administrations import administration_changed, connect, set_mapping
from ledger.credentials import CredentialVault
from ledger.rows import LaneKey
from ops.sessions import connection_id
from ops.simulated_company import credentials_of
from schemas.administration import Administration as AdministrationData
from schemas.outcome import Package
from schemas.topics import (
    ENK_PAYMENTS,
    ENK_POSTINGS,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
    TOPICS,
    sink_topic,
)
from tests.pipeline.worker_process import WorkerSpec
from tests.schemas import builders

Json = dict[str, Any]
PATIENCE = 120.0


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> Any:
    """Poll until the condition holds; fails with what was waited for."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}")
        time.sleep(0.05)


@dataclass
class WorkerProcess:
    """A worker and its end."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def stopped(self) -> bool:
        """Whether the kernel has it stopped (SIGSTOP)."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"

    def gone(self) -> bool:
        return self.process.poll() is not None

    def send(self, what: signal.Signals) -> None:
        os.kill(self.pid, what)

    def end(self) -> int:
        """SIGTERM, and wait for it to drain; its exit status. One that still starts would just die of it."""
        until(lambda: self.gone() or "ready" in self.log.read_text(), "the worker minds signals")
        if not self.gone():
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        if not self.gone():
            self.process.kill()
            self.process.wait(PATIENCE)


@dataclass
class Pipeline:
    """Broker, ledger and simulators; `worker` starts a worker, `administration` connects a new one."""

    database_url: str
    bootstrap_servers: str
    control: str
    folder: Path
    vault_key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    group: str = "koppeling.receiver"
    offset: int = 0
    workers: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = httpx.Client(timeout=30)
        self.producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers)
        self.ledger = psycopg.connect(self.database_url, autocommit=True)

    # --- workers ---

    def worker(
        self,
        point: str | None = None,
        nth: int = 1,
        signal: str = "SIGKILL",
        packages: Sequence[str] = (Package.SNELSTART, Package.KING),
    ) -> WorkerProcess:
        spec = WorkerSpec(
            self.database_url,
            self.bootstrap_servers,
            self.vault_key,
            self.group,
            point,
            nth,
            signal,
            tuple(packages),
        )
        log = self.folder / f"worker-{len(self.workers)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.pipeline.worker_process", spec.as_json()],
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=Path(__file__).resolve().parents[2],
            )
        worker = WorkerProcess(process, log)
        self.workers.append(worker)
        return worker

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.kill()

    # --- administrations ---

    def administration(
        self,
        package: Package = Package.SNELSTART,
        *,
        mapping: Mapping[str, object] | None = None,
        connected: bool = True,
        company: Mapping[str, object] | None = None,
        **changes: object,
    ) -> Administration:
        """Announce an administration to the ledger and connect it to a fresh company."""
        name = f"adm-{uuid.uuid4().hex[:8]}"
        administration = Administration(self, name, package, "")
        data = builders.administration(id=name, package=str(package), **changes)
        event = AdministrationData.model_validate_json(json.dumps(data))
        with self.ledger.transaction(), self.ledger.cursor() as cursor:
            administration_changed(cursor, event, 0, self.next_offset())
        if connected:
            administration.connect(mapping or {}, company or {})
        return administration

    def next_offset(self) -> int:
        self.offset += 1
        return self.offset

    def rows(self, query: str, *values: object) -> list[Json]:
        with self.ledger.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query.encode(), values)
            return cursor.fetchall()

    def fault(self, kind: str, **wanted: Any) -> str:
        answer = self.http.post(f"{self.control}/faults", json={"kind": kind, **wanted})
        assert answer.is_success, answer.text
        return str(answer.json()["fault"])

    def events(self, topic: str = ENK_POSTINGS) -> list[Json]:
        """Everything published on an output topic so far, in order per administration."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers, enable_auto_commit=False)
        try:
            numbers = consumer.partitions_for_topic(topic) or set()
            partitions = [TopicPartition(topic, number) for number in numbers]
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, 0)
            found: list[Json] = []
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for messages in consumer.poll(timeout_ms=500).values():
                    found.extend(json.loads(message.value) for message in messages)
            return found
        finally:
            consumer.close()

    def payments(self) -> list[Json]:
        return self.events(ENK_PAYMENTS)


@dataclass
class Administration:
    """One administration, its company in the simulator, and what the ledger says of it."""

    pipeline: Pipeline
    id: str
    package: Package
    company: str

    @property
    def key(self) -> LaneKey:
        return LaneKey(self.id, self.package)

    def connect(self, mapping: Mapping[str, object], company: Mapping[str, object]) -> None:
        answer = self.pipeline.http.post(
            f"{self.pipeline.control}/companies",
            json={"package": str(self.package), "name": self.id, **company},
        )
        assert answer.is_success, answer.text
        made = answer.json()
        self.company = made["company"]
        settings = {"limits": "off"} if self.package is Package.SNELSTART else {}
        if settings:
            self.pipeline.http.post(
                f"{self.pipeline.control}/settings", json={"company": self.company, "settings": settings}
            ).raise_for_status()
        vault = CredentialVault([self.pipeline.vault_key])
        secret = vault.encrypt(json.dumps(credentials_of(made)).encode())
        with self.pipeline.ledger.transaction(), self.pipeline.ledger.cursor() as cursor:
            set_mapping(cursor, self.key, mapping)
            connect(cursor, self.key, connection_id(self.key), secret, {})

    def publish(self, *events: Json, topic: str | None = None, **attributes: Any) -> None:
        """Put events on the sink topic as the intake forwards them; `attributes` as in `builders.record`."""
        for event in events:
            source, key, headers, value = builders.record(event, **attributes)
            self.pipeline.producer.send(
                topic or sink_topic(self.package),
                key=key,
                value=value,
                headers=[
                    *headers,
                    (SOURCE_TOPIC_HEADER, source.encode()),
                    (SOURCE_PARTITION_HEADER, b"0"),
                    (SOURCE_OFFSET_HEADER, str(self.pipeline.next_offset()).encode()),
                ],
            )
        self.pipeline.producer.flush()

    def relation(self, **changes: object) -> Json:
        return builders.relation(administration=self.id, roles=["debtor", "creditor"], **changes)

    def sale(self, number: str, **changes: object) -> Json:
        return builders.invoice(administration=self.id, id=f"s-{number}", number=number, **changes)

    def purchase(self, number: str, **changes: object) -> Json:
        return builders.invoice(
            administration=self.id,
            direction="purchase",
            id=f"p-{number}",
            number=number,
            supplier_invoice_number=f"L-{number}",
            lines=changes.pop("lines", [builders.line(ledger_account="7000")]),
            **changes,
        )

    def postings(self) -> list[Json]:
        return self.pipeline.rows("SELECT * FROM posting WHERE administration_id = %s ORDER BY id", self.id)

    def states(self) -> dict[str, str]:
        """Outcome by document id (of the newest revision)."""
        return {row["document_id"]: row["state"] for row in self.postings()}

    def posting(self, document: str) -> Json:
        return next(row for row in reversed(self.postings()) if row["document_id"] == document)

    def until_states(self, wanted: Mapping[str, str | Sequence[str]], patience: float = PATIENCE) -> None:
        """Wait until each document has (one of) the outcomes."""

        def reached() -> bool:
            states = self.states()
            return all(
                states.get(document) in ([outcome] if isinstance(outcome, str) else outcome)
                for document, outcome in wanted.items()
            )

        try:
            until(reached, f"{self.id} has {wanted}", patience)
        except AssertionError as missed:
            rows = [
                {name: row[name] for name in ("document_id", "state", "code", "vendor_message", "due_at")}
                for row in self.postings()
            ]
            raise AssertionError(f"{missed}; it has {rows}") from None

    def books(self) -> Json:
        answer = self.pipeline.http.get(f"{self.pipeline.control}/books", params={"company": self.company})
        assert answer.is_success, answer.text
        books: Json = answer.json()["companies"][0]
        return books

    def booked_numbers(self) -> dict[str, list[str]]:
        books = self.books()
        return {
            "sales": sorted(entry["number"] for entry in books["sales"]),
            "purchases": sorted(entry["number"] for entry in books["purchases"]),
        }

    def fault(self, kind: str, **wanted: Any) -> str:
        return self.pipeline.fault(kind, company=self.company, **wanted)


@contextmanager
def running_pipeline(
    database_url: str, bootstrap_servers: str, folder: Path, packages: Sequence[str] = ("snelstart", "king")
) -> Iterator[Pipeline]:
    """Topics, simulators in a process of their own, and everything ended afterwards."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    admin.create_topics(
        [NewTopic(topic.name, topic.partitions, 1, topic_configs=topic.config) for topic in TOPICS]
    )
    admin.close()
    simulators = subprocess.Popen(
        [sys.executable, "-m", "vendors.simulation", *packages, "--folder", str(folder / "king")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert simulators.stdout is not None
    control = json.loads(simulators.stdout.readline())["control"]
    pipeline = Pipeline(database_url, bootstrap_servers, control, folder)
    try:
        yield pipeline
    finally:
        pipeline.end_workers()
        pipeline.producer.close()
        pipeline.ledger.close()
        pipeline.http.close()
        simulators.terminate()
        simulators.wait(20)
