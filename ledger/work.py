"""What a lane has to do now: due postings with what they depend on, and when the lane is due next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, namedtuple_row

from ledger.rows import DuePosting, Hold, Lane, LaneKey, PostingId, Sibling, StoredReference
from schemas.outcome import Code, Outcome, Package, Reason, WhoActs


def lanes_of(connection: psycopg.Connection[TupleRow], connection_id: str) -> list[Lane]:
    """Every administration on a connection, as it is configured now."""
    return _lanes(connection, "l.connection_id = %s", (connection_id,))


def lane(connection: psycopg.Connection[TupleRow], key: LaneKey) -> Lane | None:
    """One lane by its key."""
    found = _lanes(
        connection, "l.administration_id = %s AND l.package = %s", (key.administration, str(key.package))
    )
    return found[0] if found else None


def _lanes(
    connection: psycopg.Connection[TupleRow], condition: str, values: tuple[object, ...]
) -> list[Lane]:
    query = f"""
        SELECT l.administration_id, l.package, l.connection_id, l.mapping, l.identity, c.connected_at,
               l.held_code, l.held_nl, l.held_en, l.held_who_acts, l.held_vendor_message,
               l.held_since, l.probe_at, l.probes,
               l.in_recovery, COALESCE(l.paused_until > clock_timestamp(), false) AS paused,
               s.recovered_at, s.dropped_before,
               COALESCE(a.active, true) AS active, a.go_live_date, COALESCE(a.name, '') AS name,
               COALESCE(a.package, l.package) AS current_package
          FROM lane l CROSS JOIN ledger_state s LEFT JOIN administration a ON a.id = l.administration_id
          LEFT JOIN connection c ON c.id = l.connection_id
         WHERE {condition} ORDER BY l.administration_id, l.package
    """
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute(query.encode(), values)
        rows: list[Any] = cursor.fetchall()
    return [
        Lane(
            key=LaneKey(row.administration_id, Package(row.package)),
            connection=row.connection_id,
            mapping=row.mapping,
            identity=row.identity,
            connected_at=row.connected_at,
            hold=None
            if row.held_code is None
            else Hold(
                Reason(
                    code=Code(row.held_code),
                    field=None,
                    nl=row.held_nl,
                    en=row.held_en,
                    who_acts=WhoActs(row.held_who_acts),
                    vendor_message=row.held_vendor_message,
                ),
                row.held_since,
                row.probe_at,
                row.probes,
            ),
            paused=row.paused,
            in_recovery=row.in_recovery,
            recovered_at=row.recovered_at,
            active=row.active,
            go_live_date=row.go_live_date,
            name=row.name,
            current_package=Package(row.current_package),
            dropped_before=row.dropped_before,
        )
        for row in rows
    ]


def due_postings(connection: psycopg.Connection[TupleRow], key: LaneKey, limit: int) -> list[DuePosting]:
    """The lane's due postings in order of arrival."""
    return _postings(connection, key, "p.due_at <= clock_timestamp()", limit)


def staged_postings(connection: psycopg.Connection[TupleRow], key: LaneKey, limit: int) -> list[DuePosting]:
    """The lane's postings that are ready for the next file, in order of arrival."""
    return _postings(connection, key, "p.state = 'posting' AND p.intent_step IS NULL", limit)


def _postings(
    connection: psycopg.Connection[TupleRow], key: LaneKey, condition: str, limit: int
) -> list[DuePosting]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        cursor.execute(
            f"""
            SELECT p.id, p.kind, p.document_id, p.revision, p.number, p.match_key, p.relation_id,
                   p.credits_key, p.issue_date, p.gross, p.payload, p.content_hash, p.event_time,
                   p.traceparent, p.received_at, p.state, p.code, p.scope, p.attempt, p.transient,
                   p.intent_step, p.intent_at, p.waiting_until, p.look_up_first, p.attachment_state,
                   p.package_number, p.package_id, p.version, r.payload AS relation_payload,
                   (SELECT x.message_nl FROM rejected_input x
                     WHERE x.administration_id = p.administration_id AND x.kind = 'relation'
                       AND x.document_id = p.relation_id AND x.state = 'rejected'
                     ORDER BY x.id DESC LIMIT 1) AS relation_problem,
                   (SELECT json_object_agg(f.role, json_build_array(f.package_id, f.code,
                                                                    encode(f.fingerprint, 'hex')))
                      FROM reference f
                     WHERE f.administration_id = p.administration_id AND f.package = p.package
                       AND f.relation_id = p.relation_id) AS role_references,
                   EXISTS (SELECT 1 FROM posting_all s
                            WHERE s.administration_id = p.administration_id AND s.kind = p.kind
                              AND s.document_id = p.document_id AND s.id <> p.id) AS has_siblings,
                   EXISTS (SELECT 1 FROM posting_all t
                            WHERE t.administration_id = p.administration_id AND t.kind = p.kind
                              AND t.match_key = p.match_key AND t.document_id <> p.document_id
                              AND p.kind <> 'relation') AS has_twin
              FROM posting p
              LEFT JOIN relation r
                ON r.administration_id = p.administration_id AND r.relation_id = p.relation_id
             WHERE p.administration_id = %s AND p.package = %s AND {condition}
             ORDER BY p.id LIMIT %s
            """.encode(),
            (key.administration, str(key.package), limit),
        )
        rows: list[Any] = cursor.fetchall()
    return [
        DuePosting(
            id=PostingId(row.id),
            kind=row.kind,
            document_id=row.document_id,
            revision=row.revision,
            number=row.number,
            match_key=row.match_key,
            relation_id=row.relation_id,
            credits_key=row.credits_key,
            issue_date=row.issue_date,
            gross=row.gross,
            payload=bytes(row.payload),
            content_hash=bytes(row.content_hash),
            event_time=row.event_time,
            traceparent=row.traceparent,
            received_at=row.received_at,
            state=Outcome(row.state),
            code=row.code,
            scope=row.scope,
            attempt=row.attempt,
            transient=row.transient,
            intent_step=row.intent_step,
            intent_at=row.intent_at,
            waiting_until=row.waiting_until,
            look_up_first=row.look_up_first,
            attachment_state=row.attachment_state,
            package_number=row.package_number,
            package_id=row.package_id,
            relation_payload=bytes(row.relation_payload) if row.relation_payload is not None else None,
            relation_problem=row.relation_problem if row.relation_payload is None else None,
            references=_references(row.role_references),
            has_siblings=row.has_siblings,
            has_twin=row.has_twin,
            version=row.version,
        )
        for row in rows
    ]


