"""Passes over a test's ledger that tell what needs somebody, and what they told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from ledger.attention import tell
from ledger.attention_cases import AttentionTerms
from ledger.migrations.versions import m0001_ledger
from schemas.attention import AttentionChanged
from schemas.outcome import Code, reason
from schemas.topics import ATTENTION
from tests.ledger.desk import Desk, Json
from tests.schemas.builders import invoice, relation

AT_ONCE = AttentionTerms(settle=timedelta(), held=timedelta(minutes=30))
HOUR = timedelta(hours=1)


class Watch:
    """Passes over a ledger, and what they told."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def look(self, later: timedelta = timedelta(), terms: AttentionTerms = AT_ONCE) -> list[Json]:
        """What a pass tells that is made so much later than now."""
        before = len(self.told())
        assert tell(self.desk.connection, terms, self.now() + later) is not None
        return self.told()[before:]

    def now(self) -> datetime:
        moment: datetime = self.desk.value("SELECT clock_timestamp()")
        return moment

    def told(self) -> list[Json]:
        """Every event so far; each is as the contract says, on its administration's key."""
        rows = self.desk.rows(
            "SELECT key, headers, value FROM outbox WHERE topic = %s ORDER BY id", ATTENTION
        )
        events = []
        for row in rows:
            event = AttentionChanged.model_validate_json(bytes(row["value"]))
            headers = dict(row["headers"])
            assert bytes(row["key"]).decode() == headers["ce_partitionkey"] == event.administration
            assert headers["ce_type"] == "nl.enk.koppeling.attention.changed.v1"
            assert headers["ce_subject"] == event.id
            events.append(json.loads(bytes(row["value"])) | {"event_id": headers["ce_id"]})
        return events

    def set(self, document: str, state: str, **columns: object) -> None:
        values = {"state": state, "who_acts": None, **columns}
        code = values.get("code")
        if code is not None:
            why = reason(Code(str(code)))
            values = {"message_nl": why.nl, "message_en": why.en, **values, "who_acts": str(why.who_acts)}
        assignments = ", ".join(f"{name} = %s" for name in values)
        query = f"UPDATE posting SET changed_at = clock_timestamp(), {assignments} WHERE document_id = %s"
        self.desk.connection.execute(query.encode(), (*values.values(), document))


@contextmanager
def emptied_desk(url: str) -> Iterator[Desk]:
    """One database for all tests of a module, emptied for each: cheaper than a new one."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for table in (*m0001_ledger.NAMES.split(), "attention"):
                if table != "ledger_state":
                    connection.execute(f"DELETE FROM {table}".encode())
        yield Desk(url, connection)


def watch_over(desk: Desk) -> Watch:
    """A connected administration with a relation and invoices inv-1 (number N1) to inv-7."""
    desk.administration()
    desk.take_in(relation(), *(invoice(id=f"inv-{n}", number=f"N{n}") for n in range(1, 8)))
    return Watch(desk)


def short(event: Json) -> tuple[Any, ...]:
    """Status, kind, who acts, code and count."""
    return (event["status"], event["kind"], event["who_acts"], event.get("code"), event["count"])
