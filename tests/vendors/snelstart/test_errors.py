"""Every code of SnelStart's list has its meaning, and every answer is refused, uncertain or not sent."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from schemas.outcome import Code, WhoActs
from vendors.answer import Answer
from vendors.failure import NotSent, Refused, Scope, Uncertain
from vendors.snelstart.errors import RULES, SnelStartRefused, failure_of, parse_errors


def numbers(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


LISTED = {
    "ALG": "100-106",
    "BOE": "1-3 8-10 19 21-23 26 28 33 37-39 42 46-51 52 54 55 58 60-62 64 68-71 75 78 80-84 89 93 96",
    "REL": "1-18 20-103",
    "KPL": "8",
    "BLG": "5-8 11 13 16 17",
}


def test_every_listed_code_has_a_rule_and_no_other() -> None:
    listed = {f"{prefix}-{number:04d}" for prefix, text in LISTED.items() for number in numbers(text)}
    listed -= {"REL-0019"}
    assert set(RULES) == listed


def answer(status: int, body: object = b"", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx.Headers(names), content)


def business(*codes: str) -> Answer:
    return answer(400, [{"errorCode": code, "message": "Nee", "details": None} for code in codes])


@pytest.mark.parametrize("vendor_code", sorted(RULES))
@pytest.mark.parametrize("write", [True, False])
def test_a_listed_code_is_refused_with_our_code_and_its_own_words(vendor_code: str, write: bool) -> None:
    failure = failure_of(business(vendor_code), write=write)
    assert isinstance(failure, SnelStartRefused)
    assert failure.code is RULES[vendor_code].code
    assert failure.scope is Scope.DOCUMENT
    assert failure.vendor_message == f"{vendor_code} Nee"
    assert failure.fields == ((RULES[vendor_code].field,) if RULES[vendor_code].field else ())
    assert failure.names(vendor_code)


MEANINGS = {
    "BOE-0021": (Code.DUPLICATE_NUMBER, "factuurnummer"),
    "REL-0008": (Code.DUPLICATE_NUMBER, "relatiecode"),
    "KPL-0008": (Code.DUPLICATE_NUMBER, "kostenplaats"),
    "BOE-0039": (Code.UNBALANCED, "factuurbedrag"),
    "BOE-0008": (Code.BLOCKED_LEDGER_ACCOUNT, "grootboek"),
    "BOE-0037": (Code.NOT_FOUND_LEDGER_ACCOUNT, "grootboek"),
    "BOE-0042": (Code.PERIOD_CLOSED, "factuurdatum"),
    "BOE-0054": (Code.BLOCKED_RELATION, "relatie"),
    "BOE-0062": (Code.UNSUPPORTED_BY_PACKAGE, "btw"),
    "BOE-0081": (Code.NOT_FOUND_VAT, "btw"),
    "BOE-0019": (Code.NOT_FOUND_COST_CENTRE, "kostenplaats"),
    "BOE-0009": (Code.NOT_FOUND_JOURNAL, None),
    "REL-0088": (Code.BAD_FORMAT, "btwNummer"),
    "REL-0011": (Code.BAD_FORMAT, "iban"),
    "BLG-0006": (Code.TOO_LONG, "document"),
    "ALG-0102": (Code.INTERNAL, None),
}


@pytest.mark.parametrize(("vendor_code", "meaning"), MEANINGS.items())
def test_what_the_codes_that_matter_mean(vendor_code: str, meaning: tuple[Code, str | None]) -> None:
    assert (RULES[vendor_code].code, RULES[vendor_code].field) == meaning


def test_an_unknown_business_code_is_refused_as_internal_in_its_own_words() -> None:
    failure = failure_of(business("VOR-9999"), write=True)
    assert isinstance(failure, Refused)
    assert (failure.code, failure.vendor_message) == (Code.INTERNAL, "VOR-9999 Nee")


def test_a_duplicate_among_several_errors_leads_because_it_must_be_looked_up() -> None:
    failure = failure_of(business("BOE-0042", "BOE-0021"), write=True)
    assert failure.code is Code.DUPLICATE_NUMBER
    assert isinstance(failure, SnelStartRefused)
    assert failure.fields == ("factuurnummer", "factuurdatum")
    assert failure.vendor_message == "BOE-0042 Nee; BOE-0021 Nee"


SHAPES = {
    "array with details": [
        {"errorCode": "BOE-0082", "message": "Btw past niet", "details": ["8000", "8010"]}
    ],
    "details as text": [{"errorCode": "BOE-0082", "message": "Btw past niet", "details": "8000, 8010"}],
    "code in the message": {"Message": "BOE-0082: Btw past niet 8000, 8010"},
    "one object": {"errorCode": "BOE-0082", "message": "Btw past niet 8000, 8010"},
    "pascal case": [{"ErrorCode": "BOE-0082", "Message": "Btw past niet 8000, 8010"}],
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_a_business_error_in_any_shape(body: object) -> None:
    failure = failure_of(answer(400, body), write=True)
    assert isinstance(failure, Refused)
    assert failure.code is Code.VAT_MISMATCH
    assert failure.vendor_message is not None
    assert "Btw past niet" in failure.vendor_message
    assert "8000, 8010" in failure.vendor_message


@pytest.mark.parametrize("wrapped", [True, False])
def test_model_validation_names_the_fields(wrapped: bool) -> None:
    body = {
        "message": "The request is invalid.",
        "modelState": {"relatie.BtwNummer": ["The field BtwNummer is wrong."], "relatie.Iban": ["Too long."]},
    }
    failure = failure_of(answer(400, [body] if wrapped else body), write=True)
    assert isinstance(failure, SnelStartRefused)
    assert failure.fields == ("btwNummer", "iban")
    assert failure.code is Code.INTERNAL


def test_the_odata_layers_complaint_is_a_refusal() -> None:
    body = {"Message": "Could not find a property named 'naam' on type 'SnelStart.B2B.Api.V2.Models.X'."}
    failure = failure_of(answer(400, body), write=False)
    assert isinstance(failure, Refused)
    assert failure.code is Code.INTERNAL


def test_401_for_the_subscription_key_is_for_the_platform() -> None:
    body = {"statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure."}
    failure = failure_of(answer(401, body), write=True)
    assert isinstance(failure, Refused)
    assert (failure.code, failure.scope) == (Code.AUTH_REVOKED, Scope.ADMINISTRATION)
    assert failure.values["who_acts"] is WhoActs.PLATFORM


def test_401_for_the_token_is_expired() -> None:
    failure = failure_of(answer(401, b""), write=True)
    assert isinstance(failure, Refused)
    assert (failure.code, failure.scope) == (Code.AUTH_EXPIRED, Scope.ADMINISTRATION)


def test_403_is_a_missing_right() -> None:
    failure = failure_of(answer(403, b"<html>"), write=True)
    assert isinstance(failure, Refused)
    assert (failure.code, failure.scope) == (Code.MODULE_MISSING, Scope.ADMINISTRATION)


@pytest.mark.parametrize(
    ("got", "pause"),
    [
        (answer(403, {"statusCode": 403, "message": "Out of call volume quota."}, Retry_After="90"), 90),
        (answer(403, {"statusCode": 403, "message": "Out of call volume quota."}), 300),
        (answer(403, b"", Retry_After="7"), 7),
    ],
)
def test_403_for_the_quota_is_a_rate_limit(got: Answer, pause: int) -> None:
    failure = failure_of(got, write=True)
    assert isinstance(failure, Refused)
    assert (failure.code, failure.retry_after) == (Code.RATE_LIMITED, timedelta(seconds=pause))


@pytest.mark.parametrize("body", [b"", b"<html>", {"Message": "Niet gevonden"}])
def test_404_on_a_write_is_refused(body: object) -> None:
    assert isinstance(failure_of(answer(404, body), write=True), Refused)


def test_404_with_a_code_means_that_code() -> None:
    got = answer(404, [{"errorCode": "REL-0005", "message": "Bestaat niet", "details": None}])
    assert failure_of(got, write=True).code is Code.NOT_FOUND_RELATION


DOUBTFUL = [
    answer(500, b""),
    answer(500, [{"errorCode": "BOE-0021", "message": "Bestaat al"}]),
    answer(502, b"<html><body>Bad Gateway</body></html>"),
    answer(503, b"onderhoud"),
    answer(504),
    answer(408),
    answer(302),
    answer(400, b""),
    answer(400, b"<html>Bad Request</html>"),
    answer(400, b'[{"errorCode":"BOE-00'),
    answer(400, []),
    answer(418, b""),
]


@pytest.mark.parametrize("got", DOUBTFUL, ids=[f"{got.status} {got.body[:20]!r}" for got in DOUBTFUL])
def test_what_proves_nothing_is_uncertain_after_a_write_and_unavailable_after_a_read(got: Answer) -> None:
    after_write = failure_of(got, write=True)
    assert isinstance(after_write, Uncertain)
    assert after_write.code is Code.TIMEOUT_UNCERTAIN
    after_read = failure_of(got, write=False)
    assert isinstance(after_read, NotSent)
    assert (after_read.code, after_read.scope) == (Code.UNAVAILABLE, Scope.ADMINISTRATION)


def test_a_maintenance_page_says_how_long() -> None:
    failure = failure_of(answer(503, b"<h1>Onderhoud</h1> tot straks", Retry_After="600"), write=False)
    assert failure.retry_after == timedelta(minutes=10)
    assert failure.vendor_message == "HTTP 503 Onderhoud tot straks"


def test_messages_are_storable_and_bounded() -> None:
    body = [{"errorCode": "BOE-0042", "message": "\x00\ud800" + "a" * 10_000}]
    failure = failure_of(answer(400, body), write=True)
    assert failure.vendor_message is not None
    failure.vendor_message.encode()
    assert "\x00" not in failure.vendor_message
    assert len(failure.vendor_message) <= 2_000


@pytest.mark.parametrize("body", [b"null", b"3", b"[[]]", b"[null,3]", b'{"a":1}', b'""'])
def test_json_that_is_no_error_is_none(body: bytes) -> None:
    assert parse_errors(body) is None
