"""Administrations and their lanes: what ENK says of them, how they are connected, and why they are held.

The ledger decides in which package an administration's documents go. Holding a lane holds every open
posting that is provably not in flight; releasing puts them back in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow, class_row, namedtuple_row

from ledger.events import EVENT_COLUMNS, EventRow, posting_announcement
from ledger.numbers import forget_ranges
from ledger.outbox import announce
from ledger.readbacks import follow_activity
from ledger.rows import Lane, LaneKey
from ledger.work import make_due
from schemas.administration import Administration
from schemas.catalogue import CATALOGUE
from schemas.outcome import Code, Package, Reason, WhoActs, reason

UNSENT = "p.intent_step IS NULL AND p.state IN ('received', 'posting', 'retry', 'waiting', 'held')"
"""Postings that are proven not to be in the package or on their way to it."""


BUILT = frozenset(row.package for row in CATALOGUE if row.built)
"""Packages that documents can go to."""


@dataclass(frozen=True)
class LaneState:
    """Where an administration's new documents go, and why they are held at once if so."""

    key: LaneKey
    hold: Reason | None


def lock_lanes(cursor: Cursor[TupleRow], administrations: Iterable[str]) -> dict[str, LaneState]:
    """The current lane per known administration, locked against `connect` and `release` until commit."""
    wanted = sorted(set(administrations))
    if not wanted:
        return {}
    with cursor.connection.cursor(row_factory=namedtuple_row) as named:
        named.execute(
            """
            SELECT a.id, a.name, a.active, l.package, l.connection_id, l.held_code, l.held_nl, l.held_en,
                   l.held_who_acts, l.held_vendor_message,
                   COALESCE(l.mapping ->> 'go_live_date', a.go_live_date::text) IS NOT NULL AS has_go_live
              FROM administration a JOIN lane l ON l.administration_id = a.id AND l.package = a.package
             WHERE a.id = ANY(%s) ORDER BY a.id FOR SHARE OF l, a
            """,
            (wanted,),
        )
        rows: list[Any] = named.fetchall()
    states = {}
    for row in rows:
        hold: Reason | None = None
        if not row.active:
            hold = reason(Code.ADMINISTRATION_INACTIVE, administration=row.id)
        elif row.held_code is not None:
            hold = Reason(
                code=Code(row.held_code),
                field=None,
                nl=row.held_nl,
                en=row.held_en,
                who_acts=WhoActs(row.held_who_acts),
                vendor_message=row.held_vendor_message,
            )
        elif Package(row.package) not in BUILT:
            hold = unsupported(row.id, Package(row.package))
        elif row.connection_id is None:
            hold = not_connected(row.id, row.package)
        elif not row.has_go_live:
            hold = reason(
                Code.MAPPING_MISSING,
                field="go_live_date",
                problem_nl=f"administratie {row.id} heeft geen startdatum (go_live_date)",
                problem_en=f"administration {row.id} has no go-live date (go_live_date)",
            )
        states[row.id] = LaneState(LaneKey(row.id, Package(row.package)), hold)
    return states


def unsupported(administration: str, package: Package) -> Reason:
    """Why documents of a package without a connector are held."""
    base = reason(Code.UNSUPPORTED_BY_PACKAGE, package=package.label)
    return Reason(
        code=base.code,
        field=None,
        nl=f"De koppeling met {package.label} is er nog niet; de documenten van administratie "
        f"{administration} blijven staan en gaan vanzelf verder zodra zij er is.",
        en=f"There is no coupling with {package.label} yet; the documents of administration "
        f"{administration} are kept and go on by themselves when there is.",
        who_acts=WhoActs.SUPPORT,
    )


def not_connected(administration: str, package: str) -> Reason:
    """Why documents of an administration without a connection are held."""
    base = reason(Code.MAPPING_MISSING, value=package)
    return Reason(
        code=base.code,
        field=None,
        nl=f"Administratie {administration} is nog niet aangesloten op {package}: "
        f"sluit haar aan met `koppeling connect {administration}`.",
        en=f"Administration {administration} is not connected to {package} yet: "
        f"run `koppeling connect {administration}`.",
        who_acts=WhoActs.SUPPORT,
    )


