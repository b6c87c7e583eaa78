"""Replay: what a dry run over a million postings costs, by a bare count of the same postings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.place import PACKAGE, Place
from ledger.overview import PostingFilter
from ops.replay.actions import dry_run

GOAL = 3.0
CODE = "not_found_ledger_account"


@dataclass(frozen=True)
class Rows:
    """How many postings match; each of both is measured `rounds` times, the least counts."""

    postings: int = 1_000_000
    administrations: int = 500
    rounds: int = 3


@dataclass(frozen=True)
class DryRun:
    """Seconds of both."""

    postings: int
    dry_run_seconds: float
    count_seconds: float
    goal: float = GOAL

    @property
    def ratio(self) -> float:
        """The dry run by the count."""
        return self.dry_run_seconds / self.count_seconds


def measure(place: Place, plan: Rows) -> DryRun:
    """Fill the ledger with rejected invoices, then measure both in turn; leaves nothing behind."""
    wanted = PostingFilter(package=str(PACKAGE), code=CODE)
    _fill(place, plan)
    try:
        counted, previewed = [], []
        for _ in range(plan.rounds):
            counted.append(_seconds(lambda: _count(place, plan)))
            previewed.append(_seconds(lambda: dry_run(place.ledger, wanted)))
    finally:
        place.ledger.execute("DELETE FROM posting WHERE code = %s", (CODE,))
        place.ledger.execute("VACUUM (ANALYZE) posting")
    return DryRun(plan.postings, min(previewed), min(counted))


def _count(place: Place, plan: Rows) -> None:
    found = place.one("SELECT count(*) FROM posting p WHERE p.package = %s AND p.code = %s", PACKAGE, CODE)
    if found != plan.postings:
        raise RuntimeError(f"{found} postings match, not {plan.postings}")


def _fill(place: Place, plan: Rows) -> None:
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


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
