"""Handing input to the ledger once more: what it has already has no effect.

Records go from ENK's topics straight into the ledger's inbox, as the intake would forward them and the
receiver would store them, so that it is known of each what it became. Their place on ENK's topic is their
identity; where the ledger no longer knows the place, the event and the document's revision are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.admission import Command, KafkaRecord, SourceRecord, read_command
from ledger.inbox import receive_commands
from ledger.inbox_known import known_sources
from streams import records as intake

KNOWN = "known"
"""The ledger has the record's place already."""

ATTEMPTS = 4
"""Of a batch: the receiver may store one of its records, or hold one of its locks, at the same moment."""


@dataclass
class Handed:
    """What became of the records that were read.

    Attributes:
        read: all of them.
        other: of another administration than the one that was asked for.
        became: how many by what they became: `known`, or what the ledger notes (`posting`, `repeated`, …).
    """

    read: int = 0
    other: int = 0
    became: Counter[str] = field(default_factory=Counter)

    @property
    def known(self) -> int:
        """Without effect: the record, its event or its content is there."""
        return sum(self.became[name] for name in (KNOWN, "repeated", "unchanged", "superseded"))

    @property
    def new(self) -> int:
        """Became a posting."""
        return self.became["posting"]

    @property
    def administrations(self) -> int:
        """Events of administrations whose place was not known; an older one has no effect."""
        return self.became["administration"]

    @property
    def rejected(self) -> int:
        """Could not be read, or need a newer release."""
        return self.became["rejected"] + self.became["held"]

    def as_json(self) -> dict[str, int]:
        """As `--json` prints it."""
        return {
            "read": self.read,
            "of_other_administrations": self.other,
            "known": self.known,
            "new": self.new,
            "administrations": self.administrations,
            "rejected": self.rejected,
        }


def hand_over(
    connection: psycopg.Connection[TupleRow],
    batches: Iterable[Sequence[intake.SourceRecord]],
    clock: Callable[[], datetime],
    *,
    go: bool,
    administration: str | None = None,
    on_batch: Callable[[Handed], None] = lambda handed: None,
) -> Handed:
    """Hand records to the ledger, a transaction a batch.

    Args:
        connection: in autocommit mode.
        batches: the records.
        clock: stamps what is announced.
        go: False rolls every batch back: it only tells what would become of the records.
        administration: only records with this key.
        on_batch: called after each.
    """
    handed = Handed()
    for batch in batches:
        handed.read += len(batch)
        wanted = [one for one in batch if administration is None or one.key == administration.encode()]
        handed.other += len(batch) - len(wanted)
        if wanted:
            handed.became += _store(connection, [_command(one) for one in wanted], clock(), go)
        on_batch(handed)
    return handed


def _command(record: intake.SourceRecord) -> Command:
    """As the receiver reads what the intake forwards."""
    sent = intake.forwarded(record, record.topic)
    headers = [(name, value or b"") for name, value in sent.headers]
    return read_command(
        KafkaRecord(sent.topic, record.partition, record.offset, sent.key, headers, sent.value)
    )


def _store(
    connection: psycopg.Connection[TupleRow], commands: Sequence[Command], now: datetime, go: bool
) -> Counter[str]:
    attempt = 1
    while True:
        try:
            return _store_once(connection, commands, now, go)
        except (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
            if attempt == ATTEMPTS:
                raise
            attempt += 1


def _store_once(
    connection: psycopg.Connection[TupleRow], commands: Sequence[Command], now: datetime, go: bool
) -> Counter[str]:
    became: Counter[str] = Counter()
    with connection.transaction() as transaction, connection.cursor() as cursor:
        known = known_sources(cursor, [command.source for command in commands])
        fresh = [command for command in commands if command.source not in known]
        became[KNOWN] = len(commands) - len(fresh)
        if fresh:
            receive_commands(cursor, fresh, now)
            became += _became(cursor, [command.source for command in fresh])
        if not go:
            raise psycopg.Rollback(transaction)
    return became


def _became(cursor: Cursor[TupleRow], places: Sequence[SourceRecord]) -> Counter[str]:
    cursor.execute(
        """
        SELECT i.became, count(*) FROM input_record i
          JOIN unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, o)
            ON i.topic = v.topic AND i.partition = v.partition AND i."offset" = v.o
         GROUP BY 1
        """,
        (
            [place.topic for place in places],
            [place.partition for place in places],
            [place.offset for place in places],
        ),
    )
    return Counter(dict(cursor.fetchall()))
