"""Fixtures with real services. Shared ones are for tests that use names of their own; `own_*` are private."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from ops.embedded import KafkaNode, PostgresNode
from tests import services

# No test fails because the machine is slow; CI tries the same examples every time.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: in the end the short ones keep every worker busy."""
    long = {
        item.path
        for item in items
        if {"own_kafka", "broker"} & {*getattr(item, "fixturenames", ())} or item.get_closest_marker("slow")
    }
    items.sort(key=lambda item: item.path not in long)


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder with mode 0755."""
    path = Path(tempfile.mkdtemp(prefix="koppeling-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap servers of the Kafka that all workers share: use topic and group names of your own."""
    with services.shared("kafka") as bootstrap_servers:
        yield bootstrap_servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DSN of the PostgreSQL server that all workers share; tests want `database_url`."""
    with services.shared("postgres") as server_url:
        yield server_url


@pytest.fixture(scope="session")
def database_template() -> str | None:
    """The template of `database_url`; None makes empty databases."""
    return None


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """DSN of a new database without tables."""
    with services.fresh_database(postgres) as url:
        yield url


@pytest.fixture
def database_url(postgres: str, database_template: str | None) -> Iterator[str]:
    """DSN of a new database for this test, a copy of `database_template`."""
    with services.fresh_database(postgres, database_template) as url:
        yield url


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[KafkaNode]:
    """A broker of this module's own: real topic names, and it may be killed, paused and restarted."""
    with _folder() as folder, KafkaNode(folder / "kafka") as node, services.thrown_away(node):
        yield node


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresNode]:
    """A PostgreSQL of this module's own, which may be killed, paused and restarted."""
    with _folder() as folder, PostgresNode(folder / "postgres") as node:
        yield node


@pytest.fixture
def service_folder() -> Iterator[Path]:
    """An empty folder that any user may enter, unlike pytest's own."""
    with _folder() as folder:
        yield folder
