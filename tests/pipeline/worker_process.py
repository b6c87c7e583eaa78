"""A worker in a process of its own that kills or stops itself at a named step.

`python -m tests.pipeline.worker_process CONFIG`: CONFIG is `WorkerSpec` as JSON. A step is counted each time
it is reached; at the `nth` time the process sends itself the signal.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta

from pydantic import SecretStr
from tenacity import wait_fixed

from ledger.attention_cases import AttentionTerms
from ledger.credentials import CredentialVault
from ops.packages import Apps
from ops.worker import Worker, WorkerConfig
from schemas.outcome import Package
from sinks.snelstart_settings import SnelStartApp
from sinks.terms import DeliveryTerms
from sources.readback import ReadbackTerms
from telemetry import logging

NO_SNELSTART = SnelStartApp(
    subscription_key=SecretStr("none"), base_url="http://127.0.0.1:9", auth_url="http://127.0.0.1:9"
)

TERMS = DeliveryTerms(
    call_timeout=timedelta(seconds=1.5),
    settle=timedelta(seconds=0.3),
    margin=timedelta(seconds=1.2),
    safety=timedelta(seconds=0.3),
    retry_wait=wait_fixed(0.3),
    probe_wait=wait_fixed(0.5),
    cut_documents=20,
    cut_quiet=timedelta(seconds=0.5),
    drain=timedelta(seconds=5),
)


@dataclass(frozen=True)
class WorkerSpec:
    """Which ledger and broker, and where it ends."""

    database_url: str
    bootstrap_servers: str
    vault_key: str
    group: str = "koppeling.receiver"
    point: str | None = None
    nth: int = 1
    signal: str = "SIGKILL"
    packages: tuple[str, ...] = (Package.SNELSTART, Package.KING)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def config(self) -> WorkerConfig:
        return WorkerConfig(
            database_url=self.database_url,
            kafka={"bootstrap_servers": self.bootstrap_servers},
            vault=CredentialVault([self.vault_key]),
            apps=Apps(NO_SNELSTART, (100_000, 1_000_000)),
            packages=[Package(package) for package in self.packages],
            terms=TERMS,
            readback=ReadbackTerms(pull_every=timedelta(seconds=1), sweep_every=timedelta(seconds=2)),
            group=self.group,
            session_timeout=timedelta(seconds=2),
            idle_transaction_timeout=timedelta(seconds=2),
            publisher_stuck_after=timedelta(seconds=3),
            attention=AttentionTerms(settle=timedelta(seconds=1)),
            attention_every=timedelta(seconds=1),
        )


class CrashPoint:
    """Counts steps and strikes once."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._reached = 0

    def step(self, name: str) -> None:
        if name != self._spec.point:
            return
        self._reached += 1
        if self._reached == self._spec.nth:
            os.kill(os.getpid(), signal.Signals[self._spec.signal])

    async def step_async(self, name: str) -> None:
        self.step(name)


async def main(spec: WorkerSpec) -> None:
    crash = CrashPoint(spec)
    worker = Worker(spec.config(), checkpoint=crash.step_async, thread_checkpoint=crash.step)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)
    await worker.run(stop)


if __name__ == "__main__":
    logging.configure()
    asyncio.run(main(WorkerSpec(**json.loads(sys.argv[1]))))
