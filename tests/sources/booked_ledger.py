"""A ledger with administrations and booked sales invoices, as delivery leaves them behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger import schema
from ledger.readbacks import ensure_readback
from ledger.rows import LaneKey, Lease
from schemas.outcome import Package
from tests.services import fresh_database, migrated_template

T = TypeVar("T")

_OFFSETS = count(1)
_TABLES = (
    "outbox",
    "document_sequence",
    "receivable",
    "readback",
    "posting",
    "lane",
    "connection",
    "administration",
)


@contextmanager
def ledger_database(server_url: str) -> Iterator[str]:
    """The DSN of a database with every table of the ledger, for tests that `booked_ledger` empties it for."""
    versions = Path(schema.__file__).parent / "migrations" / "versions"
    fingerprint = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(versions.glob("*.py"))))
    template = migrated_template(server_url, fingerprint.hexdigest(), schema.upgrade)
    with fresh_database(server_url, template) as url:
        yield url


@dataclass
class BookedLedger:
    """One connection to it, in autocommit mode."""

    url: str
    connection: psycopg.Connection[TupleRow]

    def write(self, run: Callable[[Cursor[TupleRow]], T]) -> T:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            return run(cursor)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), values).fetchall()

    def add_administration(self, name: str = "adm-1", package: Package = Package.SNELSTART) -> LaneKey:
        """An active administration, connected, with its readback due now; the lease is `lease_of`."""
        key = LaneKey(name, package)
        self.connection.execute(
            """
            INSERT INTO administration (id, name, package, active, source_partition, source_offset)
            VALUES (%s, 'Van der Berg', %s, true, 0, 0) ON CONFLICT DO NOTHING
            """,
            (name, str(package)),
        )
        self.connection.execute(
            "INSERT INTO connection (id, package, lease_epoch) VALUES (%s, %s, 1)",
            (f"{package}:{name}", str(package)),
        )
        self.connection.execute(
            "INSERT INTO lane (administration_id, package, connection_id) VALUES (%s, %s, %s)",
            (name, str(package), f"{package}:{name}"),
        )
        self.write(lambda cursor: ensure_readback(cursor, key, timedelta()))
        return key

    def add_invoice(
        self,
        key: LaneKey,
        invoice: str,
        gross: str = "121.00",
        *,
        package_id: str | None = None,
        state: str = "booked",
        kind: str = "sales_invoice",
        revision: int = 1,
        intent_step: str | None = None,
    ) -> str:
        """A posting of an invoice `invoice` with number `F-<invoice>`; returns the package's id."""
        held_as = package_id or f"pkg-{invoice}"
        self.connection.execute(
            """
            INSERT INTO posting (administration_id, package, kind, document_id, revision, number, match_key,
                   relation_id, gross, payload, content_hash, event_id, event_source, event_time,
                   correlation_id, source_topic, source_partition, source_offset, state, package_id,
                   intent_step)
            VALUES (%s, %s, %s, %s, %s, %s, %s, 'rel-1', %s, '{}', '', %s, '/enk', now(), 'cor-1',
                    'koppeling.sink.snelstart.v1', 0, %s, %s, %s, %s)
            """,
            (
                key.administration,
                str(key.package),
                kind,
                invoice,
                revision,
                f"F-{invoice}",
                f"f-{invoice}",
                Decimal(gross),
                f"evt-{invoice}",
                next(_OFFSETS),
                state,
                held_as,
                intent_step,
            ),
        )
        return held_as

    def events(self) -> list[dict[str, Any]]:
        """The payment events that wait to be published, in order, each with its event id under `id`."""
        rows = self.ask(
            "SELECT topic, key, headers, value FROM outbox WHERE topic <> 'enk.postings.v1' ORDER BY id"
        )
        events = []
        for topic, key, headers, value in rows:
            event = json.loads(bytes(value))
            names = dict(headers)
            assert topic == "enk.payments.v1"
            assert bytes(key).decode() == event["administration"] == names["ce_partitionkey"]
            events.append({**event, "id": names["ce_id"], "correlation": names.get("ce_correlationid")})
        return events


def lease_of(key: LaneKey, epoch: int = 1) -> Lease:
    return Lease(f"{key.package}:{key.administration}", epoch, float("inf"))


@contextmanager
def booked_ledger(url: str) -> Iterator[BookedLedger]:
    """The ledger at `url`, emptied: a test costs a few deletes instead of a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("UPDATE ledger_state SET epoch = 1")
        yield BookedLedger(url, connection)
