"""Which postings a replay is about and what it would do with each: one query, however many there are.

What becomes of a posting depends on its own row (its *standing*), then on its administration and package. The
dry run counts standings per administration, in an index where the filter allows it (`ledger.replay_census`)
and else in one pass over the rows, and judges the groups; the replay itself judges row by row, with the same
SQL, when it is started and again when a posting has its turn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, class_row

from ledger.overview import ANY_POSITION, FIELD_WITHOUT_POSITIONS, FINAL, PostingFilter, list_postings
from ledger.replay_census import census, count_together, covers, some_of
from ledger.replay_groups import Conditions, Group
from ledger.replay_rows import GOES, Decision, Preview, ReplayId, SampleRow

Unasked = Collection[tuple[str, str]]
"""(package, kind) of what is sent without looking it up first, as the sinks have it."""


def _standing(is_replaced: str, has_no_due: str, has_intent: str) -> str:
    """SQL of a posting's standing; `p` has its state and `look_up_first`."""
    return f"""CASE
    WHEN p.state IN ('booked', 'already_booked', 'adopted', 'filed') THEN 'booked'
    WHEN p.state IN ('superseded', 'discarded') THEN p.state
    WHEN p.state = 'uncertain' THEN CASE WHEN {has_no_due} THEN 'uncertain' ELSE 'look_up' END
    WHEN {has_intent} THEN 'in_flight'
    WHEN p.state = 'posting' THEN 'staged'
    WHEN p.state = 'received' THEN 'on_its_way'
    WHEN {is_replaced} THEN 'superseded'
    WHEN p.state = 'waiting' THEN 'wait'
    WHEN p.look_up_first THEN 'look_up_first'
    ELSE 'send' END"""


_LATER_IN_SETS = """LEFT JOIN (
        SELECT administration_id, kind, document_id, max(revision) AS revision FROM posting
         WHERE revision > 1 AND kind <> 'relation' GROUP BY 1, 2, 3
    ) later ON later.administration_id = p.administration_id AND later.kind = p.kind
           AND later.document_id = p.document_id"""

_HAS_LATER = """EXISTS (SELECT 1 FROM posting n
        WHERE n.administration_id = p.administration_id AND n.kind = p.kind AND n.document_id = p.document_id
          AND n.revision > p.revision AND n.revision > 1 AND n.kind <> 'relation')"""

_STANDING_OF_ROW = _standing("later.revision > p.revision", "p.due_at IS NULL", "p.intent_step IS NOT NULL")
_STANDING_OF_ONE = _standing(_HAS_LATER, "p.due_at IS NULL", "p.intent_step IS NOT NULL")

_REJECTED_STANDING = "CASE WHEN r.state = 'discarded' THEN 'discarded' ELSE 'read_again' END"

_DECISION = """CASE
    WHEN c.standing NOT IN ('send', 'look_up_first', 'look_up', 'wait') THEN c.standing
    WHEN l.connection_id IS NULL THEN 'not_connected'
    WHEN NOT a.active OR l.held_code IS NOT NULL THEN 'administration_held'
    WHEN b.package IS NOT NULL THEN 'package_stopped'
    WHEN c.standing = 'send' AND c.kind <> 'relation'
         AND (l.in_recovery OR c.package || '/' || c.kind <> ALL(%(unasked)s)) THEN 'look_up_first'
    ELSE c.standing END"""

_PLACE = """LEFT JOIN lane l ON l.administration_id = c.administration_id AND l.package = c.package
  LEFT JOIN administration a ON a.id = c.administration_id
  LEFT JOIN package_breaker b ON b.package = c.package"""

