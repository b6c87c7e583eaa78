"""All services and processes of an installation on one data directory: started, kept running, stopped."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from ops.bootstrap import EVERYTHING, kafka_admin, settings_for
from ops.embedded import DataDirInUse, EmbeddedError, NotRunning, Services, StartFailed, ports
from ops.embedded.file_lock import FileLock
from ops.embedded.node import Node
from ops.running.child import Child
from ops.running.keeper import Keeper, Kept, State
from ops.settings import Settings, load

PIDS_FILE = "pids.json"
LEFTOVER_SECONDS = 45.0
START_SECONDS = 90.0

QUICK: Mapping[str, str] = {
    "DELIVERY__CALL_TIMEOUT_SECONDS": "5",
    "DELIVERY__SETTLE_SECONDS": "2",
    "DELIVERY__LEASE_MARGIN_SECONDS": "5",
    "FILES__QUIET_SECONDS": "3",
    "READBACK__INTERVAL_SECONDS": "2",
    "READBACK__SWEEP_INTERVAL_SECONDS": "20",
    "SNELSTART__CALLS_PER_MINUTE": "60000",
    "SNELSTART__CALLS_PER_HOUR": "600000",
}
"""Shorter terms beside simulators, so that people see things happen, and no budget of our own.

What the environment says goes first.
"""


@dataclass(frozen=True)
class StackPlan:
    """What to run.

    Attributes:
        data_dir: where everything lives.
        simulators: packages to simulate; empty for none.
        workers: how many worker processes.
        terms: settings of the child processes, unless the environment has them.
        seed: of the simulators.
        worker_module: the program that takes `worker --announce`; chaos has one that strikes itself.
        intake: whether the intake runs.
    """

    data_dir: Path
    simulators: tuple[str, ...] = ()
    workers: int = 1
    terms: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    worker_module: str = "ops.cli"
    intake: bool = True


class Stack:
    """Embedded services where no real ones are set, migrations, topics, and child processes.

    It stops with `stop`, at the end of a `with` block, and by itself however this process ends.
    """

    def __init__(self, plan: StackPlan, *, on_progress: Callable[[str], None] = lambda text: None) -> None:
        """`on_progress` hears what is being started."""
        self.plan = plan
        self.data_dir = plan.data_dir.absolute()
        self.control = ""
        self._say = on_progress
        self._owner = FileLock(self.data_dir / "up.lock")
        self._children_lock = FileLock(self.data_dir / "children.lock")
        self._services = Services(self.data_dir, on_progress=on_progress)
        self._keepers: list[Keeper] = []
        self._children: dict[str, Child] = {}
        self._pids_lock = threading.Lock()
        self._settings: Settings | None = None
        self._simulator_port = 0

    # --- what is running -----------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """Complete settings of this installation."""
        assert self._settings is not None
        return self._settings

    @property
    def kept(self) -> list[Kept]:
        """Every service and process, as it is now."""
        return [keeper.kept for keeper in self._keepers]

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name, `up` included."""
        return {"up": os.getpid(), **{kept.name: kept.pid for kept in self.kept if kept.pid is not None}}

    @property
    def services(self) -> Services:
        """The embedded services."""
        return self._services

    @contextmanager
    def held_down(self, *names: str) -> Iterator[None]:
        """Stop these for the length of a block, as an operator does; then they are kept running again."""
        held = [keeper for keeper in self._keepers if keeper.name in names]
        for keeper in reversed(held):
            keeper.stop()
        try:
            yield
        finally:
            for keeper in held:
                keeper.start_again()

    @property
    def terms(self) -> dict[str, str]:
        """The plan's terms as they hold: the environment goes first."""
        return {name: os.environ.get(name) or value for name, value in self.plan.terms.items()}

    @property
    def status_urls(self) -> dict[str, str]:
        """Where processes serve `/metrics`, `/healthz` and `/readyz`, by name; it changes with a restart."""
        return {name: url for name, child in self._children.items() if (url := child.url) is not None}

    def ready_pid(self, name: str) -> int | None:
        """The process id of a child that works; None when it does not."""
        child = self._children[name]
        return child.pid if child.ready else None

    @property
    def simulator_urls(self) -> dict[str, str]:
        """The simulators' URLs by package."""
        base = self.control.removesuffix("/_simulator")
        return {package: f"{base}/{package}" for package in self.plan.simulators}

    @property
    def simulator_folder(self) -> Path:
        """Where file packages' simulators work."""
        return self.data_dir / "simulators"

    # --- start and stop ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything; returns when all of it works.

        Raises:
            EmbeddedError: with a sentence; what had been started is stopped again.
            SettingsError, TopicsError, SchemaMismatch: as the processes themselves would.
        """
        try:
            self._own()
            self._start_services()
            self._prepare()
            self._start_children()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything cleanly: the processes first, then the simulators, then the services."""
        for keeper in self._keepers:
            keeper.ask_to_stop()
        services = {"kafka", "postgres"}
        processes = [k for k in self._keepers if k.name not in services and k.name != "simulators"]
        with ThreadPoolExecutor(max(1, len(processes))) as pool:
            list(pool.map(lambda keeper: keeper.stop(), processes))
        for keeper in self._keepers:
            if keeper.name == "simulators":
                keeper.stop()
        for keeper in self._keepers:
            if keeper.name in services:
                keeper.stop()
        self._services.stop()
        self._keepers = []
        if self._owner.held:
            (self.data_dir / PIDS_FILE).unlink(missing_ok=True)
        self._children_lock.release()
        self._owner.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- steps of the start --------------------------------------------------------------------------

    def _own(self) -> None:
        try:
            if not self._owner.try_acquire():
                note = self._owner.note()
                raise DataDirInUse(
                    f"{self.data_dir} is in use by process {note}. Stop that one first, or choose another "
                    "--data-dir."
                )
            self._owner.write(str(os.getpid()))
            if not self._children_lock.acquire(timeout=LEFTOVER_SECONDS):
                raise DataDirInUse(
                    f"Processes of an earlier run still work on {self.data_dir} and do not end. Stop them "
                    "first, or choose another --data-dir."
                )
        except OSError as error:
            raise EmbeddedError(
                f"{self.data_dir} cannot be used: {error.strerror}. Choose another --data-dir."
            ) from error

    def _start_services(self) -> None:
        given = load(())
        wanted: dict[str, tuple[bool, Node]] = {
            "kafka": (not given.bootstrap_servers, self._services.kafka),
            "postgres": (not given.database_url, self._services.postgres),
        }
        if any(embedded for embedded, _ in wanted.values()):
            self._say("Starting " + " and ".join(node.name for embedded, node in wanted.values() if embedded))
        self._services.start(kafka=wanted["kafka"][0], postgres=wanted["postgres"][0])
        for name, (embedded, node) in wanted.items():
            if embedded:
                self._keep_node(name, node)
        self._settings = settings_for(EVERYTHING, self.data_dir)

    def _keep_node(self, name: str, node: Node) -> None:
        keeper = Keeper(
            name,
            node,
            pid=lambda: _pid_of(node),
            ready=lambda: node.running,
            on_change=self._changed,
            tend=node.tend,
        )
        self._keepers.append(keeper)
        keeper.start()

    def _prepare(self) -> None:
        from ledger import schema
        from ops import topic_plan

        self._say("Bringing the ledger and the topics up to date")
        schema.upgrade(self.settings.database_url)
        with kafka_admin(self.settings) as admin:
            topic_plan.apply(admin, replication_factor=self.settings.kafka.replication_factor)

    def _start_children(self) -> None:
        plan = self.plan
        self._say(
            ("Starting the intake, " if plan.intake else "Starting ")
            + f"{plan.workers} worker(s)"
            + (", simulators" if plan.simulators else "")
        )
        if plan.simulators:
            self._keep_simulators()
        if plan.intake:
            self._keep_child("streams", ["streams", "--instance", "intake-up", "--announce"])
        for number in range(1, plan.workers + 1):
            self._keep_child(f"worker-{number}", ["worker", "--announce"], module=plan.worker_module)

    def _keep_simulators(self) -> None:
        memory = self.simulator_folder / "port"
        self.simulator_folder.mkdir(parents=True, exist_ok=True)
        known = memory.read_text().strip() if memory.exists() else ""
        self._simulator_port = ports.choose(int(known) if known.isdecimal() else None)
        memory.write_text(str(self._simulator_port))
        self.control = f"http://{ports.HOST}:{self._simulator_port}/_simulator"
        arguments = ["simulator", *self.plan.simulators, "--port", str(self._simulator_port)]
        arguments += ["--seed", str(self.plan.seed), "--folder", str(self.simulator_folder)]
        arguments += ["--state", str(self.simulator_folder / "state.pickle")]
        self._keep_child("simulators", arguments, works=self._simulators_answer)

    def _simulators_answer(self) -> bool:
        try:
            return httpx.get(f"{self.control}/faults", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _keep_child(
        self,
        name: str,
        arguments: Sequence[str],
        works: Callable[[], bool] | None = None,
        *,
        module: str = "ops.cli",
    ) -> None:
        child = Child(
            [sys.executable, "-m", module, *arguments],
            self._environment(),
            self.data_dir / "logs" / f"{name}.log",
            works=works,
            keep_open=(self._children_lock.fileno,),
        )
        keeper = Keeper(
            name,
            child,
            pid=lambda: child.pid,
            ready=lambda: child.ready,
            on_change=self._changed,
            last_words=child.last_words,
        )
        self._children[name] = child
        self._keepers.append(keeper)
        keeper.start()

    def _environment(self) -> dict[str, str]:
        """Ours, with the terms of the plan; embedded services are found through the data directory."""
        return {
            "PYTHONUNBUFFERED": "1",
            **os.environ,
            **self.terms,
            # One port is not enough for several processes of one machine.
            "HTTP__PORT": "0",
            "DATA_DIR": str(self.data_dir),
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while any(kept.state is not State.RUNNING for kept in self.kept):
            for kept in self.kept:
                if kept.restarts >= 2 and kept.state is not State.RUNNING:
                    raise StartFailed(f"{kept.name} does not start. Its last words:\n{kept.trouble}")
            if time.monotonic() > deadline:
                late = ", ".join(kept.name for kept in self.kept if kept.state is not State.RUNNING)
                raise StartFailed(
                    f"Not ready within {START_SECONDS:.0f} s: {late}. See {self.data_dir / 'logs'}."
                )
            time.sleep(0.05)

    # --- while it runs -------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Write the process ids down; a service that came back at another address takes its users along."""
        with self._pids_lock:
            new = self.data_dir / f"{PIDS_FILE}.new"
            new.write_text(json.dumps(self.pids, indent=2) + "\n")
            new.replace(self.data_dir / PIDS_FILE)
            self._follow_addresses()

    def _follow_addresses(self) -> None:
        settings = self._settings
        if settings is None:
            return
        try:
            endpoints = self._services.endpoints
        except NotRunning:
            return
        moved = {
            name: (address, now)
            for name, address, now in (
                ("kafka", ",".join(settings.bootstrap_servers), endpoints.bootstrap_servers),
                ("postgres", settings.database_url, endpoints.database_url),
            )
            if now and any(keeper.name == name for keeper in self._keepers) and now != address
        }
        if not moved:
            return
        self._settings = settings_for(EVERYTHING, self.data_dir)
        for name, child in self._children.items():
            if name != "simulators" and child.running:
                threading.Thread(target=child.stop, daemon=True).start()


def _pid_of(node: Node) -> int | None:
    try:
        return node.pid if node.running else None
    except NotRunning:
        return None
