"""The benchmarks run and say what they should; how fast anything is, is not a test's business."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import backlog, delivery, history, isolation, realtime, recovering, replaying, report
from bench.peers.contest import double, final_books, missing, peer
from bench.peers.stage import Work
from bench.place import Place, connected
from bench.run import SMALL, Results, compare
from ops.embedded import KafkaNode
from tests import services


@pytest.fixture(scope="module")
def place(own_kafka: KafkaNode, postgres: str) -> Iterator[Place]:
    with (
        services.fresh_database(postgres) as url,
        tempfile.TemporaryDirectory() as folder,
        connected(own_kafka.bootstrap_servers, url, Path(folder)) as found,
    ):
        yield found


def test_a_run_books_everything_and_reports_ratios_stages_and_delays(place: Place, tmp_path: Path) -> None:
    naive = delivery.measure_naive(place, SMALL.naive)
    ours = delivery.measure(place, SMALL.delivery)
    two = delivery.measure(place, SMALL.latency[1])
    delays = realtime.measure(place, SMALL.light)
    results = Results(delivery=compare(ours, naive), latency=(two,), realtime=delays)

    assert naive.documents == SMALL.naive.documents
    assert ours.documents == place.one(
        "SELECT count(*) FROM posting WHERE state = 'booked' AND kind = 'sales_invoice'"
        " AND administration_id = ANY(%s)",
        SMALL.delivery.names,
    )
    assert {"engine", "receiver", "writer", "publisher"} <= ours.stages_ms.keys()
    assert ours.share_of_ideal is None
    assert two.processes == 2
    assert two.share_of_ideal is not None
    assert 0 < two.share_of_ideal <= 1.05
    # What takes part of a whole is at most the whole.
    assert delays.p50_ms >= delays.package_p50_ms >= SMALL.light.latency_ms
    assert delays.documents == SMALL.light.per_second * SMALL.light.seconds

    path = tmp_path / "results" / "smoke.json"
    report.save(results, path)
    written = json.loads(path.read_text())
    assert written["delivery"]["cpu_ratio"] == results.delivery.cpu_ratio  # type: ignore[union-attr]
    assert written["intake"] is None
    assert any("share of the ideal" in what for what, _, _ in report.rows(results))


def test_a_long_history_is_there_when_its_cost_is_measured(place: Place) -> None:
    plan = SMALL.history
    cost = history.measure(place, plan)
    assert cost.ratio > 0
    assert place.one("SELECT count(*) FROM posting_archive") == plan.archived
    assert place.one("SELECT count(*) FROM posting WHERE document_id LIKE 'past-%%'") == plan.recent
    assert any("history" in what for what, _, _ in report.rows(Results(history=cost)))


def test_sick_administrations_are_tried_while_the_others_are_booked(place: Place) -> None:
    plan = SMALL.isolation
    found = isolation.measure(place, plan)
    assert len(found.with_ms) == len(found.without_ms) == plan.pairs
    assert found.sick_attempts > 0
    assert min(found.with_ms) >= plan.latency_ms


def test_every_administration_of_a_killed_worker_books_again_after_the_lease(place: Place) -> None:
    found = recovering.measure(place, SMALL.recovery)
    assert found.takeovers > 0
    # The other worker may not begin before the lease is over, which was renewed at most so long before.
    assert found.worst_seconds >= found.median_seconds > found.lease / 2


def test_a_dry_run_and_a_count_see_the_same_postings(place: Place) -> None:
    found = replaying.measure(place, SMALL.replay)
    assert found.ratio > 0
    assert found.by_filter["state"].matching == SMALL.replay.postings
    assert place.one("SELECT count(*) FROM posting WHERE code = %s", replaying.CODE) == 0
    assert place.one("SELECT count(*) FROM lane WHERE administration_id LIKE 'rejected-%%'") == 0
    shown = [what for what, _, _ in report.rows(Results(replay=found))]
    assert any(found.worst in what for what in shown)


def test_a_worker_starts_into_a_queue(place: Place) -> None:
    plan = SMALL.backlog
    found = backlog.start(place, plan, "long", plan.long)
    assert found.documents == plan.long
    assert found.first_seconds > 0
    assert found.peak_megabytes > 0
    half = replace(found, first_seconds=found.first_seconds / 2)
    results = Results(backlog=backlog.Backlog(long=found, short=found, empty=half))
    assert [figure for what, figure, _ in report.rows(results) if what.startswith("backlog")] == [
        "1.00 ×",
        "2.00 ×",
    ]


def test_answers_that_are_cut_make_the_naive_loop_book_twice(place: Place) -> None:
    work = Work(administrations=2, each=6, latency_ms=0, cut=0.5)
    naive = peer("naive", lambda given: [sys.executable, "-m", "bench.peers.programs.naive_loop", str(given)])
    books = final_books(place, naive, work, kills=0, quiet=2)
    assert missing(work, books) == 0
    assert double(books) > 0
