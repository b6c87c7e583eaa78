"""`koppeling db`: the ledger's tables."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.options import DataDir, Verbose, Yes, examples
from ops.commands.terminal import quiet, say

app = typer.Typer(no_args_is_help=True, help="The ledger's tables.")


@app.command(epilog=examples("koppeling db upgrade"))
def upgrade(
    revision: Annotated[str, typer.Argument(help="Default is this program's own.")] = "head",
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Bring the ledger's tables to this program's revision. Safe to run twice, or twice at once."""
    quiet(verbose)
    from ledger import schema
    from ops.bootstrap import settings_for
    from ops.settings import Need

    schema.upgrade(settings_for((Need.DATABASE,), data_dir).database_url, revision)
    say("The ledger is up to date." if revision == "head" else f"The ledger is at revision {revision}.")


@app.command(epilog=examples("koppeling db downgrade 0001"))
def downgrade(
    revision: Annotated[str, typer.Argument(help="Such as 0001; base removes every table and all data.")],
    yes: Yes = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Take the ledger back to an older revision. What newer revisions stored is lost.

    Stop all workers first, and make a backup.
    """
    quiet(verbose)
    from ledger import schema
    from ops.bootstrap import settings_for
    from ops.settings import Need

    settings = settings_for((Need.DATABASE,), data_dir)
    if not yes and not typer.confirm(
        f"Take the ledger back to {revision}, and lose what is newer?", err=True
    ):
        raise typer.Abort
    schema.downgrade(settings.database_url, revision)
    say(f"The ledger is at revision {revision}.")
