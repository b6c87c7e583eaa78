"""What comes of a record: where it goes, with which bytes and headers, and what is remembered."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from schemas.envelope import Header
from schemas.outcome import Code, Package
from schemas.reading import ReadEvent, Tombstone
from schemas.topics import ENK_ADMINISTRATIONS, ENK_INVOICES, HOLDING, INTAKE_DLQ
from streams.records import SourceRecord
from streams.routing import Assignment, PackageOf, Routed, Went, route
from tests.schemas import builders

SNELSTART, KING = "koppeling.sink.snelstart.v1", "koppeling.sink.king.v1"
SOURCE = (
    ("koppeling_source_topic", b"enk.invoices.v1"),
    ("koppeling_source_partition", b"7"),
    ("koppeling_source_offset", b"42"),
)


def source(built: builders.BuiltRecord) -> SourceRecord:
    topic, key, headers, value = built
    return SourceRecord(topic, 7, 42, key, value, tuple(headers))


def topics(routed: Routed) -> list[str]:
    return [outgoing.topic for outgoing in routed.records]


ADM = "adm-1001"
INVOICE = source(builders.record(builders.invoice()))
RELATION = source(builders.record(builders.relation()))
UNKNOWN: PackageOf = {}.get
IN_SNELSTART: PackageOf = {ADM: Package.SNELSTART}.get


@pytest.mark.parametrize("record", [INVOICE, RELATION])
def test_a_document_goes_to_the_package_of_its_administration(record: SourceRecord) -> None:
    assert topics(route(record, IN_SNELSTART)) == [SNELSTART]
    assert topics(route(record, {ADM: Package.KING}.get)) == [KING]


def test_a_document_of_an_unknown_administration_is_kept_for_later() -> None:
    routed = route(INVOICE, {"another": Package.KING}.get)
    assert (routed.went, topics(routed), routed.assignment) == (Went.HOLDING, [HOLDING], None)


def test_bytes_and_headers_travel_unchanged_and_the_source_is_added() -> None:
    twice = (*INVOICE.headers, ("x-trace", b"1"), ("x-trace", b"2"), ("x-empty", None))
    (outgoing,) = route(replace(INVOICE, headers=twice), IN_SNELSTART).records
    assert (outgoing.key, outgoing.value) == (INVOICE.key, INVOICE.value)
    assert outgoing.headers == (*twice, *SOURCE)


def test_a_new_administration_is_remembered_and_goes_to_its_package() -> None:
    record = source(builders.record(builders.administration(package="king")))
    routed = route(record, UNKNOWN)
    assert topics(routed) == [KING]
    assert routed.assignment == Assignment(ADM, Package.KING)


def test_an_administration_that_moves_is_told_to_both_packages() -> None:
    record = source(builders.record(builders.administration(package="king")))
    routed = route(record, IN_SNELSTART)
    assert topics(routed) == [KING, SNELSTART]
    assert routed.assignment == Assignment(ADM, Package.KING)


def test_an_administration_that_stays_is_told_once() -> None:
    routed = route(source(builders.record(builders.administration(active=False))), IN_SNELSTART)
    assert topics(routed) == [SNELSTART]
    assert routed.assignment is None


@pytest.mark.parametrize(("package_of", "topic"), [(IN_SNELSTART, SNELSTART), (UNKNOWN, HOLDING)])
def test_a_tombstone_goes_where_the_administration_was(package_of: PackageOf, topic: str) -> None:
    tombstone = SourceRecord(ENK_ADMINISTRATIONS, 7, 42, ADM.encode(), None, ())
    routed = route(tombstone, package_of)
    assert topics(routed) == [topic]
    assert routed.records[0].value is None
    assert routed.assignment is None, "what is known of the administration stays"


def test_a_record_with_a_field_of_a_later_release_is_not_refused() -> None:
    ahead = source(builders.record(builders.invoice(carbon_footprint="3 kg")))
    assert topics(route(ahead, IN_SNELSTART)) == [SNELSTART]
    assert topics(route(ahead, UNKNOWN)) == [HOLDING]


def test_a_refused_record_keeps_its_bytes_and_gets_the_reason() -> None:
    bad = replace(INVOICE, value=b"\x00\xffnot json", headers=(("x", b"1"), ("x", b"\xff")))
    routed = route(bad, IN_SNELSTART)
    (outgoing,) = routed.records
    assert (routed.went, routed.code, outgoing.topic) == (Went.DEAD_LETTER, Code.INVALID_EVENT, INTAKE_DLQ)
    assert (outgoing.key, outgoing.value) == (bad.key, bad.value)
    assert outgoing.headers[:5] == (("x", b"1"), ("x", b"\xff"), *SOURCE)
    reasons = dict(outgoing.headers[5:])
    assert set(reasons) == {
        "koppeling_error_code",
        "koppeling_error_field",
        "koppeling_error_nl",
        "koppeling_error_en",
        "koppeling_error_who_acts",
        "koppeling_error_codes",
        "koppeling_origin_topic",
        "koppeling_origin_partition",
        "koppeling_origin_offset",
        "koppeling_attempts",
        *(
            f"__connect.errors.{name}"
            for name in (
                "topic",
                "partition",
                "offset",
                "connector.name",
                "task.id",
                "stage",
                "class.name",
                "exception.class.name",
                "exception.message",
                "exception.stacktrace",
            )
        ),
    }
    assert reasons["koppeling_error_code"] == b"invalid_event"
    assert all(value for value in reasons.values())
    assert reasons["__connect.errors.offset"] == reasons["koppeling_origin_offset"] == b"42"
    assert reasons["__connect.errors.stage"] == b"VALUE_CONVERTER"


def test_a_dead_letter_that_is_put_back_names_its_first_origin_and_counts() -> None:
    bad = replace(INVOICE, value=b"not json")
    (first,) = route(bad, IN_SNELSTART).records
    again = SourceRecord(ENK_INVOICES, 3, 99, first.key, first.value, first.headers)
    (second,) = route(again, IN_SNELSTART).records
    names = [name for name, _ in second.headers]
    assert len(names) == len(set(names))
    headers = dict(second.headers)
    assert (headers["koppeling_origin_offset"], headers["koppeling_source_offset"]) == (b"42", b"99")
    assert headers["__connect.errors.offset"] == b"99"
    assert headers["koppeling_attempts"] == b"2"
    assert headers["koppeling_error_codes"] == b"invalid_event,invalid_event"
    (mended,) = route(replace(again, value=INVOICE.value), IN_SNELSTART).records
    assert mended.headers == (
        *INVOICE.headers,
        ("koppeling_source_topic", b"enk.invoices.v1"),
        ("koppeling_source_partition", b"3"),
        ("koppeling_source_offset", b"99"),
        ("koppeling_origin_topic", b"enk.invoices.v1"),
        ("koppeling_origin_partition", b"7"),
        ("koppeling_origin_offset", b"42"),
    )


@pytest.mark.parametrize(
    "headers",
    [
        (
            ("koppeling_origin_topic", b"t"),
            ("koppeling_origin_partition", b"x"),
            ("koppeling_origin_offset", b"1"),
        ),
        (
            ("koppeling_origin_topic", b"\xff"),
            ("koppeling_origin_partition", b"1"),
            ("koppeling_origin_offset", b"1"),
        ),
        (("__connect.errors.topic", None), ("__connect.errors.offset", b"-1")),
        (("koppeling_origin_topic", b"t"), ("koppeling_origin_partition", b"9" * 40)),
    ],
)
def test_an_origin_that_is_nonsense_is_none(headers: tuple[tuple[str, bytes | None], ...]) -> None:
    (outgoing,) = route(replace(INVOICE, headers=(*INVOICE.headers, *headers)), IN_SNELSTART).records
    assert outgoing.headers == (*INVOICE.headers, *SOURCE)


def test_a_fault_of_ours_costs_one_record() -> None:
    def broken(
        _topic: str, _key: bytes | None, _headers: Sequence[Header], _value: bytes | None
    ) -> ReadEvent | Tombstone:
        raise ZeroDivisionError("a bug")

    routed = route(INVOICE, IN_SNELSTART, read=broken)
    (outgoing,) = routed.records
    assert (routed.went, routed.code) == (Went.DEAD_LETTER, Code.INTERNAL)
    assert outgoing.value == INVOICE.value


def test_a_record_without_key_and_value_says_so() -> None:
    (outgoing,) = route(SourceRecord(ENK_INVOICES, 7, 42, None, None, ()), UNKNOWN).records
    assert (outgoing.key, outgoing.value) == (None, b"")
    assert ("koppeling_value_was_null", b"true") in outgoing.headers


@pytest.mark.parametrize(
    "record",
    [
        replace(INVOICE, value=b"x" * (11 << 20)),
        replace(INVOICE, key=b"k" * (11 << 20)),
        replace(INVOICE, headers=(*INVOICE.headers, ("x", b"h" * (11 << 20)))),
        replace(INVOICE, headers=(*INVOICE.headers, *(("x", b"h" * 1024) for _ in range(11 << 10)))),
    ],
    ids=["value", "key", "one header", "many headers"],
)
def test_a_record_that_no_topic_takes_is_cut_and_named_too_long(record: SourceRecord) -> None:
    routed = route(record, IN_SNELSTART)
    (outgoing,) = routed.records
    assert routed.went is Went.DEAD_LETTER
    assert outgoing.fits()
    headers = dict(outgoing.headers)
    assert headers["koppeling_cut_size"] == str(len(record.value or b"")).encode()
    assert len(headers["koppeling_cut_sha256"] or b"") == 64
    assert headers["koppeling_source_offset"] == b"42"
    assert (record.value or b"").startswith(outgoing.value or b"")


def test_a_record_that_the_topic_takes_is_not_cut() -> None:
    record = replace(INVOICE, value=b"x" * (9 << 20))
    (outgoing,) = route(record, IN_SNELSTART).records
    assert outgoing.value == record.value
