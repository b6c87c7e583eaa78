"""All benchmarks of one run, in order, on one broker and one ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bench import delivery, intake, realtime
from bench.delivery import Delivered, Load
from bench.naive import NaiveResult
from bench.place import Place
from bench.realtime import Delays, Light

CPU_GOAL_NOW, CPU_GOAL_LATER = 3.0, 2.0
SHARE_GOAL = 0.8
BENCHMARKS = ("intake", "delivery", "latency", "realtime")


@dataclass(frozen=True)
class Plan:
    """How large everything is."""

    intake_events: int = 20_000
    intake_rounds: int = 2
    naive: Load = field(default_factory=lambda: Load("naive", 200, 10))
    delivery: Load = field(default_factory=lambda: Load("delivery", 200, 20))
    latency: tuple[Load, ...] = field(
        default_factory=lambda: (
            Load("few-one", 60, 40, 1, 150),
            Load("few-two", 60, 40, 2, 150),
            Load("many-one", 200, 20, 1, 150),
            Load("many-two", 200, 20, 2, 150),
        )
    )
    light: Light = field(default_factory=Light)


SMALL = Plan(
    intake_events=2_000,
    intake_rounds=1,
    naive=Load("naive", 5, 10),
    delivery=Load("delivery", 5, 10),
    latency=(Load("few-one", 5, 10, 1, 50), Load("few-two", 5, 10, 2, 50)),
    light=Light(administrations=3, per_second=5, seconds=4, latency_ms=50),
)
"""Minutes become seconds; shows that everything works, its figures mean little."""


@dataclass(frozen=True)
class Compared:
    """Ours and the naive loop's, at zero latency; ratios are ours by theirs."""

    ours: Delivered
    naive_documents_per_second: float
    naive_cpu_ms: float
    cpu_ratio: float
    speed_ratio: float
    goal_now: float = CPU_GOAL_NOW
    goal_later: float = CPU_GOAL_LATER


@dataclass(frozen=True)
class Results:
    """What a run found; what was not run is absent."""

    intake: intake.Result | None = None
    delivery: Compared | None = None
    latency: tuple[Delivered, ...] = ()
    realtime: Delays | None = None


def run_intake(broker: str, plan: Plan, tell: Callable[[str], None]) -> intake.Result:
    """The intake, on a broker that has none of our topics yet."""
    tell("intake")
    return intake.measure(broker, plan.intake_events, plan.intake_rounds)


def run(place: Place, plan: Plan, wanted: Collection[str], tell: Callable[[str], None]) -> Results:
    """All that is wanted apart from the intake."""
    compared, loads, delays = None, [], None
    if "delivery" in wanted:
        tell("delivery, naive loop")
        naive = delivery.measure_naive(place, plan.naive)
        tell("delivery, ours")
        compared = compare(delivery.measure(place, plan.delivery), naive)
    if "latency" in wanted:
        for load in plan.latency:
            tell(
                f"delivery, {load.latency_ms:g} ms, {load.administrations} administrations,"
                f" {load.processes} process(es)"
            )
            loads.append(delivery.measure(place, load))
    if "realtime" in wanted:
        tell("near-real-time")
        delays = realtime.measure(place, plan.light)
    return Results(delivery=compared, latency=tuple(loads), realtime=delays)


def compare(ours: Delivered, naive: NaiveResult) -> Compared:
    """Ours by the naive loop's."""
    naive_ms = naive.cpu_seconds / naive.documents * 1000
    naive_rate = naive.documents / naive.seconds
    return Compared(
        ours=ours,
        naive_documents_per_second=naive_rate,
        naive_cpu_ms=naive_ms,
        cpu_ratio=ours.worker_ms / naive_ms,
        speed_ratio=ours.documents_per_second / naive_rate,
    )
