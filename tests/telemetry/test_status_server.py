"""What a process answers over HTTP, and that a thread that stands still turns it red."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from telemetry import metrics
from telemetry.progress import Progress
from telemetry.status_server import StatusServer
from tests.telemetry.test_progress import Clock


class Looking:
    """Whether the gauges of the whole installation are this process's to publish."""

    def __init__(self) -> None:
        self.here = False
        self.standing = CollectorRegistry()
        Gauge("test_standing", "A gauge of the whole installation.", registry=self.standing).set(4)

    def registries(self) -> list[CollectorRegistry]:
        return [metrics.OWN, self.standing] if self.here else [metrics.OWN]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(clock)


@pytest.fixture
def looking() -> Looking:
    return Looking()


@pytest.fixture
def server(progress: Progress, looking: Looking) -> Iterator[StatusServer]:
    server = StatusServer(progress, looking.registries)
    server.start()
    yield server
    server.stop()


def get(server: StatusServer, page: str) -> tuple[int, Any]:
    answer = httpx.get(f"{server.url}/{page}", trust_env=False)
    return answer.status_code, json.loads(answer.text)


def test_a_thread_that_stands_still_turns_it_red_and_is_named(
    server: StatusServer, progress: Progress, clock: Clock
) -> None:
    pulse = progress.pulse("publisher", 120)
    progress.pulse("receiver", 600)
    go_round, has_gone_round, ending = threading.Event(), threading.Event(), threading.Event()

    def loop() -> None:
        while not ending.is_set():
            go_round.wait()
            go_round.clear()
            pulse.beat()
            has_gone_round.set()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    assert get(server, "healthz")[0] == 200
    clock.now += 121
    status, said = get(server, "healthz")
    assert (status, said["healthy"]) == (503, False)
    assert said["stands_still"] == ["publisher has not moved for 121 s (at most 120 s is normal)"]
    assert {part["part"]: part["healthy"] for part in said["parts"]} == {"publisher": False, "receiver": True}
    assert get(server, "readyz") == (
        503,
        {"ready": False, "stands_still": said["stands_still"], "missing": {"process": "starting"}},
    )
    go_round.set()
    assert has_gone_round.wait(10)
    assert get(server, "healthz")[0] == 200
    ending.set()
    go_round.set()
    thread.join()


def test_a_lane_that_stands_still_is_named(server: StatusServer, progress: Progress, clock: Clock) -> None:
    with progress.tasks("lanes", 120).doing("snelstart adm-1001"):
        clock.now += 500
        status, said = get(server, "healthz")
    assert status == 503
    assert said["stands_still"] == [
        "lanes: snelstart adm-1001 has not moved for 500 s (at most 120 s is normal)"
    ]
    assert get(server, "healthz")[0] == 200


def test_what_is_missing_makes_it_not_ready_but_not_ill(server: StatusServer, progress: Progress) -> None:
    ledger = progress.condition("ledger", "the ledger does not answer")
    assert get(server, "readyz") == (
        503,
        {"ready": False, "stands_still": [], "missing": {"ledger": "the ledger does not answer"}},
    )
    assert get(server, "healthz")[0] == 200
    ledger.met()
    assert get(server, "readyz")[0] == 200


def test_gauges_of_the_whole_installation_are_published_by_the_one_that_looks(
    server: StatusServer, looking: Looking
) -> None:
    assert "test_standing" not in httpx.get(f"{server.url}/metrics", trust_env=False).text
    looking.here = True
    assert "test_standing 4.0" in httpx.get(f"{server.url}/metrics", trust_env=False).text
    looking.here = False
    assert "test_standing" not in httpx.get(f"{server.url}/metrics", trust_env=False).text


def test_how_long_a_part_stands_still_is_a_metric(
    server: StatusServer, progress: Progress, clock: Clock
) -> None:
    progress.pulse("test part", 120)
    clock.now += 7
    text = httpx.get(f"{server.url}/metrics", trust_env=False).text
    assert 'koppeling_part_still_seconds{part="test part"} 7.0' in text


def test_other_pages_are_not_found_and_a_head_has_no_body(server: StatusServer) -> None:
    assert httpx.get(f"{server.url}/", trust_env=False).status_code == 404
    head = httpx.head(f"{server.url}/healthz", trust_env=False)
    assert (head.status_code, head.text) == (200, "")


def test_an_address_that_is_taken_is_an_error(server: StatusServer, progress: Progress) -> None:
    with pytest.raises(OSError, match="in use"):
        StatusServer(progress, lambda: [], port=int(server.url.rpartition(":")[2]))
