"""A real PostgreSQL 18 from a wheel: its programs, driven directly."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psycopg

from ops.embedded import node_state, ports
from ops.embedded.file_lock import FileLock
from ops.embedded.jars import Progress, silent
from ops.embedded.node import Node
from ops.embedded.node_state import NodeState
from ops.embedded.postgres_user import RunAs, run_as
from ops.embedded.process import Command
from ops.embedded.wheels import postgres_programs

OWNER = "koppeling"
DATABASE = "koppeling"

_SETTINGS = {
    "listen_addresses": f"'{ports.HOST}'",
    # TCP only: a socket file's path may not exceed 107 bytes, a data directory's may.
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "'64MB'",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_wal_size": "'1GB'",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_min_messages": "warning",
}
_LEFT_TO_THE_SYSTEM = {"fsync": "off", "full_page_writes": "off"}
"""What is committed is with the operating system: it outlives a killed server, but not the machine."""


class PostgresNode(Node):
    """The database server. On the loopback address, with a password of its own."""

    name = "PostgreSQL"

    def __init__(
        self,
        folder: Path,
        *,
        on_progress: Progress = silent,
        start_timeout: float = 60.0,
        survives_power_cut: bool = True,
    ) -> None:
        """`on_progress` hears about the creation of the database cluster.

        `survives_power_cut=False` is several times quicker where nobody needs the data after the machine.
        """
        super().__init__(folder, start_timeout=start_timeout)
        self._on_progress = on_progress
        self._survives_power_cut = survives_power_cut
        self._run_as = RunAs()

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.folder / "data"

    @property
    def database_url(self) -> str:
        """A DSN of the database `koppeling`, once started; its owner may create others."""
        self._require()
        return _url(self._state, DATABASE) if self._state else ""

    def tend(self) -> None:
        """End a server that somebody told to stop (SIGTERM) and that waits for its sessions to leave.

        Ours never leave by themselves: without this it would neither stop nor let anybody in.
        """
        state = self._state
        if not self.running or state is None:
            return
        try:
            psycopg.connect(_url(state, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            pid = self.pid
            if "is shutting down" in str(error) and pid is not None:
                os.kill(pid, signal.SIGINT)

    def _prepare(self, running: FileLock) -> NodeState:
        self._run_as = run_as(self.data, postgres_programs())
        state = node_state.read(self.folder)
        if state is None:
            state = NodeState(ports={}, password=secrets.token_urlsafe(24))
            node_state.write(self.folder, state)
        if not (self.data / "PG_VERSION").exists():
            self._on_progress("Preparing PostgreSQL's storage")
            self._initialise(state, running)
        self._forget_dead_server()
        return state

    def _forget_dead_server(self) -> None:
        """Remove the `postmaster.pid` of a killed server.

        PostgreSQL itself refuses to start while a process with that id exists: a zombie that nobody reaps, as
        in many containers, or after a reboot another program. All processes of an earlier server held the
        lock that we hold now; what is left to fear is a server that somebody started by hand.
        """
        stale = self.data / "postmaster.pid"
        try:
            pid = stale.read_text().split()[0]
            working_in = Path(f"/proc/{pid}/cwd").readlink()
        except (OSError, IndexError):
            working_in = None
        if working_in != self.data.resolve() and sys.platform.startswith("linux"):
            stale.unlink(missing_ok=True)

    def _initialise(self, state: NodeState, running: FileLock) -> None:
        """`initdb` beside the final place: what is there under the final name is complete."""
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password_file = self.folder / "password.new"
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(state.password)
        if self._run_as.user:
            os.chown(new, *self._run_as.user)
            os.chown(password_file, *self._run_as.user)
        self._run_once(
            self._program(
                running,
                "initdb",
                f"--pgdata={new}",
                f"--username={OWNER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *([] if self._survives_power_cut else ["--no-sync"]),
            )
        )
        password_file.unlink()
        new.rename(self.data)

    def _ports(self, state: NodeState) -> dict[str, int]:
        return {"server": ports.choose(state.ports.get("server"))}

    def _command(self, state: NodeState, running: FileLock) -> Command:
        left = {} if self._survives_power_cut else _LEFT_TO_THE_SYSTEM
        settings = {**_SETTINGS, **left, "port": str(state.ports["server"])}
        options = [
            option for name, value in settings.items() for option in ("-c", f"{name}={value.strip(chr(39))}")
        ]
        return replace(
            self._program(running, "postgres", "-D", str(self.data), *options), stop_signal=signal.SIGINT
        )

    def _program(self, running: FileLock, program: str, *arguments: str) -> Command:
        return Command(
            arguments=(str(postgres_programs() / program), *arguments),
            folder=Path("/"),
            log=self.log,
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", "")},
            user=self._run_as.user,
            capabilities=self._run_as.capabilities,
            keep_open=(running.fileno,),
        )

    def _answers(self, state: NodeState) -> bool:
        if not ports.answers(state.ports["server"]):
            return False
        try:
            with psycopg.connect(_url(state, "postgres"), connect_timeout=5, autocommit=True) as connection:
                row = connection.execute(
                    "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [DATABASE]
                ).fetchone()
                if row != (True,):
                    connection.execute(f"CREATE DATABASE {DATABASE}")
            return True
        except psycopg.OperationalError:
            return False

    def _lost_port(self, output: str) -> bool:
        return "Address already in use" in output


def _url(state: NodeState, database: str) -> str:
    return f"postgresql://{OWNER}:{state.password}@{ports.HOST}:{state.ports['server']}/{database}"
