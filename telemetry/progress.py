"""Health by progress: which part of a process moves, and which one stands still.

A part is a loop that has to go round (`Pulse`), or work that was begun and has to get on (`Tasks`). A part
that has nothing to do rests and is well; one that has to move and does not is late. What is late needs a
restart: a database or broker that is away is no reason for one, so parts that keep trying go on beating, and
say with a `Condition` that they are of no use now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

Monotonic = Callable[[], float]


class Pulse:
    """One loop of the process. Every method may be called from any thread."""

    def __init__(self, part: str, patience: float, clock: Monotonic = time.monotonic) -> None:
        """`patience` is how many seconds it may take to go round once."""
        self.part = part
        self.patience = patience
        self._clock = clock
        self._since: float | None = clock()

    def beat(self) -> None:
        """It goes round."""
        self._since = self._clock()

    def rest(self) -> None:
        """It waits for something to do, however long that takes."""
        self._since = None

    def expect(self) -> None:
        """There is something to do: from now on it must beat."""
        if self._since is None:
            self._since = self._clock()

    @property
    def still(self) -> float:
        """For how many seconds it has not moved; 0 while it rests."""
        since = self._since
        return 0.0 if since is None else max(0.0, self._clock() - since)


class _Task:
    __slots__ = ("clock", "moved_at", "what")

    def __init__(self, what: str, clock: Monotonic) -> None:
        self.what = what
        self.clock = clock
        self.moved_at = clock()


_CURRENT: ContextVar[_Task | None] = ContextVar("koppeling_task", default=None)


def step() -> None:
    """The task that this code runs for gets on; nothing happens outside a task."""
    task = _CURRENT.get()
    if task is not None:
        task.moved_at = task.clock()


class Tasks:
    """Work of one kind that is under way, many at once; each must take a `step` now and then."""

    def __init__(self, part: str, patience: float, clock: Monotonic = time.monotonic) -> None:
        """`patience` is how many seconds a task may take from one step to the next."""
        self.part = part
        self.patience = patience
        self._clock = clock
        self._running: dict[int, _Task] = {}

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Do something; everything within, also in coroutines that it awaits, belongs to this task."""
        task = _Task(what, self._clock)
        self._running[id(task)] = task
        token = _CURRENT.set(task)
        try:
            yield
        finally:
            _CURRENT.reset(token)
            self._running.pop(id(task), None)

    def excuse(self) -> None:
        """Whatever is under way could not get on until now."""
        now = self._clock()
        for task in list(self._running.values()):
            task.moved_at = now

    def still(self) -> list[tuple[str, float]]:
        """What is under way and for how many seconds it has taken no step, longest first."""
        now = self._clock()
        tasks = list(self._running.values())
        return sorted(
            ((task.what, max(0.0, now - task.moved_at)) for task in tasks), key=lambda task: -task[1]
        )


class Condition:
    """Something without which the process is of no use now; no reason to restart it."""

    def __init__(self, name: str, missing: str) -> None:
        self.name = name
        self.missing: str | None = missing

    def met(self) -> None:
        """It is there."""
        self.missing = None

    def lost(self, why: str) -> None:
        """It is not there, and why."""
        self.missing = why


@dataclass(frozen=True)
class Part:
    """How one part is doing: `doing` names what stands still, where it does many things at once."""

    part: str
    seconds: float
    patience: float
    doing: str | None = None

    @property
    def late(self) -> bool:
        """It should have moved by now."""
        return self.seconds > self.patience


class Progress:
    """The parts and conditions of one process."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._pulses: list[Pulse] = []
        self._tasks: list[Tasks] = []
        self._conditions: list[Condition] = []

    def pulse(self, part: str, patience: float) -> Pulse:
        """A new loop; it must beat from now on."""
        pulse = Pulse(part, patience, self._clock)
        self._pulses.append(pulse)
        return pulse

    def tasks(self, part: str, patience: float) -> Tasks:
        """A new kind of work."""
        tasks = Tasks(part, patience, self._clock)
        self._tasks.append(tasks)
        return tasks

    def condition(self, name: str, missing: str) -> Condition:
        """A new condition, not met yet for the reason `missing`."""
        condition = Condition(name, missing)
        self._conditions.append(condition)
        return condition

    def parts(self) -> list[Part]:
        """Every part; of work under way each task that is late, else the one that is slowest."""
        found = [Part(pulse.part, pulse.still, pulse.patience) for pulse in self._pulses]
        for tasks in self._tasks:
            still = tasks.still()
            late = [Part(tasks.part, seconds, tasks.patience, what) for what, seconds in still]
            late = [part for part in late if part.late]
            found += late or [Part(tasks.part, still[0][1] if still else 0.0, tasks.patience)]
        return found

    def late(self) -> list[Part]:
        """The parts that stand still; the process is healthy without any."""
        return [part for part in self.parts() if part.late]

    def missing(self) -> dict[str, str]:
        """What is not there, by condition; the process is ready without any, when it is healthy too.

        A process that has not said yet what it needs is starting.
        """
        if not self._conditions:
            return {"process": "starting"}
        return {each.name: each.missing for each in self._conditions if each.missing is not None}
