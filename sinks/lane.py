"""A lane of a directly booked package: one administration, one write at a time.

Every write is a named step with its own intent: committed before the call, its outcome after. What is in
doubt is looked up, never repeated blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import psycopg
import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.administrations import hold_lane, pause_lane
from ledger.away import WriterClosed
from ledger.pauses import pause
from ledger.postings import FINISHED, finish_step, good, wake
from ledger.references import forget_reference, save_reference
from ledger.rows import Change, DuePosting, Lane, Lease, StoredReference, first_invoice_key
from ledger.work import due_postings
from ledger.writer import Fenced
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Reason, reason
from schemas.posting import PackageDocument
from schemas.relation import Relation, Role
from sinks.attachments import AttachmentStep
from sinks.books import Books
from sinks.breaker import stop_package_if_alike
from sinks.contract import DirectSink, FoundInvoice, RelationReference
from sinks.failures import POINTS_AT_US, Consequence, LeaseEnding, consequence
from sinks.mapping import AdministrationMapping, RelationsWritten
from sinks.order import turn_of
from sinks.terms import DeliveryTerms
from sinks.turn import End, Go, Wait, role_of
from sinks.waiting import before_go_live_end, not_now, until_first_invoice
from telemetry import metrics, progress, tracing
from vendors.failure import Failure, Refused, Uncertain

log = structlog.get_logger(__name__)

CLOCK_SKEW = timedelta(minutes=5)
"""How far ENK's clock may be ahead of ours; what is older than a recovery may have been sent before it."""


class LaneStopped(Exception):
    """The lane may not go on now (held, stopping); what is due stays due."""


