"""What the ledger already has of the documents, relations and events in a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.admission import Known, SourceRecord, kind_of
from schemas.reading import ReadEvent


def known_sources(cursor: Cursor[TupleRow], sources: Sequence[SourceRecord]) -> set[SourceRecord]:
    """Which of these records the ledger has received before."""
    cursor.execute(
        """
        SELECT i.topic, i.partition, i."offset" FROM input_record i
          JOIN unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, o)
            ON i.topic = v.topic AND i.partition = v.partition AND i."offset" = v.o
        """,
        (
            [source.topic for source in sources],
            [source.partition for source in sources],
            [source.offset for source in sources],
        ),
    )
    return {SourceRecord(*row) for row in cursor.fetchall()}


def known_revisions(
    cursor: Cursor[TupleRow], invoices: Sequence[ReadEvent]
) -> defaultdict[tuple[str, str, str], list[tuple[Known, int]]]:
    """Revisions of the invoices' documents, archived ones included, with the id of their posting."""
    found: defaultdict[tuple[str, str, str], list[tuple[Known, int]]] = defaultdict(list)
    if invoices:
        cursor.execute(
            """
            SELECT p.administration_id, p.kind, p.document_id, p.revision, p.content_hash,
                   p.original_hash, p.id
              FROM posting_all p
              JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[], %s::text[])
                                           AS u (administration, kind, document)) v
                ON p.administration_id = v.administration AND p.kind = v.kind AND p.document_id = v.document
            """,
            (
                [event.envelope.partition_key for event in invoices],
                [kind_of(event) for event in invoices],
                [event.data.id for event in invoices],
            ),
        )
        for administration, kind, document, revision, content_hash, original, number in cursor.fetchall():
            known = Known.of(revision, content_hash, original)
            found[administration, kind, document].append((known, number))
    return found


def known_relations(cursor: Cursor[TupleRow], relations: Sequence[ReadEvent]) -> dict[tuple[str, str], Known]:
    """The newest revision of each relation, locked until commit."""
    if not relations:
        return {}
    cursor.execute(
        """
        SELECT r.administration_id, r.relation_id, r.revision, r.content_hash, r.original_hash
          FROM relation r
          JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS u (administration, relation)) v
            ON r.administration_id = v.administration AND r.relation_id = v.relation
           FOR UPDATE OF r
        """,
        ([event.envelope.partition_key for event in relations], [event.data.id for event in relations]),
    )
    return {
        (a, r): Known.of(revision, content_hash, original)
        for a, r, revision, content_hash, original in cursor.fetchall()
    }


def relation_postings(cursor: Cursor[TupleRow], relations: Sequence[ReadEvent]) -> dict[tuple[str, str], int]:
    """The one posting of each relation."""
    if not relations:
        return {}
    cursor.execute(
        """
        SELECT p.administration_id, p.document_id, p.id FROM posting p
          JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS u (administration, relation)) v
            ON p.administration_id = v.administration AND p.kind = 'relation' AND p.document_id = v.relation
        """,
        ([event.envelope.partition_key for event in relations], [event.data.id for event in relations]),
    )
    return {(administration, relation): number for administration, relation, number in cursor.fetchall()}


def known_events(cursor: Cursor[TupleRow], events_: Sequence[ReadEvent]) -> dict[tuple[str, str], bytes]:
    """The content that came under these event ids before."""
    if not events_:
        return {}
    cursor.execute(
        """
        SELECT i.event_source, i.event_id, i.content_hash FROM input_record i
          JOIN unnest(%s::text[], %s::text[]) AS v (source, id)
            ON i.event_source = v.source AND i.event_id = v.id
         WHERE i.content_hash IS NOT NULL
        """,
        ([event.envelope.source for event in events_], [event.envelope.id for event in events_]),
    )
    return {(source, number): bytes(content_hash) for source, number, content_hash in cursor.fetchall()}


def new_ids(cursor: Cursor[TupleRow], count: int) -> Iterator[int]:
    """So many new posting ids, rising."""
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('posting', 'id')) FROM generate_series(1, %s)", (count,)
    )
    return iter(sorted(row[0] for row in cursor.fetchall()))
