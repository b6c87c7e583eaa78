"""What people say of a file's documents: accepted by the package, not accepted, or whether the file arrived.

Per document: a confirmed one stays `filed` for ever, a released one goes into a next file with the number it
has. All functions run in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.file_deliveries import in_flight, next_may_go
from ledger.files import FileId
from ledger.rows import LaneKey, PostingId
from ledger.work import make_due
from schemas.outcome import Package


class NotPossible(Exception):
    """What was asked cannot be done to this file; the text says why (`nl`, and in English as `str`)."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(en)
        self.nl = nl


def confirm(cursor: Cursor[TupleRow], file: FileId, postings: Sequence[PostingId] | None = None) -> int:
    """The package accepted these documents (None = all that are not released); returns how many.

    It proves that the file reached the package: one that waits for its folder is not delivered any more.
    Confirming twice changes nothing. Raises `NotPossible`.
    """
    key, state = _lock(cursor, file)
    _require_members(cursor, file, postings)
    if state == "void":
        raise NotPossible(
            "Dit bestand is vervallen: alle documenten zijn teruggehaald.",
            "This file is void: all its documents were released.",
        )
    if in_flight(cursor, file):
        raise NotPossible(
            "Dit bestand wordt op dit moment afgeleverd; probeer het over een minuut opnieuw.",
            "This file is being delivered right now; try again in a minute.",
        )
    if postings is not None:
        cursor.execute(
            "SELECT count(*) FROM file_member"
            " WHERE file_id = %s AND posting_id = ANY(%s) AND state = 'released'",
            (file, list(postings)),
        )
        row = cursor.fetchone()
        if row is not None and row[0]:
            raise NotPossible(
                "Een teruggehaald document kan niet meer worden bevestigd: het gaat in een volgend bestand.",
                "A released document cannot be confirmed any more: it goes into a next file.",
            )
    cursor.execute(
        """
        UPDATE file_member SET state = 'confirmed', changed_at = clock_timestamp()
         WHERE file_id = %s AND state = 'filed' AND (%s::bigint[] IS NULL OR posting_id = ANY(%s::bigint[]))
        """,
        (file, _ids(postings), _ids(postings)),
    )
    confirmed = cursor.rowcount
    if state != "delivered":
        _arrived(cursor, file, key)
    return confirmed


def release(cursor: Cursor[TupleRow], file: FileId, postings: Sequence[PostingId] | None, why: str) -> int:
    """The package did not accept these documents (None = all that are not confirmed); returns how many.

    They go into a next file, with the numbers they have, by the usual rules of their turn. A file that was
    not delivered yet can only be released whole. A file whose documents were all released is void.
    Raises `NotPossible`.
    """
    key, state = _lock(cursor, file)
    _require_members(cursor, file, postings)
    members = _members(cursor, file)
    chosen = set(members) if postings is None else set(postings)
    confirmed = {posting for posting in chosen if members[posting] == "confirmed"}
    if confirmed and postings is not None:
        raise NotPossible(
            "Een bevestigd document staat in de boekhouding en kan niet worden teruggehaald.",
            "A confirmed document is in the books and cannot be released.",
        )
    chosen = {posting for posting in chosen if members[posting] == "filed"}
    left = {posting for posting, was in members.items() if was != "released"} - chosen
    if chosen and state in ("delivering", "uncertain"):
        raise NotPossible(
            "Het is nog niet zeker of dit bestand is aangekomen; zeg dat eerst (`koppeling files resolve`).",
            "Whether this file arrived is not certain yet; say that first (`koppeling files resolve`).",
        )
    if left and state != "delivered":
        raise NotPossible(
            "Dit bestand is nog niet afgeleverd: haal het in zijn geheel terug, of bevestig eerst wat het "
            "pakket heeft ingelezen.",
            "This file has not been delivered yet: release it whole, or first confirm what the package read.",
        )
    cursor.execute(
        """
        UPDATE file_member SET state = 'released', reason = %s, changed_at = clock_timestamp()
         WHERE file_id = %s AND posting_id = ANY(%s)
        """,
        (why, file, sorted(chosen)),
    )
    _put_back(cursor, file, key, sorted(chosen), why)
    if not left:
        cursor.execute(
            "UPDATE file SET state = 'void', due_at = NULL, code = NULL, message_nl = NULL, message_en = NULL"
            " WHERE id = %s",
            (file,),
        )
        next_may_go(cursor, key)
    make_due(cursor, [key])
    cursor.execute("SELECT pg_notify('koppeling_due', '')")
    return len(chosen)


