"""How a process is made to strike itself at a named step: a file, claimed by whoever comes there first.

A strike is a file `<step>.<signal>.<id>` in a folder. A process that reaches the step renames it away (one
process wins), leaves a note with its process id, and sends itself the signal. A look at the folder costs one
`stat` a step.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ORDERED, STRUCK = "ordered", "struck"


@dataclass(frozen=True)
class Strike:
    """A strike that was ordered."""

    folder: Path
    step: str
    signal: signal.Signals
    identifier: str

    @property
    def _ordered(self) -> Path:
        return self.folder / ORDERED / f"{self.step}.{self.signal.name}.{self.identifier}"

    def order(self) -> None:
        """Let the next process that reaches the step strike itself."""
        self._ordered.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / STRUCK).mkdir(exist_ok=True)
        self._ordered.touch()

    def struck(self) -> int | None:
        """The process that struck itself; None as long as none has."""
        try:
            return int((self.folder / STRUCK / self.identifier).read_text())
        except (OSError, ValueError):
            return None

    def remind(self) -> None:
        """See that processes look again: two changes within one tick of the clock look like one."""
        with suppress(OSError):
            os.utime(self._ordered.parent)

    def withdraw(self) -> bool:
        """Take it back; False when a process was faster."""
        try:
            self._ordered.unlink()
        except FileNotFoundError:
            return False
        return True


class Struck:
    """The side of the process that strikes itself."""

    def __init__(self, folder: Path) -> None:
        self._ordered = folder / ORDERED
        self._struck = folder / STRUCK
        self._seen = 0
        self._steps: dict[str, list[str]] = {}

    def step(self, name: str) -> None:
        """A named step was reached."""
        try:
            changed = self._ordered.stat().st_mtime_ns
        except OSError:
            return
        if changed != self._seen:
            self._seen = changed
            self._steps = self._look()
        for ordered in self._steps.get(name, ()):
            self._strike(ordered)

    async def step_async(self, name: str) -> None:
        """As `step`, for asyncio."""
        self.step(name)

    def _look(self) -> dict[str, list[str]]:
        steps: dict[str, list[str]] = {}
        for path in self._ordered.iterdir():
            steps.setdefault(path.name.partition(".")[0], []).append(path.name)
        return steps

    def _strike(self, ordered: str) -> None:
        _, name, identifier = ordered.split(".", 2)
        mine = self._struck / f"{identifier}.claimed"
        try:
            (self._ordered / ordered).rename(mine)
        except FileNotFoundError:
            return
        mine.write_text(str(os.getpid()))
        mine.rename(self._struck / identifier)
        os.kill(os.getpid(), signal.Signals[name])
