"""Records that are put back on ENK's topics: a dead letter that another tool publishes once more.

Such a record is at a new place and is otherwise what it was. It is recognised by the first origin that its
headers name, or, when the tool dropped those, by its event id; always together with its content. It then is a
replay of the row that is there: sent again when that may be, without effect when it is booked, and never a
second row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.admission import Command, Refusal, SourceRecord
from ledger.audit import record_action
from ledger.dead_letters import is_dead
from ledger.resend import locked, send_again
from schemas.dead_letter import Place
from schemas.outcome import Outcome
from schemas.reading import ReadEvent


@dataclass(frozen=True)
class EarlierRejection:
    """Rejected input that a record may be the same as.

    `posting` is what it became after all, when it did.
    """

    id: int
    source: SourceRecord
    key: bytes | None
    value_hash: bytes | None
    event_id: str | None
    administration: str | None
    document_id: str | None
    state: str
    posting: int | None

    @classmethod
    def of(cls, command: Command, refusal: Refusal, rejected_id: int) -> EarlierRejection:
        """A record that was rejected just now."""
        return cls(
            id=rejected_id,
            source=command.source,
            key=command.key,
            value_hash=hash_of(command.value),
            event_id=refusal.event_id,
            administration=refusal.administration,
            document_id=refusal.document_id,
            state=str(Outcome.HELD if refusal.ahead else Outcome.REJECTED),
            posting=None,
        )

    @property
    def is_open(self) -> bool:
        """Nobody has done anything about it yet."""
        return self.state in (Outcome.REJECTED, Outcome.HELD)


class EarlierRejections:
    """Rejected input that the records of a batch may be the same as."""

    def __init__(self, cursor: Cursor[TupleRow], commands: Sequence[Command]) -> None:
        self._by_place: dict[Place, EarlierRejection] = {}
        self._by_event: dict[str, list[EarlierRejection]] = {}
        origins = [command.origin for command in commands if command.origin is not None]
        for row in _rows(cursor, origins, sorted(set(_event_ids(commands)))):
            self.add(row)

    def add(self, row: EarlierRejection) -> None:
        """One more, rejected in this batch."""
        self._by_place[Place(row.source.topic, row.source.partition, row.source.offset)] = row
        if row.event_id is not None:
            self._by_event.setdefault(row.event_id, []).append(row)

    def same(self, command: Command, event_id: str | None) -> EarlierRejection | None:
        """The rejection of this very content, at another place."""
        value_hash = hash_of(command.value)
        named = self._by_place.get(command.origin) if command.origin else None
        if named is not None and named.value_hash == value_hash and named.source != command.source:
            return named
        for row in self._by_event.get(event_id or "", ()):
            alike = (row.key, row.value_hash, row.source.topic) == (
                command.key,
                value_hash,
                command.source.topic,
            )
            if alike and value_hash is not None and row.source != command.source:
                return row
        return None

    def mended(
        self, command: Command, event_id: str, administration: str, document_id: str
    ) -> EarlierRejection | None:
        """The open rejection that this readable event takes the place of."""
        row = self.same(command, event_id)
        if row is None and command.origin is not None:
            named = self._by_place.get(command.origin)
            if (
                named is not None
                and named.administration in (None, administration)
                and named.document_id in (None, document_id)
            ):
                row = named
        return row if row is not None and row.is_open else None


def _event_ids(commands: Sequence[Command]) -> list[str]:
    """The event ids that can be read, also of records that are refused."""
    found = [
        command.content.envelope.id if isinstance(command.content, ReadEvent) else command.content.event_id
        for command in commands
        if isinstance(command.content, ReadEvent | Refusal)
    ]
    return [event_id for event_id in found if event_id is not None]


def hash_of(value: bytes | None) -> bytes | None:
    """What tells two values apart."""
    return None if value is None else hashlib.sha256(value).digest()


def _rows(
    cursor: Cursor[TupleRow], origins: Sequence[Place], event_ids: Sequence[str]
) -> list[EarlierRejection]:
    columns = """r.id, r.topic, r.partition, r."offset", r.key, sha256(r.value), r.event_id,
                 r.administration_id, r.document_id, r.state, i.posting_id"""
    joined = """LEFT JOIN input_record i
                  ON i.topic = r.topic AND i.partition = r.partition AND i."offset" = r."offset" """
    found: list[TupleRow] = []
    if event_ids:
        cursor.execute(
            f"""
            SELECT {columns} FROM rejected_input r {joined} WHERE r.event_id = ANY(%s) ORDER BY r.id
            """.encode(),
            (list(event_ids),),
        )
        found += cursor.fetchall()
    if origins:
        cursor.execute(
            f"""
            SELECT {columns} FROM unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, o)
              JOIN rejected_input r ON r.topic = v.topic AND r.partition = v.partition AND r."offset" = v.o
              {joined}
            """.encode(),
            ([o.topic for o in origins], [o.partition for o in origins], [o.offset for o in origins]),
        )
        found += cursor.fetchall()
    return [
        EarlierRejection(
            id=row[0],
            source=SourceRecord(row[1], row[2], row[3]),
            key=None if row[4] is None else bytes(row[4]),
            value_hash=None if row[5] is None else bytes(row[5]),
            event_id=row[6],
            administration=row[7],
            document_id=row[8],
            state=row[9],
            posting=row[10],
        )
        for row in found
    ]


@dataclass(frozen=True)
class Replay:
    """A posting whose record came once more; `named` when the record itself says that it was put back."""

    posting: int
    source: SourceRecord
    named: bool


def replay(cursor: Cursor[TupleRow], replays: Sequence[Replay]) -> int:
    """Send again what may be and what nobody else will; returns how many, each with its audit row.

    A record that does not say that it was put back may be a plain repetition by ENK: then only what waits for
    somebody is tried once more.
    """
    if not replays:
        return 0
    cursor.execute(
        """
        SELECT id, state, scope, due_at FROM posting
         WHERE id = ANY(%s) AND state IN ('rejected', 'held', 'uncertain', 'retry', 'waiting') ORDER BY id
        """,
        ([item.posting for item in replays],),
    )
    by_id = {item.posting: item for item in sorted(replays, key=lambda item: item.named)}
    done = 0
    for posting, state, scope, due_at in cursor.fetchall():
        item = by_id[posting]
        goes_by_itself = state in (Outcome.RETRY, Outcome.WAITING) or state == Outcome.UNCERTAIN
        if not (is_dead(state, scope, due_at) or (item.named and goes_by_itself)):
            continue
        row = locked(cursor, str(posting))
        if row is not None and send_again(cursor, row) is None:
            place = f"{item.source.topic}[{item.source.partition}]@{item.source.offset}"
            record_action(cursor, f"record {place}", "postings.put_back", str(posting), {"was": state})
            done += 1
    return done


def close_rejections(cursor: Cursor[TupleRow], closed: Sequence[tuple[EarlierRejection, int]]) -> None:
    """Rejected input whose record came once more and could be read: it is that posting now."""
    if not closed:
        return
    cursor.execute(
        """
        UPDATE rejected_input SET state = 'replayed' WHERE id = ANY(%s) AND state IN ('rejected', 'held')
        """,
        ([row.id for row, _ in closed],),
    )
    cursor.executemany(
        'UPDATE input_record SET posting_id = %s WHERE topic = %s AND partition = %s AND "offset" = %s',
        [(posting, row.source.topic, row.source.partition, row.source.offset) for row, posting in closed],
    )
