"""A relation as a package knows it: the id mapping per role."""

from __future__ import annotations

from psycopg import Cursor
from psycopg.rows import TupleRow

from ledger.rows import LaneKey, StoredReference


def save_reference(
    cursor: Cursor[TupleRow], key: LaneKey, role: str, relation_id: str, reference: StoredReference
) -> None:
    """Remember id, code and what was written last."""
    cursor.execute(
        """
        INSERT INTO reference (administration_id, package, role, relation_id, package_id, code, fingerprint)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (administration_id, package, role, relation_id) DO UPDATE
           SET package_id = EXCLUDED.package_id, code = EXCLUDED.code, fingerprint = EXCLUDED.fingerprint,
               written_at = now()
        """,
        (
            key.administration,
            str(key.package),
            role,
            relation_id,
            reference.package_id,
            reference.code,
            reference.fingerprint,
        ),
    )


def forget_reference(cursor: Cursor[TupleRow], key: LaneKey, role: str, relation_id: str) -> None:
    """The package does not know the relation any more (deleted there): the next posting writes it anew."""
    cursor.execute(
        """
        DELETE FROM reference
         WHERE administration_id = %s AND package = %s AND role = %s AND relation_id = %s
        """,
        (key.administration, str(key.package), role, relation_id),
    )
