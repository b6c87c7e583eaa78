"""`koppeling simulator`: stand-ins for packages, over real HTTP."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import examples
from ops.commands.terminal import console, note
from ops.commands.troubles import Trouble

if TYPE_CHECKING:
    from vendors.simulation import Running


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling simulator snelstart king --port 8700",
            "koppeling simulator snelstart --latency 150 --seed 7",
        )
    )(simulator)


def simulator(
    packages: Annotated[list[str], typer.Argument(metavar="PACKAGE...", help="Such as snelstart or king.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 0,
    latency: Annotated[
        float, typer.Option(help="Milliseconds that every call to a package takes longer.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same ids and strikes of faults.")] = 0,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    folder: Annotated[
        Path | None, typer.Option(help="Where file packages look for files; default a temporary folder.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="A file that remembers companies and books over a clean stop.")
    ] = None,
) -> None:
    """Serve simulators until Ctrl-C. Standard output gets one JSON line per package, with its URLs.

    Books, payments, faults and companies are under the control URL; docs/simulators.md describes them.
    """
    from vendors.simulation import PACKAGES_WITH_SIMULATOR, run

    unknown = [package for package in packages if package not in PACKAGES_WITH_SIMULATOR]
    if unknown:
        raise Trouble(
            f"There is no simulator of {', '.join(unknown)}; there is one of: "
            f"{', '.join(PACKAGES_WITH_SIMULATOR)}."
        )
    try:
        asyncio.run(
            run(
                packages,
                host=host,
                port=port,
                latency_ms=latency,
                seed=seed,
                folder=folder,
                state=state,
                on_ready=announce,
            )
        )
    except OSError as error:
        raise Trouble(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Choose another --port."
        ) from error


def announce(server: Running) -> None:
    """JSON lines for programs on standard output, a table for people on standard error."""
    from rich.table import Table

    for line in server.ready_lines():
        print(line, flush=True)
    table = Table(box=None, header_style="bold")
    for column in ("package", "url", "control"):
        table.add_column(column, overflow="fold")
    for package in server.simulators:
        table.add_row(package, server.package_url(package), server.control)
    console(sys.stderr).print(table)
    note("Serving until Ctrl-C.")
