"""Isolation: do two sick administrations make the others slower?

Every administration gets documents at half the pace that its lane could keep. In pairs of runs, alternately
first, the same is measured without and with two more: one whose package hangs for 30 s on every call, and
one whose package answers 503. What counts is the others' 99th percentile from the event's time to booked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from statistics import median

from bench.delays import part
from bench.documents import forwarded, invoice, relation
from bench.place import PACKAGE, Place, Simulator, simulator, until
from bench.worker_process import WorkerSpec, workers
from schemas.topics import sink_topic

GOAL = 1.3
HANG_SECONDS = 30.0

_BOOKED = "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND kind = %s AND state = 'booked'"


@dataclass(frozen=True)
class Pairs:
    """How much; `share` is of what a lane could book, calling back to back."""

    administrations: int = 40
    latency_ms: float = 150.0
    share: float = 0.5
    seconds: float = 10.0
    pairs: int = 5

    @property
    def per_second(self) -> float:
        return self.share * self.administrations / (self.latency_ms / 1000)


@dataclass(frozen=True)
class Isolation:
    """Milliseconds, 99th percentile, per pair; `ratio` is the median of with by without."""

    per_second: float
    without_ms: tuple[float, ...]
    with_ms: tuple[float, ...]
    sick_attempts: int
    goal: float = GOAL

    @property
    def ratio(self) -> float:
        """The median of the pairs."""
        return median(sick / well for sick, well in zip(self.with_ms, self.without_ms, strict=True))


def measure(place: Place, plan: Pairs) -> Isolation:
    """All pairs, with one worker."""
    well = [f"well-{number:03}" for number in range(plan.administrations)]
    sick = [(f"hangs-{pair}", f"refuses-{pair}") for pair in range(plan.pairs)]
    all_sick = [name for two in sick for name in two]
    numbers = count()
    without: list[float] = []
    with_: list[float] = []
    with simulator(plan.latency_ms) as simulated, ExitStack() as ending:
        place.connect(simulated, [*well, *all_sick])
        ending.callback(place.disconnect, [*well, *all_sick])
        spec = WorkerSpec(place.database_url, place.bootstrap_servers, place.vault_key)
        ending.enter_context(workers([spec], str(place.folder / "workers.log")))
        # However it ends, no call may hang on: the worker waits for its calls before it stops.
        ending.callback(_heal, simulated)
        everyone = [*well, *all_sick]
        place.forward(relation(name) for name in everyone)
        until(lambda: place.one(_BOOKED, everyone, "relation") == len(everyone), "the relations are written")
        for pair, two in enumerate(sick):
            _infect(simulated, *two)
            for ill in (False, True) if pair % 2 == 0 else (True, False):
                delays = _paced(place, plan, well, two if ill else (), numbers)
                (with_ if ill else without).append(part(delays, 99))
            _heal(simulated)
            place.disconnect(two)
        attempts = place.one(
            "SELECT sum(attempt) FROM posting WHERE administration_id = ANY(%s) AND kind <> 'relation'",
            all_sick,
        )
    return Isolation(plan.per_second, tuple(without), tuple(with_), attempts)


def _paced(
    place: Place, plan: Pairs, well: Sequence[str], sick: Sequence[str], numbers: Iterator[int]
) -> list[float]:
    """Milliseconds of each of the well ones' documents from its event to booked."""
    began = time.monotonic()
    names = [*well, *sick]
    first = next(numbers)
    interval = plan.administrations / plan.per_second
    rounds = max(2, int(plan.seconds / interval))
    sent = first
    for turn in range(rounds):
        for position, name in enumerate(names):
            due = began + interval * (turn + position / len(names))
            # The pace is the load; a publisher that was kept waiting catches up.
            time.sleep(max(0.0, due - time.monotonic()))
            sent = next(numbers)
            place.publish([forwarded(invoice(name, sent), sink_topic(PACKAGE), next(place.offsets))])
    ids = [f"inv-{number}" for number in range(first, sent + 1)]
    ours = (well, ids)
    until(
        lambda: (
            place.one(
                "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND document_id = ANY(%s)"
                " AND kind = 'sales_invoice' AND state = 'booked'",
                *ours,
            )
            == rounds * len(well)
        ),
        "everything of the well ones is booked",
        every=0.2,
    )
    rows = place.ledger.execute(
        "SELECT extract(epoch FROM changed_at - event_time) FROM posting"
        " WHERE administration_id = ANY(%s) AND document_id = ANY(%s) AND kind = 'sales_invoice'",
        ours,
    ).fetchall()
    return [float(row[0]) * 1000 for row in rows]


def _infect(simulated: Simulator, hangs: str, refuses: str) -> None:
    for name, fault in (
        (hangs, {"kind": "hang", "hang_seconds": HANG_SECONDS}),
        (refuses, {"kind": "status", "status": 503}),
    ):
        company = simulated.companies[name]
        answer = simulated.http.post(
            f"{simulated.control}/faults", json={**fault, "company": company, "ratio": 1.0}
        )
        answer.raise_for_status()


def _heal(simulated: Simulator) -> None:
    simulated.http.delete(f"{simulated.control}/faults").raise_for_status()
