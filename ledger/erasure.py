"""Erasing what the ledger knows of one relation (a person's request under the GDPR).

What goes is what ENK told us of them: the relation, the payloads of finished documents, sentences and what
the package said about them (also where a case or a reconciliation repeats it), the bytes of rejected input,
and import files older than the legal retention. What stays has a reason, which
is told: without identity, number and gross a document that is delivered again would be booked again; and the
books must be kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.archive import FINISHED
from ledger.attention import forget_documents
from ledger.reconciliation_results import forget_sentences
from ledger.retention import EMPTIED

_OF = "p.administration_id = %(administration)s AND p.relation_id = %(relation)s"


@dataclass(frozen=True)
class Share:
    """One kind of thing that the ledger has of the relation.

    Attributes:
        what: for people.
        count: how many.
        goes: whether it is erased; else `why` it stays.
        unfinished: it stays only until somebody finishes it, and can be erased then.
    """

    what: str
    count: int
    goes: bool
    why: str = ""
    unfinished: bool = False


def find_relation(cursor: Cursor[TupleRow], administration: str, relation: str) -> str | None:
    """ENK's id of a relation that is known by this id, or by this number; None when there is none.

    A relation that was erased before is found by its id as long as documents name it.
    """
    cursor.execute(
        """
        SELECT relation_id FROM relation
         WHERE administration_id = %(administration)s AND %(relation)s IN (relation_id, number)
        UNION ALL
        SELECT relation_id FROM posting_all
         WHERE administration_id = %(administration)s AND relation_id = %(relation)s
         LIMIT 1
        """,
        {"administration": administration, "relation": relation},
    )
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def erase_relation(
    cursor: Cursor[TupleRow], administration: str, relation: str, files_before: date, *, go: bool
) -> list[Share]:
    """Everything that the ledger has of the relation, by kind; with `go` what goes is gone.

    Must run in a transaction; the caller audits. `files_before` is up to when import files may be erased.
    """
    key = {"administration": administration, "relation": relation}
    files = _files(cursor, key, files_before, go=go)
    unfinished = _count(
        cursor, f"SELECT count(*) FROM posting p WHERE {_OF} AND NOT {FINISHED} AND p.kind <> 'relation'", key
    )
    why = _why_master_data_stays(cursor, key, unfinished)
    ended, waiting = _rejected_ids(cursor, key)
    quotes = _quotes(cursor, key, ended, master_data=not why, go=go)
    shares = [
        *_master_data(cursor, key, why, go=go),
        *_documents(cursor, key, unfinished, go=go),
        *_rejected(cursor, ended, waiting, go=go),
        *quotes,
        *files,
        *_kept(cursor, key),
    ]
    return [share for share in shares if share.count]


_MASTER_MAY_GO = """(p.intent_step IS NULL AND p.state NOT IN ('uncertain', 'posting')
    AND NOT EXISTS (SELECT 1 FROM file_member m WHERE m.posting_id = p.id AND m.state = 'filed'))"""
"""Written or never sent: nothing about it is in doubt."""


def _why_master_data_stays(cursor: Cursor[TupleRow], key: dict[str, str], unfinished: int) -> str:
    """Empty when it goes."""
    if unfinished:
        return f"{unfinished} of its documents are not finished: finish or discard them first"
    doubtful = f"SELECT count(*) FROM posting p WHERE {_OF} AND p.kind = 'relation' AND NOT {_MASTER_MAY_GO}"
    if _count(cursor, doubtful, key):
        return "whether the package has it is not known yet, or its import file is not confirmed"
    return ""


def _master_data(cursor: Cursor[TupleRow], key: dict[str, str], why: str, *, go: bool) -> list[Share]:
    count = _count(
        cursor,
        "SELECT count(*) FROM relation WHERE administration_id = %(administration)s"
        " AND relation_id = %(relation)s",
        key,
    )
    what = "the relation: name, addresses, bank accounts"
    if why:
        return [Share(what, count, False, why, unfinished=True)]
    if go:
        cursor.execute(
            f"""
            WITH gone AS (DELETE FROM posting p WHERE {_OF} AND p.kind = 'relation' RETURNING p.id)
            DELETE FROM posting_history h USING gone WHERE h.posting_id = gone.id
            """.encode(),
            key,
        )
        cursor.execute(
            "DELETE FROM relation"
            " WHERE administration_id = %(administration)s AND relation_id = %(relation)s",
            key,
        )
    return [Share(what, count, True)]


def _documents(cursor: Cursor[TupleRow], key: dict[str, str], unfinished: int, *, go: bool) -> list[Share]:
    finished = f"{_OF} AND p.kind <> 'relation' AND {FINISHED}"
    with_payload = _count(cursor, f"SELECT count(*) FROM posting p WHERE {finished} AND p.payload <> ''", key)
    if go:
        cursor.execute(
            f"""
            UPDATE posting_history h SET message = NULL FROM posting p
             WHERE h.posting_id = p.id AND h.message IS NOT NULL AND {finished}
            """.encode(),
            key,
        )
        cursor.execute(
            f"""
            WITH emptied AS (
                UPDATE posting p
                   SET payload = '',
                       original_payload = CASE WHEN p.original_payload IS NOT NULL THEN ''::bytea END,
                       message_nl = NULL, message_en = NULL, vendor_message = NULL
                 WHERE {finished} RETURNING p.id
            )
            UPDATE posting_edit e SET previous = NULL, payload = ''
              FROM emptied WHERE e.posting_id = emptied.id
            """.encode(),
            key,
        )
    return [
        Share("contents of finished documents", with_payload, True),
        Share(
            "documents that are not finished",
            unfinished,
            False,
            "they are still to be booked: finish or discard them first",
            unfinished=True,
        ),
    ]


def _quotes(
    cursor: Cursor[TupleRow], key: dict[str, str], ended: Sequence[int], *, master_data: bool, go: bool
) -> list[Share]:
    """What repeats a sentence of what goes: cases name documents, differences their postings."""
    cursor.execute(
        f"""
        SELECT p.id::text, p.number FROM posting p
         WHERE {_OF} AND CASE WHEN p.kind = 'relation' THEN %(master_data)s ELSE {FINISHED} END
        UNION ALL
        SELECT p.id::text, p.number FROM posting_archive p WHERE {_OF}
        UNION ALL
        SELECT 'R' || r.id, COALESCE(r.number, r.document_id, 'R' || r.id) FROM rejected_input r
         WHERE r.id = ANY(%(ended)s)
        """.encode(),
        {**key, "master_data": master_data, "ended": list(ended)},
    )
    postings, names = zip(*rows, strict=True) if (rows := cursor.fetchall()) else ((), ())
    cases = forget_documents(cursor, key["administration"], names, go=go)
    differences = forget_sentences(cursor, key["administration"], postings, go=go)
    return [
        Share("cases for attention that name its documents", cases, True),
        Share(
            "differences of reconciliations that say why a document of it was not booked", differences, True
        ),
    ]


def _rejected_ids(cursor: Cursor[TupleRow], key: dict[str, str]) -> tuple[list[int], list[int]]:
    """Rejected input about the relation that has ended, and that can still become something."""
    cursor.execute(
        """
        SELECT id, kind = 'relation' AND document_id = %(relation)s, value, state IN ('replayed', 'discarded')
          FROM rejected_input WHERE administration_id = %(administration)s AND value IS NOT NULL
        """,
        key,
    )
    ended, waiting = list[int](), list[int]()
    for number, is_it, value, is_ended in cursor.fetchall():
        if is_it or _names(bytes(value), key["relation"]):
            (ended if is_ended else waiting).append(number)
    return ended, waiting


def _rejected(
    cursor: Cursor[TupleRow], ended: Sequence[int], waiting: Sequence[int], *, go: bool
) -> list[Share]:
    if go and ended:
        cursor.execute(f"UPDATE rejected_input SET {EMPTIED} WHERE id = ANY(%s)".encode(), (list(ended),))
    return [
        Share("original bytes of rejected input", len(ended), True),
        Share(
            "rejected input that waits for somebody",
            len(waiting),
            False,
            "it can still become a document: let ENK correct it, or discard it",
            unfinished=True,
        ),
    ]


def _names(value: bytes, relation: str) -> bool:
    """Whether rejected bytes are about the relation; what is no JSON is searched for its id."""
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        return f'"{relation}"'.encode() in value
    return isinstance(data, dict) and relation in (data.get("relation_id"), data.get("id"))


def _files(cursor: Cursor[TupleRow], key: dict[str, str], before: date, *, go: bool) -> list[Share]:
    """Files that the relation or a document of its is in; a file has documents of others of that time too."""
    cursor.execute(
        f"""
        SELECT f.id, f.state = 'void' OR (f.state = 'delivered' AND f.cut_at < %(before)s),
               extract(year FROM f.cut_at)::integer
          FROM file f
         WHERE f.id IN (SELECT m.file_id FROM file_member m JOIN posting_all p ON p.id = m.posting_id
                         WHERE {_OF})
           AND EXISTS (SELECT 1 FROM file_chunk c WHERE c.file_id = f.id)
        """.encode(),
        {**key, "before": before},
    )
    rows = cursor.fetchall()
    old = [file for file, may_go, _ in rows if may_go]
    kept = [year for _, may_go, year in rows if not may_go]
    if go and old:
        cursor.execute("DELETE FROM file_chunk WHERE file_id = ANY(%s)", (old,))
    years = f" ({min(kept)} to {max(kept)})" if kept else ""
    return [
        Share("bytes of import files, past the legal retention or void", len(old), True),
        Share(
            f"bytes of import files{years}",
            len(kept),
            False,
            f"the books must be kept: those cut before {before:%Y-%m-%d} may go",
        ),
    ]


def _kept(cursor: Cursor[TupleRow], key: dict[str, str]) -> list[Share]:
    """What stays in any case; none of it says who the relation is."""
    never_twice = "without it a document that is delivered again would be booked again"
    counts: Sequence[tuple[str, str, str]] = (
        (
            "documents: identity, number, gross, outcome",
            f"SELECT count(*) FROM posting_all p WHERE {_OF} AND p.kind <> 'relation'",
            never_twice,
        ),
        (
            "what was paid of sales invoices: number and amounts",
            "SELECT count(*) FROM receivable r WHERE r.administration_id = %(administration)s"
            f" AND r.invoice_id IN (SELECT p.document_id FROM posting_all p WHERE {_OF})",
            "the readback compares with it",
        ),
        (
            "the relation's code in its package",
            "SELECT count(*) FROM reference WHERE administration_id = %(administration)s"
            " AND relation_id = %(relation)s",
            "without it the relation would be created a second time",
        ),
    )
    return [Share(what, _count(cursor, query, key), False, why) for what, query, why in counts]


def _count(cursor: Cursor[TupleRow], query: str, key: dict[str, str]) -> int:
    cursor.execute(query.encode(), key)
    row = cursor.fetchone()
    return int(row[0]) if row else 0
