"""A lane of a file package: one administration, its documents staged, cut into files, delivered in order.

    received ──► posting (staged, due at the planned cut) ──► filed (in a file; the file is delivered after)

Staging proves that a document can be in a file; the cut is one transaction of the ledger; delivering the
file is an attempt of its own (`sinks.file_delivery`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import structlog

from ledger.away import WriterClosed
from ledger.files import CutOutdated, NewFile, keep_quiet, next_sequence, staged_count, store_cut
from ledger.pauses import pause
from ledger.postings import FINISHED, good
from ledger.recovery import recovered_filing
from ledger.rows import Change, DuePosting, Lane, Lease, PostingId, Sibling, relation_key
from ledger.work import due_postings, staged_postings
from ledger.writer import Fenced
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Reason, reason
from schemas.relation import Relation
from sinks.books import Books
from sinks.breaker import stop_package_if_alike
from sinks.contract import FileSink
from sinks.cutting import CutPlan, Cutter, SetAside, as_bug
from sinks.failures import POINTS_AT_US, consequence, reason_of
from sinks.file_delivery import FileDelivery
from sinks.file_documents import FileDocuments, RelationRefused, roles_of
from sinks.folder import FolderTarget
from sinks.lane import LaneStopped
from sinks.mapping import AdministrationMapping, RelationsWritten
from sinks.order import turn_of
from sinks.terms import DeliveryTerms
from sinks.turn import Go, Wait, role_of
from sinks.waiting import before_go_live_end, not_now, until_first_invoice
from telemetry import metrics, progress, tracing
from vendors.failure import Failure, Refused

log = structlog.get_logger(__name__)


class FileLane:
    """Files one administration's due postings, and delivers the files."""

    def __init__(
        self,
        lane: Lane,
        mapping: AdministrationMapping,
        sink: FileSink,
        books: Books,
        terms: DeliveryTerms,
        lease: Callable[[], Lease],
        stopping: Callable[[], bool],
        target: FolderTarget,
        checkpoint: Callable[[str], Awaitable[None]],
        *,
        guard: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """As `DirectLane`; `guard` raises `LeaseEnding` when too little of the lease is left."""
        self._lane = lane
        self._mapping = mapping
        self._sink = sink
        self._books = books
        self._terms = terms
        self._lease = lease
        self._stopping = stopping
        self._checkpoint = checkpoint
        self._clock = clock
        self._staging: DuePosting | None = None
        self._pending: list[asyncio.Future[None]] = []
        self._documents = FileDocuments(lane.key, mapping, sink, books)
        self._cutter = Cutter(lane.key, mapping, sink, books, self._documents)
        self._delivery = FileDelivery(lane.key, books, terms, lease, stopping, target, checkpoint, guard)

    async def run(self) -> None:
        """Stage, cut and deliver until nothing is due.

        Raises `LaneStopped`, `ledger.writer.Fenced`, `psycopg.OperationalError`.
        """
        key = self._lane.key
        while True:
            self._go_on()
            due = await self._books.read(lambda c: due_postings(c, key, self._terms.batch))
            fresh = [posting for posting in due if posting.state is not Outcome.POSTING]
            if fresh:
                await self._stage_all(fresh)
                continue
            staged = await self._books.read(lambda c: staged_count(c, key))
            if not staged.documents or not (staged.due or staged.documents >= self._terms.cut_documents):
                break
            await self._cut()
        await self._delivery.run()

    def _go_on(self) -> None:
        if self._stopping():
            raise LaneStopped

    # --- staging -------------------------------------------------------------------------------------

    async def _stage_all(self, postings: list[DuePosting]) -> None:
        staged = False
        for posting in postings:
            self._go_on()
            staged = await self._stage_or_set_aside(posting) or staged
        await self._written()
        if staged:
            key, quiet = self._lane.key, self._terms.cut_quiet
            await self._books.write(lambda c: keep_quiet(c, key, quiet))
            await self._checkpoint("staged")

    async def _stage_or_set_aside(self, posting: DuePosting) -> bool:
        """True when the posting is staged now."""
        progress.step()
        with tracing.working_on("stage", posting.traceparent, posting=posting.id):
            return await self._stage_by_kind(posting)

    async def _stage_by_kind(self, posting: DuePosting) -> bool:
        self._staging = posting
        try:
            if posting.kind == "relation":
                return await self._stage_relation(posting)
            return await self._stage_invoice(posting)
        except RelationRefused as refused:
            await self._set_aside(SetAside(posting, refused.failure, by_relation=True))
        except Failure as failure:
            await self._set_aside(SetAside(posting, failure))
        except (LaneStopped, Fenced, WriterClosed, psycopg.Error):
            raise
        except Exception as error:
            log.exception("posting.bug")
            await self._set_aside(SetAside(posting, as_bug(error)))
        return False

    async def _stage_relation(self, posting: DuePosting) -> bool:
        relation = Relation.model_validate_json(posting.relation_payload or posting.payload)
        on_first_invoice = self._mapping.relations_written is RelationsWritten.ON_FIRST_INVOICE
        if on_first_invoice and not posting.references and posting.attempt == 0:
            self._change(until_first_invoice(posting))
            return False
        code, changed = "", False
        for role in roles_of(relation):
            known = posting.references.get(str(role))
            document = await self._documents.relation(relation, role, known)
            code = code or document.code
            changed = changed or known is None or known.fingerprint != self._documents.fingerprint(document)
        if not changed:
            self._nothing_new(posting, code)
            return False
        self._staged(posting)
        return True

    def _nothing_new(self, posting: DuePosting, code: str) -> None:
        """The package has this content of the relation already."""
        change = Change(posting.id, Outcome.ALREADY_BOOKED, package_number=code, package_id=code)
        self._change(good(change, "relation", posting.document_id, posting.match_key, posting.document_id))

    async def _stage_invoice(self, posting: DuePosting) -> bool:
        invoice = Invoice.model_validate_json(posting.payload)
        relation = (
            Relation.model_validate_json(posting.relation_payload) if posting.relation_payload else None
        )
        if self._before_go_live(invoice):
            self._change(before_go_live_end(posting, invoice, self._go_live()))
            return False
        turn = await turn_of(
            posting, invoice, relation, self._lane.key.administration, self._books, _staged_is_unsent
        )
        if not isinstance(turn, Go):
            self._change(not_now(posting, turn, self._terms.waiting_limit, self._clock()))
            return False
        assert relation is not None
        if self._must_be_asked(posting):
            key = self._lane.key
            filed = await self._books.read(
                lambda c: recovered_filing(
                    c.cursor(), key, posting.kind, posting.document_id, posting.revision
                )
            )
            if filed is not None:
                log.info("filing.recovered", posting=posting.id, file=filed[1])
                change = Change(posting.id, Outcome.FILED, package_number=posting.number)
                self._change(
                    good(change, posting.kind, posting.document_id, posting.match_key, posting.relation_id)
                )
                return False
            # A file package cannot be asked whether it has the document: a person looks, and retries it.
            why = reason(Code.RECOVERY, number=posting.number)
            self._change(Change(posting.id, Outcome.HELD, why, scope="document", look_up_first=True))
            return False
        if turn.supersedes:
            # What was just written of those may not travel in one transaction with this.
            await self._written()
            for earlier in turn.supersedes:
                self._change(Change(earlier, Outcome.SUPERSEDED))
        role = role_of(invoice)
        code = await self._documents.code_for(relation, role, posting.references.get(str(role)))
        await self._documents.invoice(invoice, relation, code)
        self._staged(posting)
        return True

    def _staged(self, posting: DuePosting) -> None:
        self._change(
            Change(
                posting.id,
                Outcome.POSTING,
                due_in=self._terms.cut_quiet,
                look_up_first=posting.look_up_first,
                announce=False,
            )
        )

    def _go_live(self) -> date | None:
        return self._lane.adopt_only_before(self._mapping.go_live_date)

    def _before_go_live(self, invoice: Invoice) -> bool:
        go_live = self._go_live()
        return go_live is not None and invoice.issue_date < go_live

    def _must_be_asked(self, posting: DuePosting) -> bool:
        """After a recovery: the document may be in a file that the ledger has forgotten.

        Not when it was issued afterwards, nor when it was put to a person before (`look_up_first`).
        """
        since = self._lane.recovered_at
        return since is not None and not posting.look_up_first and posting.event_time <= since

    # --- cutting -------------------------------------------------------------------------------------

    async def _cut(self) -> None:
        """Cut one file of what is staged, oldest first; what cannot be in it is set aside by name."""
        key = self._lane.key
        progress.step()
        staged = await self._books.read(lambda c: staged_postings(c, key, self._terms.cut_documents))
        plan = await self._cutter.plan(staged)
        await self._settle(plan)
        if plan.is_empty:
            return
        aside = {one.posting.id for one in plan.aside}
        left = [posting for posting in staged if posting.id not in aside]
        sequence = await self._books.read(lambda c: next_sequence(c, key))
        cut_at = self._clock()
        try:
            file = await self._cutter.render(plan, sequence, cut_at)
        except Exception as error:
            log.exception("cut.bug", administration=key.administration, sequence=sequence)
            await self._not_rendered(left, sequence, cut_at, error)
            return
        await self._checkpoint("rendered")
        progress.step()
        await self._store(file, {posting.id: posting for posting in staged})
        await self._checkpoint("cut")

    async def _settle(self, plan: CutPlan) -> None:
        for one in plan.aside:
            await self._set_aside(one)
        for posting, code in plan.nothing_new:
            self._nothing_new(posting, code)
        await self._written()

    async def _store(self, file: NewFile, staged: Mapping[PostingId, DuePosting]) -> None:
        key, lease = self._lane.key, self._lease()
        try:
            stored = await self._books.write(lambda cursor: store_cut(cursor, lease, key, file))
        except CutOutdated:
            log.info("cut.outdated", administration=key.administration, sequence=file.sequence)
            return
        metrics.FILES.labels(key.package, "cut").inc()
        filed = [member.posting for member in file.members if member.change is not None]
        metrics.completed(key.package, len(filed))
        for posting_id in filed:
            posting = staged.get(posting_id)
            if posting is not None and posting.kind != "relation":
                metrics.booked(key.package, posting.event_time, self._clock())
        log.info(
            "file.cut",
            administration=key.administration,
            file=stored,
            sequence=file.sequence,
            documents=len(file.members),
        )

    async def _not_rendered(
        self, staged: list[DuePosting], sequence: int, cut_at: datetime, error: Exception
    ) -> None:
        """Set aside the documents that break a file by themselves; if none does, all that were in it."""
        culprits = await self._cutter.culprits(staged, sequence, cut_at)
        for one in culprits:
            await self._set_aside(one)
        if culprits:
            await self._written()
            return
        why = reason_of(as_bug(error), "")
        for posting in staged:
            self._change(Change(posting.id, Outcome.HELD, why, scope="document"))
        await self._written()

    # --- what cannot be filed ------------------------------------------------------------------------

    async def _set_aside(self, one: SetAside) -> None:
        posting, failure = one.posting, one.failure
        log.info("posting.failed", posting=posting.id, code=str(failure.code), message=failure.vendor_message)
        if failure.code is Code.NUMBER_RANGE_FULL:
            self._change(self._until_range_is_wider(posting, failure))
            return
        if one.by_relation:
            wait = Wait(self._because_of_relation(posting, failure), relation_key(posting.relation_id))
            self._change(not_now(posting, wait, self._terms.waiting_limit, self._clock()))
            return
        result = consequence(posting, failure, timedelta(), self._terms, package=self._lane.key.package)
        self._change(result.change)
        if isinstance(failure, Refused) and failure.code in POINTS_AT_US and result.change.reason is not None:
            why, package, terms = result.change.reason, self._lane.key.package, self._terms
            if await self._books.write(lambda c: stop_package_if_alike(c, package, why, terms)):
                raise LaneStopped

    def _until_range_is_wider(self, posting: DuePosting, failure: Failure) -> Change:
        """Held, told once, and tried again by itself: a wider range in the mapping is enough."""
        told = posting.state is Outcome.HELD and posting.code == str(failure.code)
        return Change(
            posting.id,
            Outcome.HELD,
            reason_of(failure, posting.number),
            scope="document",
            due_in=pause(self._terms.probe_wait, posting.transient + 1),
            transient=posting.transient + 1,
            look_up_first=posting.look_up_first,
            announce=not told,
        )

    def _because_of_relation(self, posting: DuePosting, failure: Failure) -> Reason:
        base = reason(
            Code.NOT_FOUND_RELATION,
            field="$.relation_id",
            relation=posting.relation_id,
            number=posting.number,
        )
        cause = reason_of(failure, "")
        return Reason(
            code=base.code,
            field=base.field,
            nl=f"{base.nl} De relatie kan niet in een bestand: {cause.nl}",
            en=f"{base.en} The relation cannot be put in a file: {cause.en}",
            who_acts=cause.who_acts,
            vendor_message=cause.vendor_message,
        )

    def _change(self, change: Change) -> None:
        """Hand in a change; `_written` waits until it is committed."""
        if self._staging is not None and self._staging.id == change.posting:
            change = replace(change, version=self._staging.version)
        self._pending.append(self._books.change(self._lease(), change))
        if change.state in FINISHED:
            metrics.completed(self._lane.key.package)
        tracing.note(outcome=change.state, code=change.reason.code if change.reason else "")

    async def _written(self) -> None:
        """Wait for what was handed in. Raises `Fenced` when the lease moved on."""
        pending, self._pending = self._pending, []
        for answer in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer


def _staged_is_unsent(other: Sibling) -> Sibling:
    """A staged revision is in no file yet, so a later one simply takes its place."""
    if other.state is not Outcome.POSTING or other.in_doubt:
        return other
    return Sibling(
        other.id, other.document_id, other.revision, Outcome.RECEIVED, other.content_hash, other.in_doubt
    )
