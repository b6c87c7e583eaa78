"""All benchmarks of one run, in order, on one broker and one ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from bench import backlog, delivery, history, intake, isolation, realtime, recovering, replaying
from bench.backlog import Backlog, Queues
from bench.delivery import Delivered, Load
from bench.history import Cost, Long
from bench.isolation import Isolation, Pairs
from bench.naive import NaiveResult
from bench.place import Place
from bench.realtime import Delays, Light
from bench.recovering import Kills, Recovery
from bench.replaying import DryRun, Rows

CPU_GOAL = 2.0
SHARE_GOAL = 0.9
BENCHMARKS = (
    "intake",
    "delivery",
    "latency",
    "realtime",
    "isolation",
    "recovery",
    "replay",
    "backlog",
    "history",
)


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
    isolation: Pairs = field(default_factory=Pairs)
    recovery: Kills = field(default_factory=Kills)
    replay: Rows = field(default_factory=Rows)
    backlog: Queues = field(default_factory=Queues)
    history: Long = field(default_factory=Long)


SMALL = Plan(
    intake_events=2_000,
    intake_rounds=1,
    naive=Load("naive", 5, 10),
    delivery=Load("delivery", 5, 10),
    latency=(Load("few-one", 5, 10, 1, 50), Load("few-two", 5, 10, 2, 50)),
    light=Light(administrations=3, per_second=5, seconds=4, latency_ms=50),
    isolation=Pairs(administrations=4, latency_ms=20, seconds=1, pairs=1),
    recovery=Kills(1, 3, 60, 100, call_timeout=1, margin=1, safety=0.3, settle=0.2),
    replay=Rows(2_000, administrations=10, rounds=1),
    backlog=Queues(long=300, short=100, administrations=5),
    history=Long(2_000, Load("history", 3, 10), rounds=1),
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
    goal: float = CPU_GOAL


@dataclass(frozen=True)
class Results:
    """What a run found; what was not run is absent."""

    intake: intake.Result | None = None
    delivery: Compared | None = None
    latency: tuple[Delivered, ...] = ()
    realtime: Delays | None = None
    isolation: Isolation | None = None
    recovery: Recovery | None = None
    replay: DryRun | None = None
    backlog: Backlog | None = None
    history: Cost | None = None


def run_intake(broker: str, plan: Plan, tell: Callable[[str], None]) -> intake.Result:
    """The intake, on a broker that has none of our topics yet."""
    tell("intake")
    return intake.measure(broker, plan.intake_events, plan.intake_rounds)


def run(place: Place, plan: Plan, wanted: Collection[str], tell: Callable[[str], None]) -> Results:
    """All that is wanted apart from the intake."""
    found = Results()
    if "delivery" in wanted:
        tell("delivery, naive loop")
        naive = delivery.measure_naive(place, plan.naive)
        tell("delivery, ours")
        found = replace(found, delivery=compare(delivery.measure(place, plan.delivery), naive))
    if "latency" in wanted:
        for load in plan.latency:
            tell(
                f"delivery, {load.latency_ms:g} ms, {load.administrations} administrations,"
                f" {load.processes} process(es)"
            )
            found = replace(found, latency=(*found.latency, delivery.measure(place, load)))
    if "realtime" in wanted:
        tell("near-real-time")
        found = replace(found, realtime=realtime.measure(place, plan.light))
    if "isolation" in wanted:
        tell(f"isolation, {plan.isolation.pairs} pair(s) of runs")
        found = replace(found, isolation=isolation.measure(place, plan.isolation))
    if "recovery" in wanted:
        tell(f"recovery, {plan.recovery.kills} kill(s)")
        found = replace(found, recovery=recovering.measure(place, plan.recovery))
    if "replay" in wanted:
        tell(f"replay, a dry run over {plan.replay.postings} postings")
        found = replace(found, replay=replaying.measure(place, plan.replay))
    if "backlog" in wanted:
        tell(f"backlog, {plan.backlog.long} queued documents")
        found = replace(found, backlog=backlog.measure(place, plan.backlog))
    if "history" in wanted:
        tell(f"history, {plan.history.documents} finished documents")
        found = replace(found, history=history.measure(place, plan.history))
    return found


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