class StillInDoubt(Exception):
    """A look-up failed: whether the document is in the package stays unknown."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class DirectLane:
    """Delivers one administration's due postings in order."""

    def __init__(
        self,
        lane: Lane,
        mapping: AdministrationMapping,
        sink: DirectSink,
        books: Books,
        terms: DeliveryTerms,
        lease: Callable[[], Lease],
        stopping: Callable[[], bool],
        attachments: AttachmentStep,
        checkpoint: Callable[[str], Awaitable[None]],
    ) -> None:
        """`lease` gives the lease as last renewed; `checkpoint` names each step as it is reached."""
        self._lane = lane
        self._mapping = mapping
        self._sink = sink
        self._books = books
        self._terms = terms
        self._lease = lease
        self._stopping = stopping
        self._attachments = attachments
        self._checkpoint = checkpoint
        self._references: dict[tuple[str, Role], StoredReference] = {}
        self._intended = False
        self._delivering: DuePosting | None = None
        self._written: asyncio.Future[None] | None = None
        self._settle = terms.settle if terms.settle is not None else sink.traits.settle_time

    async def run(self) -> None:
        """Work until nothing is due.

        Raises `LaneStopped`, `ledger.writer.Fenced`, `psycopg.OperationalError`.
        """
        while True:
            due = await self._books.read(lambda c: due_postings(c, self._lane.key, self._terms.batch))
            if not due:
                return
            for posting in due:
                if self._stopping():
                    raise LaneStopped
                await self._deliver(posting)
            if self._written is not None:
                await self._written

    async def _deliver(self, posting: DuePosting) -> None:
        progress.step()
        with tracing.working_on("deliver", posting.traceparent, posting=posting.id):
            await self._deliver_or_set_aside(posting)

    async def _deliver_or_set_aside(self, posting: DuePosting) -> None:
        self._intended = False
        self._delivering = posting
        try:
            if posting.attachment_state in ("due", "sending"):
                await self._attachments.run(posting, self._sink, self._books, self._lease())
            elif posting.kind == "relation":
                await self._deliver_relation(posting)
            else:
                await self._deliver_invoice(posting)
        except LeaseEnding:
            # No call was made under this intent.
            self._intended = False
            self._change(
                Change(
                    posting.id,
                    Outcome.RECEIVED,
                    due_in=timedelta(),
                    transient=posting.transient,
                    announce=False,
                )
            )
            raise LaneStopped from None
        except Failure as failure:
            log.info("posting.failed", code=str(failure.code), vendor_message=failure.vendor_message)
            await self._failed(posting, failure)
        except StillInDoubt as doubt:
            log.info("posting.in_doubt", code=str(doubt.failure.code))
            await self._still_in_doubt(posting, doubt.failure)
        except (LaneStopped, Fenced, WriterClosed, psycopg.Error):
            raise
        except Exception as error:
            # Our own bug. It must be seen, must not stop the lane, and proves nothing once a call began.
            log.exception("posting.bug")
            kind = Uncertain if self._intended else Refused
            await self._failed(posting, kind(Code.INTERNAL, f"{type(error).__name__}: {error}"))

    # --- relations -----------------------------------------------------------------------------------

    async def _deliver_relation(self, posting: DuePosting) -> None:
        relation = Relation.model_validate_json(posting.relation_payload or posting.payload)
        known = {
            role: self._reference(posting, role) for role in relation.roles if self._reference(posting, role)
        }
        if not known and self._mapping.relations_written is RelationsWritten.ON_FIRST_INVOICE:
            self._change(until_first_invoice(posting))
            return
        if posting.state is Outcome.UNCERTAIN:
            await self._adopt_relation(posting, relation)
        adopted = False
        reference: StoredReference | None = None
        only_known = self._mapping.relations_written is RelationsWritten.ON_FIRST_INVOICE
        for role in [role for role in relation.roles if role in known or not only_known]:
            reference, was_there = await self._ensure_relation(posting, relation, role, update=True)
            adopted = adopted or was_there
        assert reference is not None
        outcome = Outcome.ADOPTED if adopted else Outcome.BOOKED
        change = Change(
            posting.id,
            outcome,
            package_number=reference.code or posting.number,
            package_id=reference.package_id,
        )
        self._change(good(change, "relation", posting.document_id, posting.match_key, posting.document_id))

    async def _ensure_relation(
        self, posting: DuePosting, relation: Relation, role: Role, *, update: bool
    ) -> tuple[StoredReference, bool]:
        """The relation's reference, written if missing or (with `update`) if its mapped content changed."""
        known = self._reference(posting, role)
        if known is not None and not update:
            return known, False
        fingerprint = self._sink.relation_fingerprint(relation, role)
        if known is not None and known.fingerprint == fingerprint:
            return known, False
        await self._intend(posting, f"relation:{role}")
        reference = RelationReference(known.package_id, known.code) if known else None
        written = await self._sink.upsert_relation(relation, role, reference)
        stored = StoredReference(written.reference.id, written.reference.code, fingerprint)
        await self._save_reference(posting, relation.id, role, stored)
        if written.dropped:
            log.warning("relation.fields_dropped", relation=relation.id, fields=written.dropped)
        return stored, written.adopted

    async def _adopt_relation(self, posting: DuePosting, relation: Relation) -> None:
        """After doubt about a relation: link what is there now."""
        role = Role((posting.intent_step or "").partition(":")[2] or relation.roles[0])
        try:
            found = await self._sink.find_relation(relation, role)
        except Failure as failure:
            raise StillInDoubt(failure) from failure
        if found is not None and self._reference(posting, role) is None:
            # An unknown fingerprint: the next update writes the content again.
            await self._save_reference(posting, relation.id, role, StoredReference(found.id, found.code, b""))

    def _reference(self, posting: DuePosting, role: Role) -> StoredReference | None:
        return self._references.get((posting.relation_id, role)) or posting.references.get(str(role))

    async def _save_reference(
        self, posting: DuePosting, relation_id: str, role: Role, stored: StoredReference
    ) -> None:
        key, lease = self._lane.key, self._lease()

        def save(cursor: Cursor[TupleRow]) -> bool:
            save_reference(cursor, key, str(role), relation_id, stored)
            wake(cursor, [(key.administration, first_invoice_key(relation_id))])
            return finish_step(cursor, lease, posting.id)

        if not await self._books.write(save):
            raise Fenced
        self._references[relation_id, role] = stored

    # --- invoices ------------------------------------------------------------------------------------

    async def _deliver_invoice(self, posting: DuePosting) -> None:
        invoice = Invoice.model_validate_json(posting.payload)
        relation = (
            Relation.model_validate_json(posting.relation_payload) if posting.relation_payload else None
        )
        looked_up = False
        if posting.state is Outcome.UNCERTAIN and relation is not None:
            if await self._resolve(posting, invoice, relation):
                return
            looked_up = True
        turn = await turn_of(posting, invoice, relation, self._lane.key.administration, self._books)
        if not isinstance(turn, Go):
            self._not_now(posting, turn)
            return
        assert relation is not None
        if turn.supersedes:
            for earlier in turn.supersedes:
                self._change(Change(earlier, Outcome.SUPERSEDED))
        self._sink.check_invoice(invoice, relation)
        reference = await self._relation_for(posting, invoice, relation)
        before_go_live = self._before_go_live(invoice)
        if not looked_up and (before_go_live or self._must_look_up(posting, invoice)):
            found = await self._sink.find_invoice(invoice, reference)
            if self._adopt(posting, invoice, reference, found):
                return
        if before_go_live:
            self._change(before_go_live_end(posting, invoice, self._go_live()))
            return
        await self._book(posting, invoice, relation, reference)

    async def _relation_for(
        self, posting: DuePosting, invoice: Invoice, relation: Relation
    ) -> RelationReference:
        role = role_of(invoice)
        stored, _ = await self._ensure_relation(posting, relation, role, update=False)
        return RelationReference(stored.package_id, stored.code)

    async def _book(
        self, posting: DuePosting, invoice: Invoice, relation: Relation, reference: RelationReference
    ) -> None:
        await self._intend(posting, "book")
        await self._checkpoint("before_send")
        try:
            document = await self._sink.book(invoice, relation, reference)
        except Refused as refusal:
            if refusal.code is not Code.DUPLICATE_NUMBER:
                if refusal.code is Code.NOT_FOUND_RELATION:
                    await self._forget(posting, role_of(invoice))
                raise
            found = await self._look_up(invoice, reference)
            if not self._adopt(posting, invoice, reference, found):
                raise
            return
        await self._checkpoint("answered")
        self._booked(posting, invoice, Outcome.BOOKED, document)

    def _booked(
        self, posting: DuePosting, invoice: Invoice, outcome: Outcome, document: PackageDocument
    ) -> None:
        attach = (
            self._mapping.attachments and self._sink.traits.attachments and invoice.attachment is not None
        )
        change = Change(
            posting.id,
            outcome,
            due_in=timedelta() if attach else None,
            attachment_state="due" if attach else None,
            package_number=document.number,
            package_id=document.id,
            package_journal=document.journal,
            package_year=document.year,
            package_period=document.period,
            package_url=document.url,
            version=posting.version,
        )
        self._change(good(change, posting.kind, posting.document_id, posting.match_key, posting.relation_id))
        metrics.booked(self._lane.key.package, posting.event_time)

    def _adopt(
        self,
        posting: DuePosting,
        invoice: Invoice,
        reference: RelationReference,
        found: Sequence[FoundInvoice],
    ) -> bool:
        """Link what was found when it is this document; a different one under the number is for a person."""
        if not found:
            return False
        for candidate in found:
            if candidate.gross == invoice.totals.gross and candidate.relation_id == reference.id:
                self._booked(posting, invoice, Outcome.ADOPTED, candidate.document)
                return True
        other = found[0]
        why = reason(
            Code.DUPLICATE_NUMBER,
            field="$.number",
            number=posting.number,
            problem_nl=f"in het pakket staat het met bedrag {other.gross:.2f}".replace(".", ","),
            problem_en=f"the package holds it with amount {other.gross:.2f}",
        )
        self._change(Change(posting.id, Outcome.REJECTED, why))
        return True

    async def _resolve(self, posting: DuePosting, invoice: Invoice, relation: Relation) -> bool:
        """Look up what is in doubt; True when that ended it, False when it is proven not to be there."""
        if posting.intent_step != "book":
            await self._adopt_relation(posting, relation)
            return False
        reference = self._reference(posting, role_of(invoice))
        if reference is None:
            return False
        link = RelationReference(reference.package_id, reference.code)
        found = await self._look_up(invoice, link)
        await self._checkpoint("looked_up")
        return self._adopt(posting, invoice, link, found)

    async def _look_up(self, invoice: Invoice, reference: RelationReference) -> Sequence[FoundInvoice]:
        """Look up after doubt; raises `StillInDoubt` when even that fails."""
        try:
            return await self._sink.find_invoice(invoice, reference)
        except Failure as failure:
            raise StillInDoubt(failure) from failure

    def _not_now(self, posting: DuePosting, turn: Wait | End) -> None:
        now = datetime.now(posting.received_at.tzinfo)
        self._change(not_now(posting, turn, self._terms.waiting_limit, now))

    def _must_look_up(self, posting: DuePosting, invoice: Invoice) -> bool:
        recovered_at = self._lane.recovered_at
        return (
            (recovered_at is not None and posting.event_time <= recovered_at + CLOCK_SKEW)
            or posting.look_up_first
            or invoice.direction not in self._sink.traits.guarded
        )

    def _go_live(self) -> date | None:
        return self._lane.adopt_only_before(self._mapping.go_live_date)

    def _before_go_live(self, invoice: Invoice) -> bool:
        go_live = self._go_live()
        return go_live is not None and invoice.issue_date < go_live

    # --- writing -------------------------------------------------------------------------------------

    async def _intend(self, posting: DuePosting, step: str) -> None:
        await self._books.intent(self._lease(), posting.id, step, posting.version)
        self._intended = True
        progress.step()
        await self._checkpoint("intent")

    def _change(self, change: Change) -> None:
        """Hand in a change; the next intent of this lane is committed with it or after it."""
        if self._written is not None and self._written.done():
            self._written.result()
        delivering = self._delivering
        if change.version is None and delivering is not None and delivering.id == change.posting:
            change = replace(change, version=delivering.version)
        self._written = self._books.change(self._lease(), change)
        self._written.add_done_callback(self._answered if self._intended else _seen)
        if change.state in FINISHED:
            metrics.completed(self._lane.key.package)
        tracing.note(outcome=change.state, code=change.reason.code if change.reason else "")

    def _answered(self, written: asyncio.Future[None]) -> None:
        """What a call led to is written; or not, because meanwhile another process has the lane."""
        if not written.cancelled() and isinstance(written.exception(), Fenced):
            metrics.WRITES_AFTER_FENCING.labels(self._lane.key.package).inc()
            log.error("write.after_fencing", package=str(self._lane.key.package))

    async def _forget(self, posting: DuePosting, role: Role) -> None:
        key = self._lane.key
        await self._books.write(lambda c: forget_reference(c, key, str(role), posting.relation_id))
        self._references.pop((posting.relation_id, role), None)

    async def _failed(self, posting: DuePosting, failure: Failure) -> None:
        probes = self._lane.hold.probes if self._lane.hold else 0
        result = consequence(posting, failure, self._settle, self._terms, probes, self._lane.key.package)
        self._change(result.change)
        await self._stop_if_told(result)
        if result.change.state is Outcome.REJECTED and failure.code in POINTS_AT_US:
            why, package = result.change.reason, self._lane.key.package
            assert why is not None
            terms = self._terms
            if await self._books.write(lambda c: stop_package_if_alike(c, package, why, terms)):
                raise LaneStopped

    async def _still_in_doubt(self, posting: DuePosting, failure: Failure) -> None:
        probes = self._lane.hold.probes if self._lane.hold else 0
        result = consequence(posting, failure, self._settle, self._terms, probes, self._lane.key.package)
        wait = max(self._settle, result.change.due_in or pause(self._terms.retry_wait, posting.transient + 1))
        self._change(
            Change(
                posting.id,
                Outcome.UNCERTAIN,
                reason(
                    Code.TIMEOUT_UNCERTAIN,
                    number=posting.number,
                    vendor_message=failure.vendor_message,
                    package=self._lane.key.package.label,
                ),
                due_in=wait,
                keep_intent=True,
                transient=posting.transient + 1,
                announce=posting.state is not Outcome.UNCERTAIN,
            )
        )
        await self._stop_if_told(result)

    async def _stop_if_told(self, result: Consequence) -> None:
        key, pause_for = self._lane.key, result.pause
        if result.hold is not None:
            await self._hold(result.hold, result.probe_in)
            raise LaneStopped
        if pause_for is not None:
            await self._books.write(lambda cursor: pause_lane(cursor, key, pause_for))
            raise LaneStopped

    async def _hold(self, why: Reason, probe_in: timedelta | None) -> None:
        lane, again = self._lane, self._lane.hold is not None
        held = await self._books.write(
            lambda cursor: hold_lane(cursor, lane.key, why, probe_in, again=again, found_with=lane)
        )
        if held:
            log.warning("lane.held", administration=lane.key.administration, code=str(why.code))


def _seen(written: asyncio.Future[None]) -> None:
    """A change that nobody waits for any more (the lane was stopped) has been looked at."""
    if not written.cancelled():
        written.exception()
