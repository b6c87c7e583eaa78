"""Backlog: what a long queue costs a worker that starts into it.

The documents are in Kafka when the worker starts: 100,000 of them, a thousand, or one. Measured from when
its program is loaded: until the first is booked; and the most memory that it has held when all have been
received and as many booked as there are in the shorter queue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bench.documents import Json, invoice, relation
from bench.place import Place, simulator, until
from bench.worker_process import WorkerSpec, workers

MEMORY_GOAL = 1.3
FIRST_GOAL = 2.0

_RECEIVED = "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND kind = 'sales_invoice'"
_BOOKED = f"{_RECEIVED} AND state = 'booked'"


@dataclass(frozen=True)
class Queues:
    """How many documents wait, over how many administrations."""

    long: int = 100_000
    short: int = 1_000
    administrations: int = 50


@dataclass(frozen=True)
class Started:
    """One start of a worker: seconds to the first booking, and its peak memory in MB."""

    documents: int
    first_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Backlog:
    """The three starts; the ratios are those of the long queue."""

    long: Started
    short: Started
    empty: Started
    memory_goal: float = MEMORY_GOAL
    first_goal: float = FIRST_GOAL

    @property
    def memory_ratio(self) -> float:
        """Peak memory by that with the short queue."""
        return self.long.peak_megabytes / self.short.peak_megabytes

    @property
    def first_ratio(self) -> float:
        """Time to the first booking by that of an empty queue."""
        return self.long.first_seconds / self.empty.first_seconds


def measure(place: Place, plan: Queues) -> Backlog:
    """The empty queue first, the long one last."""
    empty = start(place, plan, "empty", 1)
    short = start(place, plan, "short", plan.short)
    return Backlog(start(place, plan, "long", plan.long), short, empty)


def start(place: Place, plan: Queues, name: str, documents: int) -> Started:
    """One start into a queue of so many documents, for administrations of that name."""
    names = [f"{name}-{number:03}" for number in range(plan.administrations)]
    enough = min(documents, plan.short)
    with simulator(0) as simulated:
        place.connect(simulated, names)
        place.forward(_queue(names, documents))
        spec = WorkerSpec(place.database_url, place.bootstrap_servers, place.vault_key)
        with workers([spec], str(place.folder / "workers.log")) as (worker,):
            began = _now(place)
            until(lambda: place.one(_RECEIVED, names) == documents, "all is received", every=0.5)
            until(lambda: place.one(_BOOKED, names) >= enough, "enough is booked", every=0.2)
            peak = worker.usage().peak_megabytes
        first = place.ledger.execute(
            "SELECT min(changed_at) FROM posting"
            " WHERE administration_id = ANY(%s) AND kind = 'sales_invoice' AND state = 'booked'",
            (names,),
        ).fetchone()
        place.disconnect(names)
    assert first is not None
    return Started(documents, (first[0] - began).total_seconds(), peak)


def _queue(names: list[str], documents: int) -> Iterator[Json]:
    yield from (relation(name) for name in names)
    for number in range(documents):
        yield invoice(names[number % len(names)], number)


def _now(place: Place) -> datetime:
    row = place.ledger.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found
