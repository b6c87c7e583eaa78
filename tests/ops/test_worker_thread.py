"""A part of a worker with a thread of its own: away is later, broken is told, stopped is stopped."""

from __future__ import annotations

import psycopg

from ops.worker_thread import WorkerThread
from tests.ops.waiting import until

PATIENCE = 30.0


class Part(WorkerThread):
    """Counts its turns; `meet` is what the next turns meet."""

    def __init__(self, *meet: BaseException | None) -> None:
        super().__init__("part", 0.001, first_after=0)
        self._meet = list(meet)
        self.asks: float | None = None
        self.turns = 0
        self.let_go = 0

    def _turn(self) -> float | None:
        self.turns += 1
        met = self._meet.pop(0) if self._meet else None
        if met is not None:
            raise met
        return self.asks

    def _let_go(self) -> None:
        self.let_go += 1


def test_a_ledger_that_is_away_only_postpones() -> None:
    part = Part(psycopg.OperationalError("starting up"), None, psycopg.OperationalError("gone"))
    part.start()
    until(lambda: part.turns > 5)
    part.stop(PATIENCE)
    assert part.failure is None
    # What it kept is given back each time, and at the end.
    assert part.let_go == 3


def test_what_no_turn_could_get_past_is_handed_to_the_process() -> None:
    trouble = ValueError("a bug")
    part = Part(None, trouble)
    part.start()
    until(lambda: part.failure is not None)
    part.stop(PATIENCE)
    assert part.failure is trouble
    assert part.turns == 2
    assert part.let_go == 1


def test_nothing_happens_after_it_was_stopped() -> None:
    part = Part()
    part.start()
    until(lambda: part.turns)
    part.stop(PATIENCE)
    assert not part._thread.is_alive()


def test_a_turn_may_ask_for_another_pause() -> None:
    part = Part()
    # It would be seconds from turn to turn for ever.
    part._every, part.asks = 1_000.0, 0.0
    part.start()
    until(lambda: part.turns > 3)
    part.stop(PATIENCE)
