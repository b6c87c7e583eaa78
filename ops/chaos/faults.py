"""How each fault is brought about on a running installation."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import structlog
from kafka.errors import KafkaError

from ops.bootstrap import receiver_group
from ops.chaos.clock import set_offset
from ops.chaos.done import Record
from ops.chaos.schedule import Act, Fault
from ops.chaos.strikes import Strike
from ops.chaos.worker_process import CLOCK_FILE
from ops.embedded import NotRunning
from ops.embedded.node import Node
from ops.kafka_clients import kafka_client_config
from ops.running.stack import Stack
from sinks.history import check_history

log = structlog.get_logger(__name__)

COPY_SECONDS = 60.0
"""How long a restore waits for the copy that was begun before it."""

RESTORED_SECONDS = 180.0
"""How long after a restore database and broker may take until they answer."""

STRIKE_SECONDS = 30.0
"""How long a strike waits for a process to reach its step."""

CLOCK_STEPS = (-86_400, -3_600, -90, 90, 3_600, 86_400)
FULL_BYTES = 16 * 1024
STREAMS, BROKER, DATABASE = "streams", "kafka", "postgres"


class NothingToStrike(Exception):
    """What an act wanted to strike is not there now."""


class Faults:
    """Carries out acts, each in the thread that calls `strike`."""

    def __init__(self, stack: Stack, folder: Path, record: Record) -> None:
        """`folder` is where workers look for strikes and the clock."""
        self._stack = stack
        self._folder = folder
        self._record = record
        self._broker = threading.Lock()
        self._database = threading.Lock()
        self._folders: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._over = threading.Event()
        self._copied = threading.Event()
        self._effects: dict[Fault, Callable[[Act], datetime | None]] = {
            Fault.KILL_WORKER: lambda act: self._kill(self._worker(act)),
            Fault.KILL_WORKER_AT_STEP: self._kill_at_step,
            Fault.KILL_STREAMS: lambda act: self._kill(STREAMS),
            Fault.KILL_BROKER: lambda act: self._with_broker(lambda: self._kill(BROKER)),
            Fault.KILL_DATABASE: lambda act: self._with_database(lambda: self._kill(DATABASE)),
            Fault.STOP_WORKER: self._stop_worker,
            Fault.STOP_BEFORE_SEND: self._stop_before_send,
            Fault.STOP_STREAMS: lambda act: self._stop(self._pid(STREAMS), act.seconds),
            Fault.RESTART_BROKER: lambda act: self._with_broker(lambda: self._end(BROKER, signal.SIGTERM)),
            Fault.PAUSE_BROKER: lambda act: self._with_broker(
                lambda: self._pause(self._stack.services.kafka, act.seconds)
            ),
            Fault.RESTART_DATABASE: lambda act: self._with_database(
                lambda: self._end(DATABASE, signal.SIGINT)
            ),
            Fault.TERMINATE_SESSIONS: self._terminate_sessions,
            Fault.STALL_DATABASE: lambda act: self._with_database(
                lambda: self._pause(self._stack.services.postgres, act.seconds)
            ),
            Fault.COPY_DATABASE: self._copy_database,
            Fault.RESTORE_DATABASE: self._restore_database,
            Fault.FOLDER_REPLACED: self._replace_folder,
            Fault.FOLDER_FULL: self._fill_folder,
            Fault.CLOCK_STEP: self._step_clock,
            Fault.PACKAGE: self._package,
        }

    def strike(self, act: Act) -> None:
        """Carry an act out, and wait until it is over."""
        began = datetime.now(UTC)
        try:
            ended = self._effects[act.fault](act)
        except (NothingToStrike, NotRunning, ProcessLookupError, psycopg.OperationalError) as missed:
            log.info("chaos.missed", fault=act.name, cause=str(missed))
            self._record.miss(act)
            return
        self._record.struck(act, began, ended or datetime.now(UTC))
        log.info("chaos.struck", fault=act.name, target=act.target)

    def end(self) -> None:
        """Cut short what still lasts, and end every fault of the packages."""
        self._over.set()
        httpx.delete(f"{self._stack.control}/faults", timeout=30, trust_env=False)
        set_offset(self._folder / CLOCK_FILE, 0)

    # --- processes -----------------------------------------------------------------------------------

    def _pid(self, name: str) -> int:
        pid = self._stack.pids.get(name)
        if pid is None:
            raise NothingToStrike(f"{name} is down")
        return pid

    def _worker(self, act: Act) -> str:
        return f"worker-{act.number % self._stack.plan.workers + 1}"

    def _kill(self, name: str) -> None:
        os.kill(self._pid(name), signal.SIGKILL)
        self._record.killed(name.partition("-")[0])

    def _end(self, name: str, how: signal.Signals) -> None:
        os.kill(self._pid(name), how)

    def _kill_at_step(self, act: Act) -> None:
        self._struck(act.target, signal.SIGKILL)
        self._record.killed("worker")

    def _struck(self, step: str, how: signal.Signals) -> int:
        """Wait for a process that reaches the step, and strikes itself; its id."""
        strike = Strike(self._folder, step, how, uuid.uuid4().hex)
        strike.order()
        deadline = time.monotonic() + STRIKE_SECONDS
        while (pid := strike.struck()) is None:
            if (time.monotonic() > deadline or self._over.is_set()) and strike.withdraw():
                raise NothingToStrike(f"no worker came to {step}")
            strike.remind()
            self._over.wait(0.05)
        return pid

    def _stop_worker(self, act: Act) -> None:
        pid = self._pid(self._worker(act))
        os.kill(pid, signal.SIGSTOP)
        self._go_on_after(pid, act.seconds)

    def _stop_before_send(self, act: Act) -> None:
        """Exactly between the check of the lease and the send."""
        self._go_on_after(self._struck("checked", signal.SIGSTOP), act.seconds)

    def _go_on_after(self, pid: int, seconds: float) -> None:
        self._over.wait(seconds)
        moment = datetime.now(UTC)
        os.kill(pid, signal.SIGCONT)
        self._record.went_on(moment)

    def _stop(self, pid: int, seconds: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        self._over.wait(seconds)
        os.kill(pid, signal.SIGCONT)

    # --- services ------------------------------------------------------------------------------------

    def _with_broker(self, effect: Callable[[], None]) -> None:
        with self._broker:
            effect()

    def _with_database(self, effect: Callable[[], None]) -> None:
        with self._database:
            effect()

    def _pause(self, node: Node, seconds: float) -> None:
        node.pause()
        try:
            self._over.wait(seconds)
        finally:
            node.resume()

    def _terminate_sessions(self, act: Act) -> None:
        del act
        with psycopg.connect(
            self._stack.settings.database_url, connect_timeout=5, autocommit=True
        ) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'koppeling-worker%' AND pid <> pg_backend_pid()"
            )

    @property
    def _data(self) -> Path:
        return self._stack.services.postgres.data

    @property
    def _copy(self) -> Path:
        return self._data.with_name("data.copy")

    def _copy_database(self, act: Act) -> None:
        """A copy of the stopped server's folder: what a nightly backup would be."""
        del act
        with self._database, self._stack.held_down(DATABASE):
            _copy_folder(self._data, self._copy)
        self._copied.set()

    def _restore_database(self, act: Act) -> None:
        """As operations say: workers down, the copy in place, `koppeling db restored`, workers up."""
        del act
        if not self._copied.wait(COPY_SECONDS):
            raise NothingToStrike("no copy was taken")
        workers = [f"worker-{number + 1}" for number in range(self._stack.plan.workers)]
        with self._database, self._stack.held_down(*workers):
            with self._stack.held_down(DATABASE):
                lost = self._data.with_name("data.lost")
                self._data.rename(lost)
                _copy_folder(self._copy, self._data)
                subprocess.run(["rm", "-rf", str(lost)], check=True)
            cause = self._say_restored().replace("\x1f", " ")
            self._record.note(f"The restore was noticed because {cause}.")

    def _say_restored(self) -> str:
        """`koppeling db restored`, again until database and broker are there; what showed that it was so."""
        settings = self._stack.settings
        deadline = time.monotonic() + RESTORED_SECONDS
        while True:
            try:
                with psycopg.connect(settings.database_url, connect_timeout=5, autocommit=True) as ledger:
                    told = "a person said so"
                    group = receiver_group(settings)
                    return (
                        check_history(ledger, dict(kafka_client_config(settings)), group, told=told) or told
                    )
            except (psycopg.OperationalError, KafkaError):
                if time.monotonic() > deadline:
                    raise
                self._over.wait(0.5)

    # --- file targets --------------------------------------------------------------------------------

    @contextmanager
    def _alone_in(self, administration: str) -> Iterator[Path]:
        with self._folders[administration]:
            yield self._stack.simulator_folder / "king" / administration

    def _replace_folder(self, act: Act) -> None:
        with self._alone_in(act.target) as folder:
            aside = folder.with_name(f"{folder.name}.aside")
            folder.rename(aside)
            folder.touch()
            try:
                self._over.wait(act.seconds)
            finally:
                folder.unlink()
                aside.rename(folder)

    def _fill_folder(self, act: Act) -> None:
        """A file system of a few KiB over the folder, filled to the last byte. Only root may mount one."""
        with self._alone_in(act.target) as folder:
            options = f"size={FULL_BYTES},mode=777"
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "koppeling-chaos", str(folder)],
                capture_output=True,
                check=False,
            )
            if mounted.returncode == 0:
                try:
                    _fill(folder / "full")
                    self._over.wait(act.seconds)
                finally:
                    subprocess.run(["umount", "--lazy", str(folder)], check=True)
                return
        self._record.note("No file system may be mounted here: a folder that is full was replaced by a file.")
        self._replace_folder(act)

    # --- clock and packages --------------------------------------------------------------------------

    def _step_clock(self, act: Act) -> None:
        file = self._folder / CLOCK_FILE
        set_offset(file, CLOCK_STEPS[act.number % len(CLOCK_STEPS)])
        self._over.wait(act.seconds)
        set_offset(file, 0)

    def _package(self, act: Act) -> datetime:
        with httpx.Client(timeout=30, trust_env=False) as http:
            for wanted in act.requests:
                http.post(f"{self._stack.control}/faults", json=dict(wanted)).raise_for_status()
        return datetime.now(UTC) + timedelta(seconds=act.seconds)


def _copy_folder(source: Path, target: Path) -> None:
    """With owners and modes: a database server refuses other ones."""
    subprocess.run(["rm", "-rf", str(target)], check=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _fill(ballast: Path) -> None:
    try:
        with ballast.open("wb", buffering=0) as stream:
            while True:
                stream.write(b"\0" * 512)
    except OSError:
        # It is full.
        return
