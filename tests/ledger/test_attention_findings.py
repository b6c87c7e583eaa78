"""What needs somebody is found wherever it shows in the ledger, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from ledger.administrations import hold_lane, release_lane, set_mapping
from ledger.attention import open_cases
from ledger.numbers import Range, allot
from ledger.rows import LaneKey
from schemas.outcome import Code, Package, reason
from schemas.topics import HOLDING
from tests.ledger.desk import Desk
from tests.ledger.fresh_ledger import fresh_ledger
from tests.ledger.watching import HOUR, Watch, emptied_desk, short, watch_over
from tests.schemas.builders import invoice


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


def hold(desk: Desk, code: Code, probe_in: timedelta | None = None) -> None:
    key = LaneKey("adm-1001", Package.SNELSTART)
    desk.write(lambda cursor: hold_lane(cursor, key, reason(code), probe_in))


def test_nothing_is_told_of_a_ledger_that_is_well(watch: Watch) -> None:
    watch.set("inv-1", "booked")
    watch.set("inv-2", "waiting", code="waiting_for_invoice", waiting_until=watch.now() + HOUR)
    watch.set("inv-3", "waiting", code="waiting_for_invoice")
    watch.set("inv-4", "uncertain", code="timeout_uncertain", intent_at=watch.now())
    watch.set("inv-5", "retry", code="unavailable")
    watch.set("inv-6", "held", code="internal", scope="package")
    assert watch.look() == []


def test_an_uncertain_document_is_for_support_after_an_hour(watch: Watch) -> None:
    watch.set("inv-1", "uncertain", code="timeout_uncertain", intent_at=watch.now())
    watch.set("inv-2", "uncertain", code="timeout_uncertain", intent_at=watch.now() - HOUR)
    (event,) = watch.look()
    assert short(event) == ("open", "uncertain", "support", "timeout_uncertain", 1)
    assert event["examples"] == ["N2"]
    assert watch.look(HOUR * 2) == []
    assert [case.count for case in open_cases(watch.desk.connection)] == [2]


def test_waiting_past_its_limit_is_for_support(watch: Watch) -> None:
    watch.set("inv-1", "waiting", code="not_found_relation", waiting_until=watch.now())
    (event,) = watch.look()
    assert short(event) == ("open", "waiting", "support", "not_found_relation", 1)
    assert "Sla de relatie in ENK opnieuw op" in event["message"]["nl"]


@pytest.mark.parametrize(
    ("code", "who"), [(Code.AUTH_REVOKED, "bookkeeper"), (Code.HELD_BY_OPERATOR, "support")]
)
def test_a_held_administration_that_needs_a_person_is_told_with_its_documents(
    watch: Watch, code: Code, who: str
) -> None:
    hold(watch.desk, code)
    (event,) = watch.look()
    assert short(event) == ("open", "held", who, str(code), 8)
    assert len(event["examples"]) == 5
    watch.desk.write(lambda cursor: release_lane(cursor, LaneKey("adm-1001", Package.SNELSTART)))
    assert [short(event)[0] for event in watch.look()] == ["resolved"]


@pytest.mark.parametrize(
    ("code", "who"),
    [(Code.UNAVAILABLE, "support"), (Code.RELAY_OFFLINE, "support"), (Code.AUTH_EXPIRED, "bookkeeper")],
)
def test_a_held_administration_that_may_go_on_by_itself_is_told_later(
    watch: Watch, code: Code, who: str
) -> None:
    hold(watch.desk, code, timedelta(minutes=1))
    assert watch.look(timedelta(minutes=29)) == []
    (event,) = watch.look(timedelta(minutes=31))
    assert short(event) == ("open", "held", who, str(code), 8)


def test_a_held_administration_without_documents_is_told_while_it_is_in_use(desk: Desk) -> None:
    desk.administration()
    hold(desk, Code.AUTH_REVOKED)
    watch = Watch(desk)
    (event,) = watch.look()
    assert short(event) == ("open", "held", "bookkeeper", "auth_revoked", 0)
    assert event["message"]["nl"].startswith("Staat stil: de administratie. ")
    desk.announce("adm-1001", Package.KING)
    assert [short(event)[0] for event in watch.look()] == ["resolved"]


def test_a_document_that_is_set_aside_is_held_too(watch: Watch) -> None:
    watch.set("inv-1", "held", code="internal", scope="document")
    (event,) = watch.look()
    assert short(event) == ("open", "held", "support", "internal", 1)


def test_an_unknown_administration_is_told_after_a_while(desk: Desk) -> None:
    desk.take_in(desk.record(invoice(administration="adm-9"), topic=HOLDING))
    watch = Watch(desk)
    assert watch.look() == []
    (event,) = watch.look(HOUR)
    assert short(event) == ("open", "held", "support", "unknown_administration", 1)
    assert "package" not in event


def test_input_of_a_known_administration_that_cannot_be_read_is_told(watch: Watch) -> None:
    broken = invoice(id="inv-9", number="N9", revision="first")
    watch.desk.take_in(broken)
    watch.desk.take_in(invoice(id="inv-9", administration="adm-9", revision="first"))
    (event,) = watch.look()
    assert (event["administration"], event["kind"], event["count"]) == ("adm-1001", "rejected", 1)
    assert event["who_acts"] in ("support", "enk_user")


def test_a_number_range_that_is_nearly_used_up_is_for_support_until_it_is_wider(desk: Desk) -> None:
    key = desk.administration(package=Package.KING, mapping={})
    watch = Watch(desk)

    def take(last: int, entities: str) -> None:
        for entity in entities:
            desk.write(
                partial(allot, administration="adm-1001", numbers=Range("debtor", 1, last), entity=entity)
            )

    take(10, "abcdefg")
    assert watch.look() == []
    take(10, "h")
    (event,) = watch.look()
    assert short(event) == ("open", "numbers", "support", "number_range_full", 1)
    assert event["examples"] == ["debtor"]
    assert watch.look() == []
    desk.write(lambda cursor: set_mapping(cursor, key, {"debtor_numbers": {"first": 1, "last": 100}}))
    assert [short(event)[0] for event in watch.look()] == ["resolved"]
    take(100, "i")
    assert watch.look() == []


@pytest.fixture
def file_of(desk: Desk) -> Callable[..., int]:
    """Puts a file with one unconfirmed document in the ledger."""
    desk.administration(package=Package.KING)

    def add(sequence: int, state: str, code: str | None = None, age: timedelta = timedelta()) -> int:
        file: int = desk.value(
            "INSERT INTO file (administration_id, package, sequence, cut_at, state, delivered_at, code,"
            " message_nl, message_en) VALUES ('adm-1001', 'king', %s, clock_timestamp() - %s, %s,"
            " CASE WHEN %s = 'delivered' THEN clock_timestamp() - %s END, %s, 'Map weg.', 'Folder gone.')"
            " RETURNING id",
            sequence, age, state, state, age, code,
        )  # fmt: skip
        for position in (1, 2):
            desk.connection.execute(
                "INSERT INTO file_part (file_id, position, name, sha256, size) VALUES (%s, %s, %s, '', 1)",
                (file, position, f"file-{sequence}-{position}.xml"),
            )
        desk.connection.execute(
            "INSERT INTO file_member (file_id, posting_id, position) VALUES (%s, %s, 1)", (file, sequence)
        )
        return file

    return add


def confirm(desk: Desk, *files: int) -> None:
    desk.connection.execute(
        "UPDATE file_member SET state = 'confirmed' WHERE file_id = ANY(%s)", (list(files),)
    )


def test_a_file_is_ready_for_the_bookkeeper_and_after_three_days_support_asks(
    desk: Desk, file_of: Callable[..., int]
) -> None:
    watch = Watch(desk)
    first = file_of(1, "delivered")
    file_of(2, "void")
    confirm(desk, file_of(3, "delivered"))
    (ready,) = watch.look()
    assert short(ready) == ("open", "file_ready", "bookkeeper", None, 1)
    assert ready["examples"] == ["file-1-1.xml"]
    assert ready["message"]["nl"].startswith("Klaar om in te lezen: 1 importbestand (file-1-1.xml). ")
    assert watch.look() == []
    (late,) = watch.look(timedelta(days=3, minutes=1))
    assert short(late) == ("open", "file_unconfirmed", "support", None, 1)
    confirm(desk, first)
    over = watch.look(timedelta(days=3, minutes=2))
    assert {short(event)[:2] for event in over} == {
        ("resolved", "file_ready"),
        ("resolved", "file_unconfirmed"),
    }


def test_a_file_that_does_not_get_delivered_is_for_support(desk: Desk, file_of: Callable[..., int]) -> None:
    watch = Watch(desk)
    file_of(1, "held", "duplicate_number")
    file_of(2, "uncertain", "timeout_uncertain")
    file_of(3, "cut", "unavailable")
    file_of(4, "cut")
    assert [short(event) for event in watch.look()] == [
        ("open", "file_stuck", "support", "duplicate_number", 1)
    ]
    assert [short(event) for event in watch.look(timedelta(minutes=31))] == [
        ("open", "file_stuck", "support", "unavailable", 1)
    ]
    (doubt,) = watch.look(timedelta(minutes=61))
    assert short(doubt) == ("open", "file_stuck", "support", "timeout_uncertain", 1)
    assert "Map weg." in doubt["message"]["nl"]
