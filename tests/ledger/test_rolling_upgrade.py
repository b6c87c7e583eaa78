"""Two releases on one ledger: who may work after an upgrade, and that both do."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from ledger import schema
from ledger.rows import Change, PostingId
from ledger.schema import WORKER_SESSIONS, SchemaMismatch
from schemas.outcome import Outcome
from tests.ledger.desk import Desk
from tests.ledger.next_release import NEXT, contracts, expands
from tests.ledger.test_migrations import revisions
from tests.schemas.builders import invoice, relation


def oldest(desk: Desk) -> str:
    return str(desk.value("SELECT readable_from FROM ledger_state"))


def test_an_older_program_works_on_beside_a_newer_one_after_an_expansion(desk: Desk, tmp_path: Path) -> None:
    key = desk.administration()
    with expands(tmp_path / "next"):
        schema.upgrade(desk.url)
        schema.require_current(desk.url)
    schema.require_current(desk.url)
    desk.take_in(relation(), invoice())
    with psycopg.connect(desk.url, autocommit=True) as newer:
        newer.execute("UPDATE posting SET next_release = 'new' WHERE document_id = 'inv-9001'")
    lease = desk.lease()
    assert lease.connection.endswith(key.administration)
    assert desk.intend(lease, "inv-9001")
    posting = PostingId(desk.posting("inv-9001")["id"])
    assert desk.change(lease, Change(posting, Outcome.BOOKED, package_number="1")) == {posting}
    row = desk.posting("inv-9001")
    assert (row["state"], row["next_release"]) == ("booked", "new")


def test_an_older_program_is_refused_after_a_contraction(desk: Desk, tmp_path: Path) -> None:
    with contracts(tmp_path / "next"):
        schema.upgrade(desk.url)
        schema.require_current(desk.url)
    assert oldest(desk) == NEXT
    with pytest.raises(SchemaMismatch, match=f"works with programs from {NEXT} on: start a newer release"):
        schema.require_current(desk.url)


def test_a_newer_program_is_refused_before_the_upgrade(desk: Desk, tmp_path: Path) -> None:
    with expands(tmp_path / "next"), pytest.raises(SchemaMismatch, match="koppeling db upgrade"):
        schema.require_current(desk.url)


def test_taking_an_upgrade_back_lets_older_programs_work_again(desk: Desk, tmp_path: Path) -> None:
    before = oldest(desk)
    with contracts(tmp_path / "next"):
        schema.upgrade(desk.url)
        schema.downgrade(desk.url, "-1")
    assert oldest(desk) == before
    schema.require_current(desk.url)


def test_an_expansion_on_top_of_a_contraction_does_not_let_older_programs_in(
    desk: Desk, tmp_path: Path
) -> None:
    """What an expansion may declare is at least what the migration before it did."""
    declared = [schema.readable_from(step) for step in _steps()]
    assert declared == sorted(declared)
    assert all(mark <= own for mark, own in zip(declared, revisions(), strict=True))
    assert oldest(desk) == declared[-1]


def test_an_upgrade_says_how_many_workers_it_would_lock_out(desk: Desk, tmp_path: Path) -> None:
    with psycopg.connect(desk.url, application_name=WORKER_SESSIONS):
        with expands(tmp_path / "one"):
            assert schema.locked_out(desk.url) == 0
        with contracts(tmp_path / "two"):
            assert schema.locked_out(desk.url) == 1
        assert schema.locked_out(desk.url) == 0, "there is nothing to upgrade"
    with contracts(tmp_path / "three"):
        _until_gone(desk)
        assert schema.locked_out(desk.url) == 0


def test_no_query_asks_for_whatever_columns_there_are() -> None:
    """A prepared `SELECT *` fails for good in a session once an expansion added a column."""
    found = [
        f"{path.name}: {asked}"
        for folder in ("ledger", "sinks", "sources", "ops")
        for path in sorted(Path(schema.__file__).parent.parent.joinpath(folder).rglob("*.py"))
        if "migrations" not in path.parts
        for asked in re.findall(r"SELECT (?:\w+\.)?\* FROM \w+", path.read_text())
        + re.findall(r"SELECT \w\.\*, .*", path.read_text())
        if not asked.startswith("SELECT * FROM unnest")
    ]
    # The columns of a query's own parts are those that it names.
    assert found == [
        "archive.py: SELECT g.*, COALESCE((SELECT jsonb_agg(jsonb_build_array(h.at, h.state,"
        " h.code, h.attempt) ORDER BY h.at)"
    ]


def _steps() -> list[Script]:
    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    return list(reversed(list(ScriptDirectory.from_config(config).walk_revisions())))


def _until_gone(desk: Desk) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    )
    while desk.value(query, WORKER_SESSIONS):
        pass
