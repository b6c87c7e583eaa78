"""The verdict of `koppeling status`: work that gets on, work that does not, and people who are needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.health import Breaker, DueLane, HeldLane, Need, Outbox, Standing, StuckFile, standing
from ops.health import Health, judge, worst
from ops.lag import GroupLag
from tests.ops.commands.conftest import Book
from tests.schemas import builders

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
QUIET = Standing(NOW, (), (), None, (), Outbox(0, None), (), (), (), (), 0, 0)


def held(code: str) -> HeldLane:
    return HeldLane("adm-1", "snelstart", code, "…", "bookkeeper", LONG_AGO, None)


def need(code: str) -> Need:
    return Need("snelstart", code, "bookkeeper", 3, LONG_AGO, "…")


def test_nothing_to_do_is_healthy() -> None:
    assert judge(QUIET, [GroupLag("koppeling.intake", 0, 0)]) == []


@pytest.mark.parametrize(
    ("found", "health"),
    [
        (replace(QUIET, oldest_due=DueLane("a", "king", LONG_AGO, leased=False)), Health.TROUBLE),
        (replace(QUIET, oldest_due=DueLane("a", "king", LONG_AGO, leased=True)), Health.HEALTHY),
        (replace(QUIET, oldest_due=DueLane("a", "king", NOW, leased=False)), Health.HEALTHY),
        (replace(QUIET, outbox=Outbox(4, LONG_AGO)), Health.TROUBLE),
        (replace(QUIET, outbox=Outbox(4, NOW)), Health.HEALTHY),
        (replace(QUIET, held=(held("auth_revoked"),)), Health.SOMEBODY),
        (replace(QUIET, held=(held("unavailable"),)), Health.HEALTHY),
        (replace(QUIET, needs=(need("too_long"),)), Health.SOMEBODY),
        (replace(QUIET, needs=(need("rate_limited"),)), Health.HEALTHY),
        (replace(QUIET, needs=(need("schema_ahead"),)), Health.SOMEBODY),
        (replace(QUIET, breakers=(Breaker("king", "internal", "…", NOW),)), Health.SOMEBODY),
        (replace(QUIET, stuck_files=(StuckFile(1, "a", "king", 1, "uncertain", None),)), Health.SOMEBODY),
        (replace(QUIET, missing_in_package=1), Health.SOMEBODY),
        (replace(QUIET, in_recovery=1), Health.SOMEBODY),
    ],
)
def test_the_verdict(found: Standing, health: Health) -> None:
    assert worst(judge(found, [])) is health


def test_records_that_nobody_reads_are_trouble() -> None:
    assert worst(judge(QUIET, [GroupLag("koppeling.intake", 5, 0)])) is Health.TROUBLE
    assert worst(judge(QUIET, [GroupLag("koppeling.intake", 5, 2)])) is Health.HEALTHY


def test_trouble_comes_first() -> None:
    found = replace(QUIET, missing_in_package=1, outbox=Outbox(1, LONG_AGO))
    assert [finding.health for finding in judge(found, [])] == [Health.TROUBLE, Health.SOMEBODY]


def test_the_ledger_is_read_in_one_snapshot(book: Book) -> None:
    book.receive(builders.administration(), builders.relation(), builders.invoice(number="1"), b"not JSON")
    book.mark("1", "booked", code=None)
    book.ask(
        "UPDATE lane SET held_code = 'auth_revoked', held_nl = 'Verlopen.', held_en = '', "
        "held_who_acts = 'bookkeeper', held_since = now()"
    )
    found = standing(book.connection)
    assert {(count.state, count.count) for count in found.states} == {
        ("booked", 1),
        ("held", 1),
        ("rejected", 1),
    }
    assert {item.code: item.count for item in found.needs} == {"mapping_missing": 1, "invalid_event": 1}
    assert [item.package for item in found.progress] == ["snelstart"]
    assert [(lane.administration, lane.code) for lane in found.held] == [("adm-1001", "auth_revoked")]
    assert found.outbox.size > 0
    assert found.oldest_due is None


def test_records_that_wait_too_long_are_trouble_though_processes_read() -> None:
    (finding,) = judge(QUIET, [GroupLag("koppeling.receiver", 5, 2, oldest_seconds=300)])
    assert finding.health is Health.TROUBLE
    assert "oldest for 5 minutes" in finding.what
    assert "`koppeling worker`" in finding.do
    assert judge(QUIET, [GroupLag("koppeling.receiver", 5_000_000, 2, oldest_seconds=299)]) == []
