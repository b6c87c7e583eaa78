"""What a long history costs: the same load on an empty ledger and on one with a million finished documents.

A fifth of them are recent (with payload, among the postings), the rest is past its retention: in the
archive, over six years, in the administrations that the load works for. They stay: nothing else is measured
in this ledger afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import delivery
from bench.delivery import Delivered, Load
from bench.place import PACKAGE, Place, until
from ledger.archive import ensure_year

GOAL = 1.1
FILLED = ("posting", "posting_history", "input_record", "document_sequence")
YEARS = range(2019, 2025)
PAYLOAD_BYTES = 1_500


@dataclass(frozen=True)
class Long:
    """How long the history is, and the load; each is measured `rounds` times, the least counts."""

    documents: int = 1_000_000
    load: Load = field(default_factory=lambda: Load("history", 60, 50))
    rounds: int = 2

    @property
    def recent(self) -> int:
        return self.documents // 5

    @property
    def archived(self) -> int:
        return self.documents - self.recent


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor a document, of the workers and PostgreSQL together.

    `worker_ratio` is of the workers alone: what the history costs PostgreSQL is not in it.
    """

    documents: int
    empty_ms: float
    full_ms: float
    worker_ratio: float
    goal: float = GOAL

    @property
    def ratio(self) -> float:
        """With the history by without."""
        return self.full_ms / self.empty_ms


def measure(place: Place, plan: Long) -> Cost:
    """Both, the empty ledger first. What PostgreSQL does by itself in the background is not measured."""
    for table in FILLED:
        place.ledger.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
    empty = [delivery.measure(place, _load(plan, f"empty-{n}")) for n in range(plan.rounds)]
    loads = [_load(plan, f"full-{n}") for n in range(plan.rounds)]
    fill(place, plan, [name for load in loads for name in load.names])
    place.ledger.execute("CHECKPOINT")
    until(lambda: place.one(_AUTOVACUUM) == 0, "PostgreSQL has tidied up", every=1.0)
    full = [delivery.measure(place, load) for load in loads]
    return Cost(
        plan.documents,
        min(map(_cost, empty)),
        min(map(_cost, full)),
        min(one.worker_ms for one in full) / min(one.worker_ms for one in empty),
    )


_AUTOVACUUM = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"


def _load(plan: Long, name: str) -> Load:
    return Load(f"{plan.load.name}-{name}", plan.load.administrations, plan.load.invoices_each)


def _cost(found: Delivered) -> float:
    return found.worker_ms + found.postgres_ms


def fill(place: Place, plan: Long, names: Sequence[str]) -> None:
    """Finished documents, with all that the ledger keeps of them."""
    ledger = place.ledger
    ledger.execute(
        """
        INSERT INTO posting (administration_id, package, kind, document_id, revision, number, match_key,
               relation_id, issue_date, gross, payload, content_hash, event_id, event_source, event_time,
               source_topic, source_partition, source_offset, state, package_number, package_id)
        SELECT 'past-' || n %% 500, %(package)s, 'sales_invoice', 'past-' || n, 1, 'P' || n, 'P' || n,
               'rel-' || n %% 100, '2026-01-31', 121.00,
               convert_to(repeat(md5(n::text), %(repeats)s), 'UTF8'), sha256(n::text::bytea),
               'past-' || n, '/enk', now() - interval '30 days', 'enk.invoices.v1',
               n %% 48, 900000000 + n, 'booked', n::text, gen_random_uuid()::text
          FROM generate_series(1, %(recent)s) n
        """,
        {"package": str(PACKAGE), "repeats": PAYLOAD_BYTES // 32, "recent": plan.recent},
    )
    ledger.execute(
        """
        INSERT INTO posting_history (posting_id, state, attempt)
        SELECT id, 'booked', 1 FROM posting WHERE administration_id LIKE 'past-%'
        """
    )
    ledger.execute(
        """
        INSERT INTO input_record (topic, partition, "offset", event_source, event_id, content_hash,
               posting_id, became)
        SELECT source_topic, source_partition, source_offset, event_source, event_id, content_hash, id,
               'posting'
          FROM posting WHERE administration_id LIKE 'past-%'
        """
    )
    for year in YEARS:
        ensure_year(ledger, year)
    ledger.execute(
        """
        INSERT INTO posting_archive (id, finished_on, administration_id, package, kind, document_id, revision,
               number, match_key, relation_id, issue_date, gross, content_hash, event_id, event_time,
               source_topic, source_partition, source_offset, received_at, state, changed_at, attempt,
               package_number, package_id)
        SELECT 1000000000 + n, make_date(%(first)s + n %% %(years)s, 1 + n %% 12, 1 + n %% 28),
               (%(names)s::text[])[1 + n %% %(administrations)s], %(package)s, 'sales_invoice',
               'old-' || n, 1, 'O' || n, 'O' || n, 'rel-' || n %% 100, '2019-01-31', 121.00,
               sha256(n::text::bytea), 'old-' || n, now() - interval '3 years', 'enk.invoices.v1',
               n %% 48, 800000000 + n,
               now() - interval '3 years', 'booked', now() - interval '3 years', 1, n::text,
               gen_random_uuid()::text
          FROM generate_series(1, %(archived)s) n
        """,
        {
            "first": YEARS[0],
            "years": len(YEARS),
            "names": list(names),
            "administrations": len(names),
            "package": str(PACKAGE),
            "archived": plan.archived,
        },
    )
    ledger.execute(
        """
        INSERT INTO document_sequence (document, sequence)
        SELECT administration_id || chr(31) || kind || chr(31) || document_id, 4294967297 FROM posting_all
         WHERE document_id LIKE 'past-%' OR document_id LIKE 'old-%' ON CONFLICT DO NOTHING
        """
    )
    for table in (*FILLED, "posting_archive"):
        ledger.execute(f"VACUUM (ANALYZE) {table}".encode())
