"""ENK's side: revisions become documents, with what of rejected input can be made out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.reconciliation_documents import RelationLink, Revision
from ops.reconciliation.documents import Ours
from ops.reconciliation.reading import Glimpse, glimpse, put_together
from ops.reconciliation.vat_totals import VatTally
from tests.ops.reconciliation.months import MARCH

LINKS = {("debtor", "rel-1"): RelationLink("p-1", "00001")}


@dataclass
class Rows:
    numbers: Any = field(default_factory=lambda: count(1))

    def revision(self, revision: int, state: str, **changes: Any) -> Revision:
        values: dict[str, Any] = {
            "id": next(self.numbers),
            "kind": "sales_invoice",
            "document_id": "s-1",
            "revision": revision,
            "number": "1",
            "match_key": "1",
            "relation_id": "rel-1",
            "issue_date": date(2026, 3, 9),
            "gross": Decimal(100 + revision),
            "state": state,
            "code": None,
            "message_nl": None,
            "message_en": None,
            "who_acts": None,
            "package_number": None,
            "package_id": None,
            "file_id": None,
            "in_doubt": False,
            "needs_somebody": state == "rejected",
            "payload": None,
            **changes,
        }
        return Revision(**values)


def document(*rows: Revision) -> Ours:
    ((made, _),) = put_together(rows, LINKS, VatTally(), MARCH)
    return made


@pytest.mark.parametrize(
    ("states", "booked", "pending"),
    [
        (["booked"], 1, None),
        (["superseded", "booked"], 2, None),
        (["booked", "rejected"], 1, "rejected"),
        (["booked", "already_booked"], 1, None),
        (["booked", "discarded"], 1, None),
        (["superseded", "received"], None, "received"),
        (["discarded"], None, None),
    ],
)
def test_the_newest_revision_and_the_one_that_is_booked(
    states: list[str], booked: int | None, pending: str | None
) -> None:
    rows = Rows()
    made = document(*(rows.revision(number, state) for number, state in enumerate(states, start=1)))
    assert made.gross == Decimal(100 + len(states))
    assert (made.booked.gross if made.booked else None) == (booked and Decimal(100 + booked))
    assert (made.pending.state if made.pending else None) == pending
    assert made.package_relation == "p-1"


def test_a_document_is_of_the_month_in_which_it_was_booked() -> None:
    rows, april = Rows(), date(2026, 4, 2)
    moved = [rows.revision(1, "booked", issue_date=april), rows.revision(2, "rejected")]
    assert list(put_together(moved, LINKS, VatTally(), MARCH)) == []
    moved = [rows.revision(1, "booked"), rows.revision(2, "rejected", issue_date=april)]
    assert len(list(put_together(moved, LINKS, VatTally(), MARCH))) == 1


def test_an_archived_purchase_still_has_its_number() -> None:
    row = Rows().revision(1, "booked", kind="purchase_invoice", match_key="rel-1|f-55")
    assert document(row).number == "f-55"


def test_what_has_no_content_is_counted_apart() -> None:
    tally = VatTally()
    list(put_together([Rows().revision(1, "booked")], LINKS, tally, MARCH))
    assert (tally.totals(), tally.without_content) == ((), 1)


def test_what_can_be_made_out_of_rejected_bytes() -> None:
    value = b'{"direction": "purchase", "supplier_invoice_number": "F1", "issue_date": "2026-03-09",'
    assert glimpse(value + b'"totals": {"gross": "12.345"}, "relation_id": "rel-1"}') == Glimpse(
        "F1", "rel-1", date(2026, 3, 9), Decimal("12.34")
    )
    assert glimpse(b'{"data": {"number": "7", "issue_date": 5}}') == Glimpse(number="7")


@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "totals", "gross"]), inner),
        max_leaves=8,
    ).map(lambda value: __import__("json").dumps(value).encode())
)
def test_no_bytes_are_too_strange(value: bytes) -> None:
    glimpse(value)
