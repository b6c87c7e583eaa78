"""A due posting as the ledger hands it to a lane, to be changed by tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ledger.rows import DuePosting, PostingId, Sibling
from schemas.outcome import Outcome

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


def due(**changes: Any) -> DuePosting:
    """Sales invoice 20260123, revision 2, received and never sent."""
    posting = DuePosting(
        id=PostingId(10),
        kind="sales_invoice",
        document_id="inv-9001",
        revision=2,
        number="20260123",
        match_key="20260123",
        relation_id="rel-204",
        credits_key=None,
        issue_date=date(2026, 3, 31),
        gross=Decimal("121.00"),
        payload=b"{}",
        content_hash=b"mine",
        event_time=NOW,
        traceparent=None,
        received_at=NOW,
        state=Outcome.RECEIVED,
        code=None,
        scope=None,
        attempt=0,
        transient=0,
        intent_step=None,
        intent_at=None,
        waiting_until=None,
        look_up_first=False,
        attachment_state=None,
        package_number=None,
        package_id=None,
        relation_payload=None,
        relation_problem=None,
        references={},
        has_siblings=False,
        has_twin=False,
    )
    return replace(posting, **changes)


def sibling(revision: int = 1, state: Outcome = Outcome.RECEIVED, **changes: Any) -> Sibling:
    """Another revision of the same document, or another document."""
    other = Sibling(PostingId(revision), "inv-9001", revision, state, b"other", in_doubt=False)
    return replace(other, **changes)
