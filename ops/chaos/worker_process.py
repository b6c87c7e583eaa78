"""The worker of a chaos run: `koppeling worker` with steps at which it strikes itself, and a clock that errs.

`python -m ops.chaos.worker_process worker --announce`, with the settings of any worker in its environment and
`CHAOS_FOLDER`, where strikes are ordered and the clock is set. Waits between attempts are shorter than in
production (`ChaosTerms`); everything else is the product.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tenacity import wait_exponential, wait_exponential_jitter

from ops.bootstrap import EVERYTHING, require_ready, settings_for, worker_config
from ops.chaos.clock import OffsetClock
from ops.chaos.strikes import Struck
from ops.commands.processes import run_worker
from ops.garbage import collect_less_often
from ops.switching import hand_over_sooner
from ops.worker import Worker, WorkerConfig
from telemetry import logging as our_logging

FOLDER_VARIABLE = "CHAOS_FOLDER"
SESSION_VARIABLE = "CHAOS_SESSION_SECONDS"
CLOCK_FILE = "clock"


def hurried(config: WorkerConfig, session_seconds: float) -> WorkerConfig:
    """The same worker with shorter pauses between attempts."""
    session = timedelta(seconds=session_seconds)
    return replace(
        config,
        terms=replace(
            config.terms,
            retry_wait=wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5),
            probe_wait=wait_exponential(multiplier=1, min=1, max=8),
        ),
        session_timeout=session,
        publisher_stuck_after=max(session, timedelta(seconds=5)),
    )


def main() -> None:
    """Run until a signal."""
    settings = settings_for(EVERYTHING)
    require_ready(settings)
    our_logging.configure(level=settings.log.level)
    folder = Path(os.environ[FOLDER_VARIABLE])
    struck = Struck(folder)
    collect_less_often()
    hand_over_sooner()
    worker = Worker(
        hurried(worker_config(settings), float(os.environ.get(SESSION_VARIABLE, "10"))),
        checkpoint=struck.step_async,
        thread_checkpoint=struck.step,
        clock=OffsetClock(folder / CLOCK_FILE),
    )
    asyncio.run(run_worker(worker, announce=True))


if __name__ == "__main__":
    main()
