"""Where the benchmarks run: a broker, a ledger, a simulator in its own process, and what is sent to them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
from cryptography.fernet import Fernet
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from bench.documents import Json, KafkaRecord, administration, forwarded
from ledger import schema
from ledger.administrations import administration_changed, connect, set_mapping
from ledger.credentials import CredentialVault
from ledger.rows import LaneKey
from ops.embedded import KafkaNode, PostgresNode
from ops.sessions import connection_id
from ops.simulated_company import credentials_of
from schemas.administration import Administration
from schemas.outcome import Package
from schemas.topics import PARTITIONS, TOPICS, sink_topic

PACKAGE = Package.SNELSTART
GIVE_UP_SECONDS = 300.0


@dataclass
class Place:
    """Broker and ledger of one run; administrations are new in every benchmark.

    `offsets` are those of records that did not come through the intake, beyond what the real input topics
    reach: the ledger knows a record by where it came from.
    """

    bootstrap_servers: str
    database_url: str
    folder: Path
    vault_key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    offsets: Iterator[int] = field(default_factory=lambda: itertools.count(1_000_000))

    def __post_init__(self) -> None:
        self.ledger = psycopg.connect(self.database_url, autocommit=True)
        self._producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers, linger_ms=5)

    def close(self) -> None:
        self._producer.close()
        self.ledger.close()

    def postgres_pid(self) -> int:
        """The server process whose children are the back ends."""
        row = self.ledger.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        return int(Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()[1])

    def one(self, query: str, *values: object) -> int:
        """The number that a query answers."""
        row = self.ledger.execute(query.encode(), values).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def publish(self, records: Iterable[KafkaRecord]) -> None:
        for record in records:
            self._producer.send(record.topic, key=record.key, headers=record.headers, value=record.value)
        self._producer.flush()

    def create_topic(self, name: str) -> None:
        _create(self.bootstrap_servers, [NewTopic(name, PARTITIONS, 1)])

    def forward(self, events: Iterable[Json], topic: str = sink_topic(PACKAGE)) -> None:
        """Put events on a topic as the intake does."""
        self.publish(forwarded(event, topic, next(self.offsets)) for event in events)

    def connect(self, simulator: Simulator, names: Sequence[str]) -> None:
        """Announce administrations and connect each to a company of its own."""
        self.connect_to({name: credentials_of(simulator.company(name)) for name in names})

    def connect_to(self, companies: Mapping[str, Mapping[str, object]]) -> None:
        """Announce administrations and connect each with these credentials."""
        vault = CredentialVault([self.vault_key])
        with self.ledger.transaction(), self.ledger.cursor() as cursor:
            for name, credentials in companies.items():
                key = LaneKey(name, PACKAGE)
                event = Administration.model_validate_json(json.dumps(administration(name)))
                administration_changed(cursor, event, 0, next(self.offsets))
                set_mapping(cursor, key, {})
                secret = vault.encrypt(json.dumps(credentials).encode())
                connect(cursor, key, connection_id(key), secret, {})

    def disconnect(self, names: Sequence[str]) -> None:
        """Nothing of these administrations comes due again."""
        with self.ledger.transaction():
            self.ledger.execute(
                "UPDATE lane SET connection_id = NULL, due_at = NULL WHERE administration_id = ANY(%s)",
                (list(names),),
            )
            self.ledger.execute("DELETE FROM readback WHERE administration_id = ANY(%s)", (list(names),))

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Nothing is delivered while the block runs: the package's breaker is open."""
        self.ledger.execute(
            "INSERT INTO package_breaker (package, code, message) VALUES (%s, 'internal', 'bench')",
            (str(PACKAGE),),
        )
        try:
            yield
        finally:
            self.ledger.execute("DELETE FROM package_breaker WHERE package = %s", (str(PACKAGE),))
            self.ledger.execute("SELECT pg_notify('koppeling_due', '')")


@dataclass(frozen=True)
class Simulator:
    """SnelStart's stand-in, limits off; `companies` are the ids of those it made, by name."""

    process: subprocess.Popen[str]
    control: str
    http: httpx.Client
    companies: dict[str, str] = field(default_factory=dict)

    def company(self, name: str) -> dict[str, object]:
        answer = self.http.post(
            f"{self.control}/companies",
            json={"package": str(PACKAGE), "name": name, "settings": {"limits": "off"}},
        )
        answer.raise_for_status()
        made: dict[str, object] = answer.json()
        self.companies[name] = str(made["company"])
        return made


@contextmanager
def simulator(latency_ms: float) -> Iterator[Simulator]:
    """A simulator in its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vendors.simulation", str(PACKAGE), "--latency", str(latency_ms)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        control = json.loads(process.stdout.readline())["control"]
        with httpx.Client(timeout=60) as client:
            yield Simulator(process, control, client)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def place() -> Iterator[Place]:
    """Embedded services for one run, empty."""
    with tempfile.TemporaryDirectory(prefix="koppeling-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with (
            KafkaNode(folder / "kafka") as kafka,
            PostgresNode(folder / "postgres") as postgres,
            connected(kafka.bootstrap_servers, postgres.database_url, folder) as found,
        ):
            yield found


@contextmanager
def connected(bootstrap_servers: str, database_url: str, folder: Path) -> Iterator[Place]:
    """A place on services that run: creates topics and tables."""
    schema.upgrade(database_url)
    _create(
        bootstrap_servers,
        [NewTopic(topic.name, topic.partitions, 1, topic_configs=topic.config) for topic in TOPICS],
    )
    found = Place(bootstrap_servers, database_url, folder)
    try:
        yield found
    finally:
        found.close()


def _create(bootstrap_servers: str, topics: list[NewTopic]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    admin.create_topics(topics)
    admin.close()


def until(condition: Callable[[], bool], what: str, every: float = 0.05) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain until {what}")
        time.sleep(every)
