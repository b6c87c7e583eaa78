"""Whether a posting may go out now, with what the ledger knows of the others; `sinks.turn` decides."""

from __future__ import annotations

from collections.abc import Callable

from ledger.rows import DuePosting, Sibling
from ledger.work import credited, siblings, twins
from schemas.invoice import Invoice
from schemas.relation import Relation
from sinks.books import Books
from sinks.turn import End, Go, Wait, after_credited, among_revisions, among_twins, relation_present


def _as_it_is(other: Sibling) -> Sibling:
    return other


async def turn_of(
    posting: DuePosting,
    invoice: Invoice,
    relation: Relation | None,
    administration: str,
    books: Books,
    seen_as: Callable[[Sibling], Sibling] = _as_it_is,
) -> Go | Wait | End:
    """Its turn among its revisions, its twins, the invoice it credits and its relation.

    `seen_as` says how another revision counts. Raises `psycopg.OperationalError` when the ledger is away.
    """
    go = Go()
    if posting.has_siblings:
        others = await books.read(lambda c: siblings(c.cursor(), posting, administration))
        verdict = among_revisions(posting, [seen_as(other) for other in others])
        if not isinstance(verdict, Go):
            return verdict
        go = verdict
    if posting.has_twin:
        others = await books.read(lambda c: twins(c.cursor(), posting, administration))
        twin = among_twins(posting, others)
        if not isinstance(twin, Go):
            return twin
    if posting.credits_key is not None:
        others = await books.read(lambda c: credited(c.cursor(), posting, administration))
        credit = after_credited(posting, others)
        if not isinstance(credit, Go):
            return credit
    present = relation_present(posting, relation, invoice)
    return present if not isinstance(present, Go) else go