def _references(stored: Mapping[str, tuple[str, str | None, str]] | None) -> Mapping[str, StoredReference]:
    return {
        role: StoredReference(package_id, code, bytes.fromhex(fingerprint))
        for role, (package_id, code, fingerprint) in (stored or {}).items()
    }


def siblings(cursor: Cursor[TupleRow], posting: DuePosting, administration: str) -> list[Sibling]:
    """Other revisions of the posting's document, lowest first."""
    return _related(
        cursor,
        "administration_id = %s AND kind = %s AND document_id = %s AND id <> %s ORDER BY revision",
        (administration, posting.kind, posting.document_id, posting.id),
    )


def twins(cursor: Cursor[TupleRow], posting: DuePosting, administration: str) -> list[Sibling]:
    """Live postings of other documents with the same number."""
    return _related(
        cursor,
        "administration_id = %s AND kind = %s AND match_key = %s AND document_id <> %s"
        " AND state NOT IN ('superseded', 'discarded', 'rejected') ORDER BY id",
        (administration, posting.kind, posting.match_key, posting.document_id),
    )


def credited(cursor: Cursor[TupleRow], posting: DuePosting, administration: str) -> list[Sibling]:
    """The invoices that a credit names, newest revision last."""
    return _related(
        cursor,
        "administration_id = %s AND kind = %s AND match_key = %s AND id <> %s ORDER BY revision",
        (administration, posting.kind, posting.credits_key, posting.id),
    )


def _related(cursor: Cursor[TupleRow], condition: str, values: tuple[object, ...]) -> list[Sibling]:
    query = (
        "SELECT id, document_id, revision, state, content_hash, intent_step IS NOT NULL"
        f" FROM posting_all WHERE {condition}"
    )
    cursor.execute(query.encode(), values)
    return [
        Sibling(PostingId(number), document, revision, Outcome(state), bytes(content_hash), in_doubt)
        for number, document, revision, state, content_hash, in_doubt in cursor.fetchall()
    ]


def due_version(cursor: Cursor[TupleRow], key: LaneKey) -> int:
    """Read before looking for work; `settle_due` changes nothing if work arrived since."""
    cursor.execute(
        "SELECT due_version FROM lane WHERE administration_id = %s AND package = %s",
        (key.administration, str(key.package)),
    )
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def settle_due(cursor: Cursor[TupleRow], key: LaneKey, seen_version: int) -> datetime | None:
    """Set when the lane is due next from its postings and its probe; returns that time."""
    cursor.execute(
        """
        UPDATE lane l
           SET due_at = CASE
                 WHEN l.held_code IS NOT NULL THEN l.probe_at
                 WHEN EXISTS (SELECT 1 FROM administration a
                               WHERE a.id = l.administration_id AND NOT a.active)
                 THEN NULL
                 ELSE GREATEST(l.paused_until, LEAST(
                   (SELECT min(p.due_at) FROM posting p
                     WHERE p.administration_id = l.administration_id AND p.package = l.package
                       AND p.due_at IS NOT NULL),
                   (SELECT min(f.due_at) FROM file f
                     WHERE f.administration_id = l.administration_id AND f.package = l.package
                       AND f.due_at IS NOT NULL)))
                 END
         WHERE l.administration_id = %s AND l.package = %s AND l.due_version = %s
        RETURNING due_at
        """,
        (key.administration, str(key.package), seen_version),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def make_due(cursor: Cursor[TupleRow], keys: list[LaneKey]) -> None:
    """Something happened: these lanes are due now."""
    cursor.execute(
        """
        UPDATE lane l SET due_at = LEAST(l.due_at, clock_timestamp()), due_version = due_version + 1
          FROM (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS v (administration, package)
                 ORDER BY 1, 2) v
         WHERE l.administration_id = v.administration AND l.package = v.package
        """,
        ([key.administration for key in keys], [str(key.package) for key in keys]),
    )
