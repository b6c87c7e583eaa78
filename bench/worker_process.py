"""A worker in a process of its own that says, when asked, what each of its stages has used.

`python -m bench.worker_process CONFIG`, CONFIG a `WorkerSpec` as JSON. After "ready" every line on standard
input is answered with one line of JSON, a `Usage`; end of input ends the worker.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta

from pydantic import SecretStr

from bench.cpu import peak_megabytes, process_seconds, thread_seconds
from ledger.credentials import CredentialVault
from ops.garbage import collect_less_often
from ops.packages import Apps
from ops.switching import hand_over_sooner
from ops.worker import Worker, WorkerConfig
from schemas.outcome import Package
from sinks.snelstart_settings import SnelStartApp
from sinks.terms import DeliveryTerms
from telemetry import logging

STAGES = {
    "MainThread": "engine",
    "receiver": "receiver",
    "ledger-writer": "writer",
    "publisher": "publisher",
    "ledger-read": "reads",
    "asyncio": "leases",
}
"""Stage by the name a thread begins with; what no name covers is `other`."""


@dataclass(frozen=True)
class WorkerSpec:
    """Which ledger and broker; `connections` is the most that this process leases.

    `call_timeout`, `margin`, `safety` and `settle` are the lease's terms in seconds; 0: those that a worker
    has by itself.
    """

    database_url: str
    bootstrap_servers: str
    vault_key: str
    connections: int = 500
    call_timeout: float = 0
    margin: float = 0
    safety: float = 0
    settle: float = 0

    def terms(self) -> DeliveryTerms:
        """How delivery behaves."""
        usual = DeliveryTerms()
        return DeliveryTerms(
            call_timeout=timedelta(seconds=self.call_timeout) if self.call_timeout else None,
            margin=timedelta(seconds=self.margin) if self.margin else usual.margin,
            safety=timedelta(seconds=self.safety) if self.safety else usual.safety,
            settle=timedelta(seconds=self.settle) if self.settle else None,
        )


@dataclass(frozen=True)
class Usage:
    """Seconds of processor by stage since the process began, its total, and the most memory it held."""

    stages: Mapping[str, float]
    total: float
    peak_megabytes: float


class WorkerProcess:
    """The other end: starts the process and asks it."""

    def __init__(self, spec: WorkerSpec, log: str) -> None:
        with open(log, "a") as errors:  # noqa: PTH123 - given to the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.worker_process", json.dumps(asdict(spec))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the worker did not start, see {log}")

    def usage(self) -> Usage:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the worker has ended")
        return Usage(**json.loads(answer))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def workers(specs: list[WorkerSpec], log: str) -> Iterator[list[WorkerProcess]]:
    """Workers that run while the block does."""
    running: list[WorkerProcess] = []
    try:
        for spec in specs:
            running.append(WorkerProcess(spec, log))
        yield running
    finally:
        for worker in running:
            worker.end()


def _usage() -> Usage:
    stages: dict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        if thread.native_id is None:
            continue
        stage = next((stage for name, stage in STAGES.items() if thread.name.startswith(name)), "other")
        stages[stage] += thread_seconds(os.getpid(), thread.native_id)
    return Usage(dict(stages), process_seconds(os.getpid()), peak_megabytes(os.getpid()))


def _answer(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    for _ in sys.stdin:
        print(json.dumps(asdict(_usage())), flush=True)
    loop.call_soon_threadsafe(stop.set)


async def main(spec: WorkerSpec) -> None:
    nowhere = SnelStartApp(
        subscription_key=SecretStr("none"), base_url="http://127.0.0.1:9", auth_url="http://127.0.0.1:9"
    )
    config = WorkerConfig(
        database_url=spec.database_url,
        kafka={"bootstrap_servers": spec.bootstrap_servers},
        vault=CredentialVault([spec.vault_key]),
        apps=Apps(nowhere, (1_000_000, 10_000_000)),
        packages=(Package.SNELSTART,),
        max_connections=spec.connections,
        terms=spec.terms(),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_answer, args=(loop, stop), name="questions", daemon=True).start()
    print("ready", flush=True)
    await Worker(config).run(stop)


if __name__ == "__main__":
    logging.configure(level="WARNING")
    collect_less_often()
    hand_over_sooner()
    asyncio.run(main(WorkerSpec(**json.loads(sys.argv[1]))))
