"""What becomes a case, for whom, and when it is told: decisions over what was told and what is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.attention_cases import (
    AttentionTerms,
    CaseKey,
    Changes,
    Finding,
    OpenCase,
    cases,
    changes,
    told,
)
from schemas.attention import AttentionKind
from schemas.outcome import Code, Package, WhoActs
from schemas.posting import Message

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
TERMS = AttentionTerms()
LONG_AGO = NOON - timedelta(days=7)
SECOND = timedelta(seconds=1)
FOUND = Finding(
    "adm-1001",
    Package.SNELSTART,
    AttentionKind.REJECTED,
    Code.PERIOD_CLOSED,
    WhoActs.BOOKKEEPER,
    2,
    LONG_AGO,
    ("1", "2"),
    Message(nl="Open de periode.", en="Open the period."),
)

SUPPORT, PLATFORM, BOOKKEEPER, ENK_USER, VENDOR = WhoActs


@pytest.mark.parametrize(
    ("kind", "code", "row_names", "who"),
    [
        (AttentionKind.UNCERTAIN, Code.TIMEOUT_UNCERTAIN, SUPPORT, SUPPORT),
        (AttentionKind.WAITING, Code.NOT_FOUND_RELATION, ENK_USER, SUPPORT),
        (AttentionKind.NUMBERS, Code.NUMBER_RANGE_FULL, None, SUPPORT),
        (AttentionKind.FILE_UNCONFIRMED, None, None, SUPPORT),
        (AttentionKind.FILE_STUCK, Code.UNAVAILABLE, None, SUPPORT),
        (AttentionKind.FILE_READY, None, None, BOOKKEEPER),
        (AttentionKind.HELD, Code.RELAY_OFFLINE, BOOKKEEPER, SUPPORT),
        (AttentionKind.HELD, Code.HELD_BY_OPERATOR, SUPPORT, SUPPORT),
        (AttentionKind.HELD, Code.UNAVAILABLE, VENDOR, SUPPORT),
        (AttentionKind.HELD, Code.RATE_LIMITED, PLATFORM, SUPPORT),
        (AttentionKind.HELD, Code.SCHEMA_AHEAD, PLATFORM, SUPPORT),
        (AttentionKind.HELD, Code.AUTH_REVOKED, BOOKKEEPER, BOOKKEEPER),
        (AttentionKind.HELD, Code.AUTH_EXPIRED, PLATFORM, BOOKKEEPER),
        (AttentionKind.HELD, Code.MAPPING_MISSING, BOOKKEEPER, BOOKKEEPER),
        (AttentionKind.HELD, Code.MAPPING_MISSING, SUPPORT, SUPPORT),
        (AttentionKind.REJECTED, Code.PERIOD_CLOSED, None, BOOKKEEPER),
        (AttentionKind.REJECTED, Code.YEAR_MISSING, None, BOOKKEEPER),
        (AttentionKind.REJECTED, Code.NOT_FOUND_LEDGER_ACCOUNT, None, BOOKKEEPER),
        (AttentionKind.REJECTED, Code.REQUIRED_FIELD, None, ENK_USER),
        (AttentionKind.REJECTED, Code.INTERNAL, None, SUPPORT),
    ],
)
def test_who_is_told(kind: AttentionKind, code: Code | None, row_names: WhoActs | None, who: WhoActs) -> None:
    assert told(kind, code, row_names) is who


@pytest.mark.parametrize("kind", AttentionKind)
@pytest.mark.parametrize("code", Code)
def test_one_administration_is_never_a_matter_for_the_platform(kind: AttentionKind, code: Code) -> None:
    assert told(kind, code, None) in (SUPPORT, BOOKKEEPER, ENK_USER)
    assert told(kind, code, PLATFORM) in (SUPPORT, BOOKKEEPER)


def look(
    known: list[OpenCase], *found: Finding, at: datetime = NOON, terms: AttentionTerms = TERMS
) -> Changes:
    return changes({case.key: case for case in known}, cases(found), at, terms)


def opened(*found: Finding) -> list[OpenCase]:
    return list(look([], *found).opened)


def test_a_case_has_a_sentence_in_both_languages_with_what_it_counts() -> None:
    (case,) = opened(FOUND)
    assert case.message.nl == "Niet geboekt: 2 documenten (1, 2). Het oudste: Open de periode."
    assert case.message.en == "Not booked: 2 documents (1, 2). The oldest: Open the period."
    (case,) = opened(replace(FOUND, count=9))
    assert "9 documenten (1, 2 en meer)" in case.message.nl
    (case,) = opened(replace(FOUND, count=1, examples=("1",)))
    assert case.message.nl == "Niet geboekt: 1 document (1). Open de periode."


def test_what_one_person_is_told_of_the_same_thing_is_one_case() -> None:
    lane = replace(
        FOUND,
        kind=AttentionKind.HELD,
        code=Code.UNAVAILABLE,
        who_acts=VENDOR,
        count=0,
        examples=(),
    )
    rows = replace(lane, who_acts=PLATFORM, count=3, since=NOON, examples=("1", "2", "3"))
    (case,) = opened(rows, lane)
    assert (case.count, case.since, case.examples) == (3, LONG_AGO, ("1", "2", "3"))
    assert case.key.who_acts is SUPPORT
    (case,) = opened(lane)
    assert case.message.nl.startswith("Staat stil: de administratie. ")


def test_a_session_that_stays_expired_asks_for_consent() -> None:
    (case,) = opened(replace(FOUND, kind=AttentionKind.HELD, code=Code.AUTH_EXPIRED, who_acts=PLATFORM))
    assert "Koppel de administratie opnieuw" in case.message.nl
    assert "u hoeft niets te doen" not in case.message.nl


@pytest.mark.parametrize(
    ("kind", "code", "after"),
    [
        (AttentionKind.REJECTED, Code.BAD_FORMAT, TERMS.settle),
        (AttentionKind.FILE_READY, None, TERMS.settle),
        (AttentionKind.HELD, Code.AUTH_REVOKED, TERMS.settle),
        (AttentionKind.HELD, Code.UNAVAILABLE, TERMS.held),
        (AttentionKind.HELD, Code.RELAY_OFFLINE, TERMS.held),
        (AttentionKind.NUMBERS, Code.NUMBER_RANGE_FULL, timedelta()),
    ],
)
def test_a_case_opens_when_it_has_stood_for_a_while(
    kind: AttentionKind, code: Code | None, after: timedelta
) -> None:
    found = replace(FOUND, kind=kind, code=code, since=NOON - after)
    assert len(opened(found)) == 1
    assert look([], replace(found, since=found.since + SECOND)) == Changes()


def test_an_open_case_is_told_once() -> None:
    known = opened(FOUND)
    assert look(known, FOUND, at=NOON + timedelta(days=9)) == Changes()


def test_a_case_that_grows_is_noted_and_told_after_a_day() -> None:
    known = opened(FOUND)
    grown = replace(FOUND, count=5)
    noted = look(known, grown, at=NOON + TERMS.grown - SECOND)
    assert (noted.opened, noted.grown, noted.resolved) == ((), (), ())
    assert noted.noted[0].count == 5
    again = look(list(noted.noted), grown, at=NOON + TERMS.grown)
    assert [(case.count, case.told_count) for case in again.grown] == [(5, 5)]
    assert look(list(again.grown), grown, at=NOON + TERMS.grown + SECOND) == Changes()


def test_a_case_that_shrank_and_grows_again_is_told_after_a_day() -> None:
    known = look(opened(replace(FOUND, count=40)), FOUND).noted
    assert look(list(known), FOUND, at=NOON + TERMS.grown) == Changes()
    again = look(list(known), replace(FOUND, count=10), at=NOON + TERMS.grown)
    assert [case.count for case in again.grown] == [10]


def test_a_case_is_over_when_it_has_been_gone_for_a_while() -> None:
    known = opened(FOUND)
    gone = look(known)
    assert gone == Changes(noted=(replace(known[0], gone_at=NOON),))
    assert look(list(gone.noted), at=NOON + TERMS.settle - SECOND) == Changes()
    over = look(list(gone.noted), at=NOON + TERMS.settle)
    assert [(case.key, case.count) for case in over.resolved] == [(known[0].key, 0)]


def test_a_case_that_comes_back_at_once_was_never_gone() -> None:
    known = opened(FOUND)
    gone = look(known)
    back = look(list(gone.noted), replace(FOUND, since=NOON), at=NOON + SECOND)
    assert (back.opened, back.grown, back.resolved) == ((), (), ())
    assert back.noted[0].gone_at is None


def test_cases_differ_by_administration_package_kind_person_and_code_and_keep_their_id() -> None:
    found = [
        FOUND,
        replace(FOUND, administration="adm-1002"),
        replace(FOUND, package=Package.KING),
        replace(FOUND, package=None),
        replace(FOUND, kind=AttentionKind.HELD),
        replace(FOUND, code=Code.YEAR_MISSING),
        replace(FOUND, who_acts=ENK_USER),
    ]
    ids = [case.key.id for case in opened(*found)]
    assert len(set(ids)) == len(found)
    assert ids == [case.key.id for case in opened(*found)]
    assert CaseKey("a", None, AttentionKind.HELD, SUPPORT, None).id
