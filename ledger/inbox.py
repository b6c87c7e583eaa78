"""Receiving: a batch of records becomes ledger rows, in one transaction.

`receive` is idempotent: a record that is read again has no effect. What decides is identity
(administration, direction, document, revision) and content, never the event id alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.administrations import administration_changed, lock_lanes, tombstone
from ledger.admission import Command, KafkaRecord, read_command
from ledger.inbox_decisions import Decisions
from ledger.inbox_known import known_sources
from ledger.inbox_rows import Batch, note, write_batch
from schemas.administration import Administration
from schemas.reading import ReadEvent, Tombstone


def receive(cursor: Cursor[TupleRow], records: Sequence[KafkaRecord], now: datetime) -> int:
    """Take in records of sink, holding and dead-letter topics, in order; returns how many were new.

    Must run inside a transaction; `now` stamps what is announced. Raises what the database raises.
    """
    return receive_commands(cursor, [read_command(record) for record in records], now)


def receive_commands(cursor: Cursor[TupleRow], commands: Sequence[Command], now: datetime) -> int:
    """The same for commands that have been read already."""
    seen = known_sources(cursor, [command.source for command in commands])
    fresh = []
    for command in commands:
        if command.source not in seen:
            seen.add(command.source)
            fresh.append(command)
    start = 0
    for position, command in enumerate(fresh):
        if _concerns_administration(command):
            _receive_documents(cursor, fresh[start:position], now)
            _receive_administration(cursor, command, now)
            start = position + 1
    _receive_documents(cursor, fresh[start:], now)
    return len(fresh)


def _concerns_administration(command: Command) -> bool:
    content = command.content
    return isinstance(content, Tombstone) or (
        isinstance(content, ReadEvent) and isinstance(content.data, Administration)
    )


def _receive_administration(cursor: Cursor[TupleRow], command: Command, now: datetime) -> None:
    content = command.content
    batch = Batch()
    if isinstance(content, Tombstone):
        tombstone(cursor, content.administration, command.source.partition, command.source.offset)
        note(batch, command, "administration", event=None)
    else:
        assert isinstance(content, ReadEvent)
        assert isinstance(content.data, Administration)
        administration_changed(cursor, content.data, command.source.partition, command.source.offset)
        note(batch, command, "administration", event=content)
    write_batch(cursor, batch)


def _receive_documents(cursor: Cursor[TupleRow], commands: Sequence[Command], now: datetime) -> None:
    if not commands:
        return
    events_ = [command.content for command in commands if isinstance(command.content, ReadEvent)]
    lanes = lock_lanes(cursor, {event.envelope.partition_key for event in events_})
    batch = Batch()
    decide = Decisions(cursor, commands, lanes, batch, now)
    for command in commands:
        decide.one(command)
    write_batch(cursor, batch)