def administration_changed(
    cursor: Cursor[TupleRow], event: Administration, partition: int, offset: int
) -> None:
    """Take in what ENK says of an administration; an older record than the one stored has no effect.

    A first event releases what was held as unknown; a change of package moves what was never sent.
    """
    cursor.execute("SELECT package, active FROM administration WHERE id = %s FOR UPDATE", (event.id,))
    before = cursor.fetchone()
    cursor.execute(
        """
        INSERT INTO administration AS a
               (id, name, package, active, go_live_date, source_partition, source_offset)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE
           SET name = EXCLUDED.name, package = EXCLUDED.package, active = EXCLUDED.active,
               go_live_date = EXCLUDED.go_live_date, source_partition = EXCLUDED.source_partition,
               source_offset = EXCLUDED.source_offset, changed_at = now()
         WHERE a.source_offset < EXCLUDED.source_offset OR a.source_partition <> EXCLUDED.source_partition
        RETURNING a.package
        """,
        (event.id, event.name, str(event.package), event.active, event.go_live_date, partition, offset),
    )
    if cursor.fetchone() is None:
        return
    key = LaneKey(event.id, event.package)
    cursor.execute(
        "INSERT INTO lane (administration_id, package) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (event.id, str(event.package)),
    )
    if before is not None and before[0] != str(event.package):
        _move_unsent(cursor, key)
    cursor.execute(
        """
        UPDATE posting SET package = %s WHERE administration_id = %s AND package IS NULL
        """,
        (str(event.package), event.id),
    )
    if before is None or before[1] != event.active:
        follow_activity(cursor, event.id, active=event.active)
    settle_holds(cursor, key)


def tombstone(cursor: Cursor[TupleRow], administration: str, partition: int, offset: int) -> None:
    """A tombstone means the same as inactive."""
    cursor.execute(
        """
        UPDATE administration
           SET active = false, source_partition = %s, source_offset = %s, changed_at = now()
         WHERE id = %s AND (source_offset < %s OR source_partition <> %s) RETURNING package
        """,
        (partition, offset, administration, offset, partition),
    )
    row = cursor.fetchone()
    if row is not None:
        follow_activity(cursor, administration, active=False)
        settle_holds(cursor, LaneKey(administration, Package(row[0])))


