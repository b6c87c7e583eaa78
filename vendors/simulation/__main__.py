"""`python -m vendors.simulation PACKAGE…`: serve simulators until interrupted."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from vendors.simulation.packages import PACKAGES_WITH_SIMULATOR
from vendors.simulation.server import Running, run


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and serve; prints one JSON line per package when ready."""
    parser = argparse.ArgumentParser(prog="python -m vendors.simulation", description=__doc__)
    parser.add_argument("packages", nargs="+", choices=PACKAGES_WITH_SIMULATOR, metavar="PACKAGE")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="of every call to a package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where file packages work")
    parser.add_argument("--state", type=Path, default=None, help="remembers companies over a clean stop")
    chosen = parser.parse_args(arguments)
    asyncio.run(
        run(
            chosen.packages,
            host=chosen.host,
            port=chosen.port,
            latency_ms=chosen.latency,
            seed=chosen.seed,
            folder=chosen.folder,
            state=chosen.state,
            on_ready=announce,
        )
    )


def announce(server: Running) -> None:
    """Print where each package is."""
    for line in server.ready_lines():
        print(line, flush=True)


if __name__ == "__main__":
    main()
