"""Every action by a person: who, when, what, on what."""

from __future__ import annotations

import json
from collections.abc import Mapping

from psycopg import Cursor
from psycopg.rows import TupleRow


def record_action(
    cursor: Cursor[TupleRow], who: str, action: str, what: str, detail: Mapping[str, object]
) -> None:
    """Write an audit row in the transaction of the action; never a secret."""
    cursor.execute(
        "INSERT INTO audit (who, action, object, detail) VALUES (%s, %s, %s, %s)",
        (who, action, what, json.dumps(dict(detail), default=str)),
    )
