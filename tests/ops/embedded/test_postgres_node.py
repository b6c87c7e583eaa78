from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import sys
from pathlib import Path

import psycopg
import pytest

from ops.embedded import NotRunning, PostgresNode, StartFailed
from ops.embedded.ports import HOST
from ops.embedded.postgres_user import CAP_DAC_READ_SEARCH, permitted_capabilities
from ops.embedded.process import Command, GuardedProcess
from tests.ops.waiting import until

ROOT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
with_capabilities = pytest.mark.skipif(
    CAP_DAC_READ_SEARCH not in permitted_capabilities(), reason="root without capabilities"
)


def query(node: PostgresNode, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(node.database_url, autocommit=True) as connection:
        cursor = connection.execute(text)
        return list(cursor.fetchall()) if cursor.description else []


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_what_was_committed_survives_a_kill_and_the_address_stays(own_postgres: PostgresNode) -> None:
    address = own_postgres.database_url
    query(own_postgres, "CREATE TABLE killed (id int)")
    query(own_postgres, "INSERT INTO killed VALUES (1)")

    own_postgres.kill()
    assert not own_postgres.running
    own_postgres.start()

    assert query(own_postgres, "SELECT id FROM killed") == [(1,)]
    assert own_postgres.database_url == address


def test_a_restart_keeps_data_and_address(own_postgres: PostgresNode) -> None:
    address, process = own_postgres.database_url, own_postgres.pid
    query(own_postgres, "CREATE TABLE restarted (id int)")

    own_postgres.restart()

    assert query(own_postgres, "SELECT id FROM restarted") == []
    assert (own_postgres.database_url, own_postgres.pid != process) == (address, True)


def test_a_paused_server_does_not_answer_until_it_is_resumed(own_postgres: PostgresNode) -> None:
    with psycopg.connect(own_postgres.database_url) as connection:
        backend = connection.info.backend_pid
        own_postgres.pause()
        try:
            until(lambda: all(stopped(pid) for pid in (own_postgres.pid, backend)))
        finally:
            own_postgres.resume()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_is_a_durable_postgresql_18_with_a_password(own_postgres: PostgresNode) -> None:
    assert query(own_postgres, "SHOW fsync") == [("on",)]
    assert query(own_postgres, "SHOW synchronous_commit") == [("on",)]
    assert query(own_postgres, "SHOW server_encoding") == [("UTF8",)]
    assert str(query(own_postgres, "SHOW server_version")[0][0]).startswith("18.")
    wrong = own_postgres.database_url.replace("koppeling:", "koppeling:x", 1)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


def test_a_port_that_somebody_took_is_left_to_them(service_folder: Path) -> None:
    node = PostgresNode(service_folder / "pg")
    node.start()
    first = psycopg.conninfo.conninfo_to_dict(node.database_url)["port"]
    node.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOST, int(str(first))))
        other.listen()
        with node:
            assert psycopg.conninfo.conninfo_to_dict(node.database_url)["port"] != first
            assert query(node, "SELECT 1") == [(1,)]


def test_two_servers_run_side_by_side(service_folder: Path, own_postgres: PostgresNode) -> None:
    with PostgresNode(service_folder / "other") as other:
        query(other, "CREATE TABLE only_here (id int)")
        assert query(own_postgres, "SELECT to_regclass('only_here')") == [(None,)]


def test_a_very_long_path_is_no_trouble(service_folder: Path) -> None:
    with PostgresNode(service_folder / ("a" * 100) / ("b" * 100)) as node:
        assert query(node, "SELECT 1") == [(1,)]


def test_an_interrupted_first_start_is_begun_again(service_folder: Path) -> None:
    half = service_folder / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with PostgresNode(service_folder / "pg") as node:
        assert query(node, "SELECT 1") == [(1,)]


def test_a_start_that_fails_says_why(service_folder: Path) -> None:
    node = PostgresNode(service_folder / "pg")
    node.start()
    node.stop()
    (node.data / "PG_VERSION").write_text("9\n")

    with pytest.raises(StartFailed, match=r"PostgreSQL ended while starting(.|\n)*incompatible"):
        node.start()
    assert not node.running
    with pytest.raises(NotRunning):
        node.kill()


@as_root
@with_capabilities
def test_root_may_keep_it_in_a_folder_that_is_closed_to_others(service_folder: Path) -> None:
    closed = service_folder / "closed"
    closed.mkdir(mode=0o700)

    with PostgresNode(closed / "pg") as node:
        owner = Path(f"/proc/{node.pid}").stat().st_uid
        assert query(node, "SELECT 1") == [(1,)]

    assert owner != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
@with_capabilities
def test_a_normal_user_may_run_it(service_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    mine = service_folder / "mine"
    mine.mkdir()
    os.chown(mine, nobody.pw_uid, nobody.pw_gid)
    owner = GuardedProcess(
        Command(
            arguments=(sys.executable, "-m", "tests.ops.embedded.owner", "postgres", str(mine / "pg")),
            folder=ROOT,
            log=service_folder / "owner.log",
            environment={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            user=(nobody.pw_uid, nobody.pw_gid),
            # Not what makes it work: this checkout and its Python may be closed to other users.
            capabilities=(CAP_DAC_READ_SEARCH,),
        )
    )
    until(lambda: "postgresql://" in owner.output() or not owner.running)
    said = owner.output()
    owner.stop()
    assert "postgresql://" in said

    # Root continues as the owner of the data.
    with PostgresNode(mine / "pg") as node:
        assert Path(f"/proc/{node.pid}").stat().st_uid == nobody.pw_uid
        assert query(node, "SELECT 1") == [(1,)]


def test_a_server_told_to_stop_politely_does_not_wait_for_sessions_that_stay(
    own_postgres: PostgresNode,
) -> None:
    with psycopg.connect(own_postgres.database_url):
        os.kill(own_postgres.pid, signal.SIGTERM)

        def gone() -> bool:
            own_postgres.tend()
            return not own_postgres.running

        until(gone)
    own_postgres.start()
    assert query(own_postgres, "SELECT 1") == [(1,)]
