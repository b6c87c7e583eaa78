"""The benchmarks run and say what they should; how fast anything is, is not a test's business."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import delivery, history, realtime, report
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
