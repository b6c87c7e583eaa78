"""Metrics have typed names by the conventions, and labels that cannot grow with the number of customers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from telemetry import metrics

ALLOWED_LABELS = {
    "topic",
    "went",
    "code",
    "package",
    "outcome",
    "operation",
    "status",
    "done",
    "given",
    "group",
    "period",
    "part",
}
UNITS = ("_seconds", "_records", "_events", "_ratio")


def every() -> list[MetricWrapperBase]:
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def value(name: str, **labels: str) -> float:
    return metrics.OWN.get_sample_value(name, labels) or 0.0


def test_labels_are_closed_lists() -> None:
    assert every()
    for metric in every():
        assert set(metric._labelnames) <= ALLOWED_LABELS, metric._name


def test_names_carry_the_prefix_and_a_sentence() -> None:
    for metric in every():
        assert metric._name.startswith("koppeling_")
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", metric._name)
        assert metric._documentation.endswith(".")


def test_names_end_in_their_unit() -> None:
    for metric in every():
        if isinstance(metric, Histogram):
            assert metric._name.endswith("_seconds"), metric._name
        if isinstance(metric, Counter | Gauge) and "_seconds" in metric._name:
            assert metric._name.endswith(UNITS), metric._name


def test_a_booked_invoice_counts_from_enks_event_time() -> None:
    told = datetime(2026, 4, 1, 12, tzinfo=UTC)
    before = value("koppeling_time_to_booked_seconds_sum", package="test")
    metrics.booked("test", told, told + timedelta(seconds=90))
    assert value("koppeling_time_to_booked_seconds_sum", package="test") - before == 90
    # ENK's clock may be ahead of ours
    metrics.booked("test", told, told - timedelta(seconds=5))
    assert value("koppeling_time_to_booked_seconds_sum", package="test") - before == 90


def test_a_call_is_counted_by_operation_and_status() -> None:
    metrics.called("test", "book", 201, 0.2)
    metrics.called("test", "book", None, 30.0)
    for status in ("201", "none"):
        assert value("koppeling_package_calls_total", package="test", operation="book", status=status) == 1
    assert value("koppeling_package_call_seconds_count", package="test", operation="book") == 2


def test_a_gauge_shows_exactly_what_is_there_now() -> None:
    metrics.show(metrics.BREAKERS_OPEN, {("king",): 1, ("snelstart",): 1})
    metrics.show(metrics.BREAKERS_OPEN, {("king",): 1})
    text = generate_latest(metrics.STANDING).decode()
    assert 'koppeling_breakers_open{package="king"} 1.0' in text
    assert 'koppeling_breakers_open{package="snelstart"}' not in text
    metrics.show(metrics.BREAKERS_OPEN, {})
    assert "koppeling_breakers_open{" not in generate_latest(metrics.STANDING).decode()


@pytest.mark.parametrize("name", ["koppeling_completions_total", "koppeling_writes_after_fencing_total"])
def test_what_alerts_wait_for_is_there_before_its_first_time(name: str) -> None:
    assert metrics.OWN.get_sample_value(name, {"package": "never"}) is None
    metrics.begin(["never"])
    assert metrics.OWN.get_sample_value(name, {"package": "never"}) == 0
    metrics.COMPLETIONS.remove("never")
    metrics.WRITES_AFTER_FENCING.remove("never")
