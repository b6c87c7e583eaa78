"""How many postings stand how, counted in an index: for filters that the index `posting_standing` can tell.

A pass over the rows of a million postings reads gigabytes, where a bare count reads eight megabytes of an
index. So groups are found by going from each to the next in the index, and what becomes of the same is
counted together there. That knows nothing of what only few postings have (a call under way, a later
revision, a doubt without a time): those are read, and counted as what they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg.rows import TupleRow

from ledger.overview import FINAL, PostingFilter
from ledger.replay_groups import Conditions, Group

_COLUMNS = "state, kind, look_up_first, package"


def _listed(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


# What becomes of the others depends on nothing but their own row.
_NEEDS_ADMINISTRATION = f"state NOT IN ({_listed((*FINAL, 'posting', 'received'))})"
_IS_OPEN = f"state NOT IN ({_listed(FINAL)})"

_SAME = "p.state = k.state AND p.kind = k.kind AND p.look_up_first = k.look_up_first"

# Two conditions, not one with OR: each is a range of the index.
_OF_PACKAGE = "p.package = k.package"
_OF_NONE = "p.package IS NULL AND k.package IS NULL"


def covers(wanted: PostingFilter) -> bool:
    """Whether the index can tell which postings match."""
    return not (
        wanted.field or wanted.numbers or wanted.ids or wanted.since or wanted.until or wanted.needs_somebody
    )


def census(where: Conditions) -> str:
    """SQL of groups of postings that stand alike.

    `number`, how many they are, is NULL where `count_together` is to count them; `first` and `last` are ids
    of those that were read.
    """
    return f"""
        WITH RECURSIVE found AS (
            (SELECT {_COLUMNS} FROM posting ORDER BY {_COLUMNS} LIMIT 1)
            UNION ALL
            SELECT n.state, n.kind, n.look_up_first, n.package FROM found k CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM (
                    (SELECT {_COLUMNS} FROM posting p WHERE {_SAME} AND p.package > k.package
                      ORDER BY {_COLUMNS} LIMIT 1)
                    UNION ALL
                    (SELECT {_COLUMNS} FROM posting p
                      WHERE {_SAME} AND p.package IS NULL AND k.package IS NOT NULL LIMIT 1)
                    UNION ALL
                    (SELECT {_COLUMNS} FROM posting p
                      WHERE (p.state, p.kind, p.look_up_first) > (k.state, k.kind, k.look_up_first)
                      ORDER BY {_COLUMNS} LIMIT 1)
                ) x ORDER BY {_COLUMNS} LIMIT 1
            ) n
        ), chosen AS MATERIALIZED (
            SELECT {_COLUMNS} FROM found k WHERE {where.group}
        ), shared AS (
            SELECT {_COLUMNS}, ''::text AS administration_id FROM chosen WHERE {_NEEDS_ADMINISTRATION}
            UNION ALL
            SELECT k.state, k.kind, k.look_up_first, k.package, n.administration_id
              FROM shared k CROSS JOIN LATERAL (
                {_next_administration(_OF_PACKAGE, where)}
                UNION ALL
                {_next_administration(_OF_NONE, where)}
            ) n
        ), apart AS MATERIALIZED (
            SELECT {_COLUMNS}, administration_id, has_no_due, has_intent, is_replaced, count(*) AS number,
                   min(id) AS first, max(id) AS last
              FROM ({_apart(where.posting)}) x GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
        ), taken AS (
            SELECT {_COLUMNS}, administration_id, sum(number)::bigint AS number FROM apart
             GROUP BY 1, 2, 3, 4, 5
        )
        SELECT k.administration_id, k.package, k.kind, k.state, k.look_up_first, false AS has_no_due,
               false AS has_intent, false AS is_replaced, NULL::bigint AS number, NULL::bigint AS first,
               NULL::bigint AS last
          FROM shared k LEFT JOIN taken t
            ON t.state = k.state AND t.kind = k.kind AND t.look_up_first = k.look_up_first
           AND t.package IS NOT DISTINCT FROM k.package AND t.administration_id = k.administration_id
         WHERE k.administration_id <> ''
           AND (({where.code == "true"} AND t.number IS NULL)
                OR {_has_more(_OF_PACKAGE, where)} OR {_has_more(_OF_NONE, where)})
        UNION ALL
        SELECT NULL, package, kind, state, look_up_first, false, false, false, NULL, NULL, NULL
          FROM chosen WHERE NOT {_NEEDS_ADMINISTRATION}
        UNION ALL
        SELECT administration_id, package, kind, state, look_up_first, has_no_due, has_intent, is_replaced,
               number, first, last
          FROM apart
    """


def _next_administration(of_package: str, where: Conditions) -> str:
    return f"""(SELECT p.administration_id FROM posting p
                 WHERE {_SAME} AND {of_package} AND p.administration_id > k.administration_id
                   AND {where.administration}
                 ORDER BY p.administration_id LIMIT 1)"""


def _has_more(of_package: str, where: Conditions) -> str:
    """Whether an administration `k` has others than the `t.number` that are counted apart."""
    return f"""EXISTS (SELECT FROM posting p
                        WHERE {_SAME} AND {of_package} AND p.administration_id = k.administration_id
                          AND {where.code}
                       OFFSET COALESCE(t.number, 0))"""


def _apart(condition: str) -> str:
    """What the index does not tell of a posting, each by an index of its own."""
    columns = """p.id, p.state, p.kind, p.look_up_first, p.package, p.administration_id,
                 p.due_at IS NULL AS has_no_due, p.intent_step IS NOT NULL AS has_intent"""
    return f"""
        SELECT id, {_COLUMNS}, administration_id, has_no_due, has_intent, bool_or(replaced) AS is_replaced
          FROM (
            SELECT {columns}, false AS replaced FROM posting p
             WHERE p.intent_step IS NOT NULL AND p.{_IS_OPEN} AND {condition}
            UNION ALL
            SELECT {columns}, false FROM posting p
             WHERE p.state = 'uncertain' AND p.due_at IS NULL AND {condition}
            UNION ALL
            SELECT {columns}, true FROM posting n
              JOIN posting p ON p.administration_id = n.administration_id AND p.kind = n.kind
                            AND p.document_id = n.document_id AND p.revision < n.revision
             WHERE n.revision > 1 AND n.kind <> 'relation' AND p.{_NEEDS_ADMINISTRATION} AND {condition}
        ) y GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    """


_NEARLY_ALL = 2 / 3
"""From which share of the administrations on a whole range is counted quicker than they are."""


class _Range(NamedTuple):
    """Neighbours in the index."""

    state: str | None
    kind: str
    look_up_first: bool | None
    package: str | None

    @property
    def condition(self) -> str:
        of_package = "p.package IS NULL" if self.package is None else "p.package = %(of_package)s"
        return (
            "p.state = %(of_state)s AND p.kind = %(of_kind)s AND p.look_up_first = %(of_look_up_first)s"
            f" AND {of_package}"
        )

    @property
    def values(self) -> Mapping[str, object]:
        return {f"of_{name}": value for name, value in self._asdict().items()}


def _range_of(group: Group) -> _Range:
    return _Range(group.state, group.kind, group.look_up_first, group.package)


def count_together(
    connection: psycopg.Connection[TupleRow], groups: Iterable[Group], where: Conditions
) -> list[tuple[str, int]]:
    """How many postings the groups of a census have that it left to be counted, by decision.

    By plain counts, which PostgreSQL shares between processes: of some administrations in a range of the
    index; of nearly all by counting the range and taking off the others. Must see what the census saw.
    """
    ranges: dict[_Range, list[Group]] = {}
    for group in groups:
        if not group.is_rejected:
            ranges.setdefault(_range_of(group), []).append(group)
    return [
        one for place, members in ranges.items() for one in _count_range(connection, place, members, where)
    ]


def _count_range(
    connection: psycopg.Connection[TupleRow], place: _Range, members: Sequence[Group], where: Conditions
) -> Iterator[tuple[str, int]]:
    administrations: dict[str, list[str | None]] = {}
    apart: Counter[str | None] = Counter()
    for group in members:
        if group.number is None:
            administrations.setdefault(group.decision, []).append(group.administration)
        else:
            apart[group.administration] += group.number
    if not administrations:
        return
    most, *others = sorted(administrations, key=lambda one: -len(administrations[one]))
    if len(administrations[most]) < _NEARLY_ALL * sum(map(len, administrations.values())):
        others.append(most)
    numbers = {
        decision: _count(connection, place, where, among) - sum(apart[one] for one in among)
        for decision, among in administrations.items()
        if decision in others
    }
    if most not in numbers:
        numbers[most] = _count(connection, place, where) - apart.total() - sum(numbers.values())
    yield from numbers.items()


def _count(
    connection: psycopg.Connection[TupleRow],
    place: _Range,
    where: Conditions,
    administrations: list[str | None] | None = None,
) -> int:
    among = "true" if administrations is None else "p.administration_id = ANY(%(among)s)"
    of_filter = f"{where.administration} AND {where.code}"
    row = connection.execute(
        f"SELECT count(*) FROM posting p WHERE {place.condition} AND {of_filter} AND {among}".encode(),
        {**where.values, **place.values, "among": administrations},
        prepare=False,
    ).fetchone()
    return 0 if row is None else int(row[0])


def some_of(
    connection: psycopg.Connection[TupleRow], group: Group, where: Conditions, replaced: str, limit: int
) -> list[int]:
    """Ids of some postings of a group that the census did not read.

    `replaced` is SQL that says of a posting `p` whether it has a later revision.
    """
    place = _range_of(group)
    rows = connection.execute(
        f"""
        SELECT p.id FROM posting p
         WHERE {place.condition} AND p.administration_id = %(of_administration)s AND {where.posting}
           AND p.intent_step IS NULL AND NOT (p.state = 'uncertain' AND p.due_at IS NULL) AND NOT {replaced}
         LIMIT %(limit)s
        """.encode(),
        {**where.values, **place.values, "of_administration": group.administration, "limit": limit},
    ).fetchall()
    return [number for (number,) in rows]
