"""When a night is planned, by the clock in the Netherlands."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from ledger.credentials import CredentialVault
from ops.packages import Apps
from ops.reconciliation.night import NightTerms, night_of, nightly_months, this_month
from ops.worker import Worker, WorkerConfig
from sinks.snelstart_settings import SnelStartApp
from tests.ledger.desk import Desk

AT_THREE = NightTerms(hour=3)


@pytest.mark.parametrize(
    ("now", "night"),
    [
        (datetime(2026, 1, 15, 1, 59, tzinfo=UTC), None),
        (datetime(2026, 1, 15, 2, 0, tzinfo=UTC), date(2026, 1, 15)),
        (datetime(2026, 1, 15, 3, 59, tzinfo=UTC), date(2026, 1, 15)),
        (datetime(2026, 1, 15, 4, 0, tzinfo=UTC), None),
        (datetime(2026, 7, 15, 1, 0, tzinfo=UTC), date(2026, 7, 15)),
        (datetime(2026, 7, 15, 12, 0, tzinfo=UTC), None),
    ],
)
def test_a_night_begins_at_its_hour_and_is_not_caught_up_with_by_day(
    now: datetime, night: date | None
) -> None:
    assert night_of(now, AT_THREE) == night


def test_a_worker_plans_the_night_once_when_it_is_night(desk: Desk) -> None:
    desk.administration()

    def planned(now: datetime) -> list[date]:
        apps = Apps(SnelStartApp(subscription_key=SecretStr("unused")))
        vault = CredentialVault([Fernet.generate_key().decode()])
        config = WorkerConfig(desk.url, {}, vault, apps, night=AT_THREE)
        desk.write(Worker(config, clock=lambda: now)._plan_night)
        rows = desk.rows("SELECT month, asked_by FROM reconciliation_run ORDER BY month")
        assert {row["asked_by"] for row in rows} <= {"nightly"}
        return [row["month"] for row in rows]

    assert planned(datetime(2026, 7, 15, 12, 0, tzinfo=UTC)) == []
    both = [date(2026, 6, 1), date(2026, 7, 1)]
    assert planned(datetime(2026, 7, 15, 1, 5, tzinfo=UTC)) == both
    assert planned(datetime(2026, 7, 15, 1, 10, tzinfo=UTC)) == both


def test_without_an_hour_there_are_no_nights() -> None:
    assert night_of(datetime(2026, 1, 15, 2, 0, tzinfo=UTC), NightTerms(hour=None)) is None


def test_the_month_before_and_this_one_of_the_local_date() -> None:
    assert nightly_months(datetime(2026, 1, 15, tzinfo=UTC)) == (date(2025, 12, 1), date(2026, 1, 1))
    assert this_month(datetime(2026, 3, 31, 22, 30, tzinfo=UTC)) == date(2026, 4, 1)
