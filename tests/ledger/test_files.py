"""What people do with files: look, download, confirm, release, and say whether one arrived."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tenacity import wait_fixed

from ledger.file_answers import NotPossible, confirm, release, resolve
from ledger.file_listing import count_download, find_file, list_files
from ledger.files import next_sequence, read_part, sequence_space
from ledger.numbers import advance_past
from ledger.rows import PostingId
from sinks.king_settings import KingMapping
from sinks.mapping import RelationsWritten
from sinks.terms import DeliveryTerms
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import Json, invoice, relation
from tests.sinks.filing_world import AT_ONCE, FilingWorld, filing_world

STUBBORN = DeliveryTerms(cut_quiet=AT_ONCE.cut_quiet, retry_wait=wait_fixed(3600))


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest_asyncio.fixture
async def world(ledger_url: str, tmp_path: Path) -> AsyncIterator[FilingWorld]:
    async with filing_world(ledger_url, tmp_path / "king") as opened:
        yield opened


@pytest_asyncio.fixture
async def delivered(world: FilingWorld) -> FilingWorld:
    """A file with a relation and two invoices."""
    world.receive(relation(), sales(1), sales(2))
    await world.run()
    return world


@pytest_asyncio.fixture
async def undelivered(world: FilingWorld) -> FilingWorld:
    """The same, cut while its folder is away."""
    world.folder.rmdir()
    world.terms = STUBBORN
    world.receive(relation(), sales(1), sales(2))
    await world.run()
    world.folder.mkdir()
    return world


def sales(number: int) -> Json:
    return invoice(id=f"inv-{number}", number=f"2026{number:04d}")


def posting(world: FilingWorld, document: str) -> PostingId:
    return next(member.posting for member in world.file().members if member.document_id == document)


def members(world: FilingWorld, sequence: int = 1) -> dict[str, str]:
    return {member.document_id: member.state for member in world.file(sequence).members}


async def deliver(world: FilingWorld) -> None:
    world.connection.execute(
        "UPDATE file SET due_at = now() WHERE administration_id = %s AND due_at IS NOT NULL",
        (world.key.administration,),
    )
    await world.run()


async def test_a_file_is_shown_with_its_parts_and_its_documents(delivered: FilingWorld) -> None:
    detail = delivered.file()
    assert find_file(delivered.connection, delivered.key, 1) == detail.summary.id
    assert (detail.summary.documents, detail.summary.confirmed, detail.summary.released) == (3, 0, 0)
    assert detail.summary.names == tuple(part.name for part in detail.parts)
    assert members(delivered) == {"rel-204": "filed", "inv-1": "filed", "inv-2": "filed"}
    for part in detail.parts:
        content = b"".join(read_part(delivered.connection, detail.summary.id, part.position))
        assert content == (delivered.folder / part.name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (part.sha256, part.size)
    assert list_files(delivered.connection, state="uncertain") == []


async def test_a_second_download_is_known_to_be_one(delivered: FilingWorld) -> None:
    file = delivered.file().summary.id
    assert delivered.write(lambda cursor: count_download(cursor, file)) == 0
    assert delivered.write(lambda cursor: count_download(cursor, file)) == 1


async def test_documents_are_confirmed_one_by_one_and_stay_filed(delivered: FilingWorld) -> None:
    file, one = delivered.file().summary.id, posting(delivered, "inv-1")
    assert delivered.write(lambda cursor: confirm(cursor, file, [one])) == 1
    assert delivered.write(lambda cursor: confirm(cursor, file, [one])) == 0
    assert members(delivered) == {"rel-204": "filed", "inv-1": "confirmed", "inv-2": "filed"}
    assert delivered.write(lambda cursor: confirm(cursor, file)) == 2
    assert set(delivered.states().values()) == {"filed"}


async def test_only_what_was_not_accepted_is_released(delivered: FilingWorld) -> None:
    file = delivered.file().summary.id
    accepted = [posting(delivered, "rel-204"), posting(delivered, "inv-1")]
    delivered.write(lambda cursor: confirm(cursor, file, accepted))
    assert delivered.write(lambda cursor: release(cursor, file, None, "dagboek bestaat niet")) == 1
    assert delivered.file().summary.state == "delivered"
    assert next(m.reason for m in delivered.file().members if m.state == "released") == "dagboek bestaat niet"
    assert delivered.state("inv-2") == "received"
    await delivered.run()
    assert members(delivered, 2) == {"inv-2": "filed"}
    assert delivered.journal_numbers() == ["20260001", "20260002", "20260002"]


async def test_a_confirmed_document_cannot_be_released_nor_a_released_one_confirmed(
    delivered: FilingWorld,
) -> None:
    file = delivered.file().summary.id
    one, two = posting(delivered, "inv-1"), posting(delivered, "inv-2")
    delivered.write(lambda cursor: confirm(cursor, file, [one]))
    with pytest.raises(NotPossible, match="in the books"):
        delivered.write(lambda cursor: release(cursor, file, [one, two], ""))
    assert members(delivered)["inv-2"] == "filed"
    delivered.write(lambda cursor: release(cursor, file, [two], ""))
    with pytest.raises(NotPossible, match="next file"):
        delivered.write(lambda cursor: confirm(cursor, file, [two]))


async def test_a_document_of_another_file_is_refused(delivered: FilingWorld) -> None:
    file = delivered.file().summary.id
    with pytest.raises(NotPossible, match="Not in this file"):
        delivered.write(lambda cursor: release(cursor, file, [PostingId(0)], ""))


async def test_a_file_whose_documents_were_all_released_is_void(delivered: FilingWorld) -> None:
    file = delivered.file().summary.id
    assert delivered.write(lambda cursor: release(cursor, file, None, "verkeerde administratie")) == 3
    assert delivered.file().summary.state == "void"
    with pytest.raises(NotPossible, match="void"):
        delivered.write(lambda cursor: confirm(cursor, file))
    await delivered.run()
    assert members(delivered, 2) == {"rel-204": "filed", "inv-1": "filed", "inv-2": "filed"}


async def test_a_file_that_was_not_delivered_can_only_be_released_whole_and_never_goes(
    undelivered: FilingWorld,
) -> None:
    file, one = undelivered.file().summary.id, posting(undelivered, "inv-1")
    with pytest.raises(NotPossible, match="release it whole"):
        undelivered.write(lambda cursor: release(cursor, file, [one], ""))
    undelivered.write(lambda cursor: release(cursor, file, None, ""))
    await deliver(undelivered)
    assert undelivered.journal_numbers() == ["20260001", "20260002"]
    assert all("-000002-" in name for name in undelivered.names())


async def test_confirming_a_downloaded_file_keeps_it_from_being_delivered(undelivered: FilingWorld) -> None:
    file = undelivered.file().summary.id
    undelivered.write(lambda cursor: confirm(cursor, file))
    undelivered.receive(invoice(id="inv-3", number="20260003"))
    await deliver(undelivered)
    assert undelivered.journal_numbers() == ["20260003"]
    assert undelivered.file().summary.state == "delivered"


async def test_nothing_can_be_said_of_a_file_while_it_is_being_delivered(world: FilingWorld) -> None:
    world.receive(relation(), sales(1))
    assert not await world.run(crash_at="file_written")
    file = world.file().summary.id
    with pytest.raises(NotPossible, match="being delivered"):
        world.write(lambda cursor: confirm(cursor, file))
    with pytest.raises(NotPossible, match="not certain"):
        world.write(lambda cursor: release(cursor, file, None, ""))
    with pytest.raises(NotPossible, match="delivering"):
        world.write(lambda cursor: resolve(cursor, file, arrived=True))


async def test_a_released_relation_that_was_filed_again_since_is_left_alone(delivered: FilingWorld) -> None:
    delivered.receive(relation(revision=2, name="Groeneveld Bouw B.V."))
    await delivered.run()
    file, one = delivered.file().summary.id, posting(delivered, "rel-204")
    delivered.write(lambda cursor: release(cursor, file, [one], ""))
    assert delivered.state("rel-204", 2) == "filed"
    await delivered.run()
    assert len(delivered.files()) == 2


async def test_after_a_recovery_file_numbers_that_were_published_are_not_used_again(
    delivered: FilingWorld,
) -> None:
    key = delivered.key
    delivered.write(lambda cursor: advance_past(cursor, key.administration, sequence_space(key), 7))
    assert next_sequence(delivered.connection, key) == 8
    delivered.receive(invoice(id="inv-3", number="20260003"))
    await delivered.run()
    assert [file.sequence for file in delivered.files()] == [1, 8]


async def test_a_released_document_goes_to_the_package_that_the_administration_has_now(
    delivered: FilingWorld,
) -> None:
    delivered.connection.execute(
        "UPDATE administration SET package = 'snelstart' WHERE id = %s", (delivered.key.administration,)
    )
    file, one = delivered.file().summary.id, posting(delivered, "inv-1")
    delivered.write(lambda cursor: release(cursor, file, [one], ""))
    assert delivered.posting("inv-1", "package") == "snelstart"
    assert delivered.posting("inv-2", "package") == "king"


async def test_a_released_relation_goes_again_without_a_new_invoice(world: FilingWorld) -> None:
    world.mapping = KingMapping(relations_written=RelationsWritten.ON_FIRST_INVOICE)
    world.receive(relation(), sales(1))
    await world.run()
    file, one = world.file().summary.id, posting(world, "rel-204")
    world.write(lambda cursor: release(cursor, file, [one], "btw-code onbekend"))
    await world.run()
    assert members(world, 2) == {"rel-204": "filed"}
