"""Layer by layer: what proves a refusal, what proves nothing, and what another attempt may not meet."""

from __future__ import annotations

import pytest

from schemas.outcome import Code, WhoActs
from vendors.answer import Answer
from vendors.failure import NotSent, Scope, Uncertain
from vendors.twinfield.errors import GATE, Stale, TwinfieldRefused, failure_of, fault_of, is_final

FAULT = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    "<faultcode>soap:Client</faultcode><faultstring>{text}</faultstring>"
    "<detail><message>{text}</message>{code}<source>ProcessXmlString</source></detail>"
    "</soap:Fault></soap:Body></soap:Envelope>"
)


def fault(number: int | None, text: str = "Er ging iets mis.", status: int = 500) -> Answer:
    code = "" if number is None else f"<code>{number}</code>"
    return Answer(status, {}, FAULT.format(text=text, code=code).encode())


@pytest.mark.parametrize("number", sorted(GATE))
def test_a_number_of_the_gate_had_no_effect(number: int) -> None:
    failure = failure_of(fault(number), write=True)
    assert isinstance(failure, TwinfieldRefused)
    assert failure.code is GATE[number].code
    assert str(number) in str(failure.vendor_message)


@pytest.mark.parametrize("answer", [fault(100), fault(None), fault(999), fault(None, status=200)])
def test_any_other_fault_after_a_write_is_doubt(answer: Answer) -> None:
    assert isinstance(failure_of(answer, write=True), Uncertain)
    failure = failure_of(answer, write=False)
    assert isinstance(failure, NotSent)
    assert (failure.code, failure.scope) == (Code.UNAVAILABLE, Scope.ADMINISTRATION)


@pytest.mark.parametrize(
    ("status", "phrase", "code", "stale"),
    [
        (401, "354 : Access denied. Token invalid.", Code.AUTH_EXPIRED, Stale.TOKEN),
        (401, "Unauthorized", Code.AUTH_EXPIRED, Stale.TOKEN),
        (401, "351 : Claim missing.", Code.AUTH_REVOKED, Stale.NOTHING),
        (403, "105 : Logon disabled.", Code.AUTH_REVOKED, Stale.NOTHING),
        (403, "Forbidden", Code.AUTH_REVOKED, Stale.NOTHING),
        (500, "108 : Wrong cluster.", Code.UNAVAILABLE, Stale.CLUSTER),
    ],
)
def test_the_status_line_carries_the_number(status: int, phrase: str, code: Code, stale: Stale) -> None:
    failure = failure_of(Answer(status, {}, b"", phrase), write=True)
    assert isinstance(failure, TwinfieldRefused)
    assert (failure.code, failure.stale, failure.scope) == (code, stale, Scope.ADMINISTRATION)


def test_a_program_that_is_not_let_in_is_for_the_platform() -> None:
    failure = failure_of(fault(122), write=True)
    assert failure.values == {"who_acts": WhoActs.PLATFORM}


def test_a_bad_request_without_a_word_had_no_effect_and_is_no_fault_of_the_administration() -> None:
    failure = failure_of(Answer(400, {}, b""), write=True)
    assert isinstance(failure, TwinfieldRefused)
    assert (failure.code, failure.scope) == (Code.INTERNAL, Scope.DOCUMENT)
    assert isinstance(failure_of(Answer(400, {}, b"<html>proxy</html>"), write=True), Uncertain)


@pytest.mark.parametrize("status", [200, 404, 500, 502, 503])
def test_a_page_proves_nothing(status: int) -> None:
    failure = failure_of(Answer(status, {}, b"<html><body>Storing &amp; onderhoud</body></html>"), write=True)
    assert isinstance(failure, Uncertain)
    assert "onderhoud" in str(failure.vendor_message)


def test_a_fault_that_does_not_pass_is_not_asked_again() -> None:
    assert is_final(fault(109))
    assert not is_final(fault(100))
    assert not is_final(fault(358))
    assert not is_final(fault(None))
    assert not is_final(Answer(503, {}, b""))


def test_a_fault_with_a_document_type_is_not_expanded() -> None:
    body = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Fault><message>&e;</message></Fault>'
    found = fault_of(Answer(500, {}, body))
    assert found is None or "root" not in found.message
