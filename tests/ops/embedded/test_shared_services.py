from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from ops.embedded.file_lock import FileLock
from tests import services

ROOT = Path(__file__).parents[3]


def test_every_test_gets_an_empty_database_of_its_own(database_url: str, empty_database_url: str) -> None:
    assert database_url != empty_database_url
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE thing (id int)")
    with psycopg.connect(empty_database_url) as connection:
        row = connection.execute("SELECT to_regclass('thing')").fetchone()
    assert row == (None,)


def test_a_template_is_made_once_and_copied(postgres: str) -> None:
    made: list[str] = []

    def migrate(url: str) -> None:
        made.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS migrated (id int)")

    names = {services.migrated_template(postgres, "selftest", migrate) for _ in range(2)}

    assert len(names) == 1
    assert len(made) <= 1
    with services.fresh_database(postgres, names.pop()) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM migrated").fetchone() == (0,)


def test_the_shared_server_is_one_for_all(postgres: str) -> None:
    with services.shared("postgres") as again:
        assert again == postgres


USER = """
import signal, sys
from pathlib import Path
from tests.services import shared
with shared("postgres", Path(sys.argv[1])) as address:
    print(address, flush=True)
    signal.pause()
"""


def test_the_service_ends_after_its_last_user_however_that_one_ended(service_folder: Path) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USER, str(service_folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    addresses = [user.stdout.readline() for user in users if user.stdout]
    first, last = users
    assert addresses[0] == addresses[1]

    first.kill()
    first.communicate()
    with psycopg.connect(addresses[1].strip()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

    last.kill()
    last.communicate()
    keeper = FileLock(service_folder / "postgres" / "keeper.lock")
    assert keeper.acquire(timeout=60)
    keeper.release()
    assert not (service_folder / "postgres" / "data").exists()


def test_nothing_relies_on_auto_creation(kafka: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, max_block_ms=1500, api_version=(4, 0))
    try:
        with pytest.raises(Exception, match=r"(?i)topic|metadata|timeout"):
            producer.send("nobody-planned-this", b"x").get(timeout=5)
    finally:
        producer.close(timeout=1)
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        assert "nobody-planned-this" not in admin.list_topics()
    finally:
        admin.close()
