"""A cut: which documents go into the next file, in which order, and what becomes of those that cannot.

Everything is read and rendered outside the transaction that stores it; the ledger refuses to store a cut
whose documents have changed in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import structlog

from ledger.files import NewFile, NewMember, NewPart, NewReference, RelationPosting, relation_postings
from ledger.postings import good
from ledger.rows import Change, DuePosting, LaneKey, PostingId, StoredReference
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome
from schemas.relation import Relation, Role
from sinks.books import Books
from sinks.contract import Cut, FileInvoice, FileRelation, FileSink, RenderedFile
from sinks.file_documents import FileDocuments, RelationRefused, roles_of
from sinks.mapping import AdministrationMapping
from sinks.turn import role_of
from vendors.failure import Failure, Refused

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SetAside:
    """A document that cannot be in this cut, and why; a bug of ours is an `internal` refusal.

    `by_relation`: it is the document's relation that cannot be filed.
    """

    posting: DuePosting
    failure: Failure
    by_relation: bool = False


@dataclass
class CutPlan:
    """What the next file holds.

    Attributes:
        aside: documents that cannot be filed.
        nothing_new: relations whose content the package already has.
    """

    relations: dict[tuple[str, Role], FileRelation] = field(default_factory=dict)
    invoices: list[FileInvoice] = field(default_factory=list)
    members: dict[PostingId, NewMember] = field(default_factory=dict)
    references: list[NewReference] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    nothing_new: list[tuple[DuePosting, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to put in a file."""
        return not self.relations and not self.invoices


class RenderFailed(Exception):
    """The documents cannot be put in a file together, though each of them could be alone."""


