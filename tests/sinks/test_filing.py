"""A file lane: what goes into a file and what does not, and that every document is delivered once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from psycopg import Cursor
from psycopg.rows import TupleRow
from structlog.testing import capture_logs
from tenacity import wait_fixed

from ledger.file_answers import release, resolve
from ledger.files import CHUNK, FileId, NewFile, cut_now, read_part, store_cut
from ledger.rows import LaneKey, Lease
from ledger.writer import Fenced
from sinks.contract import Cut, FileInvoice, RenderedFile
from sinks.king import KingSink
from sinks.king_settings import FileNaming, KingMapping, NumberRange
from sinks.mapping import AdministrationMapping, RelationsWritten
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import Json, invoice, line, relation
from tests.sinks.filing_world import LATER, Crash, FilingWorld, filing_world

STEPS = [
    "staged",
    "rendered",
    "cut",
    "file_intent",
    "file_written",
    "file_renaming",
    "file_renamed",
    "file_delivered",
]
NOT_SOON = wait_fixed(3600)


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


@pytest_asyncio.fixture
async def world(ledger_url: str, tmp_path: Path) -> AsyncIterator[FilingWorld]:
    async with filing_world(ledger_url, tmp_path / "king") as opened:
        yield opened


def sales(number: int, **changes: Any) -> Json:
    return invoice(id=f"inv-{number}", number=f"2026{number:04d}", **changes)


def credit(number: int, of: int) -> Json:
    return sales(number, kind="los", lines=[line("-100.00")], credits_invoice_number=f"2026{of:04d}")


# --- what goes into a file ---------------------------------------------------------------------------


async def test_a_relation_and_its_invoice_become_one_set_of_files_and_enk_is_told(world: FilingWorld) -> None:
    world.receive(relation(), sales(1))
    await world.run()
    assert world.states() == {("rel-204", 1): "filed", ("inv-1", 1): "filed"}
    assert world.names() == [
        f"king-{world.key.administration}-000001-1-debiteuren.xml",
        f"king-{world.key.administration}-000001-4-journaal.xml",
    ]
    assert world.journal_numbers() == ["20260001"]
    told = world.published("inv-1")
    assert [event["outcome"] for event in told] == ["filed"]
    assert told[0]["file"] == {
        "name": f"king-{world.key.administration}-000001-4-journaal.xml",
        "sequence": 1,
    }
    assert world.published("rel-204")[0]["file"] == {
        "name": f"king-{world.key.administration}-000001-1-debiteuren.xml",
        "sequence": 1,
    }
    assert world.file().summary.state == "delivered"


async def test_nothing_is_cut_before_it_has_been_quiet_unless_a_person_asks(world: FilingWorld) -> None:
    world.terms = LATER
    world.receive(relation(), sales(1))
    await world.run()
    assert world.state("inv-1") == "posting"
    assert world.names() == []
    assert world.published("inv-1") == []
    assert world.write(lambda cursor: cut_now(cursor, world.key)) == 2
    await world.run()
    assert world.journal_numbers() == ["20260001"]


async def test_every_document_that_comes_moves_the_planned_cut(world: FilingWorld) -> None:
    world.terms = LATER
    world.receive(relation(), sales(1))
    await world.run()
    before = world.posting("inv-1", "due_at")
    world.receive(sales(2))
    await world.run()
    assert world.posting("inv-1", "due_at") == world.posting("inv-2", "due_at")
    assert str(world.posting("inv-1", "due_at")) > str(before)


async def test_a_file_is_cut_as_soon_as_it_is_full(world: FilingWorld) -> None:
    world.terms = replace(LATER, cut_documents=3)
    world.receive(relation(), *(sales(number) for number in range(1, 7)))
    await world.run()
    assert [file.documents for file in world.files()] == [3, 3]
    assert world.journal_numbers() == [f"2026{number:04d}" for number in range(1, 6)]
    assert world.state("inv-6") == "posting"


async def test_a_relation_that_would_be_written_the_same_is_not_filed_again(world: FilingWorld) -> None:
    world.receive(relation())
    await world.run()
    world.receive(relation(revision=2, payment_terms={"code": "14D", "days": 14}))
    await world.run()
    assert world.state("rel-204", 2) == "already_booked"
    assert len(world.files()) == 1


async def test_a_changed_relation_is_filed_again_under_its_code(world: FilingWorld) -> None:
    world.receive(relation())
    await world.run()
    world.receive(relation(revision=2, name="Groeneveld Bouw B.V.", number="00999"))
    await world.run()
    assert world.state("rel-204", 2) == "filed"
    assert world.debtor_numbers() == ["1300204", "1300204"]


async def test_an_invoice_waits_for_its_relation_and_goes_with_it(world: FilingWorld) -> None:
    world.receive(sales(1))
    await world.run()
    assert world.state("inv-1") == "waiting"
    world.receive(relation())
    await world.run()
    assert world.state("inv-1") == "filed"
    assert world.debtor_numbers() == ["1300204"]


async def test_a_relation_can_wait_for_its_first_invoice(world: FilingWorld) -> None:
    world.mapping = KingMapping(relations_written=RelationsWritten.ON_FIRST_INVOICE)
    world.receive(relation())
    await world.run()
    assert world.names() == []
    world.receive(sales(1))
    await world.run()
    assert world.states() == {("rel-204", 1): "filed", ("inv-1", 1): "filed"}
    assert world.debtor_numbers() == ["1300204"]


async def test_a_purchase_on_a_debtor_brings_the_creditor_into_the_file(world: FilingWorld) -> None:
    world.receive(relation())
    await world.run()
    world.receive(invoice(direction="purchase", id="pur-1", number="I-1"))
    await world.run()
    assert world.state("pur-1") == "filed"
    assert [part.name for part in world.file(2).parts] == [
        f"king-{world.key.administration}-000002-2-crediteuren.xml",
        f"king-{world.key.administration}-000002-4-journaal.xml",
    ]


async def test_a_document_king_cannot_read_is_rejected_and_the_others_go(world: FilingWorld) -> None:
    world.receive(relation(), invoice(id="inv-1", number="9" * 41), sales(2))
    await world.run()
    assert world.state("inv-1") == "rejected"
    assert world.posting("inv-1", "code") == "too_long"
    assert world.journal_numbers() == ["20260002"]


async def test_a_full_number_range_holds_what_needs_it_until_it_is_wider(world: FilingWorld) -> None:
    world.mapping = KingMapping(debtor_numbers=NumberRange(first=13900001, last=13900001))
    world.receive(relation(id="rel-1", number="ABC"), relation(id="rel-2", number="DEF"))
    world.terms = replace(world.terms, probe_wait=NOT_SOON)
    await world.run()
    assert world.state("rel-1") == "filed"
    assert world.state("rel-2") == "held"
    assert world.posting("rel-2", "due_at") is not None
    world.mapping = KingMapping(debtor_numbers=NumberRange(first=13900001, last=13900002))
    world.connection.execute("UPDATE posting SET due_at = now() WHERE due_at IS NOT NULL")
    await world.run()
    assert world.state("rel-2") == "filed"
    assert [event["outcome"] for event in world.published("rel-2")] == ["held", "filed"]
    assert world.debtor_numbers() == ["13900001", "13900002"]


async def test_documents_from_before_go_live_are_set_aside(world: FilingWorld) -> None:
    world.mapping = KingMapping(go_live_date=date(2026, 4, 1))
    world.receive(relation(), sales(1))
    await world.run()
    assert world.state("inv-1") == "discarded"
    assert world.posting("inv-1", "code") == "before_go_live"


async def test_a_credit_follows_its_invoice_in_a_later_file(world: FilingWorld) -> None:
    world.receive(relation(), sales(1), credit(2, of=1))
    await world.run()
    assert world.state("inv-2") == "filed"
    assert [file.sequence for file in world.files()] == [1, 2]
    assert world.journal_numbers() == ["20260001", "20260002"]


async def test_a_later_revision_takes_the_place_of_a_staged_one(world: FilingWorld) -> None:
    world.terms = LATER
    world.receive(relation(), sales(1))
    await world.run()
    world.receive(sales(1, revision=2, description="Werkzaamheden april"))
    world.terms = replace(LATER, cut_quiet=timedelta())
    await world.run()
    assert world.state("inv-1", 1) == "superseded"
    assert world.state("inv-1", 2) == "filed"
    assert world.journal_numbers() == ["20260001"]


async def test_a_changed_invoice_after_its_file_is_refused_until_that_document_is_released(
    world: FilingWorld,
) -> None:
    world.receive(relation(), sales(1))
    await world.run()
    world.receive(sales(1, revision=2, description="Werkzaamheden april"))
    await world.run()
    assert world.posting("inv-1", "code", 2) == "changed_after_booking"
    release_document(world, 1, "inv-1")
    world.receive(sales(1, revision=3, description="Werkzaamheden mei"))
    await world.run()
    assert world.state("inv-1", 1) == "superseded"
    assert world.state("inv-1", 3) == "filed"


def release_document(world: FilingWorld, sequence: int, document: str) -> None:
    detail = world.file(sequence)
    posting = next(member.posting for member in detail.members if member.document_id == document)
    world.write(lambda cursor: release(cursor, detail.summary.id, [posting], "niet ingelezen"))


async def test_a_released_document_goes_again_with_the_number_that_was_allotted(world: FilingWorld) -> None:
    world.receive(relation(number="ABC"), sales(1))
    await world.run()
    assert world.debtor_numbers() == ["13900001"]
    release_document(world, 1, "rel-204")
    release_document(world, 1, "inv-1")
    assert world.file(1).summary.state == "void"
    world.receive(relation(id="rel-9", number="XYZ"))
    await world.run()
    assert world.debtor_numbers() == ["13900001", "13900001", "13900002"]
    assert [member.document_id for member in world.file(2).members] == ["rel-204", "inv-1", "rel-9"]


async def test_after_a_recovery_what_may_be_in_a_forgotten_file_is_put_to_a_person(
    world: FilingWorld,
) -> None:
    world.receive(relation(), sales(1))
    world.connection.execute(
        "UPDATE lane SET in_recovery = true WHERE administration_id = %s", (world.key.administration,)
    )
    world.connection.execute("UPDATE ledger_state SET recovered_at = '2026-04-01'")
    await world.run()
    assert world.state("inv-1") == "held"
    assert world.posting("inv-1", "code") == "recovery"
    world.connection.execute(
        "UPDATE posting SET state = 'received', due_at = now() WHERE document_id = 'inv-1'"
    )
    await world.run()
    assert world.state("inv-1") == "filed"


class BreaksOn(KingSink):
    """Has a bug that only rendering meets."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = numbers

    def render(self, cut: Cut, mapping: AdministrationMapping) -> tuple[RenderedFile, ...]:
        for document in cut.invoices:
            if document.invoice.number in self.numbers:
                raise ZeroDivisionError(document.invoice.number)
        return super().render(cut, mapping)


