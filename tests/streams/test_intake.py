"""The intake on a real broker: what ENK publishes comes out where it belongs, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from schemas.outcome import Package
from schemas.topics import ENK_INVOICES, ENK_RELATIONS, HOLDING, INTAKE_DLQ, PARTITIONS, sink_topic
from tests.schemas import builders
from tests.streams.conftest import OUTPUTS, Publish, Published
from tests.streams.intake_process import IntakeProcess
from tests.streams.topic_reader import Arrived, TopicReader

SNELSTART, KING = sink_topic(Package.SNELSTART), sink_topic(Package.KING)

Built = builders.BuiltRecord


@pytest.fixture(scope="module", autouse=True)
def intake(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeProcess]:
    process = IntakeProcess(bootstrap, tmp_path_factory.mktemp("intake")).start().wait_ready()
    yield process
    assert process.stop() == 0, process.log


@pytest.fixture
def outputs(bootstrap: str) -> Iterator[TopicReader]:
    with TopicReader(bootstrap, OUTPUTS) as reader:
        yield reader


def of(published: Published) -> Callable[[Arrived], bool]:
    """Whether a record came of that one."""
    source = (published.topic, str(published.partition), str(published.offset))
    return lambda record: record.source == source


def came_of(outputs: TopicReader, published: Published) -> list[Arrived]:
    """Everything that came of a record, once something has."""
    arrived = outputs.until(lambda records: any(map(of(published), records)))
    return [record for record in arrived if of(published)(record)]


def administration(id: str, package: str) -> Built:
    return builders.record(builders.administration(id=id, package=package))


def invoice(administration: str, **changes: object) -> Built:
    return builders.record(builders.invoice(administration=administration, **changes))


def test_a_known_administration_gets_its_documents_in_its_package(
    publish: Publish, outputs: TopicReader
) -> None:
    first = publish(*administration("adm-known", "king"))
    assert [record.topic for record in came_of(outputs, first)] == [KING]
    relation = builders.record(builders.relation(administration="adm-known"))
    for built in (relation, invoice("adm-known")):
        published = publish(*built)
        (record,) = came_of(outputs, published)
        assert record.topic == KING
        assert (record.key, record.value) == (built[1], built[3])
        assert list(record.headers[: len(built[2])]) == built[2]
        assert record.partition == published.partition


def test_an_unknown_administration_is_held_until_it_is_known(publish: Publish, outputs: TopicReader) -> None:
    (early,) = came_of(outputs, publish(*invoice("adm-late")))
    assert early.topic == HOLDING
    came_of(outputs, publish(*administration("adm-late", "snelstart")))
    (late,) = came_of(outputs, publish(*invoice("adm-late", id="inv-2")))
    assert late.topic == SNELSTART


def test_an_administration_that_moves_is_told_to_both_and_its_documents_follow(
    publish: Publish, outputs: TopicReader
) -> None:
    came_of(outputs, publish(*administration("adm-moves", "snelstart")))
    moved = publish(*administration("adm-moves", "king"))
    outputs.until(lambda records: sum(map(of(moved), records)) == 2)
    assert {record.topic for record in came_of(outputs, moved)} == {SNELSTART, KING}
    (record,) = came_of(outputs, publish(*invoice("adm-moves")))
    assert record.topic == KING


def test_after_a_tombstone_documents_still_reach_the_package(publish: Publish, outputs: TopicReader) -> None:
    came_of(outputs, publish(*administration("adm-gone", "snelstart")))
    (tombstone,) = came_of(outputs, publish("enk.administrations.v1", b"adm-gone", [], None))
    assert (tombstone.topic, tombstone.value) == (SNELSTART, None)
    (record,) = came_of(outputs, publish(*invoice("adm-gone")))
    assert record.topic == SNELSTART


@dataclass(frozen=True)
class Bad:
    """A record that must be refused, and how."""

    name: str
    record: tuple[str, bytes | None, list[tuple[str, bytes]], bytes | None]
    code: str
    field: str | None = None


ADM = "adm-1001"
GOOD = builders.record(builders.invoice())
HEADERS = GOOD[2]


def raw(
    value: bytes | None, topic: str = ENK_INVOICES, key: bytes | None = ADM.encode()
) -> tuple[str, bytes | None, list[tuple[str, bytes]], bytes | None]:
    return topic, key, HEADERS, value


def text(old: str, new: str) -> bytes:
    """A good invoice's bytes with one thing changed."""
    changed = GOOD[3].decode().replace(old, new)
    assert changed != GOOD[3].decode()
    return changed.encode()


def relation(**changes: object) -> Built:
    return builders.record(builders.relation(**changes))


