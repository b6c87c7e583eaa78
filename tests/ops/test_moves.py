"""What a worker's parts may take, and that a ledger that is away is no reason to restart it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ops.moves import Moves
from telemetry.progress import Progress
from tests.telemetry.test_progress import Clock

MINUTES = timedelta(minutes=2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(clock)


def test_a_lane_may_take_as_long_as_its_calls_and_no_longer(progress: Progress, clock: Clock) -> None:
    moves = Moves(progress, MINUTES, timedelta(seconds=60))
    with moves.lanes.doing("snelstart adm-1"):
        clock.now += 240
        assert progress.late() == []
        clock.now += 1
        assert [(part.part, part.doing) for part in progress.late()] == [("lanes", "snelstart adm-1")]


def test_while_the_ledger_is_away_it_is_not_ready_and_not_ill(progress: Progress, clock: Clock) -> None:
    moves = Moves(progress, MINUTES, timedelta(seconds=1))
    looked = moves.looked_for_work()
    moves.kafka.met()
    looked(None)
    assert progress.missing() == {}
    with moves.lanes.doing("snelstart adm-1"):
        for _ in range(10):
            clock.now += 100
            looked("connection refused")
        assert progress.late() == []
        assert progress.missing() == {"ledger": "the ledger does not answer: connection refused"}
        looked(None)
        assert progress.missing() == {}
        for _ in range(3):
            clock.now += 100
            looked(None)
        assert [part.part for part in progress.late()] == ["lanes"]


def test_a_process_that_stops_is_not_ready(progress: Progress) -> None:
    moves = Moves(progress, MINUTES, timedelta(seconds=1))
    moves.looked_for_work()(None)
    moves.kafka.met()
    moves.stopping()
    assert progress.missing() == {"running": "stopping"}
