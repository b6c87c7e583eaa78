"""Metrics can be scraped, and their labels cannot grow with the number of customers."""

import urllib.request

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.metrics import MetricWrapperBase

from telemetry import metrics

ALLOWED_LABELS = {"topic", "went", "code", "package", "outcome", "operation", "status", "done", "given"}


def _all() -> list[MetricWrapperBase]:
    return [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


def test_labels_are_closed_lists() -> None:
    assert _all()
    for metric in _all():
        assert set(metric._labelnames) <= ALLOWED_LABELS, metric._name


def test_names_carry_the_prefix_and_a_sentence() -> None:
    for metric in _all():
        assert metric._name.startswith("koppeling_")
        assert metric._documentation.endswith(".")


def test_a_count_can_be_scraped() -> None:
    metrics.PACKAGE_CALLS.labels("snelstart", "book", "201").inc()
    server, thread = start_http_server(0, addr="127.0.0.1", registry=REGISTRY)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert 'koppeling_package_calls_total{operation="book",package="snelstart",status="201"}' in text
