"""The shape of the ledger: migrations, and the check that a process fits the database it meets.

A migration only expands (adds what an older program does not look at), or it contracts. Each says so itself:
`readable_from` in its file is the oldest program that may work with the tables it leaves. The database keeps
that of its newest migration, so that a program that is older than the database knows whether it may go on.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import Revision
from psycopg.rows import TupleRow
from sqlalchemy import Connection, create_engine

_MIGRATIONS = Path(__file__).parent / "migrations"

FIRST_WITH_READABLE_FROM = "0006"
"""The migration that gave `ledger_state` its column `readable_from`; before it only equal revisions fit."""

WORKER_SESSIONS = "koppeling-worker"
"""The `application_name` of every session of a worker."""


class SchemaMismatch(Exception):
    """The database is older or newer than this program."""


def plain_url(database_url: str) -> str:
    """The URL as the driver itself wants it."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if database_url.startswith(prefix):
            return "postgresql://" + database_url.removeprefix(prefix)
    raise ValueError(f"not a PostgreSQL URL: {database_url.split('@')[-1]}")


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; concurrent callers wait for each other."""
    _run(database_url, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to `revision` (`base` = empty)."""
    _run(database_url, lambda config: command.downgrade(config, revision))


def program_revision() -> str:
    """The revision that this program was made for: its newest migration."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def readable_from(migration: Script | Revision) -> str:
    """The oldest program that may work with what this migration leaves (default: itself)."""
    assert isinstance(migration, Script)
    declared: str = getattr(migration.module, "readable_from", migration.revision)
    return declared


def require_current(database_url: str, program: str | None = None) -> None:
    """Raise `SchemaMismatch` with a sentence unless this program may work with the database.

    It may when the database is at its revision, or at a newer one that only expands what this program knows.
    `program` is the program's revision, for tests of two releases side by side.
    """
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        require_fit(connection, program or program_revision())


def require_fit(connection: psycopg.Connection[TupleRow], program: str) -> None:
    """The same on a connection that is there, also while the process runs."""
    found, oldest = _revision(connection)
    if found == program:
        return
    if found is None or found < program:
        raise SchemaMismatch(
            f"The ledger is at revision {found or 'none'}, this program needs {program}: "
            "run `koppeling db upgrade`."
        )
    if oldest is None or oldest > program:
        raise SchemaMismatch(
            f"The ledger is at revision {found}, newer than this program ({program}), and works with "
            f"programs from {oldest or found} on: start a newer release."
        )


def _revision(connection: psycopg.Connection[TupleRow]) -> tuple[str | None, str | None]:
    """Where the database is, and the oldest program that may work with it, as far as it says so."""
    row = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return None, None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    found = None if row is None else str(row[0])
    if found is None or found < FIRST_WITH_READABLE_FROM:
        return found, None
    row = connection.execute("SELECT readable_from FROM ledger_state").fetchone()
    return found, None if row is None else str(row[0])


def locked_out(database_url: str, revision: str = "head") -> int:
    """How many sessions of workers an upgrade would lock out: those of a release that cannot read on.

    0 when the upgrade only expands, or when no worker is connected.
    """
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        found, _ = _revision(connection)
        if found is None:
            return 0
        scripts = ScriptDirectory.from_config(_config())
        pending = [step for step in scripts.iterate_revisions(revision, found) if step.revision > found]
        if all(readable_from(step) <= found for step in pending):
            return 0
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            (WORKER_SESSIONS,),
        ).fetchone()
    return 0 if row is None else int(row[0])


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _run(database_url: str, job: object) -> None:
    assert callable(job)
    # Opened by psycopg itself: SQLAlchemy cannot read an address of several hosts.
    address = plain_url(database_url)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(address))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_lock(764101)")
            connection.commit()
            try:
                job(_config(connection))
            finally:
                connection.rollback()
                connection.exec_driver_sql("SELECT pg_advisory_unlock(764101)")
                connection.commit()
    finally:
        engine.dispose()