# Grouped by plain columns and truth values, of which the planner knows how few there are: then the pass over
# the rows is shared by parallel workers, like that of a bare count.
_PASS = f"""
    SELECT p.administration_id, p.package, p.kind, p.state, p.look_up_first,
           p.due_at IS NULL AS has_no_due, p.intent_step IS NOT NULL AS has_intent,
           later.revision > p.revision AS is_replaced,
           count(*) AS number, min(p.id) AS first, max(p.id) AS last
      FROM posting p {_LATER_IN_SETS}
     WHERE {{condition}} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""

SAMPLED = 12
PER_DECISION = 5
PER_GROUP = 2


def preview(
    connection: psycopg.Connection[TupleRow], wanted: PostingFilter, unasked: Unasked = ()
) -> Preview:
    """A dry run: nothing is written, and nothing that works is in its way."""
    where = _conditions(wanted)
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    with connection.transaction():
        if idle:
            # What is counted in several statements is then of one moment.
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        groups = _groups(connection, covers(wanted), where, unasked)
        numbers = [(group.decision, group.number) for group in groups if group.number is not None]
        if idle:
            # PostgreSQL takes a range of which it skips a column for shorter than it is.
            connection.execute("SET LOCAL min_parallel_index_scan_size = 0")
        numbers += count_together(connection, groups, where)
        going = [group for group in groups if Decision(group.decision).goes]
        examples = _examples(connection, going, where)
        sample = _sample(connection, examples)
    counts: dict[Decision, int] = {}
    for decision, number in numbers:
        counts[Decision(decision)] = counts.get(Decision(decision), 0) + number
    missing = len(set(wanted.ids)) - sum(counts.values())
    if wanted.ids and missing > 0:
        counts[Decision.NOT_FOUND] = missing
    ordered = {decision: counts[decision] for decision in Decision if counts.get(decision)}
    return Preview(ordered, len({group.administration for group in going}), sample)


def _groups(
    connection: psycopg.Connection[TupleRow], in_index: bool, where: Conditions, unasked: Unasked
) -> list[Group]:
    postings = census(where) if in_index else _PASS.format(condition=where.posting)
    query = f"""
        WITH c AS (
            SELECT p.administration_id, p.package, p.kind, p.state, p.look_up_first, p.number, p.first,
                   p.last, false AS is_rejected,
                   {_standing("p.is_replaced", "p.has_no_due", "p.has_intent")} AS standing
              FROM ({postings}) p
            UNION ALL
            SELECT r.administration_id, a.package, r.kind, NULL, NULL, count(*), min(r.id), max(r.id), true,
                   {_REJECTED_STANDING} AS standing
              FROM rejected_input r LEFT JOIN administration a ON a.id = r.administration_id
             WHERE r.state <> 'replayed' AND {where.rejected} GROUP BY 1, 2, 3, 10
        )
        SELECT {_DECISION} AS decision, c.administration_id AS administration, c.number, c.first, c.last,
               c.is_rejected, c.package, c.kind, c.state, c.look_up_first
          FROM c {_PLACE} ORDER BY c.first, c.administration_id, c.kind, c.package, c.state, c.look_up_first
    """
    with connection.cursor(row_factory=class_row(Group)) as cursor:
        cursor.execute(query.encode(), {**where.values, "unasked": _joined(unasked)})
        return cursor.fetchall()


def store_items(cursor: Cursor[TupleRow], run: ReplayId, wanted: PostingFilter, unasked: Unasked) -> int:
    """Make what goes into the items of a replay, in order of arrival; returns how many."""
    where = _conditions(wanted)
    query = f"""
        INSERT INTO replay_item (replay_id, position, posting_id, rejected_id, planned)
        SELECT %(run)s, row_number() OVER (ORDER BY d.received_at, d.posting_id, d.rejected_id),
               d.posting_id, d.rejected_id, d.decision
          FROM (
            SELECT c.received_at, c.posting_id, c.rejected_id, {_DECISION} AS decision
              FROM (
                SELECT p.administration_id, p.package, p.kind, {_STANDING_OF_ROW} AS standing,
                       p.received_at, p.id AS posting_id, NULL::bigint AS rejected_id
                  FROM posting p {_LATER_IN_SETS} WHERE {where.posting}
                UNION ALL
                SELECT r.administration_id, a.package, r.kind, {_REJECTED_STANDING},
                       r.received_at, NULL, r.id
                  FROM rejected_input r LEFT JOIN administration a ON a.id = r.administration_id
                 WHERE r.state <> 'replayed' AND {where.rejected}
              ) c {_PLACE}
          ) d WHERE d.decision = ANY(%(goes)s)
    """
    cursor.execute(
        query.encode(),
        {
            **where.values,
            "run": run,
            "unasked": _joined(unasked),
            "goes": [str(decision) for decision in GOES],
        },
    )
    return cursor.rowcount


def decision_now(cursor: Cursor[TupleRow], posting: int, unasked: Unasked) -> Decision:
    """What becomes of one posting as it stands now; the caller has locked it."""
    query = f"""
        SELECT {_DECISION}
          FROM (SELECT p.administration_id, p.package, p.kind, {_STANDING_OF_ONE} AS standing
                  FROM posting p WHERE p.id = %(id)s) c {_PLACE}
    """
    cursor.execute(query.encode(), {"id": posting, "unasked": _joined(unasked)})
    row = cursor.fetchone()
    return Decision.NOT_FOUND if row is None else Decision(row[0])


def _examples(
    connection: psycopg.Connection[TupleRow], groups: Sequence[Group], where: Conditions
) -> dict[Decision, list[str]]:
    """Ids of some of each decision, of groups that were read first."""
    examples: dict[Decision, list[str]] = {}
    for group in groups:
        ids = examples.setdefault(Decision(group.decision), [])
        if len(ids) < PER_DECISION:
            ids.extend(_of_group(connection, group, where))
    return examples


def _of_group(connection: psycopg.Connection[TupleRow], group: Group, where: Conditions) -> Sequence[str]:
    if group.first is not None:
        prefix = "R" if group.is_rejected else ""
        return [f"{prefix}{one}" for one in dict.fromkeys((group.first, group.last))]
    return [str(one) for one in some_of(connection, group, where, _HAS_LATER, PER_GROUP)]


def _sample(
    connection: psycopg.Connection[TupleRow], examples: Mapping[Decision, Sequence[str]]
) -> tuple[SampleRow, ...]:
    chosen = {one: decision for decision in GOES for one in islice(examples.get(decision, ()), PER_DECISION)}
    shown = dict(islice(chosen.items(), SAMPLED))
    if not shown:
        return ()
    listed = list_postings(connection, PostingFilter(ids=list(shown)))
    return tuple(SampleRow(posting, shown[posting.id]) for posting in listed)


def _joined(unasked: Unasked) -> list[str]:
    return [f"{package}/{kind}" for package, kind in unasked]


def _conditions(wanted: PostingFilter) -> Conditions:
    """The same filter as `list_postings` has, on the tables themselves."""
    posting: list[str] = []
    rejected: list[str] = []
    group: list[str] = []
    values: dict[str, Any] = {}

    def both(name: str, value: object, on_posting: str, on_rejected: str) -> None:
        values[name] = value
        posting.append(on_posting)
        rejected.append(on_rejected)

    def alike(name: str, value: object, condition: str) -> None:
        both(name, value, condition.format("p"), condition.format("r"))

    if wanted.administration is not None:
        alike("administration", wanted.administration, "{}.administration_id = %(administration)s")
    if wanted.package is not None:
        both("package", wanted.package, "p.package = %(package)s", "a.package = %(package)s")
        group.append("k.package = %(package)s")
    if wanted.kind is not None:
        alike("kind", wanted.kind, "{}.kind = %(kind)s")
        group.append("k.kind = %(kind)s")
    if wanted.code is not None:
        alike("code", wanted.code, "{}.code = %(code)s")
    if wanted.field is not None:
        column = FIELD_WITHOUT_POSITIONS if ANY_POSITION in wanted.field else "{}.field"
        alike("field", wanted.field, column + " = %(field)s")
    if wanted.states:
        alike("states", list(wanted.states), "{}.state = ANY(%(states)s)")
        group.append("k.state = ANY(%(states)s)")
    if wanted.numbers:
        alike("numbers", list(wanted.numbers), "{}.number = ANY(%(numbers)s)")
    if wanted.since is not None:
        alike("since", wanted.since, "{}.received_at >= %(since)s")
    if wanted.until is not None:
        alike("until", wanted.until, "{}.received_at < %(until)s")
    if wanted.ids:
        values["posting_ids"], values["rejected_ids"] = _numbers(wanted.ids)
        posting.append("p.id = ANY(%(posting_ids)s::bigint[])")
        rejected.append("r.id = ANY(%(rejected_ids)s::bigint[])")
    if wanted.open_only:
        alike("final", list(FINAL), "{}.state <> ALL(%(final)s)")
        group.append("k.state <> ALL(%(final)s)")
    if wanted.needs_somebody:
        posting.append(
            "(p.state IN ('rejected', 'held') OR (p.state = 'waiting' AND p.scope = 'overdue')"
            " OR (p.state = 'uncertain' AND p.due_at IS NULL))"
        )
        rejected.append("r.state IN ('rejected', 'held')")
    return Conditions(
        posting=" AND ".join(posting) or "true",
        rejected=" AND ".join(rejected) or "true",
        group=" AND ".join(group) or "true",
        administration="p.administration_id = %(administration)s"
        if wanted.administration is not None
        else "true",
        code="p.code = %(code)s" if wanted.code is not None else "true",
        values=values,
    )


def _numbers(ids: Sequence[str]) -> tuple[list[int], list[int]]:
    """Ids as people type them, as the numbers of postings and of rejected input."""
    postings: list[int] = []
    rejected: list[int] = []
    for one in ids:
        digits = one.removeprefix("R")
        if digits.isascii() and digits.isdecimal() and len(digits) <= 18:
            (rejected if one.startswith("R") else postings).append(int(digits))
    return postings, rejected
