"""Every metric we publish, by name.

No label ever holds an administration, a document or a person: labels are closed lists (packages, operations,
outcomes, codes, topics), so the number of series stays the same whatever the number of customers.

Counters, histograms and the gauges of `OWN` are a process's own: add them up over processes. The gauges of
`STANDING` describe the whole installation. They come from a periodic look at the ledger and the broker, by
one worker at a time, which alone publishes them: take the highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

P = TypeVar("P", bound=str)

PREFIX: Final = "koppeling"

STANDING: Final = CollectorRegistry()
"""Gauges of the whole installation, published by the worker that looks at it."""

SECONDS_OF_A_CALL: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SECONDS_TO_BOOKED: Final = (0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
SECONDS_OF_A_TRANSACTION: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)

# -- intake --------------------------------------------------------------------------------------------------

INTAKE_RECORDS: Final = Counter(
    f"{PREFIX}_intake_records",
    "Records read from ENK's topics, by where they went and the code if refused.",
    ("topic", "went", "code"),
)

# -- ledger --------------------------------------------------------------------------------------------------

RECEIVED: Final = Counter(
    f"{PREFIX}_received_records",
    "Records stored in the ledger, by the topic they came from; one that is read again counts again.",
    ("topic",),
)
RECEIVE_BATCH_SECONDS: Final = Histogram(
    f"{PREFIX}_receive_batch_seconds",
    "Duration of the transaction that stores one batch of records.",
    buckets=SECONDS_OF_A_TRANSACTION,
)
LEDGER_WRITE_SECONDS: Final = Histogram(
    f"{PREFIX}_ledger_write_seconds",
    "Duration of one grouped transaction of the delivery engine.",
    buckets=SECONDS_OF_A_TRANSACTION,
)
OUTBOX_PUBLISHED: Final = Counter(
    f"{PREFIX}_outbox_published", "Events published to ENK, by topic.", ("topic",)
)
POSTINGS: Final = Counter(
    f"{PREFIX}_postings",
    "Changes of a document's outcome told to ENK, by package, outcome and code (empty when all is well).",
    ("package", "outcome", "code"),
)

# -- delivery ------------------------------------------------------------------------------------------------

COMPLETIONS: Final = Counter(
    f"{PREFIX}_completions",
    "Documents that a lane brought to an end (booked, filed, rejected, superseded, …), by package.",
    ("package",),
)
LAST_COMPLETION: Final = Gauge(
    f"{PREFIX}_last_completion_timestamp_seconds",
    "When a lane of this process last brought a document to an end, by package.",
    ("package",),
)
TIME_TO_BOOKED_SECONDS: Final = Histogram(
    f"{PREFIX}_time_to_booked_seconds",
    "From ENK's event time to booked in the package, or to filed, of invoices.",
    ("package",),
    buckets=SECONDS_TO_BOOKED,
)
LANES_RUNNING: Final = Gauge(
    f"{PREFIX}_lanes_running", "Lanes this process works on now, by package.", ("package",)
)
LEASES_LOST: Final = Counter(
    f"{PREFIX}_leases_lost",
    "Leases that ended while this process worked under them, by package.",
    ("package",),
)
WRITES_AFTER_FENCING: Final = Counter(
    f"{PREFIX}_writes_after_fencing",
    "Answers to a write call that came in when another process had taken the lane over, by package.",
    ("package",),
)
FILES: Final = Counter(
    f"{PREFIX}_files", "Import files, by package and what was done (cut, delivered).", ("package", "done")
)

# -- packages ------------------------------------------------------------------------------------------------

PACKAGE_CALLS: Final = Counter(
    f"{PREFIX}_package_calls",
    "Calls to a package, by operation and HTTP status (none without an answer).",
    ("package", "operation", "status"),
)
PACKAGE_CALL_SECONDS: Final = Histogram(
    f"{PREFIX}_package_call_seconds",
    "Duration of a call to a package, by operation.",
    ("package", "operation"),
    buckets=SECONDS_OF_A_CALL,
)
BUDGET_LEFT: Final = Gauge(
    f"{PREFIX}_call_budget_left_ratio",
    "What is left of the call budget of this process's connection that has least, by package and period.",
    ("package", "period"),
)
TOKEN_REFRESHES: Final = Counter(
    f"{PREFIX}_token_refreshes",
    "Tokens asked for, by package and whether they were given.",
    ("package", "given"),
)

# -- readback ------------------------------------------------------------------------------------------------

OBSERVATIONS: Final = Counter(
    f"{PREFIX}_observations", "Invoices seen in a package by readback, by package.", ("package",)
)
PAYMENTS_CHANGED: Final = Counter(
    f"{PREFIX}_payments_changed",
    "Changes of payment found by readback, by package and status.",
    ("package", "status"),
)

# -- this process --------------------------------------------------------------------------------------------

STILL_SECONDS: Final = Gauge(
    f"{PREFIX}_part_still_seconds",
    "How long a part of this process has not moved; 0 while it rests.",
    ("part",),
)

# -- the whole installation ----------------------------------------------------------------------------------

CONSUMER_LAG: Final = Gauge(
    f"{PREFIX}_consumer_lag_records",
    "Records that a consumer group has not read yet.",
    ("group",),
    registry=STANDING,
)
CONSUMERS: Final = Gauge(
    f"{PREFIX}_consumers", "Processes that read for a consumer group.", ("group",), registry=STANDING
)
OLDEST_UNRECEIVED_SECONDS: Final = Gauge(
    f"{PREFIX}_oldest_unreceived_seconds",
    "At least how long the oldest record waits that a consumer group has not read, by the record's own time.",
    ("group",),
    registry=STANDING,
)
OUTBOX_PENDING: Final = Gauge(
    f"{PREFIX}_outbox_pending_events", "Events that wait to be published to ENK.", registry=STANDING
)
OUTBOX_OLDEST_SECONDS: Final = Gauge(
    f"{PREFIX}_outbox_oldest_seconds",
    "How long the oldest event waits to be published; 0 without one.",
    registry=STANDING,
)
POSTINGS_OPEN: Final = Gauge(
    f"{PREFIX}_postings_open",
    "Documents that are not finished or need somebody, by package and outcome.",
    ("package", "outcome"),
    registry=STANDING,
)
POSTINGS_OLDEST_SECONDS: Final = Gauge(
    f"{PREFIX}_postings_oldest_seconds",
    "How long the document that is longest in an outcome is in it, by package and outcome.",
    ("package", "outcome"),
    registry=STANDING,
)
ADMINISTRATIONS_HELD: Final = Gauge(
    f"{PREFIX}_administrations_held",
    "Administrations that are held, by package and code.",
    ("package", "code"),
    registry=STANDING,
)
ADMINISTRATIONS_IN_RECOVERY: Final = Gauge(
    f"{PREFIX}_administrations_in_recovery",
    "Administrations whose documents are looked up first, because the database went back in time.",
    registry=STANDING,
)
OLDEST_DUE_SECONDS: Final = Gauge(
    f"{PREFIX}_oldest_due_seconds",
    "How long the lane that is due longest waits, by package.",
    ("package",),
    registry=STANDING,
)
LANES_DUE: Final = Gauge(
    f"{PREFIX}_lanes_due",
    "Lanes that are due for a minute or longer, by package.",
    ("package",),
    registry=STANDING,
)
LANES_UNATTENDED: Final = Gauge(
    f"{PREFIX}_lanes_unattended",
    "Lanes that are due for a minute or longer and that no process holds, by package.",
    ("package",),
    registry=STANDING,
)
BREAKERS_OPEN: Final = Gauge(
    f"{PREFIX}_breakers_open",
    "Packages that nothing is sent to because several administrations failed alike.",
    ("package",),
    registry=STANDING,
)
MISSING_IN_PACKAGE: Final = Gauge(
    f"{PREFIX}_invoices_missing_in_package",
    "Invoices that we booked and that their package does not hold any more.",
    registry=STANDING,
)
RECONCILIATION_DOUBLES: Final = Gauge(
    f"{PREFIX}_reconciliation_doubles",
    "Documents that the newest comparisons found twice in their package, by package.",
    ("package",),
    registry=STANDING,
)
STANDING_AT: Final = Gauge(
    f"{PREFIX}_standing_timestamp_seconds",
    "When the installation was last looked at; all gauges of the whole installation are of then.",
    registry=STANDING,
)

OWN: Final = REGISTRY
"""What a process counts itself."""


def begin(packages: Iterable[str]) -> None:
    """Show what alerts wait for from its very first time on: a counter that is not there cannot rise."""
    for package in packages:
        COMPLETIONS.labels(package)
        WRITES_AFTER_FENCING.labels(package)


def completed(package: str, finished: int = 1) -> None:
    """Lanes of this process brought so many documents to an end."""
    _completions(package).inc(finished)
    _last_completion(package).set_to_current_time()


def booked(package: str, event_time: datetime, now: datetime | None = None) -> None:
    """An invoice of that event time is booked, or filed."""
    seconds = ((now or datetime.now(UTC)) - event_time).total_seconds()
    _time_to_booked(package).observe(max(0.0, seconds))


def published(topic: str) -> None:
    """An event is published."""
    _published(topic).inc()


def told(package: str, outcome: str, code: str) -> None:
    """ENK is told of an outcome."""
    _told(package, outcome, code).inc()


def called(package: str, operation: str, status: int | None, seconds: float) -> None:
    """A call to a package was made."""
    calls, duration = _call(package, operation, status)
    calls.inc()
    duration.observe(seconds)


def show_budgets(left: Mapping[tuple[P, timedelta], float]) -> None:
    """What is left of call budgets, by package and period."""
    show(
        BUDGET_LEFT,
        {(str(package), f"{period.total_seconds():.0f}"): part for (package, period), part in left.items()},
    )


def show(gauge: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
    """Let a gauge with labels show exactly these values, by the values of its labels; from one thread."""
    for gone in _SHOWN.get(gauge, frozenset()) - values.keys():
        gauge.remove(*gone)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    _SHOWN[gauge] = frozenset(values)


_SHOWN: Final[dict[Gauge, frozenset[tuple[str, ...]]]] = {}


# Looking a series up by its labels costs more than counting: these are used for every document.


@lru_cache(maxsize=64)
def _completions(package: str) -> Counter:
    return COMPLETIONS.labels(package)


@lru_cache(maxsize=64)
def _last_completion(package: str) -> Gauge:
    return LAST_COMPLETION.labels(package)


@lru_cache(maxsize=64)
def _time_to_booked(package: str) -> Histogram:
    return TIME_TO_BOOKED_SECONDS.labels(package)


@lru_cache(maxsize=64)
def _published(topic: str) -> Counter:
    return OUTBOX_PUBLISHED.labels(topic)


@lru_cache(maxsize=4096)
def _told(package: str, outcome: str, code: str) -> Counter:
    return POSTINGS.labels(package, outcome, code)


@lru_cache(maxsize=4096)
def _call(package: str, operation: str, status: int | None) -> tuple[Counter, Histogram]:
    return (
        PACKAGE_CALLS.labels(package, operation, "none" if status is None else str(status)),
        PACKAGE_CALL_SECONDS.labels(package, operation),
    )
