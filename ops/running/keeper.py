"""Keeps one thing running: starts it again when it dies, with a growing pause while it does not get far."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ops.embedded.failures import EmbeddedError

SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
GOOD_LIFE = 2.0
"""Seconds of work after which a death is no reason to wait."""

TICK = 0.1
TEND_TICKS = 20


class Startable(Protocol):
    """What can be kept running: a child process, or a node of `ops.embedded`."""

    @property
    def running(self) -> bool:
        """Its process exists."""

    def restart(self) -> None:
        """Start it, also when it runs; may raise `EmbeddedError`."""

    def stop(self) -> None:
        """Stop it cleanly."""


class State(StrEnum):
    """How a kept thing is doing."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Kept:
    """A kept thing, as it is now: `restarts` counts starts after the first, `trouble` is why it died."""

    name: str
    state: State
    pid: int | None
    restarts: int
    trouble: str


class Keeper:
    """A thread that keeps one thing running until `stop`."""

    def __init__(
        self,
        name: str,
        thing: Startable,
        *,
        pid: Callable[[], int | None],
        ready: Callable[[], bool],
        on_change: Callable[[], None] = lambda: None,
        last_words: Callable[[], str] = lambda: "",
        tend: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_change` is called, in the thread, whenever the state or the process id changed.

        `tend` is called now and then while it runs, to help along what does not help itself.
        """
        self._tend = tend
        self.name = name
        self._thing = thing
        self._pid = pid
        self._ready = ready
        self._on_change = on_change
        self._last_words = last_words
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._thread = self._new_thread()
        self._state = State.RUNNING if thing.running else State.STARTING
        self._starts = 1 if thing.running else 0
        self._trouble = ""

    @property
    def kept(self) -> Kept:
        """How it is doing."""
        return Kept(self.name, self._state, self._pid(), max(0, self._starts - 1), self._trouble)

    def start(self) -> None:
        """Begin to keep it running."""
        self._thread.start()

    def start_again(self) -> None:
        """After `stop`: keep it running once more."""
        self._stopping.clear()
        self._thread = self._new_thread()
        self._change(State.STARTING)
        self.start()

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._keep, name=f"keep-{self.name}", daemon=True)

    def ask_to_stop(self) -> None:
        """Restart it no more."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop it cleanly, and wait for that."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join()
        self._thing.stop()
        self._state = State.STOPPED

    def _keep(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._stopping.is_set():
            worked_for = self._one_life()
            if self._stopping.is_set():
                return
            pause = SHORTEST_PAUSE if worked_for >= GOOD_LIFE else min(LONGEST_PAUSE, pause * 2)
            self._change(State.PAUSING)
            self._stopping.wait(pause)

    def _one_life(self) -> float:
        """Start it if need be and watch it until it ends; for how many seconds it worked."""
        if not self._thing.running:
            self._change(State.STARTING)
            self._starts += 1
            try:
                self._thing.restart()
            except EmbeddedError as error:
                self._trouble = str(error)
                return 0.0
            self._on_change()
        ready_at: float | None = None
        ticks = 0
        while self._thing.running and not self._stopping.is_set():
            if ready_at is None and self._ready():
                ready_at = self._monotonic()
                self._change(State.RUNNING)
            self._stopping.wait(TICK)
            ticks += 1
            if ticks % TEND_TICKS == 0:
                self._tend()
        if not self._stopping.is_set():
            self._trouble = self._last_words()
        return 0.0 if ready_at is None else self._monotonic() - ready_at

    def _change(self, state: State) -> None:
        self._state = state
        self._on_change()