async def test_a_document_that_breaks_rendering_is_set_aside_by_name_and_the_others_go(
    world: FilingWorld,
) -> None:
    world.sink = BreaksOn("20260002")
    world.receive(relation(), sales(1), sales(2), sales(3))
    with capture_logs() as logs:
        await world.run()
    assert "cut.bug" in [entry["event"] for entry in logs]
    assert world.posting("inv-2", "code") == "internal"
    assert "ZeroDivisionError" in str(world.posting("inv-2", "vendor_message"))
    assert world.journal_numbers() == ["20260001", "20260003"]


class BreaksOnTwo(KingSink):
    def render(self, cut: Cut, mapping: AdministrationMapping) -> tuple[RenderedFile, ...]:
        if len(cut.invoices) > 1:
            raise ZeroDivisionError
        return super().render(cut, mapping)


async def test_a_bug_that_is_nobodys_holds_all_documents_of_the_cut(world: FilingWorld) -> None:
    world.sink = BreaksOnTwo()
    world.receive(relation(), sales(1), sales(2))
    with capture_logs() as logs:
        await world.run()
    assert "cut.bug" in [entry["event"] for entry in logs]
    assert world.state("inv-1") == world.state("inv-2") == "held"
    assert world.files() == []


# --- once and in order -------------------------------------------------------------------------------


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(
    world: FilingWorld, step: str, emptied: bool
) -> None:
    world.emptied_by_program = emptied
    world.receive(relation(), sales(1), sales(2))
    assert not await world.run(crash_at=step)
    world.receive(sales(3))
    await world.run()
    if emptied and step == "file_renaming":
        assert world.file(1).summary.state == "uncertain"
        world.write(lambda cursor: resolve(cursor, world.file(1).summary.id, arrived=False))
        await world.run()
    assert all(state == "filed" for state in world.states().values())
    assert world.journal_numbers() == ["20260001", "20260002", "20260003"]
    assert all(file.state == "delivered" for file in world.files())
    assert not [name for name in world.names() if name.endswith(".part")]


