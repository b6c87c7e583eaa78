"""Every metric we publish, by name.

No label ever holds an administration, a document or a person: labels are closed lists (packages, operations,
outcomes, codes, topics), so the number of series stays the same whatever the number of customers.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, start_http_server

PREFIX: Final = "koppeling"

SECONDS_OF_A_CALL: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SECONDS_TO_BOOKED: Final = (0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)

# -- intake --------------------------------------------------------------------------------------------------

INTAKE_RECORDS: Final = Counter(
    f"{PREFIX}_intake_records",
    "Records read from ENK's topics, by where they went and the code if refused.",
    ("topic", "went", "code"),
)

# -- ledger --------------------------------------------------------------------------------------------------

RECEIVED: Final = Counter(
    f"{PREFIX}_received", "Records written to the ledger, by the topic they came from.", ("topic",)
)
RECEIVE_BATCH_SECONDS: Final = Histogram(
    f"{PREFIX}_receive_batch_seconds", "Duration of the transaction that stores one batch of records."
)
LEDGER_WRITE_SECONDS: Final = Histogram(
    f"{PREFIX}_ledger_write_seconds", "Duration of one grouped transaction of the delivery engine."
)
OUTBOX_PUBLISHED: Final = Counter(
    f"{PREFIX}_outbox_published", "Events published to ENK, by topic.", ("topic",)
)
OUTBOX_PENDING: Final = Gauge(f"{PREFIX}_outbox_pending", "Events that wait to be published.")

# -- delivery ------------------------------------------------------------------------------------------------

POSTINGS: Final = Counter(
    f"{PREFIX}_postings",
    "Changes of a posting's outcome, by package, outcome and code (empty when all is well).",
    ("package", "outcome", "code"),
)
POSTINGS_OPEN: Final = Gauge(
    f"{PREFIX}_postings_open", "Postings that are not final, by package and outcome.", ("package", "outcome")
)
OLDEST_DUE_SECONDS: Final = Gauge(
    f"{PREFIX}_oldest_due_seconds",
    "How long the oldest work that may be done waits, by package.",
    ("package",),
)
LANES_RUNNING: Final = Gauge(
    f"{PREFIX}_lanes_running", "Lanes this process works on, by package.", ("package",)
)
BREAKERS_OPEN: Final = Gauge(
    f"{PREFIX}_breakers_open", "Packages this process stopped sending to, by package.", ("package",)
)
TIME_TO_BOOKED_SECONDS: Final = Histogram(
    f"{PREFIX}_time_to_booked_seconds",
    "From ENK's event time to booked in the package.",
    ("package",),
    buckets=SECONDS_TO_BOOKED,
)
FILES: Final = Counter(
    f"{PREFIX}_files",
    "Import files, by package and what was done (cut, delivered, confirmed, released).",
    ("package", "done"),
)

# -- packages ------------------------------------------------------------------------------------------------

PACKAGE_CALLS: Final = Counter(
    f"{PREFIX}_package_calls",
    "Calls to a package, by operation and status (HTTP status, or the kind of failure without an answer).",
    ("package", "operation", "status"),
)
PACKAGE_CALL_SECONDS: Final = Histogram(
    f"{PREFIX}_package_call_seconds",
    "Duration of a call to a package, by operation.",
    ("package", "operation"),
    buckets=SECONDS_OF_A_CALL,
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


def serve(port: int, address: str = "0.0.0.0") -> None:
    """Serve this process's metrics at `http://address:port/metrics`, from a thread of its own."""
    start_http_server(port, addr=address)
