"""The intake is silent when there is something to read and the place that it has reached does not move."""

from __future__ import annotations

import pytest

from ops.intake_watch import Backlog
from telemetry.progress import Progress
from tests.telemetry.test_progress import Clock

HERE = {("enk.invoices.v1", 0): 10}
FURTHER = {("enk.invoices.v1", 0): 11}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(clock)


@pytest.fixture
def backlog(progress: Progress) -> Backlog:
    return Backlog(progress.pulse("intake", 120))


def test_a_consumer_that_reads_nothing_of_what_there_is_turns_it_red(
    backlog: Backlog, progress: Progress, clock: Clock
) -> None:
    backlog.seen(5, HERE)
    for _ in range(9):
        clock.now += 15
        backlog.seen(5, HERE)
    assert [part.part for part in progress.late()] == ["intake"]
    backlog.seen(4, FURTHER)
    assert progress.late() == []


def test_one_that_is_far_behind_and_reads_is_well(backlog: Backlog, progress: Progress, clock: Clock) -> None:
    for offset in range(100):
        backlog.seen(1_000_000, {("enk.invoices.v1", 0): offset})
        clock.now += 119
        assert progress.late() == []


def test_one_that_has_nothing_to_read_is_well(backlog: Backlog, progress: Progress, clock: Clock) -> None:
    for _ in range(100):
        backlog.seen(0, HERE)
        clock.now += 100
        assert progress.late() == []


def test_a_broker_that_is_away_is_not_the_consumers_fault(
    backlog: Backlog, progress: Progress, clock: Clock
) -> None:
    backlog.seen(5, HERE)
    for _ in range(20):
        clock.now += 100
        backlog.unknown()
    assert progress.late() == []
