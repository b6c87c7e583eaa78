"""More processes: they share the work, take over from each other, and one that restarts disturbs nobody."""

from __future__ import annotations

import signal

import pytest

from schemas.outcome import Package
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until

NUMBERS = tuple(f"20260{number:02}" for number in range(1, 9))


def month(
    pipeline: Pipeline, package: Package = Package.SNELSTART, latency_ms: int | None = None
) -> Administration:
    """An administration whose month is on the topic."""
    administration = pipeline.administration(package)
    if latency_ms is not None:
        administration.fault("latency", latency_ms=latency_ms)
    administration.publish(administration.relation(), *(administration.sale(number) for number in NUMBERS))
    return administration


def booked(administrations: list[Administration]) -> int:
    names = [administration.id for administration in administrations]
    (row,) = administrations[0].pipeline.rows(
        "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND kind = 'sales_invoice'"
        " AND state IN ('booked', 'adopted', 'filed')",
        names,
    )
    return int(row["count"])


def owners(administrations: list[Administration]) -> set[str]:
    """The processes that hold the administrations' connections now."""
    rows = administrations[0].pipeline.rows(
        "SELECT DISTINCT lease_owner FROM connection WHERE id = ANY(%s) AND lease_owner IS NOT NULL",
        [f"{one.package}:{one.id}" for one in administrations],
    )
    return {str(row["lease_owner"]) for row in rows}


def owned_by(administrations: list[Administration], worker: WorkerProcess) -> bool:
    return any(f"-{worker.pid}-" in owner for owner in owners(administrations))


def assert_each_once(administrations: list[Administration]) -> None:
    until(lambda: booked(administrations) == len(administrations) * len(NUMBERS), "everything is booked")
    for administration in administrations:
        books = administration.books()
        assert sorted(entry["number"] for entry in books["sales"]) == list(NUMBERS)
        assert books["doubles"] == []
        assert books["overlapping_writes"]["count"] == 0


def test_workers_share_the_administrations_and_take_over_those_of_a_killed_one(pipeline: Pipeline) -> None:
    workers = [pipeline.worker() for _ in range(3)]
    administrations: list[Administration] = []

    def all_take_part() -> bool:
        # Slow answers, so that there is work left at every moment that matters.
        administrations.append(month(pipeline, latency_ms=150))
        return all(owned_by(administrations, worker) for worker in workers)

    until(all_take_part, "each of three workers holds a connection")
    workers[0].kill()
    assert_each_once(administrations)
    until(lambda: not owned_by(administrations, workers[0]), "nothing is held by the killed one")
    for worker in workers[1:]:
        assert worker.end() == 0


def test_a_rolling_restart_leaves_nothing_in_doubt(pipeline: Pipeline) -> None:
    workers = [pipeline.worker(), pipeline.worker()]
    administrations = [month(pipeline) for _ in range(6)]
    for index in range(len(workers)):
        until(lambda: owners(administrations), "somebody works")
        before = workers[index]
        assert before.end() == 0
        # Given back, not left to expire: nobody has to wait for a lease.
        assert not owned_by(administrations, before)
        workers[index] = pipeline.worker()
        administrations.extend(month(pipeline) for _ in range(2))
    assert_each_once(administrations)
    doubted = pipeline.rows(
        "SELECT p.administration_id FROM posting_history h JOIN posting p ON p.id = h.posting_id"
        " WHERE h.state = 'uncertain' AND p.administration_id = ANY(%s)",
        [administration.id for administration in administrations],
    )
    assert doubted == []
    for worker in workers:
        assert worker.end() == 0


@pytest.mark.parametrize("package", [Package.SNELSTART, Package.KING])
def test_a_worker_for_one_package_leaves_the_others_alone(pipeline: Pipeline, package: Package) -> None:
    other = Package.KING if package is Package.SNELSTART else Package.SNELSTART
    mine, theirs = month(pipeline, package), month(pipeline, other)
    worker = pipeline.worker(packages=(package,))
    until(lambda: booked([mine]) == len(NUMBERS), "its own package is done")
    assert theirs.postings() == []
    everything = pipeline.worker()
    until(lambda: booked([theirs]) == len(NUMBERS), "a worker for all packages does the rest")
    assert (worker.end(), everything.end()) == (0, 0)


def test_a_stopped_worker_that_comes_back_finds_its_connections_taken(pipeline: Pipeline) -> None:
    first = pipeline.worker()
    administrations = [month(pipeline) for _ in range(3)]
    until(lambda: owned_by(administrations, first), "it holds them")
    first.send(signal.SIGSTOP)
    second = pipeline.worker()
    administrations.append(month(pipeline))
    assert_each_once(administrations)
    first.send(signal.SIGCONT)
    more = month(pipeline)
    assert_each_once([*administrations, more])
    assert (first.end(), second.end()) == (0, 0)
