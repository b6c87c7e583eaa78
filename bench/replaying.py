"""Replay: what a dry run over a million postings costs, by a bare count with the same filter, per filter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.place import PACKAGE, Place
from ledger.overview import PostingFilter
from ops.replay.actions import dry_run

GOAL = 3.0
CODE = "not_found_ledger_account"

NEEDS = "p.state IN ('rejected', 'held') OR p.scope = 'overdue' AND p.state = 'waiting'" + (
    " OR p.state = 'uncertain' AND p.due_at IS NULL"
)

FILTERS: Mapping[str, tuple[PostingFilter, str]] = {
    "everything": (PostingFilter(), "true"),
    "state": (PostingFilter(states=["rejected"]), "p.state = 'rejected'"),
    "code": (PostingFilter(code=CODE), f"p.code = '{CODE}'"),
    "state, code": (
        PostingFilter(states=["rejected"], code=CODE),
        f"p.state = 'rejected' AND p.code = '{CODE}'",
    ),
    "package": (PostingFilter(package=str(PACKAGE)), f"p.package = '{PACKAGE}'"),
    "package, code": (
        PostingFilter(package=str(PACKAGE), code=CODE),
        f"p.package = '{PACKAGE}' AND p.code = '{CODE}'",
    ),
    "kind": (PostingFilter(kind="sales_invoice"), "p.kind = 'sales_invoice'"),
    "needs somebody": (PostingFilter(needs_somebody=True), NEEDS),
    "received since": (
        PostingFilter(since=datetime(2020, 1, 1, tzinfo=UTC)),
        "p.received_at >= '2020-01-01T00:00:00Z'",
    ),
    "field": (
        PostingFilter(field="$.lines[1].ledger_account"),
        "p.field = '$.lines[1].ledger_account'",
    ),
}
"""What is measured: a filter of `koppeling replay`, and the same for a count."""


@dataclass(frozen=True)
class Rows:
    """How many postings there are; both of each filter are measured `rounds` times, the least counts."""

    postings: int = 1_000_000
    administrations: int = 500
    rounds: int = 5


@dataclass(frozen=True)
class Timed:
    """Seconds of both, with one filter, and how many postings match it."""

    matching: int
    dry_run_seconds: float
    count_seconds: float

    @property
    def ratio(self) -> float:
        """The dry run by the count."""
        return self.dry_run_seconds / self.count_seconds


@dataclass(frozen=True)
class DryRun:
    """What both cost, by filter."""

    postings: int
    by_filter: Mapping[str, Timed]
    goal: float = GOAL

    @property
    def worst(self) -> str:
        """The filter with which a dry run costs most counts."""
        return max(self.by_filter, key=lambda name: self.by_filter[name].ratio)

    @property
    def ratio(self) -> float:
        """That of the worst filter."""
        return self.by_filter[self.worst].ratio


def measure(place: Place, plan: Rows) -> DryRun:
    """Fill the ledger with rejected invoices, then measure both in turn; leaves nothing behind."""
    _fill(place, plan)
    try:
        found = {name: _measure(place, *FILTERS[name], plan.rounds) for name in FILTERS}
    finally:
        _remove(place)
    return DryRun(plan.postings, found)


def _measure(place: Place, wanted: PostingFilter, condition: str, rounds: int) -> Timed:
    counted, previewed = [], []
    query = f"SELECT count(*) FROM posting p WHERE {condition}"
    matching = place.one(query)
    seen = sum(dry_run(place.ledger, wanted).counts.values())
    if seen != matching:
        raise RuntimeError(f"{matching} postings match {condition}, the dry run saw {seen}")
    for _ in range(rounds):
        counted.append(_seconds(lambda: place.one(query)))
        previewed.append(_seconds(lambda: dry_run(place.ledger, wanted)))
    return Timed(matching, min(previewed), min(counted))


def _fill(place: Place, plan: Rows) -> None:
    """Rejected invoices of administrations that are connected; each tenth of them is held."""
    place.ledger.execute(
        """
        WITH named AS (SELECT 'rejected-' || n AS id, n %% 10 = 0 AS is_held
                         FROM generate_series(0, %(administrations)s - 1) n),
             known AS (INSERT INTO administration (id, name, package, active, source_partition, source_offset)
                       SELECT id, id, %(package)s, true, 0, 0 FROM named),
             connected AS (INSERT INTO connection (id, package) SELECT id, %(package)s FROM named
                           RETURNING id)
        INSERT INTO lane (administration_id, package, connection_id, held_code)
        SELECT id, %(package)s, id, CASE WHEN is_held THEN 'auth_revoked' END
          FROM connected JOIN named USING (id)
        """,
        {"administrations": plan.administrations, "package": str(PACKAGE)},
    )
    place.ledger.execute(
        """
        INSERT INTO posting (administration_id, package, kind, document_id, revision, number, match_key,
               relation_id, issue_date, gross, payload, content_hash, event_id, event_source, event_time,
               source_topic, source_partition, source_offset, state, code, field, message_nl, message_en,
               who_acts)
        SELECT 'rejected-' || n %% %(administrations)s, %(package)s, 'sales_invoice', 'rejected-' || n, 1,
               'R' || n, 'R' || n, 'rel-' || n %% 100, '2026-01-31', 121.00,
               convert_to(repeat(md5(n::text), 45), 'UTF8'), sha256(n::text::bytea), 'rejected-' || n,
               '/enk', now(), 'enk.invoices.v1', n %% 48, 700000000 + n, 'rejected', %(code)s,
               '$.lines[' || n %% 3 || '].ledger_account', 'bestaat niet', 'does not exist', 'bookkeeper'
          FROM generate_series(1, %(postings)s) n
        """,
        {
            "administrations": plan.administrations,
            "package": str(PACKAGE),
            "code": CODE,
            "postings": plan.postings,
        },
    )
    place.ledger.execute("VACUUM (ANALYZE) posting")


def _remove(place: Place) -> None:
    for table, column in (
        ("posting", "administration_id"),
        ("lane", "administration_id"),
        ("connection", "id"),
        ("administration", "id"),
    ):
        place.ledger.execute(f"DELETE FROM {table} WHERE {column} LIKE 'rejected-%'".encode())
    place.ledger.execute("VACUUM (ANALYZE) posting")


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
