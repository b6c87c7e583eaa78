"""What each record of a batch becomes, decided against what the ledger and the batch already hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.administrations import LaneState
from ledger.admission import (
    Admission,
    Command,
    Known,
    Refusal,
    admit_invoice,
    admit_relation,
    credits_key,
    kind_of,
    match_key,
)
from ledger.dead_letters import dead_command
from ledger.events import posting_announcement, rejection_announcement
from ledger.inbox_known import known_events, known_relations, known_revisions, new_ids, relation_postings
from ledger.inbox_rows import (
    Batch,
    NewPosting,
    note,
    renew_invoice_posting,
    renew_relation_posting,
    store_rejected,
)
from ledger.put_back import EarlierRejection, EarlierRejections, Replay
from ledger.rows import PostingId, relation_key
from schemas import posting as events
from schemas.administration import Administration
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Reason, reason
from schemas.reading import ReadEvent
from schemas.relation import Relation


class Decisions:
    """Decides record after record against what the ledger and the batch already hold."""

    def __init__(
        self,
        cursor: Cursor[TupleRow],
        commands: Sequence[Command],
        lanes: dict[str, LaneState],
        batch: Batch,
        now: datetime,
    ) -> None:
        self._lanes = lanes
        self._batch = batch
        self._now = now
        events_ = [command.content for command in commands if isinstance(command.content, ReadEvent)]
        invoices = [event for event in events_ if isinstance(event.data, Invoice)]
        relations = [event for event in events_ if isinstance(event.data, Relation)]
        self._cursor = cursor
        self._revisions = known_revisions(cursor, invoices)
        self._relations = known_relations(cursor, relations)
        self._relation_postings = relation_postings(cursor, relations)
        self._event_hashes = known_events(cursor, events_)
        self._rejections = EarlierRejections(cursor, commands)
        self._ids = new_ids(cursor, len(events_))

    def one(self, command: Command) -> None:
        """Decide one record."""
        content = command.content
        if isinstance(content, Refusal):
            self._reject(command, content)
            return
        assert isinstance(content, ReadEvent)
        known_hash = self._event_hashes.setdefault(
            (content.envelope.source, content.envelope.id), content.content_hash
        )
        if known_hash != content.content_hash:
            self._contradiction(
                command,
                content,
                f"gebeurtenis {content.envelope.id}",
                f"event {content.envelope.id}",
                same_event=True,
            )
        elif isinstance(content.data, Invoice):
            self._invoice(command, content, content.data)
        elif isinstance(content.data, Relation):
            self._relation(command, content, content.data)

    def _invoice(self, command: Command, event: ReadEvent, invoice: Invoice) -> None:
        kind = kind_of(event)
        known = self._revisions[invoice.administration, kind, invoice.id]
        admission = admit_invoice(invoice.revision, event.content_hash, [entry for entry, _ in known])
        if admission is Admission.CONTRADICTS:
            self._contradiction(
                command,
                event,
                f"factuur {invoice.number} revisie {invoice.revision}",
                f"invoice {invoice.number} revision {invoice.revision}",
            )
            return
        if admission in (Admission.REPEATED, Admission.MENDED):
            posting_id = next(i for entry, i in known if entry.revision == invoice.revision)
            if admission is Admission.MENDED:
                self._replace_edit(command, event, invoice, posting_id)
                return
            note(self._batch, command, "repeated", event=event, posting_id=posting_id)
            self._replay(command, posting_id)
            return
        posting = self._new(
            command,
            event,
            kind,
            invoice.id,
            invoice.revision,
            invoice.number,
            match=match_key(invoice),
            credits=credits_key(invoice),
            relation_id=invoice.relation_id,
            issue_date=invoice.issue_date,
            gross=invoice.totals.gross,
            superseded=admission is Admission.SUPERSEDED,
        )
        known.append((Known(invoice.revision, event.content_hash), posting.id))

    def _relation(self, command: Command, event: ReadEvent, relation: Relation) -> None:
        key = (relation.administration, relation.id)
        known = self._relations.get(key)
        admission = admit_relation(relation.revision, event.content_hash, known)
        if admission is Admission.CONTRADICTS:
            self._contradiction(
                command,
                event,
                f"relatie {relation.number} revisie {relation.revision}",
                f"relation {relation.number} revision {relation.revision}",
            )
            return
        posting_id = self._relation_postings.get(key)
        if admission in (Admission.UNCHANGED, Admission.SUPERSEDED):
            note(self._batch, command, str(admission), event=event, posting_id=posting_id)
            if admission is Admission.UNCHANGED and known is not None and known.revision == relation.revision:
                self._replay(command, posting_id)
            return
        self._relations[key] = Known(relation.revision, event.content_hash)
        self._batch.relations[key] = (
            relation.revision,
            relation.number,
            event.data_bytes,
            event.content_hash,
        )
        self._batch.wakes.append((relation.administration, relation_key(relation.id)))
        if posting_id is None:
            posting = self._new(
                command,
                event,
                "relation",
                relation.id,
                relation.revision,
                relation.number,
                match=relation.number,
                relation_id=relation.id,
            )
            self._relation_postings[key] = posting.id
        else:
            self._renew_relation(command, event, relation, posting_id)
            self._close(command, event, posting_id)

    def _replay(self, command: Command, posting_id: int | None) -> None:
        """The record is here already: perhaps a dead letter that somebody put back."""
        if posting_id is not None:
            named = command.origin is not None
            self._batch.replays.append(Replay(posting_id, command.source, named))

    def _close(self, command: Command, event: ReadEvent, posting_id: int) -> None:
        """The record was refused before and can be read now."""
        earlier = self._rejections.mended(
            command, event.envelope.id, event.envelope.partition_key, event.data.id
        )
        if earlier is not None:
            self._batch.closed.append((earlier, posting_id))

    def _replace_edit(self, command: Command, event: ReadEvent, invoice: Invoice, posting_id: int) -> None:
        """ENK sends, readable now, the revision that a person had to mend."""
        if renew_invoice_posting(self._cursor, posting_id, event, invoice, command.source):
            lane = self._lanes.get(invoice.administration)
            if lane is not None:
                self._batch.due.add(lane.key)
            note(self._batch, command, "posting", event=event, posting_id=posting_id)
            return
        why = reason(Code.CHANGED_AFTER_BOOKING, number=invoice.number)
        self._reject(command, _refusal(event, why), event)

    def _renew_relation(
        self, command: Command, event: ReadEvent, relation: Relation, posting_id: int
    ) -> None:
        """The relation's one posting takes the newest revision; one in flight goes again afterwards."""
        for posting in self._batch.postings:
            if posting.id == posting_id:
                posting.revision, posting.payload = relation.revision, event.data_bytes
                posting.content_hash, posting.number = event.content_hash, relation.number
                posting.event_id = event.envelope.id
                note(self._batch, command, "posting", event=event, posting_id=posting_id)
                return
        renew_relation_posting(self._cursor, posting_id, event, relation, command.source)
        lane = self._lanes.get(relation.administration)
        if lane is not None:
            self._batch.due.add(lane.key)
        note(self._batch, command, "posting", event=event, posting_id=posting_id)

    def _new(
        self,
        command: Command,
        event: ReadEvent,
        kind: str,
        document_id: str,
        revision: int,
        number: str,
        *,
        match: str,
        relation_id: str,
        credits: str | None = None,
        issue_date: date | None = None,
        gross: Decimal | None = None,
        superseded: bool = False,
    ) -> NewPosting:
        administration = (
            event.data.administration if not isinstance(event.data, Administration) else event.data.id
        )
        lane = self._lanes.get(administration)
        posting = NewPosting(
            id=PostingId(next(self._ids)),
            administration_id=administration,
            package=str(lane.key.package) if lane else None,
            kind=kind,
            document_id=document_id,
            revision=revision,
            number=number,
            match_key=match,
            relation_id=relation_id,
            credits_key=credits,
            issue_date=issue_date,
            gross=gross,
            payload=event.data_bytes,
            content_hash=event.content_hash,
            event_id=event.envelope.id,
            event_source=event.envelope.source,
            event_time=event.envelope.time,
            correlation_id=event.envelope.correlation_id,
            traceparent=event.envelope.traceparent,
            source_topic=command.source.topic,
            source_partition=command.source.partition,
            source_offset=command.source.offset,
            state=str(Outcome.RECEIVED),
            changed_at=self._now,
            code=None,
            field=None,
            message_nl=None,
            message_en=None,
            vendor_message=None,
            who_acts=None,
            due_at=None,
            attempt=0,
            package_number=None,
            package_id=None,
            package_journal=None,
            package_year=None,
            package_period=None,
            package_url=None,
            file_sequence=None,
            file_name=None,
        )
        if superseded:
            posting.state = str(Outcome.SUPERSEDED)
        elif lane is None:
            _hold(posting, reason(Code.UNKNOWN_ADMINISTRATION, administration=administration))
        elif lane.hold is not None:
            _hold(posting, lane.hold)
        else:
            posting.due_at = self._now
            self._batch.due.add(lane.key)
        if posting.state != Outcome.RECEIVED:
            self._batch.announcements.append(posting_announcement(posting))
        self._batch.postings.append(posting)
        note(self._batch, command, "posting", event=event, posting_id=posting.id)
        self._close(command, event, posting.id)
        return posting

    def _contradiction(
        self, command: Command, event: ReadEvent, what_nl: str, what_en: str, *, same_event: bool = False
    ) -> None:
        """Refuse other content under the same event id, or under the same revision.

        In the second case the event id is noted with its content: it identifies that event for ever.
        """
        why = reason(Code.INVALID_EVENT, field="headers.ce_id" if same_event else "$.revision")
        why = Reason(
            code=why.code,
            field=why.field,
            nl=f"ENK stuurde {what_nl} eerder met een andere inhoud; dezelfde revisie mag niet veranderen. "
            "Stuur een hogere revisie.",
            en=f"ENK sent {what_en} before with other content; a revision never changes. "
            "Send a higher revision.",
            who_acts=why.who_acts,
        )
        self._reject(command, _refusal(event, why), None if same_event else event)

    def _reject(self, command: Command, refusal: Refusal, event: ReadEvent | None = None) -> None:
        earlier = self._rejections.same(command, refusal.event_id)
        if earlier is not None:
            self._note_again(command, earlier)
            return
        lane = self._lanes.get(refusal.administration or "")
        rejected_id = store_rejected(self._cursor, command, refusal)
        self._rejections.add(EarlierRejection.of(command, refusal, rejected_id))
        if not command.dead:
            self._batch.dead.append(dead_command(command, refusal))
        outcome = Outcome.HELD if refusal.ahead else Outcome.REJECTED
        why = refusal.reason
        self._batch.announcements.append(
            rejection_announcement(
                administration=refusal.administration,
                package=str(lane.key.package) if lane else None,
                kind=refusal.kind,
                document_id=refusal.document_id,
                number=refusal.number,
                revision=refusal.revision,
                source=events.SourceRecord(
                    topic=command.source.topic,
                    partition=command.source.partition,
                    offset=command.source.offset,
                    event_id=refusal.event_id,
                ),
                outcome=outcome,
                error=events.PostingError(
                    code=why.code,
                    field=why.field,
                    message=events.Message(nl=why.nl, en=why.en),
                    vendor_message=why.vendor_message,
                    who_acts=why.who_acts,
                    next_attempt_at=None,
                ),
                occurred_at=self._now,
                key=command.key,
            )
        )
        note(self._batch, command, str(outcome), event=event, rejected_id=rejected_id)

    def _note_again(self, command: Command, earlier: EarlierRejection) -> None:
        """The same refused record once more: no second rejection; what became a posting goes again."""
        if earlier.posting is None:
            note(self._batch, command, "repeated", event=None, rejected_id=earlier.id)
            return
        note(self._batch, command, "repeated", event=None, posting_id=earlier.posting)
        self._replay(command, earlier.posting)


def _refusal(event: ReadEvent, why: Reason) -> Refusal:
    """An event that can be read and is refused all the same."""
    data = event.data
    return Refusal(
        why,
        False,
        event.envelope.partition_key,
        kind_of(event),
        data.id,
        getattr(data, "number", None),
        getattr(data, "revision", None),
        event.envelope.id,
    )


def _hold(posting: NewPosting, why: Reason) -> None:
    posting.state, posting.scope = str(Outcome.HELD), "administration"
    posting.code, posting.field = str(why.code), why.field
    posting.message_nl, posting.message_en = why.nl, why.en
    posting.who_acts, posting.vendor_message = str(why.who_acts), why.vendor_message
