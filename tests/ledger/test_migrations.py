"""Migrations: up, down and up again give the same tables; a ledger that does not fit is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from ledger import schema
from ledger.schema import SchemaMismatch

Shape = dict[str, list[tuple[object, ...]]]


def revisions() -> list[str]:
    """Oldest first."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    return list(reversed(found))


def shape(url: str) -> Shape:
    """Everything that the migrations made: columns with types and defaults, indexes, constraints."""
    queries = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        " ORDER BY 1, 2",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version' ORDER BY 1",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND conrelid::regclass::text <> 'alembic_version'"
        " ORDER BY 1, 2",
        "rows": "SELECT epoch, system_identifier FROM ledger_state",
    }
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('ledger_state')").fetchone() == (None,):
            del queries["rows"]
        return {name: connection.execute(query.encode()).fetchall() for name, query in queries.items()}


def test_up_down_and_up_again_is_the_same(empty_database_url: str) -> None:
    empty = shape(empty_database_url)
    schema.upgrade(empty_database_url)
    whole = shape(empty_database_url)
    assert len(whole["columns"]) > 100
    schema.downgrade(empty_database_url, "base")
    assert shape(empty_database_url) == empty
    schema.upgrade(empty_database_url)
    assert shape(empty_database_url) == whole


def test_each_step_can_be_taken_back(empty_database_url: str) -> None:
    for revision in revisions():
        before = shape(empty_database_url)
        schema.upgrade(empty_database_url, revision)
        after = shape(empty_database_url)
        schema.downgrade(empty_database_url, "-1")
        assert shape(empty_database_url) == before, revision
        schema.upgrade(empty_database_url, revision)
        assert shape(empty_database_url) == after, revision


def test_upgrading_twice_changes_nothing_and_many_at_once_wait_for_each_other(
    empty_database_url: str,
) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: schema.upgrade(empty_database_url), range(3)))
    whole = shape(empty_database_url)
    schema.upgrade(empty_database_url)
    assert shape(empty_database_url) == whole
    schema.require_current(empty_database_url)


def test_an_older_ledger_is_refused_with_what_to_do(empty_database_url: str) -> None:
    with pytest.raises(SchemaMismatch, match="koppeling db upgrade"):
        schema.require_current(empty_database_url)


def test_a_newer_ledger_is_refused_with_what_to_do(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE ledger_state SET readable_from = '9999'")
    with pytest.raises(SchemaMismatch, match="start a newer release"):
        schema.require_current(database_url)


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite:///x", "nonsense"])
def test_another_database_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="not a PostgreSQL URL") as refused:
        schema.plain_url(url)
    assert "secret" not in str(refused.value)


def test_a_ledger_of_several_hosts_is_upgraded_where_it_is_writable(empty_database_url: str) -> None:
    user, _, place = empty_database_url.partition("@")
    # Nobody listens on the first: it has failed over to the second.
    url = f"{user}@127.0.0.1:1,{place}?target_session_attrs=read-write"
    schema.upgrade(url)
    schema.require_current(url)
    schema.downgrade(url, "base")
