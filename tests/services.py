"""One Kafka and one PostgreSQL for all test workers of this checkout, and cheap fresh databases.

A *keeper* process per service starts it for the first worker that asks and stops it after the last one. Users
hold a shared flock, which the kernel releases however a worker ends; the keeper stops when it can lock the
same file exclusively. `python -m tests.services kafka|postgres FOLDER` is the keeper.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ops.embedded import KafkaNode, PostgresNode
from ops.embedded.file_lock import FileLock, locked

ROOT = Path(__file__).resolve().parent.parent
KEEPER_START_SECONDS = 150.0


def shared_folder() -> Path:
    """Where the shared services of this checkout and user live."""
    mark = hashlib.sha256(f"{ROOT}".encode()).hexdigest()[:10]
    folder = Path(tempfile.gettempdir()) / f"koppeling-tests-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


@contextmanager
def shared(kind: str, base: Path | None = None) -> Iterator[str]:
    """The address of the shared `kafka` (servers) or `postgres` (DSN), which stays up for the block."""
    folder = (base or shared_folder()) / kind
    folder.mkdir(exist_ok=True)
    users = FileLock(folder / "users.lock")
    with locked(folder / "gate.lock"):
        users.acquire(shared=True)
        try:
            address = _address(folder) or _start_keeper(kind, folder)
        except BaseException:
            users.release()
            raise
    try:
        yield address
    finally:
        users.release()


def _address(folder: Path) -> str | None:
    keeper = FileLock(folder / "keeper.lock")
    if keeper.try_acquire():
        keeper.release()
        (folder / "address").unlink(missing_ok=True)
        return None
    try:
        return (folder / "address").read_text()
    except FileNotFoundError:
        return None


def _start_keeper(kind: str, folder: Path) -> str:
    with (folder / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.services", kind, str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + KEEPER_START_SECONDS
    while time.monotonic() < deadline:
        try:
            return (folder / "address").read_text()
        except FileNotFoundError:
            if keeper.poll() is not None:
                break
            time.sleep(0.05)
    keeper.kill()
    keeper.wait()
    tail = "\n".join((folder / "keeper.log").read_text().splitlines()[-25:])
    raise RuntimeError(f"the shared {kind} did not start:\n{tail}")


def keep(kind: str, folder: Path) -> None:
    """Run the service until nobody uses it."""
    mine = FileLock(folder / "keeper.lock")
    if not mine.acquire(timeout=60):
        raise RuntimeError(f"another keeper of {folder} does not end")
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    node: KafkaNode | PostgresNode
    # Most tests make a database of their own: without waiting for the disk that takes a third of the time.
    node = KafkaNode(data) if kind == "kafka" else PostgresNode(data, survives_power_cut=False)
    address = folder / "address"
    gate, users = FileLock(folder / "gate.lock"), FileLock(folder / "users.lock")
    with node:
        new = address.with_suffix(".new")
        new.write_text(node.bootstrap_servers if isinstance(node, KafkaNode) else node.database_url)
        new.replace(address)
        while node.running:
            # The gate keeps newcomers out between the question and the answer.
            if gate.try_acquire():
                if users.try_acquire():
                    address.unlink(missing_ok=True)
                    gate.release()
                    break
                gate.release()
            time.sleep(0.3)
        address.unlink(missing_ok=True)
        # A newcomer must be able to register with the next keeper while this one still stops.
        users.release()
    shutil.rmtree(data, ignore_errors=True)
    mine.release()


@contextmanager
def thrown_away(node: KafkaNode) -> Iterator[None]:
    """A broker whose data nobody wants after the block: its clean stop writes a thousand partitions first."""
    yield
    if node.running:
        node.kill()


def with_database(server_url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


@contextmanager
def fresh_database(server_url: str, template: str | None = None) -> Iterator[str]:
    """The DSN of a new database, a copy of `template` where given; it is dropped afterwards."""
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template or "template0")
            )
        )
    try:
        yield with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def migrated_template(server_url: str, fingerprint: str, migrate: Callable[[str], None]) -> str:
    """The name of a template database that `migrate(dsn)` has filled; made once per server and fingerprint.

    `fingerprint` must change with the migrations (a hash of their files).
    """
    name = f"template_{fingerprint[:40]}"
    # A session-level advisory lock: one worker makes it, the others wait.
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        row = connection.execute(
            "SELECT datistemplate FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if row == (True,):
            return name
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        migrate(with_database(server_url, name))
        connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(identifier))
    return name


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
