"""What is written of a posting whose turn has not come, or will not come."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ledger.rows import Change, DuePosting, document_key, first_invoice_key
from schemas.invoice import Invoice
from schemas.outcome import Code, Outcome, Reason, WhoActs, reason
from sinks.turn import End, Wait, recheck_after

OVERDUE = "overdue"
"""The scope of a posting that has waited past its limit: it names somebody."""


def not_now(posting: DuePosting, turn: Wait | End, limit: timedelta, now: datetime) -> Change:
    """An end is written as it is; a wait is looked at again, and told once, and once more after the limit."""
    if isinstance(turn, End):
        wakes = (document_key(posting.kind, posting.document_id),)
        return Change(posting.id, turn.outcome, turn.reason, wakes=wakes)
    overdue = posting.waiting_until is not None and posting.waiting_until <= now
    waited = now - (posting.waiting_until - limit) if posting.waiting_until else timedelta()
    told = (Outcome.WAITING, str(turn.reason.code), OVERDUE if overdue else None)
    unchanged = (posting.state, posting.code, posting.scope) == told
    return Change(
        posting.id,
        Outcome.WAITING,
        turn.reason,
        scope=OVERDUE if overdue else None,
        due_in=recheck_after(waited),
        waiting_key=turn.key,
        waiting_for=limit,
        look_up_first=posting.look_up_first,
        announce=not unchanged,
    )


def until_first_invoice(posting: DuePosting) -> Change:
    """A relation that is written with its first invoice has nothing to do before; nobody is told."""
    why = Reason(
        code=Code.WAITING_FOR_INVOICE,
        field=None,
        nl=f"Relatie {posting.number} wordt geschreven met haar eerste factuur.",
        en=f"Relation {posting.number} is written with its first invoice.",
        who_acts=WhoActs.ENK_USER,
    )
    return Change(
        posting.id, Outcome.WAITING, why, waiting_key=first_invoice_key(posting.document_id), announce=False
    )


def before_go_live_end(posting: DuePosting, invoice: Invoice, go_live: date | None) -> Change:
    """The old coupling booked it: it ends here and is never sent."""
    why = reason(Code.BEFORE_GO_LIVE, number=posting.number, date=invoice.issue_date, go_live_date=go_live)
    return Change(posting.id, Outcome.DISCARDED, why)
