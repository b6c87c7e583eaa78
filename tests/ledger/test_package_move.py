"""An administration changes package while a lane of the old one has a document in its hands."""

from __future__ import annotations

from ledger.postings import Intent, write_changes, write_intents
from ledger.rows import Change, PostingId
from ledger.work import due_postings
from schemas.outcome import Outcome, Package
from tests.ledger.desk import Desk
from tests.schemas.builders import invoice, relation


def test_what_was_decided_in_the_old_package_is_not_begun_there(desk: Desk) -> None:
    desk.administration(package=Package.KING)
    key = desk.administration(package=Package.SNELSTART)
    desk.take_in(relation(), invoice())
    lease = next(one for one in desk.leases() if one.connection.startswith("snelstart"))
    due = next(one for one in due_postings(desk.connection, key, 10) if one.kind != "relation")
    desk.announce(key.administration, Package.KING)
    intent = (lease, Intent(due.id, "book", due.version))
    assert desk.write(lambda cursor: write_intents(cursor, [intent])) == set()
    row = desk.posting("inv-9001")
    assert (row["package"], row["intent_step"]) == ("king", None)


def test_what_was_begun_in_the_old_package_ends_there(desk: Desk) -> None:
    key = desk.administration(package=Package.SNELSTART)
    desk.take_in(relation(), invoice())
    lease = desk.lease()
    assert desk.intend(lease, "inv-9001")
    desk.announce(key.administration, Package.KING)
    posting = PostingId(desk.posting("inv-9001")["id"])
    change = Change(posting, Outcome.BOOKED, package_number="1", package_id="u")
    assert desk.write(lambda cursor: write_changes(cursor, [(lease, change)])) == {posting}
    row = desk.posting("inv-9001")
    assert (row["package"], row["state"]) == ("snelstart", "booked")
