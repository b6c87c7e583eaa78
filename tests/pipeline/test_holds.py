"""Held: an administration, or a document, that may not go out now; what releases it, and in which order."""

from __future__ import annotations

import pytest

from ledger.administrations import hold_lane, release_lane, set_mapping
from schemas.outcome import Code, Package, reason
from schemas.topics import ATTENTION, HOLDING
from sinks.breaker import let_package_go
from tests.pipeline.companies import (
    calls,
    change_settings,
    end_fault,
    publish_tombstone,
    reconnect,
    share_company,
)
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.pipeline.listening import Ear
from tests.schemas import builders

NUMBERS = [f"{number:02d}" for number in range(12)]
BOOK = "verkoopboekingen.POST"


def publish(administration: Administration) -> None:
    administration.publish(administration.relation(), *(administration.sale(number) for number in NUMBERS))


def assert_booked_in_order(administration: Administration) -> None:
    administration.until_states({f"s-{NUMBERS[-1]}": "booked"})
    assert [row["number"] for row in administration.books()["sales"]] == NUMBERS


def probe_now(administration: Administration) -> None:
    """The time of the next probe has come."""
    administration.pipeline.rows(
        "UPDATE lane SET probe_at = clock_timestamp(), due_at = clock_timestamp(),"
        " due_version = due_version + 1 WHERE administration_id = %s RETURNING package",
        administration.id,
    )


def attention(administration: Administration) -> list[tuple[str, str]]:
    """What ENK was told to tell the bookkeeper, in order."""
    return [
        (event["status"], event["code"])
        for event in administration.pipeline.events(ATTENTION)
        if event["administration"] == administration.id and event["who_acts"] == "bookkeeper"
    ]


