"""What a test does to a company beside the events: settings, faults ended, shared and changed connections."""

from __future__ import annotations

from typing import Any

from ledger.administrations import connect
from ledger.credentials import stored_credentials
from ops.sessions import connection_id
from schemas.topics import (
    ENK_ADMINISTRATIONS,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
    sink_topic,
)
from tests.pipeline.harness import Administration


def change_settings(administration: Administration, **settings: Any) -> None:
    """Change how the simulated company behaves."""
    answer = administration.pipeline.http.post(
        f"{administration.pipeline.control}/settings",
        json={"company": administration.company, "settings": settings},
    )
    assert answer.is_success, answer.text


def end_fault(administration: Administration, fault: str) -> None:
    answer = administration.pipeline.http.delete(f"{administration.pipeline.control}/faults/{fault}")
    assert answer.is_success, answer.text


def share_company(owner: Administration, other: Administration) -> None:
    """Connect another administration to the same books."""
    reconnect(other, _secret(owner))
    other.company = owner.company


def reconnect(
    administration: Administration, secret: bytes | None = None, identity: dict[str, str] | None = None
) -> None:
    """Connect (again), with the credentials stored if no others are given; `identity` is pinned."""
    given = secret or _secret(administration)
    ledger, key = administration.pipeline.ledger, administration.key
    with ledger.transaction(), ledger.cursor() as cursor:
        connect(cursor, key, connection_id(key), given, identity or {})


def publish_tombstone(administration: Administration) -> None:
    """The record without a value that compaction leaves of an administration, as the intake forwards it."""
    producer = administration.pipeline.producer
    place = str(administration.pipeline.next_offset()).encode()
    producer.send(
        sink_topic(administration.package),
        key=administration.id.encode(),
        value=None,
        headers=[
            (SOURCE_TOPIC_HEADER, ENK_ADMINISTRATIONS.encode()),
            (SOURCE_PARTITION_HEADER, b"0"),
            (SOURCE_OFFSET_HEADER, place),
        ],
    )
    producer.flush()


def calls(administration: Administration, operation: str) -> int:
    """How often an operation was called on the company so far."""
    answer = administration.pipeline.http.get(
        f"{administration.pipeline.control}/log",
        params={"company": administration.company, "operation": operation},
    )
    return len(answer.json()["calls"])


def _secret(administration: Administration) -> bytes:
    with administration.pipeline.ledger.cursor() as cursor:
        stored = stored_credentials(cursor, connection_id(administration.key))
    assert stored is not None
    return stored
