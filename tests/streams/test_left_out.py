"""What Faust leaves out is read from the log: before another record, and at the end of a partition."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from kafka import KafkaProducer

from schemas.topics import ENK_INVOICES, HOLDING
from streams.config import StreamsConfig
from streams.continuity import Continuity
from streams.intake import SOURCE_TOPICS
from streams.records import SourceRecord
from streams.source_log import SourceLog
from tests.schemas import builders
from tests.streams.conftest import OUTPUTS, Publish, Published
from tests.streams.dropping_process import DROPPED
from tests.streams.intake_process import IntakeProcess
from tests.streams.topic_reader import Arrived, TopicReader

PLACE = ("enk.invoices.v1", 7)


@pytest.fixture
def log(bootstrap: str, tmp_path: Path) -> SourceLog:
    return SourceLog(StreamsConfig((bootstrap,), tmp_path, app_id="koppeling.nobody"))


def invoice(administration: str, number: str) -> tuple[str, bytes | None, list[tuple[str, bytes]], bytes]:
    return builders.record(builders.invoice(administration=administration, id=number, number=number))


def offsets(arrived: list[Arrived], place: tuple[str, int]) -> list[int]:
    """Source offsets in the order in which they first came."""
    topic, partition = place
    found = [
        int(record.header("koppeling_source_offset") or -1)
        for record in arrived
        if record.source[:2] == (topic, str(partition))
    ]
    return list(dict.fromkeys(found))


def test_what_faust_drops_arrives_and_in_order(
    bootstrap: str, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TopicReader(bootstrap, OUTPUTS) as outputs:
        before = IntakeProcess(bootstrap, tmp_path).start()
        (first,) = [publish(*invoice("adm-left-out", "1"))]
        place = (first.topic, first.partition)
        outputs.until(lambda arrived: first.offset in offsets(arrived, place))
        assert before.stop() == 0, before.log

        while_away = [publish(*invoice("adm-left-out", str(number))) for number in range(2, 9)]
        # The first ones behind the committed offset, one in between, and the last ones.
        dropped = [while_away[index] for index in (0, 1, 3, 5, 6)]
        monkeypatch.setenv(DROPPED, json.dumps([[p.topic, p.partition, p.offset] for p in dropped]))
        intake = IntakeProcess(bootstrap, tmp_path, module="tests.streams.dropping_process").start()
        wanted = [first.offset, *(published.offset for published in while_away)]
        arrived = outputs.until(lambda arrived: set(wanted) <= set(offsets(arrived, place)))
        assert offsets(arrived, place) == wanted
        assert {record.topic for record in arrived if record.source[:2] == (place[0], str(place[1]))} == {
            HOLDING
        }
        assert intake.stop() == 0, intake.log
        assert "intake.left_out" in intake.log
        # The table's own topic is not read as if it were ENK's.
        assert {record.source[0] for record in outputs.arrived} <= set(SOURCE_TOPICS)
        assert "changelog" not in intake.log


def test_the_log_says_where_the_group_begins_and_ends_and_what_lies_between(
    log: SourceLog, publish: Publish
) -> None:
    sent: list[Published] = [publish(*invoice("adm-between", str(number))) for number in range(5)]
    place = (sent[0].topic, sent[0].partition)
    assert log.next_offsets([place]) == {place: 0}
    assert log.ends([place]) == {place: sent[-1].offset + 1}
    between = log.read(place, sent[1].offset, sent[4].offset)
    assert [record.offset for record in between] == [p.offset for p in sent[1:4]]
    assert all(record.key == b"adm-between" and record.headers for record in between)


def test_offsets_that_a_transaction_took_are_passed_by(log: SourceLog, bootstrap: str) -> None:
    place = (ENK_INVOICES, 31)
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id="a-transactional-source")
    producer.init_transactions()
    sent = []
    for number in range(3):
        producer.begin_transaction()
        _, key, headers, value = invoice("adm-transaction", str(number))
        promised = producer.send(ENK_INVOICES, key=key, headers=headers, value=value, partition=place[1])
        producer.commit_transaction()
        sent.append(promised.get(30).offset)
    producer.close()
    # Record, marker, record, marker, record.
    assert [later - earlier for earlier, later in pairwise(sent)] == [2, 2]
    assert [record.offset for record in log.read(place, sent[0], sent[2])] == sent[:2]
    assert log.read(place, sent[2] - 1, sent[2]) == []


def test_one_read_tells_of_the_holes_behind_it(
    log: SourceLog, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [publish(*invoice("adm-holes", str(number))) for number in range(4)]
    place = (ENK_INVOICES, sent[0].partition)
    first, last = sent[0].offset, sent[-1].offset
    assert len(log.read(place, first, first + 1)) == 1
    asked: list[tuple[int, int]] = []
    whole = log._read

    def counted(of: tuple[str, int], start: int, end: int) -> list[SourceRecord]:
        asked.append((start, end))
        return whole(of, start, end)

    monkeypatch.setattr(log, "_read", counted)
    # Nothing lies in an empty stretch that was seen; what was seen to be there is read.
    assert log.read(place, first + 1, first + 1) == []
    assert asked == []
    assert [record.offset for record in log.read(place, first + 1, last)] == [s.offset for s in sent[1:3]]
    assert asked == [(first + 1, last)]


class KeptLog:
    """Partitions of a hundred records each, without the offset 13."""

    def __init__(self) -> None:
        self.read_of: list[tuple[int, int]] = []
        self.end = 10

    def next_offsets(self, partitions: object) -> dict[tuple[str, int], int]:
        return {PLACE: 5}

    def ends(self, partitions: object) -> dict[tuple[str, int], int]:
        return {PLACE: self.end}

    def read(self, place: tuple[str, int], start: int, end: int) -> list[SourceRecord]:
        self.read_of.append((start, end))
        return [SourceRecord(*place, offset, None, None, ()) for offset in range(start, end) if offset != 13]


@pytest.fixture
def kept() -> KeptLog:
    return KeptLog()


@pytest.fixture
def continuity(kept: KeptLog) -> Continuity:
    return Continuity(kept, lambda: [PLACE])


async def test_a_record_that_follows_the_one_before_needs_no_look(
    kept: KeptLog, continuity: Continuity
) -> None:
    for offset in (5, 6, 7, 6, 7):
        assert await continuity.left_out_before(PLACE, offset) == []
        continuity.taken(PLACE, offset)
    assert kept.read_of == []
    assert [record.offset for record in await continuity.left_out_before(PLACE, 10)] == [8, 9]


async def test_partitions_that_are_assigned_anew_begin_at_what_is_committed(
    kept: KeptLog, continuity: Continuity
) -> None:
    await continuity.left_out_before(PLACE, 5)
    continuity.taken(PLACE, 90)
    continuity.forget()
    assert [record.offset for record in await continuity.left_out_before(PLACE, 7)] == [5, 6]


async def test_an_end_is_read_when_nothing_comes_and_only_once(kept: KeptLog, continuity: Continuity) -> None:
    kept.end = 14
    assert await continuity.left_out_at_the_ends() == []
    found = await continuity.left_out_at_the_ends()
    assert [record.offset for record in found] == [5, 6, 7, 8, 9, 10, 11, 12]
    for record in found:
        continuity.taken(PLACE, record.offset)
    # The last offset belongs to no record: it is asked for once more, and then known.
    looks = [await continuity.left_out_at_the_ends() for _ in range(20)]
    assert looks == [[]] * 20
    assert len(kept.read_of) <= 2


async def test_an_end_that_only_waits_its_turn_is_left_alone(kept: KeptLog, continuity: Continuity) -> None:
    async def look() -> list[int]:
        found = [record.offset for record in await continuity.left_out_at_the_ends()]
        # Something comes from elsewhere all the time.
        continuity.taken(("enk.relations.v1", 1), 0)
        return found

    looks = [await look() for _ in range(7)]
    assert looks == [[], [], [], [], [], [], [5, 6, 7, 8, 9]]
