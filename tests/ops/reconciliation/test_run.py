"""Making what was asked for: kept under the lease, left due when the process stops, named when it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import pytest

from ledger.reconciliation_requests import ask, due_months
from ledger.reconciliation_results import find_runs
from ledger.reconciliation_rows import DifferenceKind, Run, RunId, RunState
from ledger.rows import Lease
from ledger.writer import Fenced
from ops.reconciliation.desk import OneSession
from ops.reconciliation.direct import MOST_FOREIGN, MOST_LOOKED_UP
from ops.reconciliation.run import Reconciler
from schemas.outcome import Code
from sinks.contract import DirectSink, FoundInvoice, HeldDocument, Period
from tests.ledger.desk import Desk
from tests.ops.reconciliation.months import held_as, sale
from tests.schemas.builders import invoice
from vendors.failure import NotSent

MARCH = date(2026, 3, 1)


@dataclass
class MemorySink:
    """What a package holds; `trouble` is raised in the middle of its list."""

    held: Sequence[HeldDocument] = ()
    trouble: Exception | None = None
    looked_up: int = 0

    async def documents(self, period: Period) -> AsyncIterator[HeldDocument]:
        for one in self.held:
            yield one
        if self.trouble is not None:
            raise self.trouble

    async def find_invoice(self, *_: object) -> Sequence[FoundInvoice]:
        self.looked_up += 1
        return ()


@dataclass
class Bench:
    desk: Desk
    lease: Lease
    run: RunId

    async def make(self, sink: MemorySink, stopping: Callable[[], bool] = lambda: False) -> Run:
        async def opened() -> DirectSink:
            return cast(DirectSink, sink)

        key = self.desk.administration()
        ledger = OneSession(self.desk.connection)
        await Reconciler(ledger, opened, key, lambda: self.lease, stopping).run_due()
        (made,) = find_runs(self.desk.connection, [self.run])
        return made


@pytest.fixture
def bench(desk: Desk) -> Bench:
    key = desk.administration()
    run = desk.write(lambda cursor: ask(cursor, key, MARCH, "me"))
    return Bench(desk, desk.lease(), run)


async def test_what_was_found_is_kept(bench: Bench) -> None:
    made = await bench.make(MemorySink([held_as(sale("1"))]))
    assert made.result is not None
    assert [one.kind for one in made.result.differences] == [DifferenceKind.FOREIGN]
    assert made.started_at is not None


async def test_a_former_holder_stores_nothing(bench: Bench) -> None:
    bench.lease = replace(bench.lease, epoch=bench.lease.epoch - 1)
    with pytest.raises(Fenced):
        await bench.make(MemorySink())
    assert bench.desk.rows("SELECT state FROM reconciliation_run") == [{"state": "asked"}]


async def test_a_process_that_stops_leaves_it_to_the_next(bench: Bench) -> None:
    made = await bench.make(MemorySink([held_as(sale("1"))]), lambda: True)
    assert made.state is RunState.ASKED
    assert len(due_months(bench.desk.connection, made.key)) == 1


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(NotSent(Code.UNAVAILABLE), "unavailable"), (KeyError("a bug"), "internal")],
)
async def test_half_a_list_is_a_failure_and_no_result(bench: Bench, trouble: Exception, code: str) -> None:
    made = await bench.make(MemorySink([held_as(sale("1"))], trouble))
    assert (made.state, made.code, made.result) == (RunState.FAILED, code, None)
    assert made.said is not None


async def test_of_what_others_booked_the_first_are_listed_and_all_are_counted(bench: Bench) -> None:
    many = [held_as(sale(str(number)), id=f"id-{number}") for number in range(MOST_FOREIGN + 3)]
    made = await bench.make(MemorySink(many))
    assert made.result is not None
    assert (len(made.result.differences), made.result.left_out) == (MOST_FOREIGN, 3)
    assert made.result.totals.directions[0].others.documents == MOST_FOREIGN + 3


async def test_so_many_are_looked_up_and_the_rest_is_said(bench: Bench) -> None:
    events: list[dict[str, Any]] = [
        invoice(id=f"s-{number}", number=str(number)) for number in range(MOST_LOOKED_UP + 2)
    ]
    bench.desk.take_in(*events)
    bench.desk.connection.execute("UPDATE posting SET state = 'booked', package_id = document_id")
    bench.desk.connection.execute(
        "INSERT INTO reference VALUES ('adm-1001', 'snelstart', 'debtor', 'rel-204', 'p', NULL, '', now())"
    )
    sink = MemorySink()
    made = await bench.make(sink)
    assert made.result is not None
    assert sink.looked_up == MOST_LOOKED_UP
    assert {one.kind for one in made.result.differences} == {DifferenceKind.MISSING}
    assert any(said.en.startswith("2 documents that the list") for said in made.result.totals.not_compared)