async def test_a_crash_inside_the_transaction_of_the_cut_leaves_no_trace(
    world: FilingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashing(cursor: Cursor[TupleRow], lease: Lease, key: LaneKey, file: NewFile) -> FileId:
        store_cut(cursor, lease, key, file)
        raise Crash

    world.receive(relation(), sales(1))
    with monkeypatch.context() as patched:
        patched.setattr("sinks.filing.store_cut", crashing)
        assert not await world.run()
    assert world.files() == []
    assert world.state("inv-1") == "posting"
    assert world.published("inv-1") == []
    await world.run()
    assert world.journal_numbers() == ["20260001"]
    assert world.file().summary.sequence == 1


async def test_a_file_that_a_program_may_have_read_is_never_delivered_again_by_itself(
    world: FilingWorld,
) -> None:
    world.emptied_by_program = True
    world.receive(relation(), sales(1))
    assert not await world.run(crash_at="file_renamed")
    for name in world.names():
        (world.folder / name).unlink()
    await world.run()
    await world.run()
    assert world.names() == []
    assert world.file().summary.state == "uncertain"
    assert world.state("inv-1") == "filed"
    world.write(lambda cursor: resolve(cursor, world.file().summary.id, arrived=True))
    await world.run()
    assert world.names() == []
    assert world.file().summary.state == "delivered"


async def test_a_file_that_a_person_took_away_after_a_crash_is_delivered_again(world: FilingWorld) -> None:
    world.receive(relation(), sales(1))
    assert not await world.run(crash_at="file_renamed")
    for name in world.names():
        (world.folder / name).unlink()
    await world.run()
    assert world.journal_numbers() == ["20260001"]


async def test_a_worker_that_lost_its_lease_stores_no_file(world: FilingWorld) -> None:
    world.receive(relation(), sales(1))
    old = world.lane(lease=world.new_lease())
    world.new_lease()
    with pytest.raises(Fenced):
        await old.run()
    assert world.files() == []


async def test_a_worker_that_lost_its_lease_while_writing_puts_nothing_in_place(world: FilingWorld) -> None:
    world.receive(relation(), sales(1))
    assert not await world.run(crash_at="cut")
    lane = world.lane()

    async def taken_over(step: str) -> None:
        if step == "file_renaming":
            world.new_lease()
            await world.run()

    lane._delivery._checkpoint = taken_over
    with pytest.raises(Fenced):
        await lane.run()
    assert world.journal_numbers() == ["20260001"]
    assert len(world.names()) == 2


@pytest.mark.parametrize("trouble", ["missing", "a file"])
async def test_documents_stay_filed_while_the_folder_cannot_be_used(world: FilingWorld, trouble: str) -> None:
    world.folder.rmdir()
    if trouble == "a file":
        world.folder.write_text("")
    world.terms = replace(world.terms, retry_wait=NOT_SOON)
    world.receive(relation(), sales(1))
    await world.run()
    summary = world.file().summary
    assert (summary.state, summary.code) == ("cut", "unavailable")
    assert str(world.folder) in str(summary.message_nl)
    assert summary.due_at is not None
    assert world.state("inv-1") == "filed"
    if trouble == "a file":
        world.folder.unlink()
    world.folder.mkdir()
    world.connection.execute("UPDATE file SET due_at = now()")
    await world.run()
    assert world.journal_numbers() == ["20260001"]
    assert world.file().summary.code is None


async def test_files_are_delivered_in_the_order_in_which_they_were_cut(world: FilingWorld) -> None:
    world.folder.rmdir()
    world.terms = replace(world.terms, retry_wait=NOT_SOON)
    world.receive(relation(), sales(1))
    await world.run()
    world.receive(sales(2))
    world.folder.mkdir()
    await world.run()
    assert world.names() == [], "the second file waits for the first"
    world.connection.execute("UPDATE file SET due_at = now() WHERE sequence = 1")
    await world.run()
    assert [file.state for file in world.files()] == ["delivered", "delivered"]
    times = [(path.stat().st_mtime_ns, path.name) for path in world.folder.iterdir()]
    assert [name for _, name in sorted(times)] == sorted(world.names())


async def test_another_file_under_the_name_is_never_overwritten(world: FilingWorld) -> None:
    world.terms = replace(world.terms, retry_wait=NOT_SOON)
    foreign = world.folder / f"king-{world.key.administration}-000001-4-journaal.xml"
    foreign.write_text("something else")
    world.receive(relation(), sales(1))
    await world.run()
    assert foreign.read_text() == "something else"
    assert world.file().summary.state == "held"
    foreign.unlink()
    world.connection.execute("UPDATE file SET due_at = now()")
    await world.run()
    assert world.journal_numbers() == ["20260001"]


async def test_under_a_fixed_name_a_file_waits_until_the_former_one_was_read(world: FilingWorld) -> None:
    world.terms = replace(world.terms, retry_wait=NOT_SOON)
    world.mapping = KingMapping(file_naming=FileNaming.FIXED)
    world.emptied_by_program = True
    world.receive(relation(), sales(1))
    await world.run()
    world.receive(sales(2))
    await world.run()
    assert world.journal_numbers() == ["20260001"]
    assert "nog niet ingelezen" in str(world.file(2).summary.message_nl)
    (world.folder / "journaal.xml").unlink()
    world.connection.execute("UPDATE file SET due_at = now() WHERE due_at IS NOT NULL")
    await world.run()
    assert world.journal_numbers() == ["20260002"]
    assert [file.state for file in world.files()] == ["delivered", "delivered"]


class LargeFiles(KingSink):
    def render(self, cut: Cut, mapping: AdministrationMapping) -> tuple[RenderedFile, ...]:
        body = b"".join(_large(document) for document in cut.invoices)
        return (RenderedFile(f"{cut.sequence}-large", body),)


def _large(document: FileInvoice) -> bytes:
    return document.invoice.number.encode() * (CHUNK // 4)


async def test_a_file_larger_than_a_row_is_stored_in_rows_and_delivered_whole(world: FilingWorld) -> None:
    world.sink = LargeFiles()
    world.receive(relation(), sales(1))
    await world.run()
    expected = b"20260001" * (CHUNK // 4)
    assert (world.folder / "1-large").read_bytes() == expected
    chunks = list(read_part(world.connection, world.file().summary.id, 1))
    assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK]
    assert b"".join(chunks) == expected
