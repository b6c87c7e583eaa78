"""Bad input: one code, one field, one sentence each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

import pytest

from schemas.outcome import Code
from schemas.posting import WhatKind
from schemas.reading import Rejection, read_record
from tests.schemas.builders import (
    ABSENT,
    Json,
    administration,
    cloud_event,
    invoice,
    line,
    record,
    relation,
    sums,
)

HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"evt-1"),
    ("ce_source", b"/enk"),
    ("ce_type", b"nl.enk.invoice.issued.v1"),
    ("ce_time", b"2026-03-31T09:15:00Z"),
    ("ce_partitionkey", b"adm-1001"),
    ("content-type", b"application/json"),
]


def refused(
    topic: str, key: bytes | None, headers: list[tuple[str, bytes]], value: bytes | None
) -> Rejection:
    with pytest.raises(Rejection) as caught:
        read_record(topic, key, headers, value)
    rejection = caught.value
    assert rejection.reason.nl != rejection.reason.en
    assert "{" not in rejection.reason.nl.replace("{…}", "")
    assert "None" not in rejection.reason.nl + rejection.reason.en
    return rejection


def invoice_bytes(old: str, new: str) -> bytes:
    text = json.dumps(invoice())
    assert old in text
    return text.replace(old, new, 1).encode()


DEEP = b'{"extensions": {"a": ' + b"[" * 31 + b"]" * 31 + b"}}"


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        (b"hello", Code.INVALID_EVENT, "value"),
        (b"", Code.INVALID_EVENT, "value"),
        (b'{"a": 1', Code.INVALID_EVENT, "value"),
        (b"\xff\xfe{}", Code.INVALID_EVENT, "value"),
        (None, Code.INVALID_EVENT, "value"),
        (b"[]", Code.INVALID_EVENT, "$"),
        (b'"text"', Code.INVALID_EVENT, "$"),
        (b"null", Code.INVALID_EVENT, "$"),
        (b"\xef\xbb\xbf{}", Code.INVALID_EVENT, "value"),
        (b" " * (1024 * 1024 + 1), Code.TOO_LONG, "value"),
        (b"x" * (5 * 1024 * 1024), Code.TOO_LONG, "value"),
        (b"[" * 500_000, Code.INVALID_EVENT, "value"),
        (b'{"a":' * 200_000, Code.INVALID_EVENT, "value"),
        (b'["' + b'\\"' * 500_000, Code.INVALID_EVENT, "value"),
        (b"{" + b"".join(b'"%d":0,' % n for n in range(90_000)) + b'"x":0,"x":0}', Code.INVALID_EVENT, "$.x"),
        (DEEP, Code.INVALID_EVENT, "value"),
        (DEEP.replace(b'"a"', b'"]]]]]]]]\\""'), Code.INVALID_EVENT, "value"),
        (invoice_bytes('"121.00"', "NaN"), Code.INVALID_EVENT, "value"),
        (invoice_bytes('"121.00"', "-Infinity"), Code.INVALID_EVENT, "value"),
        (invoice_bytes('"revision": 1', '"revision": 1, "revision": 2'), Code.INVALID_EVENT, "$.revision"),
        (invoice_bytes('"rate"', '"kind": "laag", "rate"'), Code.INVALID_EVENT, "$.lines[0].vat.kind"),
        (invoice_bytes("Werkzaamheden", "\\u0000"), Code.INVALID_EVENT, "$.description"),
        (invoice_bytes("Werkzaamheden", "\\u001b"), Code.INVALID_EVENT, "$.description"),
        (invoice_bytes("Werkzaamheden", "\\b"), Code.INVALID_EVENT, "$.description"),
        (invoice_bytes("Werkzaamheden", "\u0085"), Code.INVALID_EVENT, "$.description"),
        (invoice_bytes("Werkzaamheden", "\x7f"), Code.INVALID_EVENT, "$.description"),
        (invoice_bytes("Werkzaamheden", "\\ud800"), Code.INVALID_EVENT, "$.description"),
        (invoice_bytes("Werkzaamheden", "x" * 10_001), Code.TOO_LONG, "$.description"),
        (invoice_bytes('"100.00"', "100.00"), Code.BAD_FORMAT, "$.lines[0].net_amount"),
        (invoice_bytes('"100.00"', "1e400"), Code.BAD_FORMAT, "$.lines[0].net_amount"),
        (invoice_bytes('"100.00"', "9" * 300_000), Code.BAD_FORMAT, "$.lines[0].net_amount"),
        (invoice_bytes('"revision": 1', '"revision": 1' + "0" * 5000), Code.INVALID_EVENT, "$.revision"),
    ],
    ids=range(32),
)
def test_bytes_that_are_no_event(value: bytes | None, code: Code, field: str) -> None:
    rejection = refused("enk.invoices.v1", b"adm-1001", HEADERS, value)
    assert (rejection.reason.code, rejection.reason.field) == (code, field)
    assert rejection.event_id == "evt-1"


def without(name: str) -> list[tuple[str, bytes]]:
    return [header for header in HEADERS if header[0] != name]


def test_every_required_header_is_missed_by_name() -> None:
    value = json.dumps(invoice()).encode()
    for name in (name for name, _ in HEADERS):
        reason = refused("enk.invoices.v1", b"adm-1001", without(name), value).reason
        assert (reason.code, reason.field) == (Code.REQUIRED_FIELD, f"headers.{name}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_type", b"nl.enk.invoice.issued.v2"),
        ("ce_type", b"nl.enk.relation.changed.v1"),
        ("ce_type", b"something"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-02-30T10:00:00Z"),
        ("ce_time", b"2026-03-31T10:00:00"),
        ("ce_time", b"0001-01-01T00:00:00+23:59"),
        ("ce_id", b"a\x00b"),
        ("ce_id", b"\xff"),
        ("ce_correlationid", b"\x01"),
        ("ce_subject", b"\xc3"),
        ("content-type", b"text/plain"),
        ("content-type", b"application/json; charset=latin-1"),
        ("content-type", b"\x80"),
        ("ce_partitionkey", b"adm-2"),
    ],
)
def test_a_wrong_header_is_to_blame(name: str, value: bytes) -> None:
    headers = [*without(name), (name, value)]
    reason = refused("enk.invoices.v1", b"adm-1001", headers, json.dumps(invoice()).encode()).reason
    assert (reason.code, reason.field) == (Code.INVALID_EVENT, f"headers.{name}")


def test_a_header_that_comes_twice_with_different_values_is_refused() -> None:
    headers = [*HEADERS, ("ce_id", b"other")]
    reason = refused("enk.invoices.v1", b"adm-1001", headers, json.dumps(invoice()).encode()).reason
    assert reason.field == "headers.ce_id"


@pytest.mark.parametrize(
    ("key", "field"), [(None, "key"), (b"adm-2", "key"), (b"\xff", "key"), (b"", "key"), (b"a\x00", "key")]
)
def test_the_key_must_be_the_administration(key: bytes | None, field: str) -> None:
    rejection = refused("enk.invoices.v1", key, HEADERS, json.dumps(invoice()).encode())
    assert (rejection.reason.code, rejection.reason.field) == (Code.INVALID_EVENT, field)
    assert rejection.administration == "adm-1001"


def test_an_administration_that_is_not_the_key_is_to_blame() -> None:
    value = json.dumps(invoice(administration="adm-2")).encode()
    reason = refused("enk.invoices.v1", b"adm-1001", HEADERS, value).reason
    assert (reason.code, reason.field) == (Code.INVALID_EVENT, "$.administration")


NOT_SUMS = sums([line()])
ROW = {"kind": "hoog", "rate": "21", "taxable_amount": "100.00", "tax_amount": "21.00"}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"due_date": ABSENT}, Code.REQUIRED_FIELD, "$.due_date"),
        ({"due_date": None}, Code.REQUIRED_FIELD, "$.due_date"),
        ({"id": ""}, Code.REQUIRED_FIELD, "$.id"),
        ({"number": "  "}, Code.REQUIRED_FIELD, "$.number"),
        ({"number": 20260123}, Code.INVALID_EVENT, "$.number"),
        ({"number": "9" * 201}, Code.TOO_LONG, "$.number"),
        ({"administration": ABSENT, "id": "adm-1001"}, Code.REQUIRED_FIELD, "$.administration"),
        ({"revision": "1"}, Code.INVALID_EVENT, "$.revision"),
        ({"revision": True}, Code.INVALID_EVENT, "$.revision"),
        ({"revision": 1.0}, Code.INVALID_EVENT, "$.revision"),
        ({"revision": 0}, Code.INVALID_EVENT, "$.revision"),
        ({"revision": 2**31}, Code.INVALID_EVENT, "$.revision"),
        ({"direction": "inkoop"}, Code.INVALID_EVENT, "$.direction"),
        ({"kind": "credit"}, Code.INVALID_EVENT, "$.kind"),
        ({"kind": None}, Code.REQUIRED_FIELD, "$.kind"),
        ({"direction": "purchase", "kind": "los"}, Code.INVALID_EVENT, "$.kind"),
        (
            {"direction": "purchase", "supplier_invoice_number": None},
            Code.REQUIRED_FIELD,
            "$.supplier_invoice_number",
        ),
        ({"issue_date": "2026-02-30"}, Code.BAD_FORMAT, "$.issue_date"),
        ({"issue_date": "31-03-2026"}, Code.BAD_FORMAT, "$.issue_date"),
        ({"issue_date": "20260331"}, Code.BAD_FORMAT, "$.issue_date"),
        ({"issue_date": 20260331}, Code.BAD_FORMAT, "$.issue_date"),
        ({"due_date": "2026-03-30"}, Code.INVALID_EVENT, "$.due_date"),
        ({"currency": "USD"}, Code.CURRENCY_UNSUPPORTED, "$.currency"),
        ({"currency": "euro"}, Code.INVALID_EVENT, "$.currency"),
        ({"lines": "none"}, Code.INVALID_EVENT, "$.lines"),
        ({"lines": [], **sums([])}, Code.REQUIRED_FIELD, "$.lines"),
        ({"lines": [None]}, Code.REQUIRED_FIELD, "$.lines[0]"),
        ({"lines": [line(net="1.005")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="1,00")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="+1.00")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="1e2")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="NaN")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="١٠٠.00")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="100.00\n")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net="12345678901.00")]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net_amount=100)]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(net_amount=True)]}, Code.BAD_FORMAT, "$.lines[0].net_amount"),
        ({"lines": [line(quantity="1.23456")]}, Code.BAD_FORMAT, "$.lines[0].quantity"),
        ({"lines": [line(kind="btw")]}, Code.INVALID_EVENT, "$.lines[0].vat.kind"),
        ({"lines": [line(rate="19")]}, Code.VAT_MISMATCH, "$.lines[0].vat.rate"),
        ({"lines": [line(rate="101")]}, Code.BAD_FORMAT, "$.lines[0].vat.rate"),
        ({"lines": [line(kind="laag", rate="6")]}, Code.VAT_MISMATCH, "$.lines[0].vat.rate"),
        ({"lines": [line(kind="verlegd", rate="21")]}, Code.VAT_MISMATCH, "$.lines[0].vat.rate"),
        ({"lines": [line(kind="import", rate="0")]}, Code.INVALID_EVENT, "$.lines[0].vat.kind"),
        (
            {"direction": "purchase", "lines": [line(kind="export", rate="0")]},
            Code.INVALID_EVENT,
            "$.lines[0].vat.kind",
        ),
        (
            {"lines": [line(vat={"kind": "verlegd", "rate": "0", "assessed_rate": "21"})]},
            Code.INVALID_EVENT,
            "$.lines[0].vat.assessed_rate",
        ),
        ({"lines": [line("60.00"), line("40.00")]}, Code.INVALID_EVENT, "$.lines[1].id"),
        ({"lines": [line("90.00")], **NOT_SUMS}, Code.UNBALANCED, "$.vat_breakdown[0].taxable_amount"),
        ({"vat_breakdown": []}, Code.UNBALANCED, "$.vat_breakdown"),
        ({"vat_breakdown": [ROW, ROW]}, Code.UNBALANCED, "$.vat_breakdown[1]"),
        (
            {"vat_breakdown": [ROW, {**ROW, "kind": "laag", "rate": "9"}]},
            Code.UNBALANCED,
            "$.vat_breakdown[1]",
        ),
        (
            {"vat_breakdown": [{**ROW, "tax_amount": "21.02"}]},
            Code.VAT_MISMATCH,
            "$.vat_breakdown[0].tax_amount",
        ),
        (
            {
                "lines": [line(kind="verlegd", rate="0")],
                "vat_breakdown": [
                    {"kind": "verlegd", "rate": "0", "taxable_amount": "100.00", "tax_amount": "0.01"}
                ],
            },
            Code.VAT_MISMATCH,
            "$.vat_breakdown[0].tax_amount",
        ),
        ({"totals": {"net": "99.00", "vat": "21.00", "gross": "120.00"}}, Code.UNBALANCED, "$.totals.net"),
        ({"totals": {"net": "100.00", "vat": "21.01", "gross": "121.01"}}, Code.UNBALANCED, "$.totals.vat"),
        ({"totals": {"net": "100.00", "vat": "21.00", "gross": "121.01"}}, Code.UNBALANCED, "$.totals.gross"),
        ({"lines": [line("-100.00")]}, Code.INVALID_EVENT, "$.totals.gross"),
        ({"kind": "los", "credits_invoice_number": "1"}, Code.INVALID_EVENT, "$.totals.gross"),
        (
            {"kind": "eindafrekening", "lines": [line("-100.00")], "credits_invoice_number": "1"},
            Code.INVALID_EVENT,
            "$.credits_invoice_number",
        ),
        (
            {"kind": "los", "lines": [line("-100.00")], "credits_invoice_number": "20260123"},
            Code.INVALID_EVENT,
            "$.credits_invoice_number",
        ),
        (
            {"g_account": {"iban": "NL91ABNA0417164300", "amount": "121.01"}},
            Code.INVALID_EVENT,
            "$.g_account.amount",
        ),
        (
            {"g_account": {"iban": "NL91ABNA0417164300", "amount": "-1.00"}},
            Code.INVALID_EVENT,
            "$.g_account.amount",
        ),
        (
            {"g_account": {"iban": "NL91ABNA0417164301", "amount": "1.00"}},
            Code.BAD_FORMAT,
            "$.g_account.iban",
        ),
        ({"term": {"index": 0, "of": 2}}, Code.INVALID_EVENT, "$.term.index"),
        ({"extensions": []}, Code.INVALID_EVENT, "$.extensions"),
        (
            {"work_period": {"from_": "2026-01-01", "to": "2026-01-02"}},
            Code.REQUIRED_FIELD,
            "$.work_period.from",
        ),
        ({"colour": "red", "due_date": "2026-03-30"}, Code.INVALID_EVENT, "$.due_date"),
        ({"colour": "red", "due_date": 1}, Code.BAD_FORMAT, "$.due_date"),
    ],
)
def test_an_invoice_that_breaks_a_rule(changes: dict[str, object], code: Code, field: str) -> None:
    lines = changes.get("lines")
    computable = _are_lines(lines)
    others = {name: value for name, value in changes.items() if name != "lines"}
    built = invoice(cast("list[Json]", lines) if computable else None, **others)
    if "lines" in changes:
        built["lines"] = lines
    if changes.get("administration") is ABSENT:
        topic, _, headers, value = record(built | {"administration": "adm-1001"})
        value = json.dumps(built).encode()
    else:
        topic, _, headers, value = record(built)
    rejection = refused(topic, b"adm-1001", headers, value)
    assert (rejection.reason.code, rejection.reason.field) == (code, field)


def _are_lines(lines: object) -> bool:
    """Whether breakdown and totals can be computed, so that only what the test is about is wrong."""
    try:
        return isinstance(lines, list) and bool(sums(lines))
    except (ArithmeticError, TypeError):
        return False


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"kvk_number": "1234567"}, Code.BAD_FORMAT, "$.kvk_number"),
        ({"kvk_number": "00000000"}, Code.BAD_FORMAT, "$.kvk_number"),
        ({"kvk_number": 12345678}, Code.BAD_FORMAT, "$.kvk_number"),
        ({"vat_identifier": "NL004495446B01"}, Code.BAD_FORMAT, "$.vat_identifier"),
        ({"vat_identifier": "NL123456789B01"}, Code.BAD_FORMAT, "$.vat_identifier"),
        ({"vat_identifier": "DE123456789"}, Code.BAD_FORMAT, "$.vat_identifier"),
        ({"vat_identifier": "004495445B01"}, Code.BAD_FORMAT, "$.vat_identifier"),
        (
            {"bank_accounts": [{"iban": "NL00ABNA0417164300", "kind": "normal"}]},
            Code.BAD_FORMAT,
            "$.bank_accounts[0].iban",
        ),
        (
            {"bank_accounts": [{"iban": "XX91ABNA0417164300", "kind": "normal"}]},
            Code.BAD_FORMAT,
            "$.bank_accounts[0].iban",
        ),
        (
            {"bank_accounts": [{"iban": "NL91ABNA0417164300", "bic": "ABN", "kind": "normal"}]},
            Code.BAD_FORMAT,
            "$.bank_accounts[0].bic",
        ),
        ({"roles": []}, Code.REQUIRED_FIELD, "$.roles"),
        ({"roles": ["customer"]}, Code.INVALID_EVENT, "$.roles[0]"),
        ({"name": ""}, Code.REQUIRED_FIELD, "$.name"),
        ({"blocked": "no"}, Code.INVALID_EVENT, "$.blocked"),
        ({"blocked": 0}, Code.INVALID_EVENT, "$.blocked"),
        ({"payment_terms": {"days": -1}}, Code.INVALID_EVENT, "$.payment_terms.days"),
        ({"addresses": {}}, Code.INVALID_EVENT, "$.addresses"),
        ({"currency": "GBP"}, Code.CURRENCY_UNSUPPORTED, "$.currency"),
    ],
)
def test_a_relation_that_cannot_be(changes: dict[str, object], code: Code, field: str) -> None:
    rejection = refused(*record(relation(**changes)))
    assert (rejection.reason.code, rejection.reason.field) == (code, field)
    assert (rejection.kind, rejection.id, rejection.revision) == (WhatKind.RELATION, "rel-204", 1)


def test_an_unknown_package_is_refused() -> None:
    rejection = refused(*record(administration(package="davilex")))
    assert (rejection.reason.code, rejection.reason.field) == (Code.INVALID_EVENT, "$.package")
    assert "davilex" in rejection.reason.nl
    assert (rejection.kind, rejection.administration) == (WhatKind.ADMINISTRATION, "adm-1001")


def test_a_rejection_keeps_what_was_recognisable() -> None:
    rejection = refused(*record(invoice(direction="purchase", due_date="2020-01-01"), event_id="evt-77"))
    assert rejection.administration == "adm-1001"
    assert rejection.kind is WhatKind.PURCHASE_INVOICE
    assert (rejection.id, rejection.number, rejection.revision) == ("inv-9001", "20260123", 1)
    assert rejection.event_id == "evt-77"


def test_what_is_not_recognisable_is_absent() -> None:
    data = invoice(id=["x"], number=5, revision="1", direction="sideways")
    rejection = refused(*record(data))
    assert (rejection.id, rejection.number, rejection.revision, rejection.kind) == (None, None, None, None)


def test_sentences_name_the_concrete_values() -> None:
    reason = refused(*record(invoice(due_date="2026-03-01"))).reason
    assert "01-03-2026" in reason.nl
    assert "2026-03-31" in reason.en


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda event: event.pop("id"), "headers.ce_id"),
        (lambda event: event.update(type=3), "headers.ce_type"),
        (lambda event: event.pop("data"), "$"),
        (lambda event: event.update(data=[]), "$"),
        (lambda event: event["data"].update(due_date="x"), "$.due_date"),
    ],
)
def test_structured_mode_names_fields_as_binary_mode_does(
    change: Callable[[dict[str, object]], object], field: str
) -> None:
    event = cloud_event(invoice(), id="evt-5")
    change(event)
    headers = [("content-type", b"application/cloudevents+json")]
    rejection = refused("enk.invoices.v1", b"adm-1001", headers, json.dumps(event).encode())
    assert rejection.reason.field == field


def test_a_topic_that_is_not_an_input_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not an input topic"):
        read_record("other", None, [], b"")
