"""One contender at a time: how fast it books, and what is missing or double when it is killed or cut off.

A contender is a process that books until it is ended. It is killed with SIGKILL at a third and at two thirds
of the work and started again, as a supervisor would.
"""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench.documents import Json, creditor, purchase
from bench.peers.stage import Entries, Stage, Work, staged
from bench.place import Place
from bench.worker_process import WorkerProcess, WorkerSpec

QUIET_SECONDS = 10.0
"""So long nothing new must have been booked before the books are final: longer than a session time-out."""

MEASURED_SECONDS = 25.0
"""A contender that is not done by then is measured over what it did."""

START_SECONDS = 60.0

FROM, TO = 0.1, 0.9


class Running(Protocol):
    """A contender's process."""

    def kill(self) -> None:
        """SIGKILL."""


@dataclass(frozen=True)
class Contender:
    """A name, and how to start it over a stage; `prepare` puts the documents where it reads them."""

    name: str
    prepare: Callable[[Stage], str]
    start: Callable[[Stage, str], Running]


@dataclass(frozen=True)
class Shown:
    """What a contender showed; documents a second, then counts of documents."""

    name: str
    with_latency: float
    without_latency: float
    documents: int
    killed_missing: int
    killed_double: int
    cut_missing: int
    cut_double: int


@dataclass(frozen=True)
class Contest:
    """How much work each scenario has."""

    speed: Work
    no_latency: Work
    faults: Work
    cut: float = 0.02


def show(place: Place, contender: Contender, plan: Contest) -> Shown:
    """All scenarios."""
    killed = final_books(place, contender, plan.faults, kills=2)
    cut = final_books(place, contender, replace(plan.faults, cut=plan.cut), kills=0)
    return Shown(
        name=contender.name,
        with_latency=_speed(place, contender, plan.speed),
        without_latency=_speed(place, contender, plan.no_latency),
        documents=plan.faults.documents,
        killed_missing=missing(plan.faults, killed),
        killed_double=double(killed),
        cut_missing=missing(plan.faults, cut),
        cut_double=double(cut),
    )


def missing(work: Work, entries: Entries) -> int:
    """Documents that are not in the books."""
    return sum(entries.booked[document] == 0 for document in work.numbers())


def double(entries: Entries) -> int:
    """Documents that are in the books more than once."""
    return sum(times > 1 for times in entries.booked.values())


def _speed(place: Place, contender: Contender, work: Work) -> float:
    """Documents a second between a tenth and nine tenths of what was booked."""
    with staged(place, work) as stage:
        topic = contender.prepare(stage)
        with _started(contender, stage, topic):
            _await(stage, 1, START_SECONDS)
            _await(stage, work.documents, MEASURED_SECONDS)
            moments = stage.entries().moments
    if len(moments) < 10:
        return 0.0
    first, last = int(len(moments) * FROM), int(len(moments) * TO)
    return (last - first) / max(1e-6, (moments[last] - moments[first]).total_seconds())


def final_books(
    place: Place, contender: Contender, work: Work, kills: int, quiet: float = QUIET_SECONDS
) -> Entries:
    """The books when nothing comes any more."""
    with staged(place, work) as stage:
        topic = contender.prepare(stage)
        stage.strike()
        for kill in range(kills):
            with _started(contender, stage, topic):
                _await(stage, work.documents * (kill + 1) // (kills + 1), 60)
        with _started(contender, stage, topic):
            return _quiet(stage, quiet)


@contextmanager
def _started(contender: Contender, stage: Stage, topic: str) -> Iterator[None]:
    running = contender.start(stage, topic)
    try:
        yield
    finally:
        running.kill()


def _await(stage: Stage, documents: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while len(stage.entries().booked) < documents and time.monotonic() < deadline:
        time.sleep(0.2)


def _quiet(stage: Stage, seconds: float) -> Entries:
    _await(stage, 1, START_SECONDS)
    entries, since = stage.entries(), time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.5)
        latest = stage.entries()
        if len(latest.moments) != len(entries.moments):
            entries, since = latest, time.monotonic()
    return entries


class _Process:
    def __init__(self, command: list[str], log: Path) -> None:
        with log.open("a") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


_runs = itertools.count()


def peer(name: str, command: Callable[[Path], list[str]]) -> Contender:
    """Anything that reads the package's own documents from a topic."""

    def prepare(stage: Stage) -> str:
        topic = f"bench.peers.{next(_runs)}"
        stage.publish(topic)
        return topic

    def start(stage: Stage, topic: str) -> Running:
        settings = stage.settings(stage.place.folder / f"{topic}.properties", topic)
        return _Process(command(settings), stage.place.folder / f"{topic}.log")

    return Contender(name, prepare, start)


def ours() -> Contender:
    """This project's worker, with ENK's events and everything that it guarantees."""

    def prepare(stage: Stage) -> str:
        names = {name: f"{name}.{next(_runs)}" for name in stage.work.names}
        stage.place.connect_to({names[name]: given for name, given in stage.given.items()})
        stage.place.forward(_events(names, stage.work))
        return ""

    def start(stage: Stage, topic: str) -> Running:
        place = stage.place
        spec = WorkerSpec(
            place.database_url,
            place.bootstrap_servers,
            place.vault_key,
            call_timeout=2,
            margin=3,
            safety=0.5,
            settle=1,
        )
        return WorkerProcess(spec, str(place.folder / "workers.log"))

    return Contender("enk-koppeling", prepare, start)


def _events(names: Mapping[str, str], work: Work) -> Iterator[Json]:
    """What ENK would publish of the same documents."""
    yield from (creditor(name) for name in names.values())
    for position, (name, number) in enumerate(work.numbers()):
        yield purchase(names[name], position, number)
