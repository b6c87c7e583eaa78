"""What a dry run counts in an index is what a pass over the rows finds, whatever the filter."""

from __future__ import annotations

import random

import pytest

from ledger import replay_selection
from ledger.overview import PostingFilter
from ledger.replay_rows import Decision, Preview
from ledger.replay_selection import PER_DECISION, preview
from tests.ledger.desk import NOW, Desk

ADMINISTRATIONS = ("adm-1", "adm-2", "adm-3", "adm-4", "adm-unknown")
STATES = (
    "booked",
    "filed",
    "superseded",
    "discarded",
    "uncertain",
    "posting",
    "received",
    "waiting",
    "retry",
)
UNASKED = frozenset({("snelstart", "sales_invoice"), ("king", "sales_invoice")})
FILTERS = (
    PostingFilter(),
    PostingFilter(administration="adm-2"),
    PostingFilter(states=("rejected",)),
    PostingFilter(states=("rejected", "uncertain", "booked")),
    PostingFilter(code="not_found_ledger_account"),
    PostingFilter(package="king"),
    PostingFilter(kind="relation"),
    PostingFilter(open_only=True),
    PostingFilter(open_only=True, package="snelstart", code="not_found_journal", administration="adm-1"),
    PostingFilter(administration="nobody"),
)


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Some of everything that can be, in any combination."""
    for name in ADMINISTRATIONS[:4]:
        desk.connection.execute(
            "INSERT INTO administration (id, name, package, active, source_partition, source_offset)"
            " VALUES (%s, 'x', 'snelstart', %s, 0, 0)",
            (name, name != "adm-4"),
        )
        desk.connection.execute("INSERT INTO connection (id, package) VALUES (%s, 'snelstart')", (name,))
    for name, package, held, in_recovery in (
        ("adm-1", "snelstart", None, False),
        ("adm-2", "snelstart", "auth_revoked", False),
        ("adm-3", "snelstart", None, True),
        ("adm-4", "snelstart", None, False),
        ("adm-1", "king", None, False),
        ("adm-2", "king", None, False),
    ):
        desk.connection.execute(
            "INSERT INTO lane (administration_id, package, connection_id, held_code, in_recovery)"
            " VALUES (%s, %s, %s, %s, %s)",
            (name, package, name, held, in_recovery),
        )
    desk.connection.execute(
        "INSERT INTO package_breaker (package, code, message) VALUES ('king', 'internal', 'x')"
    )
    chance = random.Random(4)
    for number in range(400):
        kind = chance.choice(("sales_invoice", "purchase_invoice", "relation"))
        _posting(desk, chance, number, kind, 1)
        if kind != "relation" and not chance.randrange(5):
            _posting(desk, chance, number, kind, 2)
    desk.connection.execute(
        """
        INSERT INTO rejected_input (topic, partition, "offset", headers, administration_id, kind, code,
               message_nl, message_en, who_acts)
        VALUES ('t', 0, 1, '[]', 'adm-1', 'sales_invoice', 'not_found_journal', '', '', 'support')
        """
    )
    return desk


def _posting(desk: Desk, chance: random.Random, number: int, kind: str, revision: int) -> None:
    desk.connection.execute(
        """
        INSERT INTO posting (administration_id, package, kind, document_id, revision, number, match_key,
               relation_id, payload, content_hash, event_id, event_source, event_time, source_topic,
               source_partition, source_offset, state, code, look_up_first, due_at, intent_step)
        VALUES (%s, %s, %s, %s, %s, 'n', 'n', 'r', '', '', %s, 's', %s, 't', 0, %s, %s, %s, %s, %s, %s)
        """,
        (
            ADMINISTRATIONS[number % len(ADMINISTRATIONS)],
            chance.choice(("snelstart", "snelstart", "king", None)),
            kind,
            f"doc-{number}",
            revision,
            f"{number}-{revision}",
            NOW,
            2 * number + revision,
            chance.choice((*STATES, "rejected", "rejected", "rejected", "held")),
            chance.choice(("not_found_ledger_account", "not_found_journal", None)),
            not chance.randrange(4),
            chance.choice((NOW, None)),
            chance.choice(("book", None, None, None)),
        ),
    )


def both(desk: Desk, wanted: PostingFilter, monkeypatch: pytest.MonkeyPatch) -> tuple[Preview, Preview]:
    counted = preview(desk.connection, wanted, UNASKED)
    with monkeypatch.context() as patch:
        patch.setattr(replay_selection, "covers", lambda _: False)
        return counted, preview(desk.connection, wanted, UNASKED)


def test_counts_and_administrations_are_those_of_a_pass_over_the_rows(
    full: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[Decision] = set()
    for wanted in FILTERS:
        counted, read = both(full, wanted, monkeypatch)
        assert (counted.counts, counted.administrations) == (read.counts, read.administrations), wanted
        seen |= counted.counts.keys()
    assert seen == set(Decision) - {Decision.NOT_FOUND}


def test_a_sample_shows_what_would_become_of_each_that_it_shows(full: Desk) -> None:
    for wanted in (PostingFilter(), PostingFilter(states=("uncertain",))):
        found = preview(full.connection, wanted, UNASKED)
        assert len(found.sample) >= min(found.total, PER_DECISION)
        for row in found.sample:
            alone = preview(full.connection, PostingFilter(ids=[row.posting.id]), UNASKED)
            assert alone.counts == {row.decision: 1}


def test_many_that_are_counted_together_are_never_read(full: Desk) -> None:
    """Otherwise a dry run over a million of them costs what their rows weigh."""
    full.connection.execute(
        """
        INSERT INTO posting (administration_id, package, kind, document_id, revision, number, match_key,
               relation_id, payload, content_hash, event_id, event_source, event_time, source_topic,
               source_partition, source_offset, state)
        SELECT 'adm-1', 'snelstart', 'sales_invoice', 'many-' || n, 1, 'n', 'n', 'r', repeat('x', 500)::bytea,
               '', n, 's', now(), 't', 1, n, 'rejected'
          FROM generate_series(1, 5000) n
        """
    )
    full.connection.execute("VACUUM (ANALYZE) posting")
    pages = full.value("SELECT relpages FROM pg_class WHERE relname = 'posting'")
    before = _pages_read(full)
    preview(full.connection, PostingFilter(states=("rejected",)), UNASKED)
    assert _pages_read(full) - before < pages / 4


def _pages_read(desk: Desk) -> int:
    """Pages of the table itself, from memory or from disk."""
    desk.connection.execute("SELECT pg_stat_force_next_flush()")
    found = desk.value(
        "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'posting'"
    )
    return int(found)
