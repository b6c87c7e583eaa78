"""Whether a posting may go out now: order is dependency, and nothing else.

Pure functions over what the ledger knows; the lane acts on what they return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger.postings import GOOD
from ledger.rows import DuePosting, PostingId, Sibling, document_key, number_key, relation_key
from schemas.invoice import Direction, Invoice, VatKind
from schemas.outcome import Code, Outcome, Reason, reason
from schemas.relation import Relation, Role

UNSENT = frozenset({Outcome.RECEIVED, Outcome.RETRY, Outcome.WAITING, Outcome.HELD, Outcome.REJECTED})


@dataclass(frozen=True)
class Wait:
    """Not yet: something must arrive or be booked first; `key` is what releases it."""

    reason: Reason
    key: str


@dataclass(frozen=True)
class End:
    """It ends here without a call."""

    outcome: Outcome
    reason: Reason | None


@dataclass(frozen=True)
class Go:
    """It may go out; the unsent earlier revisions in `supersedes` end with it."""

    supersedes: tuple[PostingId, ...] = ()


def role_of(invoice: Invoice) -> Role:
    """The role in which an invoice needs its relation."""
    return Role.DEBTOR if invoice.direction is Direction.SALES else Role.CREDITOR


def among_revisions(posting: DuePosting, siblings: Sequence[Sibling]) -> Go | Wait | End:
    """A revision against the other revisions of its document."""
    if any(other.revision > posting.revision for other in siblings):
        return End(Outcome.SUPERSEDED, None)
    earlier = [other for other in siblings if other.revision < posting.revision]
    for other in reversed(earlier):
        if other.state in GOOD:
            if other.content_hash == posting.content_hash:
                return End(Outcome.ALREADY_BOOKED, None)
            return End(
                Outcome.REJECTED,
                reason(Code.CHANGED_AFTER_BOOKING, number=posting.number, revision=posting.revision),
            )
        if other.state is Outcome.UNCERTAIN or other.in_doubt or other.state is Outcome.POSTING:
            why = reason(Code.TIMEOUT_UNCERTAIN, number=posting.number)
            return Wait(why, document_key(posting.kind, posting.document_id))
    return Go(tuple(other.id for other in earlier if other.state in UNSENT and not other.in_doubt))


def among_twins(posting: DuePosting, twins: Sequence[Sibling]) -> Go | End:
    """Another live document with the same number: never looked up, never adopted."""
    for other in twins:
        if other.id < posting.id or other.state in GOOD or other.in_doubt:
            return End(
                Outcome.REJECTED,
                reason(
                    Code.DUPLICATE_NUMBER,
                    field="$.number",
                    number=posting.number,
                    problem_nl=f"ENK-document {other.document_id} heeft dat nummer ook",
                    problem_en=f"ENK's document {other.document_id} has that number too",
                ),
            )
    return Go()


def after_credited(posting: DuePosting, credited: Sequence[Sibling]) -> Go | Wait:
    """A credit waits for its invoice only when we have that invoice and it is not booked yet."""
    live = [other for other in credited if other.state not in (Outcome.SUPERSEDED, Outcome.DISCARDED)]
    if not live or any(other.state in GOOD for other in live):
        return Go()
    credited_number = (posting.credits_key or "").rpartition("|")[2]
    why = reason(Code.WAITING_FOR_INVOICE, number=posting.number, credited=credited_number)
    return Wait(why, number_key(posting.kind, posting.credits_key or ""))


def relation_present(posting: DuePosting, relation: Relation | None, invoice: Invoice) -> Go | Wait:
    """The relation exists, and has the VAT id that the invoice's VAT kind asks for."""
    key = relation_key(posting.relation_id)
    if relation is None:
        why = reason(
            Code.NOT_FOUND_RELATION,
            field="$.relation_id",
            relation=posting.relation_id,
            number=posting.number,
        )
        if posting.relation_problem:
            why = Reason(
                code=why.code,
                field=why.field,
                nl=f"{why.nl} De relatie is afgekeurd: {posting.relation_problem}",
                en=f"{why.en} The relation was rejected: {posting.relation_problem}",
                who_acts=why.who_acts,
            )
        return Wait(why, key)
    needs_vat_id = invoice.direction is Direction.SALES and any(
        line.vat.kind in (VatKind.VERLEGD, VatKind.ICP) for line in invoice.lines
    )
    if needs_vat_id and not relation.vat_identifier:
        why = reason(Code.REQUIRED_FIELD, field="$.vat_identifier", number=posting.number)
        why = Reason(
            code=why.code,
            field=why.field,
            nl=f"Factuur {posting.number} heeft btw verlegd of icp; daarvoor moet het btw-nummer van "
            f"{relation.name} bij relatie {relation.number} in ENK staan.",
            en=f"Invoice {posting.number} is reverse charge or intra-community: {relation.name} "
            f"(relation {relation.number}) needs a VAT id in ENK.",
            who_acts=why.who_acts,
        )
        return Wait(why, key)
    return Go()


def recheck_after(waited: timedelta) -> timedelta:
    """How long until a waiting posting is looked at again although nothing woke it."""
    return min(max(waited, timedelta(seconds=2)), timedelta(minutes=1))
