"""One HTTP server for any number of simulators: each below its own path, the control interface beside."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from vendors.simulation.control import Control
from vendors.simulation.memory import recall, remember
from vendors.simulation.packages import load_simulator
from vendors.simulation.simulator import Clock, Simulator, Stage

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes; a 10 MB attachment in base64 and JSON fits."""


def now() -> datetime:
    """The time now in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Running:
    """Where a server can be reached."""

    url: str
    control: str
    stage: Stage
    simulators: dict[str, Simulator]

    def package_url(self, package: str) -> str:
        """The prefix of a package's own paths."""
        return f"{self.url}/{package}"

    def ready_lines(self) -> list[str]:
        """One JSON object per package: package, url, control."""
        return [
            json.dumps({"package": package, "url": self.package_url(package), "control": self.control})
            for package in self.simulators
        ]


def application(
    stage: Stage, simulators: dict[str, Simulator], base_url: Callable[[], str]
) -> web.Application:
    """The web application of a server."""
    control = Control(stage, simulators, base_url)

    async def dispatch(request: web.Request) -> web.StreamResponse:
        first, _, rest = request.path.lstrip("/").partition("/")
        if first == "_simulator":
            return await control.handle(request, rest.rstrip("/"))
        simulator = simulators.get(first)
        if simulator is None:
            return web.json_response({"error": f"no package at /{first}"}, status=404)
        return await simulator.handle(request, rest)

    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", dispatch)
    return app


@asynccontextmanager
async def running(
    packages: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    latency_ms: float = 0,
    seed: int = 0,
    clock: Clock = now,
    folder: Path | None = None,
    state: Path | None = None,
) -> AsyncIterator[Running]:
    """Serve simulators while the context lasts.

    Port 0 takes a free one; file packages work in `folder` (absent: a temporary one). Companies and books are
    remembered in the file `state` from one clean end to the next start.
    """
    with tempfile.TemporaryDirectory(prefix="koppeling-simulator-") as temporary:
        stage = Stage(clock, seed=seed, latency=latency_ms / 1000)
        place = folder or Path(temporary)
        simulators = {package: load_simulator(package, stage, place) for package in packages}
        if state is not None:
            recall(state, stage, simulators)
        url = ""
        runner = web.AppRunner(
            application(stage, simulators, lambda: url), access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        bound = runner.addresses[0][1]
        url = f"http://{host}:{bound}"
        for simulator in simulators.values():
            await simulator.start()
        try:
            yield Running(url, f"{url}/_simulator", stage, simulators)
        finally:
            stage.faults.clear()
            for simulator in simulators.values():
                await simulator.stop()
            await runner.cleanup()
            if state is not None:
                remember(state, stage, simulators)


async def run(
    packages: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    latency_ms: float = 0,
    seed: int = 0,
    folder: Path | None = None,
    state: Path | None = None,
    on_ready: Callable[[Running], None],
) -> None:
    """Serve simulators until SIGINT or SIGTERM; `on_ready` is called once the server answers."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with running(
        packages, host=host, port=port, latency_ms=latency_ms, seed=seed, folder=folder, state=state
    ) as server:
        on_ready(server)
        await ended.wait()
