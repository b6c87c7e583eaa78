"""A new database with every table of the ledger; tests in it use administrations of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger import schema
from tests.services import fresh_database, migrated_template


def ledger_template(server_url: str) -> str:
    """The name of a template database with every table, made once per server and set of migrations."""
    versions = Path(schema.__file__).parent / "migrations" / "versions"
    content = b"".join(path.read_bytes() for path in sorted(versions.glob("*.py")))
    return migrated_template(server_url, hashlib.sha256(content).hexdigest(), schema.upgrade)


@contextmanager
def fresh_ledger(server_url: str) -> Iterator[str]:
    """Its DSN; the database is dropped afterwards."""
    with fresh_database(server_url, ledger_template(server_url)) as url:
        yield url