def test_an_unknown_administration_is_held_and_released_in_order(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    owner = pipeline.administration()
    unknown = Administration(pipeline, f"{owner.id}-new", Package.SNELSTART, "")
    unknown.publish(unknown.relation(), *(unknown.sale(number) for number in NUMBERS), topic=HOLDING)
    (event,) = ear.until_told(unknown, "s-11", ["held"])
    assert event["error"]["code"] == "unknown_administration"
    assert "package" not in event
    unknown.publish(builders.administration(id=unknown.id))
    *_, event = ear.until_told(unknown, "s-11", ["held", "held"])
    assert (event["error"]["code"], event["package"]) == ("mapping_missing", "snelstart")
    share_company(owner, unknown)
    ear.until_told(unknown, "s-11", ["held", "held", "booked"])
    assert_booked_in_order(unknown)


def test_an_administration_that_is_not_connected_is_held_and_says_what_to_do(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    administration = pipeline.administration(connected=False)
    publish(administration)
    (event,) = ear.until_told(administration, "s-11", ["held"])
    assert event["error"]["code"] == "mapping_missing"
    assert f"koppeling connect {administration.id}" in event["error"]["message"]["nl"]
    administration.connect({}, {})
    assert_booked_in_order(administration)
    ear.until_told(administration, "s-11", ["held", "booked"])


@pytest.mark.parametrize("how", ["inactive", "tombstone"])
def test_an_inactive_administration_is_held_until_it_is_active_again(
    snelstart: Administration, ear: Ear, how: str
) -> None:
    snelstart.publish(snelstart.relation())
    ear.until_told(snelstart, "rel-204", ["booked"])
    if how == "inactive":
        snelstart.publish(builders.administration(id=snelstart.id, active=False))
    else:
        publish_tombstone(snelstart)
    snelstart.publish(*(snelstart.sale(number) for number in NUMBERS))
    (event,) = ear.until_told(snelstart, "s-11", ["held"])
    assert event["error"]["code"] == "administration_inactive"
    assert snelstart.booked_numbers()["sales"] == []
    snelstart.publish(builders.administration(id=snelstart.id))
    assert_booked_in_order(snelstart)


def test_an_operator_holds_and_releases(pipeline: Pipeline, snelstart: Administration, ear: Ear) -> None:
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        hold_lane(cursor, snelstart.key, reason(Code.HELD_BY_OPERATOR), None)
    publish(snelstart)
    (event,) = ear.until_told(snelstart, "s-11", ["held"])
    assert event["error"]["code"] == "held_by_operator"
    assert calls(snelstart, "relaties.POST") == 0
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        release_lane(cursor, snelstart.key)
    assert_booked_in_order(snelstart)
    ear.until_told(snelstart, "s-11", ["held", "booked"])


def test_nothing_is_written_in_the_wrong_company(snelstart: Administration, ear: Ear) -> None:
    reconnect(snelstart, identity={"id": "00000000-0000-4000-8000-000000000000", "name": "Jansen B.V."})
    publish(snelstart)
    event = ear.until_told(snelstart, "s-11", ["held"])[0]
    assert event["error"]["code"] == "wrong_company"
    assert "Jansen B.V." in event["error"]["message"]["nl"]
    assert calls(snelstart, "relaties.POST") == 0
    reconnect(snelstart)
    assert_booked_in_order(snelstart)


def test_a_revoked_key_holds_until_it_is_restored(snelstart: Administration, ear: Ear) -> None:
    change_settings(snelstart, koppelsleutel_active=False)
    publish(snelstart)
    event = ear.until_told(snelstart, "s-11", ["held"])[0]
    assert event["error"]["code"] == "auth_revoked"
    assert event["error"]["who_acts"] == "bookkeeper"
    probe_now(snelstart)
    until(
        lambda: snelstart.pipeline.rows(
            "SELECT 1 FROM lane WHERE administration_id = %s AND probes > 0", snelstart.id
        ),
        "it was probed in vain",
    )
    ear.listen()
    assert len(ear.events(snelstart, "s-11")) == 1, "a probe in vain is not told"
    until(lambda: attention(snelstart) == [("open", "auth_revoked")], "the bookkeeper is to be told")
    change_settings(snelstart, koppelsleutel_active=True)
    probe_now(snelstart)
    assert_booked_in_order(snelstart)
    ear.until_told(snelstart, "s-11", ["held", "booked"])
    told = [("open", "auth_revoked"), ("resolved", "auth_revoked")]
    until(lambda: attention(snelstart) == told, "it is over")


def test_a_package_that_is_down_is_probed_and_work_resumes_by_itself(
    snelstart: Administration, ear: Ear
) -> None:
    snelstart.publish(snelstart.relation())
    ear.until_told(snelstart, "rel-204", ["booked"])
    down = snelstart.fault("maintenance")
    snelstart.publish(
        *(snelstart.sale(number) for number in NUMBERS), snelstart.purchase("1"), snelstart.purchase("2")
    )
    until(
        lambda: snelstart.pipeline.rows(
            "SELECT 1 FROM lane WHERE administration_id = %s AND held_code = 'unavailable' AND probes > 1",
            snelstart.id,
        ),
        "it is held and was probed",
    )
    event = ear.until_told(snelstart, "p-2", ["held"])[0]
    assert event["error"]["code"] == "unavailable"
    end_fault(snelstart, down)
    ear.until_told(snelstart, "p-2", ["held", "booked"])
    snelstart.until_states({f"s-{number}": ("booked", "adopted") for number in NUMBERS})
    assert snelstart.books()["doubles"] == []


def test_a_short_silence_is_kept_without_telling_anybody(snelstart: Administration, ear: Ear) -> None:
    snelstart.fault("rate_limit", operation=BOOK, retry_after=1)
    publish(snelstart)
    assert_booked_in_order(snelstart)
    ear.until_told(snelstart, "s-00", ["booked"])
    assert calls(snelstart, BOOK) == len(NUMBERS) + 1


def test_a_long_silence_holds_the_administration(
    pipeline: Pipeline, snelstart: Administration, ear: Ear
) -> None:
    snelstart.fault("rate_limit", operation=BOOK, retry_after=1800)
    publish(snelstart)
    event = ear.until_told(snelstart, "s-11", ["held"])[0]
    assert event["error"]["code"] == "rate_limited"
    (lane,) = pipeline.rows(
        "SELECT probe_at - clock_timestamp() AS wait FROM lane WHERE administration_id = %s", snelstart.id
    )
    assert 1700 < lane["wait"].total_seconds() <= 1800, "as long as the package asks for"
    assert calls(snelstart, BOOK) == 1


def test_a_package_that_fails_everywhere_alike_is_stopped(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    broken = pipeline.fault("status", package="snelstart", operation=BOOK, status=400, count=1000)
    administrations = [pipeline.administration() for _ in range(7)]
    for administration in administrations[:5]:
        administration.publish(administration.relation(), administration.sale("1"))
    for administration in administrations[:5]:
        *_, event = ear.until_told(administration, "s-1", ["rejected", "held"])
        assert event["error"]["code"] == "internal"
        assert "told to answer" in event["error"]["vendor_message"]
    for administration in administrations[5:]:
        administration.publish(administration.relation(), administration.sale("1"))
        administration.until_states({"s-1": "received"})
    assert pipeline.rows("SELECT 1 FROM package_breaker WHERE package = 'snelstart'")
    end_fault(administrations[0], broken)
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        let_package_go(cursor, Package.SNELSTART)
    for administration in administrations[:5]:
        ear.until_told(administration, "s-1", ["rejected", "held", "booked"])
    for administration in administrations[5:]:
        ear.until_told(administration, "s-1", ["booked"])
        assert calls(administration, BOOK) == 1


def test_a_document_without_a_number_is_set_aside_until_the_range_is_wider(
    pipeline: Pipeline, worker: WorkerProcess, ear: Ear
) -> None:
    narrow = {"debtor_numbers": {"first": 1300000, "last": 1300000}}
    king = pipeline.administration(Package.KING, mapping=narrow)
    letters = [
        king.relation() | {"id": f"rel-{name}", "number": f"{name}-1", "roles": ["debtor"]} for name in "AB"
    ]
    king.publish(
        *letters,
        king.sale("1", relation_id="rel-A"),
        king.sale("2", relation_id="rel-B"),
        king.sale("3", relation_id="rel-A"),
    )
    ear.until_told(king, "s-1", ["filed"])
    ear.until_told(king, "s-3", ["filed"])
    (event,) = ear.until_told(king, "rel-B", ["held"])
    assert event["error"]["code"] == "number_range_full"
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        set_mapping(cursor, king.key, {"debtor_numbers": {"first": 1300000, "last": 1300009}})
    king.until_states({"rel-B": "filed", "s-2": "filed"})
