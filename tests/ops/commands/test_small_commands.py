"""Commands that show one thing, and what all of them have in common."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from ops.cli import app
from ops.commands.options import moment
from ops.commands.terminal import ago
from schemas.catalogue import CATALOGUE
from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def leaves() -> list[tuple[str, ...]]:
    """The names of all commands."""
    found: list[tuple[str, ...]] = []

    def walk(command: object, path: tuple[str, ...]) -> None:
        commands = getattr(command, "commands", None)
        if not commands:
            found.append(path)
            return
        for name, inner in commands.items():
            walk(inner, (*path, name))

    walk(typer.main.get_command(app), ())
    return found


def test_the_commands() -> None:
    assert {" ".join(path) for path in leaves()} >= {
        "streams",
        "worker",
        "status",
        "publish",
        "simulator",
        "packages",
        "connect",
        "disconnect",
        "check",
        "administrations apply",
        "administrations list",
        "administrations show",
        "administrations hold",
        "administrations release",
        "credentials rotate-key",
        "postings list",
        "postings show",
        "postings retry",
        "postings discard",
        "postings resolve",
        "payments list",
        "files list",
        "files show",
        "files cut",
        "files get",
        "files confirm",
        "files release",
        "files resolve",
        "db upgrade",
        "db downgrade",
        "db restored",
        "chaos",
        "topics apply",
        "schemas export",
    }


@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_every_help_has_examples(terminal: Terminal, path: tuple[str, ...]) -> None:
    told = terminal.ok(*path, "--help")
    assert "Examples:" in told
    assert f"koppeling {' '.join(path)}" in told


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'kafka', 'faust', 'psycopg', 'sqlalchemy', 'alembic', 'aiohttp', 'pydantic', 'lxml', 'httpx'}"
    script = f"import sys, ops.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_packages_are_enks_table_word_for_word(terminal: Terminal) -> None:
    listed = terminal.json("packages")
    assert [row["boekhoudpakket"] for row in listed] == [row.boekhoudpakket for row in CATALOGUE]
    assert listed[0]["id"] == "snelstart"


@pytest.mark.parametrize(
    "surroundings",
    [{}, {"COLUMNS": "40"}, {"TERM": "dumb", "FORCE_COLOR": "1"}, {"TERM": "dumb", "TTY_COMPATIBLE": "1"}],
    ids=str,
)
def test_a_table_in_a_pipe_is_wide_whatever_surrounds_it(
    terminal: Terminal, surroundings: dict[str, str]
) -> None:
    terminal.environment |= surroundings
    table = terminal.ok("packages")
    assert all(row.boekhoudpakket in table for row in CATALOGUE)


def test_the_exported_contract_is_the_committed_one(terminal: Terminal, tmp_path: Path) -> None:
    terminal.ok("schemas", "export", str(tmp_path))
    for written in tmp_path.iterdir():
        assert written.read_text() == (ROOT / "docs" / "contract" / written.name).read_text(), written.name


def test_payments(terminal: Terminal, book: Book) -> None:
    book.ask(
        """
        INSERT INTO receivable (administration_id, package, invoice_id, number, package_id, gross, open,
               status, last_payment_date, ordinal, requested_at)
        VALUES ('adm-1', 'snelstart', 'i1', 'F1', 'p1', 121.00, 21.00, 'partly_paid', '2026-04-01', 1, now()),
               ('adm-1', 'snelstart', 'i2', 'F2', 'p2', 50.00, 0.00, 'paid', '2026-04-01', 1, now())
        """
    )
    listed = terminal.json("payments", "list", "--status", "partly_paid")
    assert [(row["number"], row["paid"], row["open"]) for row in listed] == [("F1", "100.00", "21.00")]
    assert "F2" in terminal.ok("payments", "list")
    assert terminal.json("payments", "list", "--missing") == []
    terminal.said("payments", "list", "--status", "gone", code=2)


def test_a_database_without_tables_says_what_to_run(terminal: Terminal, empty_database_url: str) -> None:
    terminal.environment["DATABASE__URL"] = empty_database_url
    assert "koppeling db upgrade" in terminal.said("postings", "list")
    terminal.ok("db", "upgrade")
    assert "No posting matches." in terminal.ok("postings", "list")
    terminal.ok("db", "downgrade", "base", stdin="n\n", code=1)
    terminal.ok("db", "downgrade", "base", "--yes")
    assert "koppeling db upgrade" in terminal.said("postings", "list")


def test_a_database_that_is_away_is_a_sentence(terminal: Terminal) -> None:
    terminal.environment["DATABASE__URL"] = "postgresql://nobody@127.0.0.1:1/koppeling"
    assert "PostgreSQL does not answer" in terminal.said("postings", "list")


def test_wrong_settings_are_reported_at_once(terminal: Terminal) -> None:
    terminal.environment |= {"DATABASE__URL": "mysql://x", "KAFKA__BOOTSTRAP_SERVER": "x:1"}
    said = terminal.said("postings", "list")
    assert "2 settings are missing or wrong" in said
    assert "KAFKA__BOOTSTRAP_SERVERS" in said


def test_rotating_keys(terminal: Terminal, book: Book, tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    book.receive(builders.administration(package="king"))
    terminal.ok("connect", "adm-1001", "--stdin", stdin=json.dumps({"folder": str(tmp_path)}))
    old, new = terminal.environment["CREDENTIALS__KEYS"], Fernet.generate_key().decode()
    terminal.environment["CREDENTIALS__KEYS"] = new
    assert "CREDENTIALS__KEYS" in terminal.said("credentials", "rotate-key")
    terminal.environment["CREDENTIALS__KEYS"] = f"{new},{old}"
    assert "1 connections" in terminal.ok("credentials", "rotate-key")
    terminal.environment["CREDENTIALS__KEYS"] = new
    assert "1 connections" in terminal.ok("credentials", "rotate-key")


def test_the_simulator_prints_json_lines_and_ends_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "ops.cli", "simulator", "snelstart", "king"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [line["package"] for line in lines] == ["snelstart", "king"]
        while "Ctrl-C" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_a_simulator_that_does_not_exist(terminal: Terminal) -> None:
    assert "there is one of: snelstart, king" in terminal.said("simulator", "afas")


def test_a_worker_of_a_package_that_is_not_built(terminal: Terminal, book: Book) -> None:
    terminal.environment["KAFKA__BOOTSTRAP_SERVERS"] = "127.0.0.1:1"
    assert "Not built yet: AFAS" in terminal.said("worker", "afas")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-03-31T09:00+00:00", datetime(2026, 3, 31, 9, 0, tzinfo=UTC)),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(5, "5 s"), (130, "2 min"), (7_300, "2 h"), (180_000, "2 d"), (-3, "0 s")]
)
def test_lengths_of_time(seconds: int, expected: str) -> None:
    assert ago(timedelta(seconds=seconds)) == expected


def test_the_map_of_commands_has_them_all() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    for path in leaves():
        assert path[0] in page, path
        assert path[-1] in page, path
