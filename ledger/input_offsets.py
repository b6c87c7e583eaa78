"""Where receivers read on: the input offsets, moved in the transaction that stores the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow


class OffsetConflict(Exception):
    """Another receiver has moved this partition on; seek to the ledger's offset and go on from there."""


def next_offsets(
    cursor: Cursor[TupleRow], partitions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Where to read on, per partition that has been read before."""
    wanted = list(partitions)
    cursor.execute(
        """
        SELECT o.topic, o.partition, o.next_offset FROM input_offset o
          JOIN unnest(%s::text[], %s::integer[]) AS v (topic, partition) USING (topic, partition)
        """,
        ([topic for topic, _ in wanted], [partition for _, partition in wanted]),
    )
    return {(topic, partition): offset for topic, partition, offset in cursor.fetchall()}


def advance_offsets(cursor: Cursor[TupleRow], moves: Sequence[tuple[str, int, int, int]]) -> None:
    """Move (topic, partition, from, to); raises `OffsetConflict` when another receiver has moved on."""
    cursor.execute(
        """
        INSERT INTO input_offset AS o (topic, partition, next_offset)
        SELECT v.topic, v.partition, v.upto
          FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[])
               AS v (topic, partition, start, upto)
         ORDER BY 1, 2
        ON CONFLICT (topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset
         WHERE o.next_offset <= (
               SELECT v.start
                 FROM unnest(%s::text[], %s::integer[], %s::bigint[]) AS v (topic, partition, start)
                WHERE v.topic = o.topic AND v.partition = o.partition)
        RETURNING o.topic
        """,
        (
            [move[0] for move in moves],
            [move[1] for move in moves],
            [move[2] for move in moves],
            [move[3] for move in moves],
            [move[0] for move in moves],
            [move[1] for move in moves],
            [move[2] for move in moves],
        ),
    )
    if len(cursor.fetchall()) != len(moves):
        raise OffsetConflict
