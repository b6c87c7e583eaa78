"""Recovery: from kill -9 of a worker to the next booking of each administration that it worked for.

Two workers run. The one that holds most connections is killed, the other takes over when the leases have
expired, a third stands by, and so on. The lanes are busy all the time, so every administration had a call
in flight; its next booking may be another document, the one in flight is looked up after its settle time.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from bench.documents import invoice, relation
from bench.place import Place, simulator, until
from bench.worker_process import WorkerProcess, WorkerSpec
from sinks.snelstart import TRAITS
from sinks.terms import DeliveryTerms

_BOOKED = "SELECT count(*) FROM posting WHERE administration_id = ANY(%s) AND kind = %s AND state = 'booked'"
_NEXT = """
    SELECT administration_id, min(changed_at) FROM posting
     WHERE administration_id = ANY(%s) AND kind = 'sales_invoice' AND state = 'booked' AND changed_at > %s
     GROUP BY 1
"""


@dataclass(frozen=True)
class Kills:
    """How often, with how much work before each, under which terms in seconds (0: a worker's own)."""

    kills: int = 5
    administrations: int = 20
    invoices_each: int = 60
    latency_ms: float = 150.0
    call_timeout: float = 0.0
    margin: float = 0.0
    safety: float = 0.0
    settle: float = 0.0


@dataclass(frozen=True)
class Recovery:
    """Seconds from a kill to the next booking of an administration; the terms in seconds.

    `takeovers` counts the administrations of the killed processes, over all kills.
    """

    kills: int
    takeovers: int
    lease: float
    settle: float
    median_seconds: float
    worst_seconds: float


def measure(place: Place, plan: Kills) -> Recovery:
    """All kills, over one load."""
    names = [f"recovering-{number:03}" for number in range(plan.administrations)]
    spec = WorkerSpec(
        place.database_url,
        place.bootstrap_servers,
        place.vault_key,
        call_timeout=plan.call_timeout,
        margin=plan.margin,
        safety=plan.safety,
        settle=plan.settle,
    )
    terms: DeliveryTerms = spec.terms()
    call_timeout = terms.call_timeout or TRAITS.call_timeout
    log = str(place.folder / "workers.log")
    seconds: list[float] = []
    with simulator(plan.latency_ms) as simulated, ExitStack() as ending:
        place.connect(simulated, names)
        ending.callback(place.disconnect, names)
        running = [_started(spec, log, ending), _started(spec, log, ending)]
        place.forward(relation(name) for name in names)
        until(lambda: place.one(_BOOKED, names, "relation") == len(names), "the relations are written")
        for kill in range(plan.kills):
            # Anew before every kill, so that every lane has a call under way.
            first = kill * plan.invoices_each
            place.forward(
                invoice(name, number) for number in range(first, first + plan.invoices_each) for name in names
            )
            _await_next(place, names, _now(place))
            holder, held = max(
                ((worker, _held_by(place, names, worker)) for worker in running), key=lambda one: len(one[1])
            )
            at = _now(place)
            holder.kill()
            following = _await_next(place, held, at)
            seconds.extend((moment - at).total_seconds() for moment in following.values())
            running.remove(holder)
            if kill + 1 < plan.kills:
                running.append(_started(spec, log, ending))
    return Recovery(
        kills=plan.kills,
        takeovers=len(seconds),
        lease=(call_timeout + terms.margin).total_seconds(),
        settle=(terms.settle or TRAITS.settle_time).total_seconds(),
        median_seconds=median(seconds),
        worst_seconds=max(seconds),
    )


def _started(spec: WorkerSpec, log: str, ending: ExitStack) -> WorkerProcess:
    worker = WorkerProcess(spec, log)
    ending.callback(worker.end)
    return worker


def _await_next(place: Place, names: list[str], since: datetime) -> dict[str, datetime]:
    """The first booking of each administration after that moment."""

    def following() -> dict[str, datetime]:
        return dict(place.ledger.execute(_NEXT, (names, since)).fetchall())

    until(lambda: len(following()) == len(names), "every administration has booked again", every=0.2)
    return following()


def _held_by(place: Place, names: list[str], worker: WorkerProcess) -> list[str]:
    """Administrations whose connection that process holds; a lease's owner has its id in its name."""
    rows = place.ledger.execute(
        "SELECT l.administration_id FROM lane l JOIN connection c ON c.id = l.connection_id"
        " WHERE l.administration_id = ANY(%s) AND c.lease_until > clock_timestamp()"
        " AND split_part(reverse(c.lease_owner), '-', 2) = reverse(%s)",
        (names, str(worker.pid)),
    ).fetchall()
    return [row[0] for row in rows]


def _now(place: Place) -> datetime:
    row = place.ledger.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found
