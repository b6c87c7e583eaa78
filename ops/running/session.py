"""A stack with its automatic connections and its status, from the ready line to Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg.rows import TupleRow

from ledger.overview import count_by_state
from ops.autoconnect import Autoconnect, Registry, Told
from ops.bootstrap import connector
from ops.running.stack import Stack, StackPlan
from ops.running.view import Snapshot

if TYPE_CHECKING:
    from types import TracebackType

    from ledger.overview import StateCount
    from schemas.outcome import Package

REGISTRY_FILE = "simulated.json"
WHO = "up --simulators"
LAST_TOLD = 6


class Session:
    """Runs a stack; beside simulators it also connects what is announced.

    SIGINT and SIGTERM set `stop`, also while it starts.
    """

    def __init__(
        self,
        plan: StackPlan,
        *,
        on_progress: Callable[[str], None] = lambda text: None,
        extend: bool = True,
        company_settings: Mapping[Package, Mapping[str, object]] | None = None,
        on_told: Callable[[Told], None] = lambda told: None,
    ) -> None:
        """`extend`, `company_settings` and `on_told` are those of `ops.autoconnect`."""
        self.stop = threading.Event()
        self.stack = Stack(plan, on_progress=on_progress)
        self.told: deque[str] = deque(maxlen=LAST_TOLD)
        self._extend = extend
        self._company_settings = company_settings
        self._on_told = on_told
        self._connecting: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._ledger: psycopg.Connection[TupleRow] | None = None
        self._counts: list[StateCount] = []

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        self.stack.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        if self.stack.plan.simulators:
            self._connecting = threading.Thread(target=self._connect, name="autoconnect", daemon=True)
            self._connecting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        if self._connecting is not None:
            self._connecting.join(15)
        if self._ledger is not None:
            self._ledger.close()
        self.stack.stop()

    @property
    def data_dir(self) -> Path:
        """Where everything lives."""
        return self.stack.data_dir

    def open_ledger(self) -> psycopg.Connection[TupleRow]:
        """A ledger connection in autocommit mode; raises `psycopg.OperationalError`."""
        return psycopg.connect(
            self.stack.settings.database_url,
            autocommit=True,
            connect_timeout=5,
            options="-c statement_timeout=20000 -c lock_timeout=20000",
            application_name="koppeling-up",
        )

    def snapshot(self) -> Snapshot:
        """What to show now. Raises what broke the automatic connections: that is a bug."""
        if self._failure is not None:
            raise self._failure
        try:
            if self._ledger is None or self._ledger.closed:
                self._ledger = self.open_ledger()
            self._counts = count_by_state(self._ledger)
            answers = True
        except psycopg.Error:
            # Whatever it is, the processes report it themselves; this only shows.
            if self._ledger is not None:
                self._ledger.close()
            answers = False
        return Snapshot(self.stack.kept, self._counts, list(self.told), answers)

    def _connect(self) -> None:
        autoconnect = Autoconnect(
            self.open_ledger,
            connector(self.stack.settings, WHO),
            self.stack.control,
            Registry(self.data_dir / REGISTRY_FILE),
            extend=self._extend,
            company_settings=self._company_settings,
            on_told=self._tell,
            life=lambda: self.stack.ready_pid("simulators"),
        )
        try:
            autoconnect.keep(self.stop)
        except BaseException as error:
            self._failure = error
            raise

    def _tell(self, told: Told) -> None:
        self.told.append(f"{told.key.administration} in {told.key.package.label}: {told.what}")
        self._on_told(told)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.stop.set()
        raise KeyboardInterrupt

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop.set()
