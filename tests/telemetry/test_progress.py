"""A part that has to move and does not is late; one that has nothing to do is not."""

from __future__ import annotations

import asyncio

import pytest

from telemetry.progress import Progress, step


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(clock)


def test_a_loop_that_stands_still_is_late_until_it_beats_again(progress: Progress, clock: Clock) -> None:
    pulse = progress.pulse("receiver", 120)
    clock.now += 120
    assert progress.late() == []
    clock.now += 1
    assert [(part.part, part.seconds) for part in progress.late()] == [("receiver", 121)]
    pulse.beat()
    assert progress.late() == []


def test_a_loop_that_rests_is_well_however_long(progress: Progress, clock: Clock) -> None:
    progress.pulse("writer", 120).rest()
    clock.now += 1_000_000
    assert progress.late() == []


def test_a_loop_that_rested_is_late_from_when_there_is_something_to_do(
    progress: Progress, clock: Clock
) -> None:
    pulse = progress.pulse("writer", 120)
    pulse.rest()
    clock.now += 1000
    pulse.expect()
    clock.now += 100
    pulse.expect()
    assert progress.late() == []
    clock.now += 21
    assert [part.part for part in progress.late()] == ["writer"]


def test_work_that_takes_no_step_is_late_and_named(progress: Progress, clock: Clock) -> None:
    lanes = progress.tasks("lanes", 60)
    with lanes.doing("snelstart adm-1"):
        clock.now += 50
        with lanes.doing("snelstart adm-2"):
            clock.now += 20
            assert [(part.part, part.doing, part.seconds) for part in progress.late()] == [
                ("lanes", "snelstart adm-1", 70)
            ]
        step()
        assert progress.late() == []
        clock.now += 61
        assert [part.doing for part in progress.late()] == ["snelstart adm-1"]
    assert progress.late() == []


async def test_a_step_belongs_to_the_work_that_it_is_taken_for(progress: Progress, clock: Clock) -> None:
    lanes = progress.tasks("lanes", 60)
    go_on, stopped = asyncio.Event(), asyncio.Event()

    async def moving() -> None:
        with lanes.doing("moves"):
            await go_on.wait()
            step()
            await stopped.wait()

    async def hanging() -> None:
        with lanes.doing("hangs"):
            await stopped.wait()

    tasks = [asyncio.create_task(moving()), asyncio.create_task(hanging())]
    await asyncio.sleep(0)
    clock.now += 61
    go_on.set()
    await asyncio.sleep(0)
    assert [part.doing for part in progress.late()] == ["hangs"]
    stopped.set()
    await asyncio.gather(*tasks)


def test_work_that_waited_for_the_ledger_is_excused(progress: Progress, clock: Clock) -> None:
    lanes = progress.tasks("lanes", 60)
    with lanes.doing("snelstart adm-1"):
        clock.now += 1000
        lanes.excuse()
        assert progress.late() == []
        clock.now += 61
        assert progress.late() != []


def test_a_step_outside_any_work_is_nothing() -> None:
    step()


def test_what_is_missing_is_named(progress: Progress) -> None:
    assert progress.missing() == {"process": "starting"}
    ledger = progress.condition("ledger", "not asked yet")
    progress.condition("kafka", "no partitions").met()
    assert progress.missing() == {"ledger": "not asked yet"}
    ledger.met()
    assert progress.missing() == {}
    ledger.lost("connection refused")
    assert progress.missing() == {"ledger": "connection refused"}
