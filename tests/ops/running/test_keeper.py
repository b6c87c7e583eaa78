"""Keeping something running: started again when it dies, slower while it does not get far."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from ops.embedded.failures import StartFailed
from ops.running import keeper as keeping
from ops.running.keeper import Keeper, State
from tests.ops.waiting import until


class Thing:
    """Something that runs until the test lets it die."""

    def __init__(self) -> None:
        self.alive = False
        self.starts = 0
        self.fails = False
        self.stopped = Event()

    @property
    def running(self) -> bool:
        return self.alive

    def restart(self) -> None:
        self.starts += 1
        if self.fails:
            raise StartFailed("no such program")
        self.alive = True

    def stop(self) -> None:
        self.alive = False
        self.stopped.set()


@pytest.fixture
def thing(monkeypatch: pytest.MonkeyPatch) -> Thing:
    monkeypatch.setattr(keeping, "TICK", 0.005)
    monkeypatch.setattr(keeping, "SHORTEST_PAUSE", 0.01)
    return Thing()


@pytest.fixture
def keeper(thing: Thing) -> Iterator[Keeper]:
    keeper = Keeper("thing", thing, pid=lambda: 7 if thing.alive else None, ready=lambda: thing.alive)
    keeper.start()
    yield keeper
    keeper.stop()
    assert thing.stopped.is_set()


def test_what_dies_is_started_again(thing: Thing, keeper: Keeper) -> None:
    for deaths in range(1, 4):
        until(lambda: keeper.kept.state is State.RUNNING and thing.alive)
        thing.alive = False
        until(lambda deaths=deaths: thing.starts > deaths)  # type: ignore[misc]

    until(lambda: keeper.kept.pid == 7)
    assert keeper.kept.restarts == 3


def test_what_cannot_be_started_is_tried_again_and_says_why(thing: Thing, keeper: Keeper) -> None:
    thing.fails = True
    thing.alive = False

    until(lambda: keeper.kept.trouble == "no such program")
    thing.fails = False

    until(lambda: keeper.kept.state is State.RUNNING)


def test_what_was_asked_to_stop_stays_stopped(thing: Thing, keeper: Keeper) -> None:
    until(lambda: thing.alive)
    keeper.stop()

    assert not thing.alive
    assert keeper.kept.state is State.STOPPED


def test_what_was_stopped_can_be_kept_running_again(thing: Thing, keeper: Keeper) -> None:
    until(lambda: thing.alive)
    keeper.stop()
    keeper.start_again()
    until(lambda: keeper.kept.state is State.RUNNING and thing.alive)

    thing.alive = False
    until(lambda: thing.alive)
