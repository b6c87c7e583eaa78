"""What was done to a running installation, as it happened."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from ops.chaos.schedule import Act
from ops.chaos.verdict import Stop


@dataclass(frozen=True)
class Done:
    """An act that struck."""

    act: Act
    began: datetime
    ended: datetime


@dataclass
class Record:
    """Everything that was done; filled by the threads that do it.

    Attributes:
        done: acts that struck.
        missed: acts that found nothing to strike, by name (a process that was down already).
        stops: workers that were stopped for longer than a lease, and went on.
        kills: processes that were ended with SIGKILL.
        notes: what people should know of how something was done.
    """

    done: list[Done] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    stops: list[Stop] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    notes: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def struck(self, act: Act, began: datetime, ended: datetime) -> None:
        """An act struck."""
        with self._lock:
            self.done.append(Done(act, began, ended))

    def miss(self, act: Act) -> None:
        """An act found nothing to strike."""
        with self._lock:
            self.missed[act.name] += 1

    def killed(self, process: str) -> None:
        """A process was ended with SIGKILL."""
        with self._lock:
            self.kills[process] += 1

    def went_on(self, moment: datetime) -> None:
        """A stopped worker went on."""
        with self._lock:
            self.stops.append(Stop(moment))

    def note(self, text: str) -> None:
        """Something to tell."""
        with self._lock:
            self.notes.add(text)