def _move_unsent(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """An administration changes package: what was never sent goes along, relations are written anew.

    What a lane of the old package has decided meanwhile, and not begun, is not written (`version`).
    """
    cursor.execute(
        f"""
        UPDATE posting p SET package = %s, state = 'received', scope = NULL, code = NULL, field = NULL,
               message_nl = NULL, message_en = NULL, vendor_message = NULL, who_acts = NULL,
               waiting_key = NULL, waiting_until = NULL, due_at = clock_timestamp(), transient = 0,
               version = version + 1
         WHERE p.administration_id = %s AND p.package <> %s
           AND (({UNSENT}) OR (p.kind = 'relation' AND p.intent_step IS NULL))
        """.encode(),
        (str(key.package), key.administration, str(key.package)),
    )


def settle_holds(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """Bring the lane's postings in line with whether it may work: hold what is open, or release it."""
    state = lock_lanes(cursor, [key.administration]).get(key.administration)
    if state is None:
        return
    if state.hold is None:
        release_postings(cursor, state.key)
    else:
        hold_postings(cursor, state.key, state.hold)


def hold_postings(cursor: Cursor[TupleRow], key: LaneKey, why: Reason) -> None:
    """Hold every unsent posting of the lane for a reason that concerns the administration; ENK is told."""
    with cursor.connection.cursor(row_factory=class_row(EventRow)) as named:
        named.execute(
            f"""
            UPDATE posting p
               SET state = 'held', scope = 'administration', code = %s, field = %s, message_nl = %s,
                   message_en = %s, vendor_message = %s, who_acts = %s, due_at = NULL,
                   changed_at = clock_timestamp()
             WHERE p.administration_id = %s AND p.package = %s AND {UNSENT}
               AND (p.state <> 'held' OR (p.scope = 'administration' AND p.code <> %s))
            RETURNING {EVENT_COLUMNS}
            """.encode(),
            (
                str(why.code),
                why.field,
                why.nl,
                why.en,
                why.vendor_message,
                str(why.who_acts),
                key.administration,
                str(key.package),
                str(why.code),
            ),
        )
        announce(cursor, [posting_announcement(row) for row in named.fetchall()])


def release_postings(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """Put what was held because of the administration back to work, in its order of arrival."""
    cursor.execute(
        """
        UPDATE posting
           SET state = 'received', scope = NULL, code = NULL, field = NULL, message_nl = NULL,
               message_en = NULL, vendor_message = NULL, who_acts = NULL, due_at = clock_timestamp(),
               transient = 0
         WHERE administration_id = %s AND package = %s AND state = 'held' AND scope = 'administration'
           AND intent_step IS NULL
        """,
        (key.administration, str(key.package)),
    )
    make_due(cursor, [key])
    cursor.execute("SELECT pg_notify('koppeling_due', '')")


def hold_lane(
    cursor: Cursor[TupleRow],
    key: LaneKey,
    why: Reason,
    probe_in: timedelta | None,
    *,
    again: bool = False,
    found_with: Lane | None = None,
) -> bool:
    """Hold an administration; `probe_in` is when it may be tried again by itself, None = by a person.

    Not when a person has connected it or changed its mapping since it was `found_with`: what went wrong then
    says nothing about what is stored now. Returns whether it is held.
    """
    same_set_up: bytes = b""
    as_found: tuple[object, ...] = ()
    if found_with is not None:
        same_set_up = b"""
           AND mapping = %s::jsonb AND identity IS NOT DISTINCT FROM %s::jsonb
           AND (SELECT c.connected_at FROM connection c WHERE c.id = lane.connection_id)
               IS NOT DISTINCT FROM %s
        """
        as_found = (
            json.dumps(dict(found_with.mapping)),
            None if found_with.identity is None else json.dumps(dict(found_with.identity)),
            found_with.connected_at,
        )
    cursor.execute(
        b"""
        UPDATE lane
           SET held_code = %s, held_nl = %s, held_en = %s, held_who_acts = %s, held_vendor_message = %s,
               held_since = COALESCE(held_since, clock_timestamp()),
               probe_at = clock_timestamp() + %s::interval, probes = CASE WHEN %s THEN probes + 1 ELSE 0 END
         WHERE administration_id = %s AND package = %s
        """
        + same_set_up,
        (
            str(why.code),
            why.nl,
            why.en,
            str(why.who_acts),
            why.vendor_message,
            probe_in,
            again,
            key.administration,
            str(key.package),
            *as_found,
        ),
    )
    if found_with is not None and cursor.rowcount == 0:
        return False
    hold_postings(cursor, key, why)
    return True


def pause_lane(cursor: Cursor[TupleRow], key: LaneKey, wait: timedelta) -> None:
    """Leave an administration alone for a short while; nothing is held and nobody is told."""
    cursor.execute(
        """
        UPDATE lane SET paused_until = clock_timestamp() + %s::interval
         WHERE administration_id = %s AND package = %s
        """,
        (wait, key.administration, str(key.package)),
    )


def release_lane(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """Let an administration work again."""
    cursor.execute(
        """
        UPDATE lane SET held_code = NULL, held_nl = NULL, held_en = NULL, held_who_acts = NULL,
               held_vendor_message = NULL, held_since = NULL, probe_at = NULL, probes = 0
         WHERE administration_id = %s AND package = %s
        """,
        (key.administration, str(key.package)),
    )
    settle_holds(cursor, key)


def set_mapping(cursor: Cursor[TupleRow], key: LaneKey, mapping: Mapping[str, object]) -> None:
    """Store a mapping, already validated by the package's mapping model; creates the lane if need be.

    What was held for the lack of a go-live date is released when the mapping brings one.
    """
    cursor.execute(
        """
        INSERT INTO lane (administration_id, package, mapping) VALUES (%s, %s, %s)
        ON CONFLICT (administration_id, package) DO UPDATE SET mapping = EXCLUDED.mapping
        """,
        (key.administration, str(key.package), json.dumps(dict(mapping))),
    )
    forget_ranges(cursor, key.administration)
    settle_holds(cursor, key)


def connect(
    cursor: Cursor[TupleRow],
    key: LaneKey,
    connection_id: str,
    credentials: bytes,
    identity: Mapping[str, object],
) -> None:
    """Store encrypted credentials, pin the company's identity, and let the lane work.

    Connecting again replaces both; a lane held because of credentials or identity is released.
    """
    cursor.execute(
        """
        INSERT INTO connection (id, package, credentials, connected_at) VALUES (%s, %s, %s, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET credentials = EXCLUDED.credentials, connected_at = clock_timestamp()
        """,
        (connection_id, str(key.package), credentials),
    )
    cursor.execute(
        """
        INSERT INTO lane (administration_id, package, connection_id, identity) VALUES (%s, %s, %s, %s)
        ON CONFLICT (administration_id, package) DO UPDATE
           SET connection_id = EXCLUDED.connection_id, identity = EXCLUDED.identity
        """,
        (key.administration, str(key.package), connection_id, json.dumps(dict(identity))),
    )
    release_lane(cursor, key)


def disconnect(cursor: Cursor[TupleRow], key: LaneKey) -> None:
    """Delete the credentials; what is open is held until the administration is connected again."""
    cursor.execute(
        """
        DELETE FROM connection c USING lane l
         WHERE l.administration_id = %s AND l.package = %s AND c.id = l.connection_id
           AND NOT EXISTS (SELECT 1 FROM lane o WHERE o.connection_id = c.id AND o.administration_id <> %s)
        """,
        (key.administration, str(key.package), key.administration),
    )
    cursor.execute(
        "UPDATE lane SET connection_id = NULL, identity = NULL WHERE administration_id = %s AND package = %s",
        (key.administration, str(key.package)),
    )
    settle_holds(cursor, key)


def go_live_date(mapping_date: date | None, event_date: date | None) -> date | None:
    """The mapping's date overrules ENK's first value."""
    return mapping_date or event_date
