"""What needs somebody is told once per case, whoever looks however often, and once more when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from ledger.attention import open_cases, tell
from ledger.recovery import enter_recovery
from schemas.outcome import Code, WhoActs
from tests.ledger.desk import Desk
from tests.ledger.fresh_ledger import fresh_ledger
from tests.ledger.watching import AT_ONCE, Watch, emptied_desk, short, watch_over


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest.fixture
def desk(ledger_url: str) -> Iterator[Desk]:
    with emptied_desk(ledger_url) as desk:
        yield desk


@pytest.fixture
def watch(desk: Desk) -> Watch:
    return watch_over(desk)


def test_rejected_documents_are_told_by_who_acts_and_why_once_and_once_more_when_they_are_gone(
    watch: Watch,
) -> None:
    watch.set("inv-1", "rejected", code="period_closed")
    watch.set("inv-2", "rejected", code="period_closed")
    watch.set("inv-3", "rejected", code="required_field")
    events = watch.look()
    assert sorted(map(short, events)) == [
        ("open", "rejected", "bookkeeper", "period_closed", 2),
        ("open", "rejected", "enk_user", "required_field", 1),
    ]
    closed = next(event for event in events if event["code"] == "period_closed")
    assert (closed["administration"], closed["package"]) == ("adm-1001", "snelstart")
    assert closed["examples"] == ["N1", "N2"]
    assert closed["message"]["nl"].startswith("Niet geboekt: 2 documenten (N1, N2). Het oudste: De periode")
    assert watch.look() == []
    watch.set("inv-1", "booked")
    assert watch.look() == []
    watch.set("inv-2", "booked")
    (over,) = watch.look()
    assert short(over) == ("resolved", "rejected", "bookkeeper", "period_closed", 0)
    assert (over["id"], over["opened_at"]) == (closed["id"], closed["opened_at"])
    assert over["sequence"] > closed["sequence"]
    assert over["event_id"] != closed["event_id"]
    watch.set("inv-4", "rejected", code="period_closed")
    (again,) = watch.look()
    assert short(again) == ("open", "rejected", "bookkeeper", "period_closed", 1)
    assert again["id"] == closed["id"]
    assert again["sequence"] > over["sequence"]


def test_what_is_mended_at_once_is_told_to_nobody(watch: Watch) -> None:
    terms = replace(AT_ONCE, settle=timedelta(seconds=30))
    watch.set("inv-1", "rejected", code="period_closed")
    assert watch.look(terms=terms) == []
    watch.set("inv-1", "booked")
    assert watch.look(timedelta(minutes=1), terms) == []


def test_growth_is_told_after_a_day(watch: Watch) -> None:
    watch.set("inv-1", "rejected", code="period_closed")
    watch.look()
    watch.set("inv-2", "rejected", code="period_closed")
    assert watch.look(timedelta(hours=23)) == []
    assert [case.count for case in open_cases(watch.desk.connection)] == [2], "the list shows it all the same"
    (grown,) = watch.look(timedelta(hours=25))
    assert short(grown) == ("open", "rejected", "bookkeeper", "period_closed", 2)
    assert watch.look(timedelta(hours=26)) == []


def test_another_process_tells_nothing_again_and_not_while_one_is_at_it(watch: Watch) -> None:
    watch.set("inv-1", "rejected", code="period_closed")
    watch.look()
    with psycopg.connect(watch.desk.url, autocommit=True) as restarted:
        told = tell(restarted, AT_ONCE)
        assert told is not None
        assert told.total == 0
        watch.set("inv-2", "rejected", code="year_missing")
        with watch.desk.connection.transaction():
            watch.look()
            assert tell(restarted, AT_ONCE) is None
    assert len(watch.told()) == 2


def test_a_kind_that_only_a_newer_release_knows_is_left_to_its_workers(watch: Watch) -> None:
    watch.set("inv-1", "rejected", code="period_closed")
    watch.look()
    watch.desk.connection.execute("UPDATE attention SET id = 'newer', kind = 'unheard_of'")
    assert [short(event)[:2] for event in watch.look()] == [("open", "rejected")]
    assert watch.desk.value("SELECT count(*) FROM attention WHERE kind = 'unheard_of'") == 1


def test_two_workers_at_once_do_not_double(watch: Watch) -> None:
    def work(_: int) -> int:
        with psycopg.connect(watch.desk.url, autocommit=True) as connection:
            passes = [tell(connection, AT_ONCE) for _ in range(10)]
        return sum(told.total for told in passes if told is not None)

    codes = ("period_closed", "year_missing", "bad_format", "not_found_vat", "internal")
    for number, code in enumerate(codes, 1):
        watch.set(f"inv-{number}", "rejected", code=code)
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == len(codes)
    assert sorted(event["code"] for event in watch.told()) == sorted(codes)


def test_a_pass_that_is_undone_has_told_nothing(watch: Watch) -> None:
    watch.set("inv-1", "rejected", code="period_closed")

    def look_and_stop() -> None:
        with watch.desk.connection.transaction():
            watch.look()
            raise KeyError

    with pytest.raises(KeyError):
        look_and_stop()
    assert len(watch.look()) == 1


def test_after_a_restore_sequences_go_on_higher(watch: Watch) -> None:
    watch.set("inv-1", "rejected", code="period_closed")
    (before,) = watch.look()
    watch.desk.write(lambda cursor: enter_recovery(cursor, "restored", 7))
    watch.set("inv-1", "booked")
    events = [event for event in watch.look() if event["id"] == before["id"]]
    assert [event["sequence"] > before["sequence"] for event in events] == [True]


def test_open_cases_are_listed_by_administration_and_by_who_acts(watch: Watch) -> None:
    watch.set("inv-1", "rejected", code="period_closed")
    watch.set("inv-2", "rejected", code="required_field")
    watch.look()
    connection = watch.desk.connection
    assert len(open_cases(connection)) == len(open_cases(connection, "adm-1001")) == 2
    assert open_cases(connection, "adm-1002") == []
    (case,) = open_cases(connection, "adm-1001", WhoActs.ENK_USER)
    assert (case.key.code, case.count, case.examples) == (Code.REQUIRED_FIELD, 1, ("N2",))


def test_a_pass_looks_only_at_documents_that_are_open(watch: Watch) -> None:
    connection = watch.desk.connection
    with connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT id FROM posting WHERE state IN ('rejected', 'held', 'waiting', 'uncertain')"
        ).fetchall()
    assert any("Index Cond: (state = ANY" in line for (line,) in plan), plan
