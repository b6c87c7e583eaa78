from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from ops.embedded import DataDirInUse, EmbeddedError, PostgresNode, Services


def test_both_start_answer_and_stop_under_one_folder(service_folder: Path) -> None:
    said: list[str] = []
    with Services(service_folder / "data", on_progress=said.append) as services:
        endpoints = services.endpoints
        with psycopg.connect(endpoints.database_url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("koppeling",)
        admin = KafkaAdminClient(bootstrap_servers=endpoints.bootstrap_servers)
        assert admin.list_topics() == []
        admin.close()
        with pytest.raises(DataDirInUse, match="choose another --data-dir"):
            Services(service_folder / "data").start()
        assert (services.kafka.running, services.postgres.running) == (True, True)

    assert (services.kafka.running, services.postgres.running) == (False, False)
    assert {path.name for path in service_folder.iterdir()} == {"data"}
    assert any("PostgreSQL" in text for text in said)


def test_one_of_them_is_enough(service_folder: Path) -> None:
    services = Services(service_folder)
    try:
        endpoints = services.start(kafka=False)
        assert (endpoints.bootstrap_servers, bool(endpoints.database_url)) == ("", True)
    finally:
        services.stop()


def test_when_one_cannot_start_the_other_is_stopped(service_folder: Path) -> None:
    with PostgresNode(service_folder / "postgres"):
        services = Services(service_folder)
        with pytest.raises(EmbeddedError, match="in use"):
            services.start()
        assert not services.kafka.running


def test_a_folder_that_cannot_be_made_is_a_sentence(service_folder: Path) -> None:
    (service_folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match=r"cannot use .*file.*Choose another --data-dir"):
        Services(service_folder / "file").start(kafka=False)
