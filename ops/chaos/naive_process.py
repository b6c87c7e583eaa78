"""The measure of chaos: the consumer that anybody would write first, with our mapping and no guarantees.

Reads invoices, books each with three attempts, logs and goes on when they fail, commits every hundred. It has
no ledger: after a kill it books again what it had not committed; what failed three times is lost. It is the
loop of the benchmark (`bench/naive.py`) over all kinds of invoices. `python -m ops.chaos.naive_process`, with
settings in its environment and `CHAOS_FOLDER`, where `companies.json` has credentials and mappings.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition

from ops.bootstrap import EVERYTHING, apps, settings_for
from ops.chaos.worker_process import FOLDER_VARIABLE
from ops.kafka_clients import kafka_client_config
from ops.packages import PACKAGES, DirectPackage
from ops.settings import Settings
from schemas.invoice import Invoice
from schemas.outcome import Package
from schemas.reading import ReadEvent, Rejection, SchemaAhead, read_record
from schemas.relation import Relation, Role
from schemas.topics import ENK_INVOICES, ENK_RELATIONS
from sinks.contract import DirectSink, RelationReference
from sinks.turn import role_of
from vendors.failure import Failure
from vendors.transport import Transport

log = structlog.get_logger(__name__)

GROUP = "naive"
COMPANIES_FILE = "companies.json"
COMMIT_EVERY = 100
ATTEMPTS = 3
PAUSE_SECONDS = 0.5


class Naive:
    """The loop: one sink and one table of relations for each administration."""

    def __init__(
        self, settings: Settings, companies: Mapping[str, Mapping[str, Mapping[str, object]]]
    ) -> None:
        self._settings = settings
        self._companies = companies
        self._sinks: dict[str, DirectSink] = {}
        self._relations: dict[tuple[str, str], Relation] = {}
        self._references: dict[tuple[str, str, Role], RelationReference] = {}

    async def run(self) -> None:
        """Book until it is killed."""
        consumer = self._consumer(group_id=GROUP, auto_offset_reset="earliest")
        consumer.subscribe([ENK_INVOICES])
        relations = self._consumer(auto_offset_reset="earliest")
        partitions = relations.partitions_for_topic(ENK_RELATIONS) or set()
        relations.assign([TopicPartition(ENK_RELATIONS, number) for number in partitions])
        relations.seek_to_beginning()
        done = 0
        while True:
            polled = consumer.poll(timeout_ms=500, max_records=COMMIT_EVERY)
            self._learn(relations)
            for message in (message for messages in polled.values() for message in messages):
                await self._one(message)
                done += 1
                await asyncio.sleep(0)
            if polled or done:
                consumer.commit()

    def _consumer(self, **more: object) -> Any:
        return KafkaConsumer(
            **kafka_client_config(self._settings),
            enable_auto_commit=False,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            **more,
        )

    def _learn(self, relations: Any) -> None:
        while polled := relations.poll(timeout_ms=50):
            for message in (message for messages in polled.values() for message in messages):
                event = _read(message)
                if event is not None and isinstance(event.data, Relation):
                    self._relations[event.data.administration, event.data.id] = event.data

    async def _one(self, message: Any) -> None:
        event = _read(message)
        if (
            event is None
            or not isinstance(event.data, Invoice)
            or event.data.administration not in self._companies
        ):
            return
        for attempt in range(ATTEMPTS):
            try:
                await self._book(event.data)
                return
            except (Failure, KeyError) as error:
                log.warning("naive.failed", number=event.data.number, attempt=attempt, cause=str(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _book(self, invoice: Invoice) -> None:
        sink = self._sink(invoice.administration)
        role = role_of(invoice)
        key = (invoice.administration, invoice.relation_id, role)
        relation = self._relations[invoice.administration, invoice.relation_id]
        if key not in self._references:
            self._references[key] = (await sink.upsert_relation(relation, role, None)).reference
        await sink.book(invoice, relation, self._references[key])

    def _sink(self, administration: str) -> DirectSink:
        if administration not in self._sinks:
            package = PACKAGES[Package.SNELSTART]
            assert isinstance(package, DirectPackage)
            company, ours = self._companies[administration], apps(self._settings)
            seconds = self._settings.delivery.call_timeout_seconds or 30.0
            self._sinks[administration] = package.open(
                package.credentials.model_validate(dict(company["credentials"])),
                package.mapping.model_validate(dict(company["mapping"])),
                ours,
                Transport(timeout=timedelta(seconds=seconds)),
                package.pacer(ours),
                time.monotonic,
            ).sink
        return self._sinks[administration]


def _read(message: Any) -> ReadEvent | None:
    try:
        read = read_record(message.topic, message.key, list(message.headers), message.value)
    except (Rejection, SchemaAhead):
        return None
    return read if isinstance(read, ReadEvent) else None


def main() -> None:
    """Run until a signal."""
    companies = json.loads((Path(os.environ[FOLDER_VARIABLE]) / COMPANIES_FILE).read_text())
    print("ready", flush=True)
    asyncio.run(Naive(settings_for(EVERYTHING), companies).run())


if __name__ == "__main__":
    main()
