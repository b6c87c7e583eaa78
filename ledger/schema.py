"""The shape of the ledger: migrations, and the check that a process fits the database it meets."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaMismatch(Exception):
    """The database is older or newer than this program."""


def sqlalchemy_url(database_url: str) -> str:
    """`postgresql://…` as SQLAlchemy wants it, with the psycopg driver."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if database_url.startswith(prefix):
            return "postgresql+psycopg://" + database_url.removeprefix(prefix)
    raise ValueError(f"not a PostgreSQL URL: {database_url.split('@')[-1]}")


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; concurrent callers wait for each other."""
    _run(database_url, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to `revision` (`base` = empty)."""
    _run(database_url, lambda config: command.downgrade(config, revision))


def require_current(database_url: str) -> None:
    """Raise `SchemaMismatch` with a sentence unless the database is at this program's revision."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    engine = create_engine(sqlalchemy_url(database_url))
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if found == head:
        return
    if found is None or (head is not None and found < head):
        raise SchemaMismatch(
            f"The ledger is at revision {found or 'none'}, this program needs {head}: "
            "run `koppeling db upgrade`."
        )
    raise SchemaMismatch(
        f"The ledger is at revision {found}, newer than this program ({head}): start a newer release."
    )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _run(database_url: str, job: object) -> None:
    assert callable(job)
    engine = create_engine(sqlalchemy_url(database_url))
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
