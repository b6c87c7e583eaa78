"""Runs the intake in a process of its own, from start to a clean stop or a hard end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import structlog

from streams.app import create_app
from streams.config import StreamsConfig
from streams.intake import Intake
from streams.source_log import Partition, SourceLog
from telemetry.progress import Progress, Pulse

EXIT_GAVE_UP = 75
"""EX_TEMPFAIL: nothing is lost, start me again."""

STOP_SECONDS = 30.0
"""How long a stop may take; what is not confirmed by then is read again after the next start."""

log = structlog.get_logger(__name__)


BEAT_SECONDS = 1.0
STILL_SECONDS = 120.0
"""An event loop that stands still for so long does not come back."""

Partitions = frozenset[Partition]


def run(
    config: StreamsConfig,
    *,
    on_ready: Callable[[], None] | None = None,
    progress: Progress | None = None,
    on_start: Callable[[Callable[[], Partitions]], None] = lambda partitions: None,
) -> int:
    """Run the intake until SIGTERM or SIGINT; the process's main function.

    A stop finishes what was sent, commits it and leaves. Whatever makes a record undeliverable (brokers
    unreachable for two minutes, a topic that is missing) ends the process at once, without acknowledging
    it: the supervisor starts it again and the record is read again.

    Args:
        config: how to reach the broker, and who we are.
        on_ready: called once, when the partitions are assigned and the table is read.
        progress: is told whether this process gets on.
        on_start: called once, with what says which partitions of the source topics this process reads.

    Returns:
        The exit status: 0 after a stop, 75 when Faust gave up.
    """

    async def serve() -> int:
        try:
            return await _serve(config, on_ready or (lambda: None), progress or Progress(), on_start)
        except Exception as error:  # noqa: BLE001 - threads of Faust's consumer would keep the process, idle
            give_up(error)

    return asyncio.run(serve())


async def _serve(
    config: StreamsConfig,
    on_ready: Callable[[], None],
    progress: Progress,
    on_start: Callable[[Callable[[], Partitions]], None],
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config.data_dir.mkdir(parents=True, exist_ok=True)
    app = create_app(config)
    source_log = SourceLog(config)
    intake = Intake(app, source_log, give_up)
    pulse = progress.pulse("event loop", STILL_SECONDS)
    assigned = progress.condition("kafka", "no partitions are assigned yet, or the table is being read")
    beating = asyncio.create_task(_beat(pulse), name="intake-pulse")
    on_start(intake.partitions)
    start = asyncio.create_task(app.start(), name="intake-start")
    stopping = asyncio.create_task(stop.wait(), name="intake-signal")
    ended = asyncio.create_task(app.wait_until_stopped(), name="intake-crash")
    await asyncio.wait((start, stopping, ended), return_when=asyncio.FIRST_COMPLETED)
    if start.done() and not stop.is_set() and not app.should_stop:
        start.result()
        log.info("intake_ready", instance=config.instance_id, group=config.app_id)
        assigned.met()
        on_ready()
        await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
    if app.crashed:
        give_up(app.crash_reason or RuntimeError("Faust stopped without a reason"))
    log.info("intake_stopping")
    source_log.close()
    assigned.lost("stopping")
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await intake.finish()
            await app.stop()
    except TimeoutError:
        log.warning("intake_stop_timed_out", seconds=STOP_SECONDS)
    beating.cancel()
    await intake.close()
    log.info("intake_stopped")
    return 0


async def _beat(pulse: Pulse) -> None:
    while True:
        pulse.beat()
        await asyncio.sleep(BEAT_SECONDS)


def give_up(error: BaseException) -> NoReturn:
    """End the process at once: no handler, no commit, no acknowledgement runs after this."""
    log.critical("intake_gave_up", error=repr(error), exc_info=error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_GAVE_UP)
