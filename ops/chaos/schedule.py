"""What goes wrong, and when: drawn from a seed before anything starts. Pure.

The faults are spread over the first part of a run (`PLAYING`); the rest is for what was published to end.
The same arguments give the same schedule; when exactly a strike meets a process is the machine's doing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ops.chaos.terms import ChaosTerms
from schemas.codes import Package

PLAYING = 0.88
"""The share of a run in which faults begin."""

KILLS_PER_MINUTE = 4.2
MOST_STALL_SECONDS = 40.0

POINTS = (
    "received",
    "ledger",
    "intent",
    "before_send",
    "answered",
    "looked_up",
    "outcome",
    "outbox",
    "published",
    "staged",
    "rendered",
    "cut",
    "file_intent",
    "file_written",
    "file_renaming",
    "file_renamed",
    "file_delivered",
)
"""The named steps of a worker at which it may be killed."""


class Fault(StrEnum):
    """Everything that is done to a running installation."""

    KILL_WORKER = "kill_worker"
    KILL_WORKER_AT_STEP = "kill_worker_at_step"
    KILL_STREAMS = "kill_streams"
    KILL_BROKER = "kill_broker"
    KILL_DATABASE = "kill_database"
    STOP_WORKER = "stop_worker"
    STOP_BEFORE_SEND = "stop_before_send"
    STOP_STREAMS = "stop_streams"
    RESTART_BROKER = "restart_broker"
    PAUSE_BROKER = "pause_broker"
    RESTART_DATABASE = "restart_database"
    TERMINATE_SESSIONS = "terminate_sessions"
    STALL_DATABASE = "stall_database"
    COPY_DATABASE = "copy_database"
    RESTORE_DATABASE = "restore_database"
    FOLDER_REPLACED = "folder_replaced"
    FOLDER_FULL = "folder_full"
    CLOCK_STEP = "clock_step"
    PACKAGE = "package"

    @property
    def is_kill(self) -> bool:
        """Whether it ends a process with SIGKILL."""
        return self.name.startswith("KILL_")


NAIVE = frozenset({Fault.KILL_WORKER, Fault.PACKAGE})
"""What a consumer without a ledger is put through: faults of the package, and kills."""


@dataclass(frozen=True)
class Act:
    """One fault: when it begins (seconds from the start), whom it strikes, how long it lasts.

    Attributes:
        at: seconds after publishing began.
        fault: what is done.
        name: the finer kind, for the count of faults.
        target: an administration, a step, or empty.
        seconds: how long; 0 = at once.
        requests: for faults of a package: what its simulator is told, in order.
        number: a drawn number (which worker, how far a clock steps).
    """

    at: float
    fault: Fault
    name: str
    target: str = ""
    seconds: float = 0.0
    requests: tuple[Mapping[str, object], ...] = ()
    number: int = 0


@dataclass(frozen=True)
class Company:
    """An administration of the run."""

    administration: str
    package: Package


@dataclass(frozen=True)
class Drawn:
    """A fault of a package as drawn: what is asked of its simulator, and for how long it lasts."""

    name: str
    requests: tuple[Mapping[str, object], ...]
    seconds: float = 0.0


@dataclass
class _Draw:
    """What the drawing of one fault needs."""

    random: random.Random
    terms: ChaosTerms
    minutes: float
    companies: Sequence[Company]

    def seconds(self, least: float, most: float) -> float:
        """A length that suits the run: `most` in one of 30 minutes, less in a shorter one."""
        scale = min(1.0, self.minutes / 30)
        return round(least + (most - least) * scale * self.random.random(), 1)


VendorFault = Callable[[_Draw, Mapping[str, object]], Drawn]


def _for_a_while(
    kind: str, operation: str | None = "write", ratio: float = 0.4, **more: object
) -> VendorFault:
    def draw(of: _Draw, scope: Mapping[str, object]) -> Drawn:
        seconds = of.seconds(6, 20)
        wanted = {"kind": kind, **scope, "duration": seconds, **more}
        if "company" not in scope:
            wanted["ratio"] = ratio
        if operation is not None:
            wanted["operation"] = operation
        return Drawn(kind, (wanted,), seconds)

    return draw


def _hang(kind: str, beyond: float, name: str, **more: object) -> VendorFault:
    """Calls hang until `beyond` seconds after the client has given up."""

    def draw(of: _Draw, scope: Mapping[str, object]) -> Drawn:
        wanted = {
            "kind": kind,
            **scope,
            "operation": "write",
            "count": of.random.randint(1, 4),
            "hang_seconds": of.terms.call_timeout + beyond,
            **more,
        }
        return Drawn(name, (wanted,), of.terms.call_timeout + beyond)

    return draw


def _maintenance(of: _Draw, scope: Mapping[str, object]) -> Drawn:
    seconds = of.seconds(4, 150)
    return Drawn("maintenance", ({"kind": "maintenance", **scope, "duration": seconds},), seconds)


def _token_revoked(of: _Draw, scope: Mapping[str, object]) -> Drawn:
    return Drawn(
        "token_revoked",
        ({"kind": "token_revoked", **scope, "operation": "verkoopboekingen.POST", "count": 1},),
    )


def _credential_refused(of: _Draw, scope: Mapping[str, object]) -> Drawn:
    """The tokens are void and no new one is given, until the consent is restored."""
    seconds = of.seconds(3, 40)
    refused = {"kind": "token_revoked", **scope, "operation": "token", "duration": seconds}
    void = {"kind": "token_revoked", **scope, "operation": "*boekingen.POST", "count": 1}
    return Drawn("credential_refused", (refused, void), seconds)


def _rate_limit(of: _Draw, scope: Mapping[str, object]) -> Drawn:
    seconds = of.seconds(3, 20)
    wanted = {"kind": "rate_limit", **scope, "ratio": 0.4, "duration": seconds}
    if of.random.random() < 0.5:
        wanted["retry_after"] = of.random.randint(0, 2)
    return Drawn("rate_limit", (wanted,), seconds)


VENDOR_FAULTS: Mapping[str, VendorFault] = {
    "cut_before": _for_a_while("cut_before", None),
    "cut_after": _for_a_while("cut_after"),
    "status_after": _for_a_while("status_after"),
    "html_after": _for_a_while("html_after"),
    "truncated": _for_a_while("truncated"),
    "status": _for_a_while("status", None),
    "html": _for_a_while("html"),
    "latency": _for_a_while("latency", None, latency_ms=400),
    "hang": _hang("hang", 1.5, "hang"),
    "hang_after": _hang("hang_after", 1.5, "hang_after"),
    "hang_late_commit": _hang("hang", 0.3, "hang_late_commit", late_commit=True),
    "rate_limit": _rate_limit,
    "token_revoked": _token_revoked,
    "credential_refused": _credential_refused,
    "maintenance": _maintenance,
}
"""Every kind that a directly booked package can be told; King, which reads files, is held up only."""

_ONE_COMPANY = frozenset({"token_revoked", "credential_refused"})
_PER_30_MINUTES: Mapping[Fault, int] = {
    Fault.STOP_WORKER: 6,
    Fault.STOP_BEFORE_SEND: 8,
    Fault.STOP_STREAMS: 4,
    Fault.RESTART_BROKER: 3,
    Fault.PAUSE_BROKER: 3,
    Fault.RESTART_DATABASE: 3,
    Fault.TERMINATE_SESSIONS: 6,
    Fault.STALL_DATABASE: 2,
    Fault.FOLDER_REPLACED: 5,
    Fault.FOLDER_FULL: 5,
    Fault.CLOCK_STEP: 6,
}
_EACH_VENDOR_FAULT_PER_30_MINUTES = 6
_KILLS: tuple[tuple[Fault, int], ...] = (
    (Fault.KILL_WORKER, 34),
    (Fault.KILL_WORKER_AT_STEP, 34),
    (Fault.KILL_STREAMS, 20),
    (Fault.KILL_BROKER, 6),
    (Fault.KILL_DATABASE, 6),
)
_COPY_AT, _RESTORE_AT, _MOST_BETWEEN = 0.38, 0.52, 240.0


@dataclass(frozen=True)
class Schedule:
    """All acts of a run in order of time."""

    seed: int
    minutes: float
    acts: tuple[Act, ...] = field(default_factory=tuple)

    def only(self, faults: frozenset[Fault]) -> Schedule:
        """The same schedule with nothing but these."""
        return Schedule(self.seed, self.minutes, tuple(act for act in self.acts if act.fault in faults))


def draw_schedule(seed: int, minutes: float, companies: Sequence[Company], terms: ChaosTerms) -> Schedule:
    """Draw what goes wrong in a run of so many minutes. The same arguments give the same schedule."""
    of = _Draw(random.Random(f"chaos/{seed}"), terms, minutes, companies)
    span = minutes * 60 * PLAYING
    copied_at, restored_at = (
        span * _COPY_AT,
        span * _COPY_AT + min(_MOST_BETWEEN, span * (_RESTORE_AT - _COPY_AT)),
    )
    acts = [
        Act(copied_at, Fault.COPY_DATABASE, "copy_database"),
        Act(restored_at, Fault.RESTORE_DATABASE, "restore_database"),
        *_kills(of, span),
        *_disturbances(of, span),
        *_vendor_faults(of, span),
    ]
    return Schedule(seed, minutes, tuple(sorted(acts, key=lambda act: (act.at, act.fault))))


def _spread(of: _Draw, count: int, span: float) -> list[float]:
    """Moments spread over the span: one in each of `count` equal parts, never all at once."""
    part = span / count
    return [round(part * (place + of.random.random()), 2) for place in range(count)]


def _kills(of: _Draw, span: float) -> list[Act]:
    names = [fault for fault, weight in _KILLS for _ in range(weight)]
    acts = []
    for at in _spread(of, max(3, round(of.minutes * KILLS_PER_MINUTE)), span):
        fault = of.random.choice(names)
        point = of.random.choice(POINTS) if fault is Fault.KILL_WORKER_AT_STEP else ""
        acts.append(Act(at, fault, str(fault), target=point, number=of.random.randrange(64)))
    return acts


def _disturbances(of: _Draw, span: float) -> list[Act]:
    acts = []
    files = [company for company in of.companies if company.package is Package.KING]
    for fault, often in _PER_30_MINUTES.items():
        if fault in (Fault.FOLDER_FULL, Fault.FOLDER_REPLACED) and not files:
            continue
        for at in _spread(of, max(1, round(often * of.minutes / 30)), span):
            target = of.random.choice(files).administration if files else ""
            number = of.random.randrange(64)
            acts.append(Act(at, fault, str(fault), target, _length(of, fault), number=number))
    return acts


def _length(of: _Draw, fault: Fault) -> float:
    match fault:
        case Fault.STOP_WORKER | Fault.STOP_BEFORE_SEND:
            return of.terms.outlived
        case Fault.STOP_STREAMS:
            return of.seconds(3, 20)
        case Fault.PAUSE_BROKER:
            return of.seconds(3, 15)
        case Fault.STALL_DATABASE:
            return round(min(MOST_STALL_SECONDS, max(4.0, of.minutes * 60 * 0.06)), 1)
        case Fault.FOLDER_FULL | Fault.FOLDER_REPLACED:
            return of.seconds(3, 30)
        case Fault.CLOCK_STEP:
            return of.seconds(5, 60)
        case _:
            return 0.0


def _vendor_faults(of: _Draw, span: float) -> list[Act]:
    direct = [company for company in of.companies if company.package is not Package.KING]
    files = [company for company in of.companies if company.package is Package.KING]
    acts = []
    often = max(1, round(_EACH_VENDOR_FAULT_PER_30_MINUTES * of.minutes / 30))
    for name, vendor_fault in VENDOR_FAULTS.items() if direct else ():
        for at in _spread(of, often, span):
            one = of.random.choice(direct)
            alone = name in _ONE_COMPANY or of.random.random() < 0.4
            scope: Mapping[str, object] = (
                {"company": one.administration} if alone else {"package": str(one.package)}
            )
            drawn = vendor_fault(of, scope)
            target = one.administration if alone else ""
            acts.append(
                Act(
                    at,
                    Fault.PACKAGE,
                    drawn.name if drawn.name != "hang" else name,
                    target,
                    drawn.seconds,
                    drawn.requests,
                )
            )
    for at in _spread(of, often, span) if files else ():
        one = of.random.choice(files)
        seconds = of.seconds(3, 60)
        wanted = {
            "kind": "maintenance",
            "company": one.administration,
            "operation": "import",
            "duration": seconds,
        }
        acts.append(Act(at, Fault.PACKAGE, "import_held_up", one.administration, seconds, (wanted,)))
    return acts
