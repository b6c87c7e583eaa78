"""Whatever happens to the process that started a service: the service ends, and its data is usable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from ops.embedded import DataDirInUse, KafkaNode, PostgresNode
from tests.ops.waiting import until

ROOT = Path(__file__).parents[3]


@dataclass
class Owner:
    process: subprocess.Popen[str]
    service: int
    address: str

    @property
    def guardian(self) -> int:
        return int(Path(f"/proc/{self.service}/stat").read_text().rpartition(")")[2].split()[1])


def start(kind: str, folder: Path) -> Owner:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ops.embedded.owner", kind, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    process.stdout.close()
    return Owner(process, told["pid"], told["address"])


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def terminate(owner: Owner) -> None:
    owner.process.terminate()


def kill(owner: Owner) -> None:
    owner.process.kill()


def kill_while_paused(owner: Owner) -> None:
    os.kill(owner.service, signal.SIGSTOP)
    owner.process.kill()


def kill_everything(owner: Owner) -> None:
    guardian = owner.guardian
    owner.process.kill()
    os.kill(guardian, signal.SIGKILL)
    os.kill(owner.service, signal.SIGKILL)


def kill_all_but_the_service(owner: Owner) -> None:
    # Stopped first, so that it cannot act on the other's end.
    guardian = owner.guardian
    os.kill(guardian, signal.SIGSTOP)
    owner.process.kill()
    os.kill(guardian, signal.SIGKILL)


ENDS = [terminate, kill, kill_while_paused, kill_everything, kill_all_but_the_service]


@pytest.mark.parametrize("end", ENDS)
def test_postgresql_ends_with_its_owner_and_keeps_what_was_committed(
    service_folder: Path, end: Callable[[Owner], None]
) -> None:
    owner = start("postgres", service_folder / "pg")
    with psycopg.connect(owner.address) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (7)")

    end(owner)

    owner.process.wait()
    until(lambda: gone(owner.service))
    with PostgresNode(service_folder / "pg") as again, psycopg.connect(again.database_url) as connection:
        assert connection.execute("SELECT id FROM kept").fetchall() == [(7,)]
        assert again.database_url == owner.address


@pytest.mark.parametrize("end", [terminate, kill_everything])
def test_kafka_ends_with_its_owner_and_keeps_its_topics(
    service_folder: Path, end: Callable[[Owner], None]
) -> None:
    owner = start("kafka", service_folder / "kafka")
    admin = KafkaAdminClient(bootstrap_servers=owner.address)
    admin.create_topics({"kept": {"num_partitions": 2}}, wait_for_metadata=True)
    admin.close()

    end(owner)

    owner.process.wait()
    until(lambda: gone(owner.service))
    with KafkaNode(service_folder / "kafka") as again:
        admin = KafkaAdminClient(bootstrap_servers=again.bootstrap_servers)
        assert "kept" in admin.list_topics()
        admin.close()
        assert again.bootstrap_servers == owner.address


def test_a_new_owner_waits_until_the_service_of_a_killed_one_has_ended(service_folder: Path) -> None:
    owner = start("postgres", service_folder / "pg")
    owner.process.kill()
    owner.process.wait()

    with PostgresNode(service_folder / "pg") as again:
        assert gone(owner.service)
        assert again.running


def test_a_second_owner_is_refused_with_a_sentence_that_names_the_first(service_folder: Path) -> None:
    owner = start("postgres", service_folder / "pg")
    try:
        with pytest.raises(DataDirInUse, match=rf"in use by process {owner.process.pid}\. Stop"):
            PostgresNode(service_folder / "pg").start()
        with psycopg.connect(owner.address) as connection:
            connection.execute("SELECT 1")
    finally:
        owner.process.terminate()
        owner.process.wait()
