"""Delivery: how many documents a worker books, what that costs, and how near it comes to the ideal.

Relations are written and sessions opened before the clock starts. Then nothing is delivered until all
invoices have been received, so that receiving and delivering are seen apart; a worker's processor time per
document is that of both together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.cpu import family_seconds, machine_seconds, process_seconds
from bench.documents import invoice, relation
from bench.naive import NaiveResult, NaiveSpec
from bench.naive import run as run_naive
from bench.place import Place, Simulator, simulator, until
from bench.worker_process import Usage, WorkerProcess, WorkerSpec, workers
from ops.simulated_company import credentials_of

IDEAL_FROM, IDEAL_TO = 0.1, 0.9
"""The share of the documents between which the rate is taken: with a start and an end there is no ideal."""

_BOOKED = "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND kind = %s AND state = 'booked'"


@dataclass(frozen=True)
class Load:
    """How much is delivered, and by how many processes."""

    name: str
    administrations: int
    invoices_each: int
    processes: int = 1
    latency_ms: float = 0

    @property
    def names(self) -> list[str]:
        return [f"{self.name}-{number:03}" for number in range(self.administrations)]

    @property
    def documents(self) -> int:
        return self.administrations * self.invoices_each


@dataclass(frozen=True)
class Delivered:
    """What one load showed; milliseconds of processor are per document.

    Attributes:
        documents_per_second: between a tenth and nine tenths of the documents.
        share_of_ideal: of each lane calling back to back with nothing between; None without latency.
        worker_ms: of all worker processes, receiving and publishing included.
        stages_ms: the same by stage, over both phases.
        receiving_ms: the part of `worker_ms` before anything was delivered.
        postgres_ms: of all of PostgreSQL's processes.
        simulator_ms: of the simulator, in the time of delivery.
        peak_megabytes: the most that a worker process has held.
        others_cores: how many cores were busy with what is not this benchmark, in the time of delivery. Far
            from 0, figures that come from a clock mean nothing.
    """

    administrations: int
    documents: int
    processes: int
    latency_ms: float
    documents_per_second: float
    share_of_ideal: float | None
    worker_ms: float
    stages_ms: Mapping[str, float]
    receiving_ms: float
    postgres_ms: float
    simulator_ms: float
    peak_megabytes: float
    others_cores: float


def measure(place: Place, load: Load) -> Delivered:
    """Deliver one load."""
    with simulator(load.latency_ms) as simulated, _running(place, load, simulated) as running:
        return _deliver(place, load, simulated, running)


def measure_naive(place: Place, load: Load) -> NaiveResult:
    """The naive loop over the same load."""
    topic = f"bench.{load.name}.v1"
    place.create_topic(topic)
    with simulator(load.latency_ms) as simulated:
        companies = {name: credentials_of(simulated.company(name)) for name in load.names}
        place.forward(_invoices(load), topic)
        return run_naive(
            NaiveSpec(
                place.bootstrap_servers,
                topic,
                topic,
                load.documents,
                {
                    name: {key: str(value) for key, value in given.items()}
                    for name, given in companies.items()
                },
            )
        )


@contextmanager
def _running(place: Place, load: Load, simulated: Simulator) -> Iterator[Sequence[WorkerProcess]]:
    """Workers that hold the load's administrations, connected and with their relations written."""
    names = load.names
    place.connect(simulated, names)
    spec = WorkerSpec(
        place.database_url,
        place.bootstrap_servers,
        place.vault_key,
        # What an operator of two processes sets, so that the first does not lease everything.
        connections=-(-load.administrations // load.processes),
    )
    with workers([spec] * load.processes, str(place.folder / "workers.log")) as running:
        place.forward(relation(name) for name in names)
        until(lambda: place.one(_BOOKED, names, "relation") == len(names), "the relations are written")
        yield running
    place.disconnect(names)


def _deliver(place: Place, load: Load, simulated: Simulator, running: Sequence[WorkerProcess]) -> Delivered:
    names, postgres = load.names, place.postgres_pid()
    database = family_seconds(postgres)
    begin = [worker.usage() for worker in running]
    with place.held_back():
        place.forward(_invoices(load))
        until(
            lambda: (
                place.one("SELECT count(*) FROM posting WHERE administration_id = ANY(%s)", names)
                == load.documents + len(names)
            ),
            "everything is received",
            every=0.2,
        )
        received = [worker.usage() for worker in running]
        simulating = process_seconds(simulated.process.pid)
        began, others = time.monotonic(), _others()
    until(
        lambda: place.one(_BOOKED, names, "sales_invoice") == load.documents,
        "everything is booked",
        every=0.2,
    )
    simulating = process_seconds(simulated.process.pid) - simulating
    others = (_others() - others) / (time.monotonic() - began)
    until(lambda: place.one("SELECT count(*) FROM outbox") == 0, "everything is published")
    end = [worker.usage() for worker in running]
    database = family_seconds(postgres) - database
    rate = _rate(place, load)
    ideal = load.administrations / (load.latency_ms / 1000) if load.latency_ms else None
    per_document = 1000 / load.documents
    return Delivered(
        administrations=load.administrations,
        documents=load.documents,
        processes=load.processes,
        latency_ms=load.latency_ms,
        documents_per_second=rate,
        share_of_ideal=rate / ideal if ideal else None,
        worker_ms=_total(begin, end) * per_document,
        stages_ms={name: used * per_document for name, used in _stages(begin, end).items()},
        receiving_ms=_total(begin, received) * per_document,
        postgres_ms=database * per_document,
        simulator_ms=simulating * per_document,
        peak_megabytes=max(usage.peak_megabytes for usage in end),
        others_cores=max(0.0, others),
    )


def _others() -> float:
    """Seconds that the machine worked for other programs; what we started are our children."""
    return machine_seconds() - family_seconds(os.getpid())


def _rate(place: Place, load: Load) -> float:
    """Documents per second by the ledger's own times."""
    row = place.ledger.execute(
        """
        SELECT count(*), extract(epoch FROM max(changed_at) - min(changed_at))
          FROM (SELECT changed_at, percent_rank() OVER (ORDER BY changed_at) AS part
                  FROM posting WHERE administration_id = ANY(%s) AND kind = 'sales_invoice') p
         WHERE part BETWEEN %s AND %s
        """,
        (load.names, IDEAL_FROM, IDEAL_TO),
    ).fetchone()
    assert row is not None
    return float(row[0]) / float(row[1])


def _invoices(load: Load) -> Iterator[dict[str, object]]:
    """Round by round, as they would come from many customers at once."""
    for number in range(load.invoices_each):
        for name in load.names:
            yield invoice(name, number)


def _total(before: Sequence[Usage], after: Sequence[Usage]) -> float:
    return sum(later.total - earlier.total for earlier, later in zip(before, after, strict=True))


def _stages(before: Sequence[Usage], after: Sequence[Usage]) -> dict[str, float]:
    """By stage; `other` is what the process used outside the threads that still run."""
    used: dict[str, float] = {}
    for earlier, later in zip(before, after, strict=True):
        for name, seconds in later.stages.items():
            used[name] = used.get(name, 0.0) + seconds - earlier.stages.get(name, 0.0)
    used["other"] = used.get("other", 0.0) + max(0.0, _total(before, after) - sum(used.values()))
    return used
