"""Erasing a relation: what says who they are goes, what keeps a document from being booked twice stays."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from ledger.attention import open_cases, tell
from ledger.attention_cases import AttentionTerms
from ledger.erasure import Share, erase_relation, find_relation
from ledger.retention import Retention, tidy
from ledger.rows import Change, Lease, PostingId
from schemas.outcome import Code, Outcome, reason
from tests.ledger.desk import Desk
from tests.schemas.builders import invoice, line, relation

FILES_BEFORE = date(2019, 1, 1)
SECRETS = (b"Groeneveld", b"NL91ABNA0417164300", b"Geheim")


def erase(desk: Desk, *, go: bool, which: str = "rel-204") -> dict[str, Share]:
    shares = desk.write(lambda cursor: erase_relation(cursor, "adm-1001", which, FILES_BEFORE, go=go))
    return {share.what: share for share in shares}


def book(desk: Desk, lease: Lease, document: str, *, vendor: str | None = None) -> None:
    assert desk.intend(lease, document)
    why = reason(Code.INTERNAL, vendor_message=vendor) if vendor else None
    posting = PostingId(desk.posting(document)["id"])
    assert desk.change(lease, Change(posting, Outcome.BOOKED, why, package_number="17", package_id="u"))


def everything(desk: Desk) -> bytes:
    """All that the tables hold, but for our own events, which are gone when they are published."""
    tables = desk.rows(
        "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND relname NOT IN ('outbox', 'administration')"
    )
    return b"".join(
        repr(row).encode() for table in tables for row in desk.rows(f"SELECT * FROM {table['name']}")
    )


@pytest.fixture
def finished(desk: Desk) -> Desk:
    """A relation with one booked invoice, whose package said something about them, and a rejected one."""
    desk.administration()
    desk.take_in(relation(), invoice([line(description="Geheim")]))
    lease = desk.lease()
    book(desk, lease, "rel-204")
    book(desk, lease, "inv-9001", vendor="Groeneveld is onbekend")
    desk.take_in(invoice(id="inv-2", revision=0, description="Geheim"))
    desk.connection.execute("UPDATE rejected_input SET state = 'discarded'")
    return desk


def test_the_fixture_holds_what_must_go(finished: Desk) -> None:
    assert all(secret in everything(finished) for secret in SECRETS)


def test_nothing_that_says_who_they_are_is_left(finished: Desk) -> None:
    shares = erase(finished, go=True)
    assert not any(share.unfinished for share in shares.values())
    left = everything(finished)
    assert [secret for secret in SECRETS if secret in left] == []
    assert all(secret.hex().encode() not in left for secret in SECRETS)


def test_without_go_it_tells_the_same_and_changes_nothing(finished: Desk) -> None:
    before = everything(finished)
    told = erase(finished, go=False)
    assert everything(finished) == before
    assert erase(finished, go=True) == told


def test_a_document_that_is_delivered_again_is_still_known(finished: Desk) -> None:
    erase(finished, go=True)
    finished.take_in(invoice([line(description="Geheim")]))
    assert finished.became()[-1] == "repeated"
    assert [row["state"] for row in finished.postings()] == ["booked"]


def test_it_is_found_by_id_and_by_number_and_by_its_documents_afterwards(finished: Desk) -> None:
    def find(which: str) -> str | None:
        return finished.write(lambda cursor: find_relation(cursor, "adm-1001", which))

    assert (find("rel-204"), find("00204"), find("rel-205")) == ("rel-204", "rel-204", None)
    erase(finished, go=True)
    assert find("rel-204") == "rel-204"
    assert not any(share.goes for share in erase(finished, go=True).values())


def test_while_a_document_is_to_be_booked_it_and_its_relation_stay(finished: Desk) -> None:
    finished.take_in(invoice(id="inv-3", number="3"))
    shares = erase(finished, go=True)
    assert shares["the relation: name, addresses, bank accounts"].unfinished
    assert shares["documents that are not finished"].count == 1
    assert shares["contents of finished documents"].goes
    payloads = {row["document_id"]: bytes(row["payload"]) for row in finished.postings()}
    assert payloads["inv-9001"] == b""
    assert payloads["inv-3"]
    assert payloads["rel-204"]
    assert finished.value("SELECT count(*) FROM relation") == 1


def test_a_relation_whose_writing_is_in_doubt_stays(desk: Desk) -> None:
    desk.administration()
    desk.take_in(relation())
    assert desk.intend(desk.lease(), "rel-204")
    assert erase(desk, go=True)["the relation: name, addresses, bank accounts"].unfinished
    assert desk.value("SELECT count(*) FROM relation") == 1


def test_other_relations_are_left_alone(finished: Desk) -> None:
    finished.take_in(
        relation(id="rel-9", number="9", name="Ander B.V."), invoice(id="o", number="9", relation_id="rel-9")
    )
    before = [row for row in finished.postings() if row["relation_id"] == "rel-9"]
    erase(finished, go=True)
    assert [row for row in finished.postings() if row["relation_id"] == "rel-9"] == before
    assert finished.value("SELECT count(*) FROM relation") == 1


def test_a_relation_that_comes_back_is_not_created_in_the_package_again(finished: Desk) -> None:
    finished.connection.execute(
        "INSERT INTO reference VALUES"
        " ('adm-1001', 'snelstart', 'debtor', 'rel-204', 'uuid', '00204', 'x', now())"
    )
    erase(finished, go=True)
    finished.take_in(relation())
    assert finished.became()[-1] == "posting"
    assert finished.value("SELECT package_id FROM reference") == "uuid"
    assert finished.posting("rel-204")["state"] == "received"


def test_rejected_input_that_can_still_become_a_document_stays(finished: Desk) -> None:
    finished.take_in(invoice(id="inv-4", revision=0))
    shares = erase(finished, go=True)
    assert shares["rejected input that waits for somebody"].count == 1
    assert finished.value("SELECT count(*) FROM rejected_input WHERE value IS NOT NULL") == 1


def test_archived_documents_are_counted_among_what_stays(finished: Desk) -> None:
    finished.connection.execute(
        "UPDATE posting SET changed_at = now() - interval '500 days', received_at = changed_at"
    )
    done = tidy(finished.connection, Retention(finished=timedelta(days=400)))
    assert done is not None
    assert done.archived == 1
    shares = erase(finished, go=True)
    assert shares["documents: identity, number, gross, outcome"].count == 1
    assert "contents of finished documents" not in shares


@pytest.mark.parametrize(
    ("state", "cut_at", "goes"),
    [("delivered", "2018-05-01", True), ("void", "2026-05-01", True), ("delivered", "2026-05-01", False)],
)
def test_file_bytes_go_when_they_are_older_than_the_legal_retention(
    finished: Desk, state: str, cut_at: str, goes: bool
) -> None:
    file = finished.value(
        "INSERT INTO file (administration_id, package, sequence, cut_at, state)"
        " VALUES ('adm-1001', 'king', 1, %s, %s) RETURNING id",
        cut_at,
        state,
    )
    posting = finished.posting("inv-9001")["id"]
    finished.connection.execute("INSERT INTO file_part VALUES (%s, 1, 'x.xml', 'hash', 3)", (file,))
    finished.connection.execute("INSERT INTO file_chunk VALUES (%s, 1, 0, 'abc')", (file,))
    finished.connection.execute("INSERT INTO file_member VALUES (%s, %s, 1, 'confirmed')", (file, posting))
    shares = erase(finished, go=True)
    assert finished.value("SELECT count(*) FROM file_chunk") == (0 if goes else 1)
    assert [share.goes for what, share in shares.items() if what.startswith("bytes of import")] == [goes]


AT_ONCE = AttentionTerms(settle=timedelta())
QUOTED = "Groeneveld heeft geen rekening 8150"


def refuse(desk: Desk, *documents: str) -> None:
    """Rejected with a sentence that quotes ENK; people are told, and a reconciliation repeats it."""
    desk.connection.execute(
        "UPDATE posting SET state = 'rejected', code = 'not_found_ledger_account', who_acts = 'bookkeeper',"
        " due_at = NULL, message_nl = %s, message_en = %s WHERE document_id = ANY(%s)",
        (QUOTED, QUOTED, list(documents)),
    )
    assert tell(desk.connection, AT_ONCE)
    run = desk.value(
        "INSERT INTO reconciliation_run (administration_id, package, month, state, asked_by, attempts_left)"
        " VALUES ('adm-1001', 'snelstart', '2026-03-01', 'done', 'jansen', 0) RETURNING id"
    )
    for position, document in enumerate(documents):
        desk.connection.execute(
            "INSERT INTO reconciliation_difference (run_id, position, kind, direction, number, relation_id,"
            " document_id, posting, state, code, message_nl, message_en, needs_somebody)"
            " SELECT %s, %s, 'open', 'sales', number, relation_id, document_id, id::text, state, code,"
            "        message_nl, message_en, true FROM posting WHERE document_id = %s",
            (run, position, document),
        )


def discard(desk: Desk, document: str) -> None:
    desk.connection.execute("UPDATE posting SET state = 'discarded' WHERE document_id = %s", (document,))


CASES = "cases for attention that name its documents"
DIFFERENCES = "differences of reconciliations that say why a document of it was not booked"


def test_cases_and_reconciliations_do_not_repeat_it_any_more(finished: Desk) -> None:
    finished.take_in(invoice(id="inv-5", number="5"))
    refuse(finished, "inv-5")
    discard(finished, "inv-5")
    assert everything(finished).count(QUOTED.encode()) == 6
    told = erase(finished, go=False)
    assert (told[CASES].count, told[DIFFERENCES].count) == (1, 1)
    assert erase(finished, go=True) == told
    left = everything(finished)
    assert [secret for secret in SECRETS if secret in left] == []
    (case,) = open_cases(finished.connection)
    assert case.message.en == "Not booked: 1 document. The content was removed."
    assert not any(share.goes for share in erase(finished, go=True).values())


def test_a_case_is_told_to_be_over_without_it(finished: Desk) -> None:
    finished.take_in(invoice(id="inv-5", number="5"))
    refuse(finished, "inv-5")
    discard(finished, "inv-5")
    erase(finished, go=True)
    finished.connection.execute("DELETE FROM outbox")
    told = tell(finished.connection, AT_ONCE)
    assert told is not None
    assert told.resolved == 1
    event = json.loads(finished.value("SELECT value FROM outbox"))
    assert (event["status"], event["message"]["en"]) == (
        "resolved",
        "Not booked: 1 document. The content was removed.",
    )


def test_a_case_that_stands_for_others_too_speaks_of_them(finished: Desk) -> None:
    finished.take_in(
        relation(id="rel-9", number="9", name="Ander B.V."),
        invoice(id="inv-5", number="5"),
        invoice(id="inv-6", number="6", relation_id="rel-9"),
    )
    refuse(finished, "inv-5", "inv-6")
    finished.connection.execute("UPDATE posting SET message_nl = 'Ander' WHERE document_id = 'inv-6'")
    discard(finished, "inv-5")
    assert erase(finished, go=True)[DIFFERENCES].count == 1
    assert (
        finished.value(
            "SELECT message_nl FROM reconciliation_difference WHERE posting = %s",
            str(finished.posting("inv-6")["id"]),
        )
        == QUOTED
    )
    tell(finished.connection, AT_ONCE)
    (case,) = open_cases(finished.connection)
    assert (case.examples, case.message.nl.endswith("Ander")) == (("6",), True)


def test_what_is_said_of_a_document_that_is_not_finished_stays(finished: Desk) -> None:
    finished.take_in(invoice(id="inv-5", number="5"))
    refuse(finished, "inv-5")
    shares = erase(finished, go=True)
    assert {CASES, DIFFERENCES}.isdisjoint(shares)
    (case,) = open_cases(finished.connection)
    assert QUOTED in case.message.nl


def test_a_case_of_the_relation_itself_does_not_repeat_it(desk: Desk) -> None:
    desk.administration()
    desk.take_in(relation())
    refuse(desk, "rel-204")
    assert erase(desk, go=True)[CASES].count == 1
    assert b"Groeneveld" not in everything(desk)
