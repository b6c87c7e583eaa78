"""`koppeling schemas`: the contract with ENK as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.options import examples
from ops.commands.terminal import say

app = typer.Typer(no_args_is_help=True, help="The contract with ENK as files.")

SIMULATOR_FILE = "simulator.schema.json"


@app.callback()
def _group() -> None:
    """Keeps `export` a subcommand."""


@app.command(epilog=examples("koppeling schemas export docs/contract"))
def export(
    directory: Annotated[Path, typer.Argument(help="Created when missing; files in it are replaced.")],
) -> None:
    """Write the contract: JSON Schemas, an AsyncAPI 3 document, the simulators' control interface."""
    from schemas.export import contract_files
    from schemas.export import export as write
    from vendors.simulation import control_schema

    write(directory)
    (directory / SIMULATOR_FILE).write_text(
        json.dumps(control_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    say(f"{len(contract_files()) + 1} files are in {directory}.")
