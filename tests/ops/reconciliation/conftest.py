"""A ledger of its own for tests that ask for `desk`."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.ledger.desk import Desk
from tests.ledger.fresh_ledger import ledger_template


@pytest.fixture(scope="session")
def database_template(postgres: str) -> str:
    return ledger_template(postgres)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Desk(database_url, connection)