BAD = [
    Bad("not JSON", raw(b"{"), "invalid_event", "value"),
    Bad("empty", raw(b""), "invalid_event", "value"),
    Bad("not UTF-8", raw(b'{"administration": "\xff"}'), "invalid_event", "value"),
    Bad("null value", raw(None), "invalid_event", "value"),
    Bad("null value on relations", raw(None, topic=ENK_RELATIONS), "invalid_event", "value"),
    Bad("no key", raw(GOOD[3], key=None), "invalid_event", "key"),
    Bad("no headers", (ENK_INVOICES, ADM.encode(), [], GOOD[3]), "required_field"),
    Bad("wrong type", builders.record(builders.invoice(), ce_type="nl.enk.quote.sent.v1"), "invalid_event"),
    Bad(
        "later version",
        builders.record(builders.invoice(), ce_type="nl.enk.invoice.issued.v2"),
        "invalid_event",
    ),
    Bad("NUL character", raw(text("Groepenkast", "Groepen\\u0000kast")), "invalid_event"),
    Bad("control character", raw(text("Groepenkast", "Groepen\\u0007kast")), "invalid_event"),
    Bad("lone surrogate", raw(text("Groepenkast", "Groepen\\ud800kast")), "invalid_event"),
    Bad("5 MB", raw(text("Groepenkast", "x" * 5_000_000)), "too_long", "value"),
    Bad("almost 10 MiB", raw(b"x" * (10 * 1024 * 1024 - 4096)), "too_long", "value"),
    Bad("money as a number", raw(text('"net_amount": "100.00"', '"net_amount": 100.0')), "bad_format"),
    Bad("three decimals", raw(text('"net_amount": "100.00"', '"net_amount": "100.001"')), "bad_format"),
    Bad("NaN", raw(text('"net_amount": "100.00"', '"net_amount": NaN')), "invalid_event"),
    Bad("sums that do not match", raw(text('"gross": "121.00"', '"gross": "121.01"')), "unbalanced"),
    Bad("impossible date", raw(text("2026-04-30", "2026-02-30")), "bad_format", "$.due_date"),
    Bad("unknown VAT kind", raw(text('"kind": "hoog"', '"kind": "midden"')), "invalid_event"),
    Bad(
        "another key",
        builders.record(builders.invoice(), key="adm-other"),
        "invalid_event",
        "$.administration",
    ),
    Bad("IBAN", relation(bank_accounts=[{"iban": "NL00ABNA0417164300", "kind": "normal"}]), "bad_format"),
    Bad("KVK number", relation(kvk_number="123"), "bad_format", "$.kvk_number"),
    Bad("VAT id", relation(vat_identifier="NL000000000B00"), "bad_format", "$.vat_identifier"),
    Bad("deep nesting", raw(b"[" * 100_000), "invalid_event"),
    Bad("unknown package", administration("adm-odd", "exact_offline"), "invalid_event", "$.package"),
]


def test_every_bad_record_is_set_aside_once_with_its_bytes_and_the_rest_flows_on(
    publish: Publish, outputs: TopicReader
) -> None:
    came_of(outputs, publish(*administration(ADM, "snelstart")))
    published = [(bad, publish(*bad.record)) for bad in BAD]
    behind = publish(*GOOD)
    (good,) = came_of(outputs, behind)
    assert (good.topic, good.value) == (SNELSTART, GOOD[3])
    for bad, where in published:
        (record,) = came_of(outputs, where)
        _topic, key, headers, value = bad.record
        assert record.topic == INTAKE_DLQ, bad.name
        assert (record.key, record.value) == (key, value), bad.name
        assert list(record.headers[: len(headers)]) == headers, bad.name
        assert record.header("koppeling_error_code") == bad.code, (bad.name, record.headers)
        if bad.field is not None:
            assert record.header("koppeling_error_field") == bad.field, bad.name
        assert all(record.header(f"koppeling_error_{name}") for name in ("field", "nl", "en", "who_acts")), (
            bad.name
        )


def test_a_field_of_a_later_release_is_passed_on(publish: Publish, outputs: TopicReader) -> None:
    came_of(outputs, publish(*administration("adm-ahead", "snelstart")))
    (record,) = came_of(outputs, publish(*invoice("adm-ahead", carbon_footprint="3 kg")))
    assert record.topic == SNELSTART
    assert json.loads(record.value or b"")["carbon_footprint"] == "3 kg"


def test_headers_keep_their_order_and_their_doubles(publish: Publish, outputs: TopicReader) -> None:
    topic, key, headers, value = invoice("adm-headers")
    extra = [("x-hop", b"1"), ("x-hop", b"2"), ("a", b"\xff\x00"), ("x-hop", b"1")]
    (record,) = came_of(outputs, publish(topic, key, [*headers, *extra], value))
    assert list(record.headers[: len(headers) + 4]) == [*headers, *extra]


def test_the_changelog_is_compacted_and_has_the_partitions_of_its_sources(bootstrap: str) -> None:
    name = "koppeling.intake-packages-changelog"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        (described,) = admin.describe_topics([name])
        configured = admin.describe_configs([ConfigResource("topic", name)])
    finally:
        admin.close()
    assert len(described["partitions"]) == PARTITIONS
    assert "'cleanup.policy': {'value': 'compact'" in str(configured)
