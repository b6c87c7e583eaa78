"""The commands together, on a broker of their own: topics, the two kinds of process, publish, status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from ops.embedded import KafkaNode
from ops.running_services import running_kafka, running_postgres
from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders
from tests.schemas.builders import Json

ROOT = Path(__file__).parents[3]


@pytest.fixture
def live(own_kafka: KafkaNode, book: Book, terminal: Terminal, tmp_path: Path) -> Terminal:
    terminal.environment |= {
        "KAFKA__BOOTSTRAP_SERVERS": own_kafka.bootstrap_servers,
        "DATA_DIR": str(tmp_path),
    }
    return terminal


@contextmanager
def process(terminal: Terminal, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A `koppeling` process that has announced itself; stopped with SIGTERM, which must end it with 0."""
    inherited = {name: value for name, value in os.environ.items() if "__" not in name}
    started = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", *arguments, "--announce"],
        cwd=ROOT,
        env={**inherited, **terminal.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert _line(started.stdout) == "ready", started.communicate()[1]
        yield started
        started.send_signal(signal.SIGTERM)
        _, log = started.communicate(timeout=60)
        assert started.returncode == 0, log
    finally:
        if started.poll() is None:
            started.kill()
            started.communicate()


def _line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def events(*events: Json) -> str:
    return "\n".join(json.dumps(builders.cloud_event(event)) for event in events)


@pytest.mark.timeout(400)
def test_from_an_empty_broker_to_a_booked_month(live: Terminal, book: Book, tmp_path: Path) -> None:
    # Without topics nothing starts, and the sentence says how to make them.
    assert "koppeling topics apply" in live.said("streams")
    planned = live.json("topics", "apply")
    assert {each["change"] for each in planned} == {"create"}
    assert "changes made" in live.ok("topics", "apply", "--go")
    assert "as they must be" in live.ok("topics", "apply")

    # Records that nobody reads are trouble.
    assert live.json("status")["health"] == "healthy"
    live.ok("publish", "-", stdin=events(builders.administration(package="king")))
    status = live.json("status", code=1)
    assert "nobody reads for koppeling.intake" in status["findings"][0]["what"]

    with process(live, "streams", "--instance", "test"), process(live, "worker"):
        # Not connected: published, received, held; somebody is needed.
        printed = live.ok(
            "publish", "-", "--wait", "--timeout", "120", code=3, stdin=events(builders.relation())
        )
        assert "koppeling connect adm-1001" in " ".join(printed.split())
        assert live.json("status", code=3)["lag"][0] == {
            "group": "koppeling.intake",
            "lag": 0,
            "members": 1,
            "oldest_seconds": 0.0,
        }

        # Connected: what was held goes out, and so does everything that follows.
        folder = tmp_path / "king"
        folder.mkdir()
        live.ok("connect", "adm-1001", stdin=f"{folder}\n")
        live.environment["FILES__QUIET_SECONDS"] = "1"
        document = builders.invoice()
        _until_filed(live, book)
        followed = json.loads(
            live.ok("publish", "-", "--wait", "--timeout", "1", "--json", code=3, stdin=events(document))
        )
        assert followed["published"] == 1
        assert "open" in followed["standing"]
    assert sorted(path.suffix for path in folder.iterdir()) == [".xml"]


def _until_filed(live: Terminal, book: Book) -> None:
    from tests.ops.waiting import until

    until(lambda: book.ask("SELECT 1 FROM posting WHERE state = 'posting'"))
    live.ok("files", "cut", "adm-1001")
    until(lambda: book.ask("SELECT 1 FROM file WHERE state = 'delivered'"))


def test_a_restore_that_nothing_else_shows_is_one_that_a_person_says(live: Terminal, book: Book) -> None:
    live.ok("topics", "apply", "--go")
    ((epoch,),) = book.ask("SELECT epoch FROM ledger_state")
    assert "in recovery" in live.ok("db", "restored")
    ((raised, cause),) = book.ask("SELECT epoch, recovery_cause FROM ledger_state")
    assert raised > epoch
    assert cause
    assert book.audited()[-1] == ("restored", "ledger")


def test_services_are_found_by_their_data_directory(own_kafka: KafkaNode) -> None:
    data_dir = own_kafka.folder.parent
    assert running_kafka(data_dir) == own_kafka.bootstrap_servers
    assert running_postgres(data_dir) is None


def test_a_service_that_is_started_again_is_waited_for(own_kafka: KafkaNode) -> None:
    data_dir = own_kafka.folder.parent
    own_kafka.kill()
    try:
        assert running_kafka(data_dir, patience=0) is None
        restart = threading.Thread(target=own_kafka.start)
        restart.start()
        assert running_kafka(data_dir, patience=90) is not None
        restart.join()
        assert running_kafka(data_dir) == own_kafka.bootstrap_servers
    finally:
        if not own_kafka.running:
            own_kafka.start()


def test_commands_work_on_the_services_of_a_data_directory(
    own_kafka: KafkaNode, terminal: Terminal, tmp_path: Path
) -> None:
    data_dir = own_kafka.folder.parent
    # Kafka alone is enough for a command that needs nothing else.
    terminal.ok("topics", "apply", "--data-dir", str(data_dir))
    said = terminal.said("status", "--data-dir", str(data_dir))
    assert f"No PostgreSQL is running in {data_dir}" in said
    assert f"koppeling up --data-dir {data_dir}" in said
    assert "No Kafka and PostgreSQL are running" in terminal.said("status", "--data-dir", str(tmp_path))
