"""`koppeling streams` and `koppeling worker`: the two kinds of process of an installation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import DataDir, examples
from ops.commands.terminal import quiet
from ops.commands.troubles import Trouble
from schemas.codes import Package

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.worker import Worker

Ready = Annotated[
    bool, typer.Option("--announce", help="Print one line, `ready`, on standard output once it has started.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("koppeling streams", "koppeling streams --instance intake-2"))(streams)
    app.command(epilog=examples("koppeling worker", "koppeling worker snelstart exact_online"))(worker)


def streams(
    instance: Annotated[
        str | None,
        typer.Option(
            help="The name of this process: another one for each, the same again after a restart. "
            "Default: after the host."
        ),
    ] = None,
    announce: Ready = False,
    data_dir: DataDir = None,
) -> None:
    """Run the intake: read ENK's topics, check every event, route it to its package.

    Runs until Ctrl-C or SIGTERM. When it cannot go on it exits with 75; start it again, nothing is lost.
    """
    from ops.bootstrap import require_topics_ready, settings_for, streams_config
    from ops.settings import Need

    settings = settings_for((Need.KAFKA,), data_dir)
    quiet()
    require_topics_ready(settings)
    _configure_telemetry(settings, "koppeling-streams")
    from ops.intake_watch import IntakeWatch
    from ops.status_page import serving
    from streams.run import run
    from telemetry.progress import Progress

    progress = Progress()
    config = streams_config(settings, instance)
    with serving(settings, progress) as url:
        _announce_url(announce, url)
        watch = IntakeWatch(settings, progress)
        status = run(config, on_ready=_announcing(announce), progress=progress, on_start=watch.start)
    # A thread of the consumer may outlive Faust's stop; nothing is left to do for it.
    os._exit(status)


def worker(
    packages: Annotated[
        list[Package] | None,
        typer.Argument(help="The packages to work for; default is all that are built."),
    ] = None,
    announce: Ready = False,
    data_dir: DataDir = None,
) -> None:
    """Run a worker: receive, deliver, write files, read back, publish outcomes.

    Start as many as you like; each administration is worked by one at a time. Ctrl-C or SIGTERM drains it:
    calls in flight end, what they answered is stored, leases are given back. A second Ctrl-C stops at once.
    """
    from ops.bootstrap import EVERYTHING, require_ready, settings_for, worker_config
    from ops.packages import PACKAGES

    settings = settings_for(EVERYTHING, data_dir)
    quiet()
    unbuilt = [package.label for package in packages or () if package not in PACKAGES]
    if unbuilt:
        raise Trouble(f"Not built yet: {', '.join(unbuilt)}. `koppeling packages` shows what is.")
    require_ready(settings)
    _configure_telemetry(settings, "koppeling-worker")
    from ops.garbage import collect_less_often
    from ops.status_page import serving
    from ops.switching import hand_over_sooner
    from ops.worker import Worker
    from telemetry.progress import Progress

    collect_less_often()
    hand_over_sooner()
    progress = Progress()
    worker = Worker(worker_config(settings, packages or ()), progress=progress)
    with serving(settings, progress, lambda: worker.looking) as url:
        _announce_url(announce, url)
        asyncio.run(run_worker(worker, announce=announce))


async def run_worker(worker: Worker, *, announce: bool = False) -> None:
    """Run until SIGINT or SIGTERM, then drain; a second signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop, number)
    running = asyncio.ensure_future(worker.run(stop))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(running), 0.5)
    if announce and not running.done():
        print("ready", flush=True)
    await running


def _announcing(wanted: bool) -> Callable[[], None]:
    def ready() -> None:
        if wanted:
            print("ready", flush=True)

    return ready


def _announce_url(wanted: bool, url: str | None) -> None:
    if wanted and url is not None:
        print(f"http {url}", flush=True)


def _configure_telemetry(settings: Settings, service: str) -> None:
    from ops.setting_groups import LogFormat
    from telemetry import logging as our_logging
    from telemetry import tracing

    try:
        tracing.configure(service)
    except tracing.TracingMisconfigured as error:
        raise Trouble(str(error)) from error
    as_json = {LogFormat.JSON: True, LogFormat.CONSOLE: False}.get(settings.log.format)
    our_logging.configure(level=settings.log.level, as_json=as_json)
