"""What the benchmarks send: an administration with one debtor, and sales invoices of three lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.topics import SOURCE_OFFSET_HEADER, SOURCE_PARTITION_HEADER, SOURCE_TOPIC_HEADER
from tests.schemas import builders

Json = builders.Json
RELATION = "rel-204"


@dataclass(frozen=True)
class KafkaRecord:
    """A record to publish."""

    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes


def administration(name: str) -> Json:
    return builders.administration(id=name, go_live_date="2026-01-01")


def relation(administration: str) -> Json:
    return builders.relation(administration=administration, id=RELATION)


def invoice(administration: str, number: int) -> Json:
    lines = [
        builders.line("1250.00", "hoog", "21", "1"),
        builders.line("310.40", "laag", "9", "2"),
        builders.line(
            "99.95", "hoog", "21", "3", description="Loodgieterswerk badkamer, arbeid en klein materiaal"
        ),
    ]
    return builders.invoice(
        lines,
        administration=administration,
        id=f"inv-{number}",
        number=f"2026{number:06}",
        relation_id=RELATION,
    )


def creditor(administration: str) -> Json:
    return builders.relation(
        administration=administration, id=RELATION, name="Groothandel", roles=["creditor"]
    )


def purchase(administration: str, number: int, suppliers_number: str) -> Json:
    return builders.invoice(
        [builders.line("100.00", "hoog", "21", "1", ledger_account="7000")],
        administration=administration,
        direction="purchase",
        id=f"pur-{number}",
        number=f"P{number:06}",
        supplier_invoice_number=suppliers_number,
        relation_id=RELATION,
    )


def published(event: Json) -> KafkaRecord:
    """As ENK publishes it, now."""
    return KafkaRecord(*builders.record(event, time=datetime.now(UTC).isoformat()))


def forwarded(event: Json, topic: str, offset: int) -> KafkaRecord:
    """As the intake forwards it: to a sink topic, with where it came from."""
    record = published(event)
    headers = [
        *record.headers,
        (SOURCE_TOPIC_HEADER, record.topic.encode()),
        (SOURCE_PARTITION_HEADER, b"0"),
        (SOURCE_OFFSET_HEADER, str(offset).encode()),
    ]
    return KafkaRecord(topic, record.key, headers, record.value)