class Cutter:
    """Plans and renders the cuts of one administration."""

    def __init__(
        self,
        key: LaneKey,
        mapping: AdministrationMapping,
        sink: FileSink,
        books: Books,
        documents: FileDocuments,
    ) -> None:
        self._key = key
        self._mapping = mapping
        self._sink = sink
        self._books = books
        self._documents = documents

    async def plan(self, staged: Sequence[DuePosting]) -> CutPlan:
        """Decide what goes in, in order of arrival; a relation always with or before its invoices."""
        plan = CutPlan()
        own = await self._books.read(
            lambda c: relation_postings(c, self._key, [posting.relation_id for posting in staged])
        )
        for posting in staged:
            try:
                if posting.kind == "relation":
                    await self._plan_relation(plan, posting)
                else:
                    await self._plan_invoice(plan, posting, own.get(posting.relation_id))
            except RelationRefused as refused:
                plan.aside.append(SetAside(posting, refused.failure, by_relation=True))
            except Failure as failure:
                plan.aside.append(SetAside(posting, failure))
            except psycopg.Error:
                raise
            except Exception as error:
                log.exception("posting.bug", posting=posting.id)
                plan.aside.append(SetAside(posting, as_bug(error)))
        return plan

    async def _plan_relation(self, plan: CutPlan, posting: DuePosting) -> None:
        relation = Relation.model_validate_json(posting.relation_payload or posting.payload)
        code = await self._add_relation(plan, relation, posting, roles_of(relation))
        planned = any((relation.id, role) in plan.relations for role in Role)
        if planned:
            _add_member(plan, NewMember(posting.id, posting.content_hash, _filed_relation(posting, code)))
        else:
            plan.nothing_new.append((posting, code))

    async def _plan_invoice(self, plan: CutPlan, posting: DuePosting, own: RelationPosting | None) -> None:
        invoice = Invoice.model_validate_json(posting.payload)
        if posting.relation_payload is None:
            raise Refused(Code.NOT_FOUND_RELATION, relation=posting.relation_id, field="$.relation_id")
        relation = Relation.model_validate_json(posting.relation_payload)
        role = role_of(invoice)
        planned = plan.relations.get((relation.id, role))
        known = posting.references.get(str(role))
        code = planned.code if planned else await self._documents.code_for(relation, role, known)
        document = await self._documents.invoice(invoice, relation, code)
        if planned is None and known is None:
            try:
                await self._add_relation(plan, relation, posting, roles_of(relation, [role]))
            except Failure as failure:
                raise RelationRefused(failure) from failure
            if own is not None:
                newest = own.open and own.payload == posting.relation_payload
                change = _filed_relation_of(own, relation, code) if newest else None
                _add_member(plan, NewMember(own.posting, own.content_hash, change))
        plan.invoices.append(document)
        number = next((str(number) for number in document.numbers.values()), None)
        change = Change(posting.id, Outcome.FILED, package_number=number)
        change = good(change, posting.kind, posting.document_id, posting.match_key, posting.relation_id)
        _add_member(plan, NewMember(posting.id, posting.content_hash, change))

    async def _add_relation(
        self, plan: CutPlan, relation: Relation, posting: DuePosting, roles: Sequence[Role]
    ) -> str:
        """Put in every role that the package does not know, or knows otherwise."""
        chosen: list[tuple[Role, FileRelation, bytes]] = []
        code = ""
        for role in roles:
            known = posting.references.get(str(role))
            planned = plan.relations.get((relation.id, role))
            document = planned or await self._documents.relation(relation, role, known)
            code = code or document.code
            if planned is not None:
                continue
            fingerprint = self._documents.fingerprint(document)
            if known is None or known.fingerprint != fingerprint:
                chosen.append((role, document, fingerprint))
        for role, document, fingerprint in chosen:
            plan.relations[relation.id, role] = document
            stored = StoredReference(document.code, document.code, fingerprint)
            plan.references.append(NewReference(relation.id, str(role), stored))
        return code

    async def render(self, plan: CutPlan, sequence: int, cut_at: datetime) -> NewFile:
        """Make the bytes, in a thread. Raises what the sink raises."""
        cut = Cut(
            self._key.administration,
            sequence,
            cut_at,
            tuple(plan.relations.values()),
            tuple(plan.invoices),
        )
        parts = await asyncio.to_thread(self._sink.render, cut, self._mapping)
        _require_names(parts)
        return NewFile(
            sequence,
            cut_at,
            [NewPart(part.name, part.content) for part in parts],
            list(plan.members.values()),
            plan.references,
        )

    async def culprits(self, staged: Sequence[DuePosting], sequence: int, cut_at: datetime) -> list[SetAside]:
        """After a cut that could not be rendered: the documents that cannot be rendered alone either."""
        found = []
        for posting in staged:
            plan = await self.plan([posting])
            if plan.aside or plan.is_empty:
                continue
            try:
                await self.render(plan, sequence, cut_at)
            except Failure as failure:
                found.append(SetAside(posting, failure))
            except Exception as error:  # noqa: BLE001 - our own bug, named on the document
                found.append(SetAside(posting, as_bug(error)))
        return found


def as_bug(error: Exception) -> Refused:
    """Our own bug as the refusal of a document."""
    return Refused(
        Code.INTERNAL, f"{type(error).__name__}: {error}", problem=f"{type(error).__name__}: {error}"
    )


def _filed_relation(posting: DuePosting, code: str) -> Change:
    change = Change(posting.id, Outcome.FILED, package_number=code, package_id=code)
    return good(change, "relation", posting.document_id, posting.match_key, posting.document_id)


def _filed_relation_of(own: RelationPosting, relation: Relation, code: str) -> Change:
    change = Change(own.posting, Outcome.FILED, package_number=code, package_id=code)
    return good(change, "relation", relation.id, relation.number, relation.id)


def _add_member(plan: CutPlan, member: NewMember) -> None:
    """Each posting once; as `filed` when any document asks for that."""
    present = plan.members.get(member.posting)
    if present is None or present.change is None:
        plan.members[member.posting] = member


def _require_names(parts: Sequence[RenderedFile]) -> None:
    """A name is one path component, and no two parts of a cut share it."""
    names = [part.name for part in parts]
    if len(set(names)) != len(names) or any(
        not n or "/" in n or "\\" in n or n.startswith(".") for n in names
    ):
        raise RenderFailed(f"the sink proposed impossible file names: {names}")
