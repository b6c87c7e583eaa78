"""What follows from a failed call: doubt, another attempt, a held administration, or a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tenacity import wait_fixed

from schemas.outcome import RULES, Code, Outcome, RetryClass
from sinks.failures import NEEDS_PERSON, Consequence, consequence
from sinks.terms import DeliveryTerms
from tests.sinks.postings import due
from vendors.failure import Failure, NotSent, Refused, Scope, Uncertain

SETTLE = timedelta(seconds=60)
TERMS = DeliveryTerms(retry_wait=wait_fixed(7), probe_wait=wait_fixed(11), document_attempts=3)
WHOLE = Scope.ADMINISTRATION
FOR_PEOPLE = [code for code in Code if RULES[code].retry is not RetryClass.AUTOMATIC]


def after(failure: Failure, **posting: object) -> Consequence:
    return consequence(due(**posting), failure, SETTLE, TERMS)


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("scope", Scope)
def test_doubt_is_doubt_whatever_the_code(code: Code, scope: Scope) -> None:
    change = after(Uncertain(code, scope=scope)).change
    assert (change.state, change.keep_intent, change.due_in) == (Outcome.UNCERTAIN, True, SETTLE)


def test_doubt_that_does_not_end_is_left_to_a_person() -> None:
    assert after(Uncertain(Code.TIMEOUT_UNCERTAIN), transient=4).change.due_in == SETTLE
    given_up = after(Uncertain(Code.TIMEOUT_UNCERTAIN), transient=5).change
    assert (given_up.state, given_up.due_in, given_up.keep_intent) == (Outcome.UNCERTAIN, None, True)


@pytest.mark.parametrize("code", FOR_PEOPLE)
def test_a_refusal_that_does_not_pass_is_for_a_person(code: Code) -> None:
    result = after(Refused(code, "de woorden van het pakket", field="$.number"))
    change = result.change
    assert (change.state, change.keep_intent, change.due_in) == (Outcome.REJECTED, False, None)
    assert change.reason is not None
    assert (change.reason.code, change.reason.field) == (code, "$.number")
    assert change.reason.vendor_message == "de woorden van het pakket"
    assert (result.hold, result.pause) == (None, None)


@pytest.mark.parametrize("failure", [NotSent(Code.INTERNAL), Refused(Code.UNAVAILABLE)])
def test_what_passes_is_tried_again_and_set_aside_after_so_many_attempts(failure: Failure) -> None:
    first = after(failure).change
    assert (first.state, first.due_in, first.transient) == (Outcome.RETRY, timedelta(seconds=7), 1)
    last = after(failure, transient=2).change
    assert (last.state, last.scope, last.due_in) == (Outcome.HELD, "document", None)


def test_the_package_says_how_long_to_wait() -> None:
    wait = timedelta(seconds=99)
    assert after(NotSent(Code.UNAVAILABLE, retry_after=wait)).change.due_in == wait
    assert after(NotSent(Code.UNAVAILABLE, retry_after=wait, scope=WHOLE)).probe_in == wait


def test_what_concerns_the_administration_holds_it_and_leaves_the_document_as_it_was() -> None:
    result = after(Refused(Code.AUTH_EXPIRED, scope=WHOLE), transient=2)
    assert result.hold is not None
    assert result.hold.code is Code.AUTH_EXPIRED
    assert result.probe_in == timedelta(seconds=11)
    change = result.change
    assert (change.state, change.reason, change.transient, change.announce) == (
        Outcome.RECEIVED,
        None,
        2,
        False,
    )


@pytest.mark.parametrize("code", sorted(NEEDS_PERSON))
def test_what_a_person_must_mend_is_probed_rarely(code: Code) -> None:
    assert after(Refused(code, scope=WHOLE)).probe_in == timedelta(minutes=5)


def test_a_short_silence_pauses_and_a_long_one_holds() -> None:
    short = after(Refused(Code.RATE_LIMITED, retry_after=timedelta(seconds=30), scope=WHOLE))
    assert (short.pause, short.hold) == (timedelta(seconds=30), None)
    long = after(Refused(Code.RATE_LIMITED, retry_after=timedelta(hours=1), scope=WHOLE))
    assert (long.pause, long.probe_in) == (None, timedelta(hours=1))
    assert long.hold is not None


@pytest.mark.parametrize(
    "failure",
    [
        NotSent(Code.UNAVAILABLE),
        NotSent(Code.UNAVAILABLE, scope=WHOLE),
        Refused(Code.PERIOD_CLOSED),
        Refused(Code.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("transient", [0, 2])
def test_that_it_must_be_looked_up_first_is_not_forgotten(failure: Failure, transient: int) -> None:
    assert after(failure, look_up_first=True, transient=transient).change.look_up_first