def resolve(cursor: Cursor[TupleRow], file: FileId, *, arrived: bool) -> None:
    """A person says whether a file that is uncertain or held reached the package.

    If it did it is delivered, else it is delivered once more. Raises `NotPossible`.
    """
    key, state = _lock(cursor, file)
    if state not in ("uncertain", "held", "delivering") or in_flight(cursor, file):
        raise NotPossible(
            "Van dit bestand is niets onzeker.", f"Nothing is uncertain about this file: it is {state}."
        )
    if arrived:
        _arrived(cursor, file, key)
    else:
        cursor.execute(
            "UPDATE file_part SET state = 'cut' WHERE file_id = %s AND state <> 'delivered'", (file,)
        )
        cursor.execute(
            """
            UPDATE file SET state = 'cut', due_at = clock_timestamp(), code = NULL, message_nl = NULL,
                   message_en = NULL
             WHERE id = %s
            """,
            (file,),
        )
    make_due(cursor, [key])
    cursor.execute("SELECT pg_notify('koppeling_due', '')")


def _lock(cursor: Cursor[TupleRow], file: FileId) -> tuple[LaneKey, str]:
    cursor.execute("SELECT administration_id, package, state FROM file WHERE id = %s FOR UPDATE", (file,))
    row = cursor.fetchone()
    if row is None:
        raise NotPossible(f"Er is geen bestand {file}.", f"There is no file {file}.")
    return LaneKey(row[0], Package(row[1])), str(row[2])


def _members(cursor: Cursor[TupleRow], file: FileId) -> dict[PostingId, str]:
    cursor.execute("SELECT posting_id, state FROM file_member WHERE file_id = %s", (file,))
    return {PostingId(posting): str(state) for posting, state in cursor.fetchall()}


def _require_members(cursor: Cursor[TupleRow], file: FileId, postings: Sequence[PostingId] | None) -> None:
    unknown = sorted(set(postings or ()) - set(_members(cursor, file)))
    if unknown:
        listed = ", ".join(map(str, unknown))
        raise NotPossible(f"Niet in dit bestand: boeking {listed}.", f"Not in this file: posting {listed}.")


def _arrived(cursor: Cursor[TupleRow], file: FileId, key: LaneKey) -> None:
    cursor.execute("UPDATE file_part SET state = 'delivered' WHERE file_id = %s", (file,))
    cursor.execute(
        """
        UPDATE file SET state = 'delivered', delivered_at = COALESCE(delivered_at, clock_timestamp()),
               due_at = NULL, code = NULL, message_nl = NULL, message_en = NULL
         WHERE id = %s
        """,
        (file,),
    )
    next_may_go(cursor, key)
    make_due(cursor, [key])


def _put_back(
    cursor: Cursor[TupleRow], file: FileId, key: LaneKey, postings: Sequence[PostingId], why: str
) -> None:
    """Make the postings that were last filed here work again; forget the relations that this file brought.

    They are in no books now, so they go where the administration's documents go today.
    """
    cursor.execute(
        """
        WITH forgotten AS (
            DELETE FROM reference r USING posting p
             WHERE p.id = ANY(%(postings)s) AND p.kind = 'relation' AND r.file_id = %(file)s
               AND r.administration_id = p.administration_id AND r.package = %(package)s
               AND r.relation_id = p.document_id
            RETURNING p.id
        ), released AS (
            UPDATE posting p
               SET package = COALESCE((SELECT a.package FROM administration a
                                        WHERE a.id = p.administration_id), p.package),
                   state = 'received', due_at = clock_timestamp(), file_id = NULL, code = NULL, field = NULL,
                   message_nl = NULL, message_en = NULL, vendor_message = NULL, who_acts = NULL, scope = NULL,
                   transient = 0, changed_at = clock_timestamp()
             WHERE p.id = ANY(%(postings)s) AND p.package = %(package)s AND p.intent_step IS NULL
               AND p.state IN ('filed', 'already_booked')
               AND (p.file_id = %(file)s OR p.id IN (SELECT id FROM forgotten))
            RETURNING p.id, p.state, p.attempt, p.package
        ), told AS (
            INSERT INTO posting_history (posting_id, state, attempt, message)
            SELECT id, state, attempt, %(why)s FROM released
        )
        SELECT DISTINCT package FROM released
        """,
        {"postings": list(postings), "file": file, "package": str(key.package), "why": why},
    )
    make_due(cursor, [LaneKey(key.administration, Package(package)) for (package,) in cursor.fetchall()])


def _ids(postings: Sequence[PostingId] | None) -> list[int] | None:
    return None if postings is None else [int(posting) for posting in postings]
