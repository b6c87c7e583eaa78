"""A thousand documents in twenty administrations while everything goes wrong at random: exactly once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from schemas.outcome import Package
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.schemas import builders

Json = dict[str, Any]
SEED = 20260331
DOCUMENTS = 50
FAULTS: tuple[Json, ...] = (
    {"kind": "cut_after", "operation": "write", "ratio": 0.02},
    {"kind": "status_after", "operation": "write", "ratio": 0.02},
    {"kind": "html_after", "operation": "write", "ratio": 0.01},
    {"kind": "truncated", "operation": "write", "ratio": 0.02},
    {"kind": "hang_after", "operation": "write", "ratio": 0.002},
    {"kind": "cut_before", "operation": "write", "ratio": 0.02},
    {"kind": "status", "operation": "write", "status": 500, "ratio": 0.01},
    {"kind": "html", "operation": "write", "status": 502, "ratio": 0.01},
    {"kind": "hang", "operation": "write", "ratio": 0.002},
    {"kind": "rate_limit", "operation": "write", "retry_after": 1, "ratio": 0.01},
    {"kind": "token_revoked", "ratio": 0.01},
    {"kind": "status", "operation": "read", "ratio": 0.02},
    {"kind": "cut_before", "operation": "read", "ratio": 0.02},
    {"kind": "truncated", "operation": "read", "ratio": 0.01},
    {"kind": "latency", "latency_ms": 60, "ratio": 0.1},
)


def line(random: Random, account: str, number: int) -> Json:
    kind, rate = random.choice([("hoog", "21"), ("hoog", "21"), ("laag", "9")])
    net = Decimal(random.randint(-20_000, 90_000)) / 100
    return builders.line(f"{net:.2f}", kind, rate, id=str(number), ledger_account=account)


def month(administration: Administration, random: Random) -> list[Json]:
    """Relations and documents in a random order, some of them twice."""
    relations = [f"rel-{number}" for number in range(3)]
    events: list[Json] = [
        administration.relation() | {"id": name, "number": f"20{place}", "name": f"Relatie {place}"}
        for place, name in enumerate(relations)
    ]
    for number in range(DOCUMENTS):
        sales = random.random() < 0.7
        lines = [line(random, "8000" if sales else "7000", n) for n in range(1, random.randint(2, 4))]
        make = administration.sale if sales else administration.purchase
        kind = {"kind": "eindafrekening"} if sales else {}
        events.append(make(f"{number:04d}", lines=lines, relation_id=random.choice(relations), **kind))
    random.shuffle(events)
    return events + random.sample(events, 5)


def expected(events: list[Json]) -> dict[tuple[str, str], str]:
    """Gross by side and number in the package."""
    return {
        (str(event["direction"]), str(event.get("supplier_invoice_number") or event["number"])): str(
            event["totals"]["gross"]
        )
        for event in events
        if "totals" in event
    }


@pytest.mark.slow
def test_a_thousand_documents_are_booked_once_and_to_the_cent(
    pipeline: Pipeline, worker: WorkerProcess
) -> None:
    random = Random(SEED)
    administrations = [
        pipeline.administration(Package.KING if number % 5 == 4 else Package.SNELSTART)
        for number in range(20)
    ]
    for fault in FAULTS:
        pipeline.fault(package="snelstart", **fault)
    pipeline.fault("status", package="king", ratio=0.2)
    published = {}
    for administration in administrations:
        events = published[administration.id] = month(administration, random)
        administration.publish(*events)

    def ended() -> bool:
        rows = pipeline.rows(
            "SELECT state FROM posting WHERE kind <> 'relation'"
            " AND state IN ('booked', 'adopted', 'filed') AND administration_id = ANY(%s)",
            [administration.id for administration in administrations],
        )
        return len(rows) == DOCUMENTS * len(administrations)

    try:
        until(ended, "every document is in its package", 150)
    except AssertionError:
        print(pipeline.rows("SELECT state, code, message_en, count(*) FROM posting GROUP BY 1, 2, 3"))
        raise
    for administration in administrations:
        wanted = expected(published[administration.id])
        until(lambda: len(found(administration)) >= len(wanted), "King has read its files")  # noqa: B023
        assert found(administration) == Counter(wanted.items())
        books = administration.books()
        assert books["doubles"] == []
        assert books["overlapping_writes"]["count"] == 0
        assert (len(books["debtors"]), len(books["creditors"])) <= (3, 3)
    strikes = pipeline.http.get(f"{pipeline.control}/faults").json()["faults"]
    struck = {fault["request"]["kind"] for fault in strikes if fault["hits"]}
    assert struck >= {"cut_after", "status_after", "truncated", "cut_before", "rate_limit", "token_revoked"}


def found(administration: Administration) -> Counter[tuple[tuple[str, str], str]]:
    books = administration.books()
    return Counter(
        ((row["direction"], row["number"]), row["gross"]) for row in books["sales"] + books["purchases"]
    )
