"""`koppeling credentials`: the keys with which credentials are encrypted."""

from __future__ import annotations

import typer

from ops.commands.options import DataDir, Verbose, examples
from ops.commands.terminal import quiet, say

app = typer.Typer(no_args_is_help=True, help="The keys with which credentials are encrypted.")


@app.callback()
def _group() -> None:
    """Keeps `rotate-key` a subcommand."""


@app.command("rotate-key", epilog=examples("CREDENTIALS__KEYS=new,old koppeling credentials rotate-key"))
def rotate_key(data_dir: DataDir = None, verbose: Verbose = False) -> None:
    """Encrypt all stored credentials with the newest key of CREDENTIALS__KEYS.

    Put the new key first and keep the old one behind it, restart every worker, run this, then take the old
    key out. Running it again does no harm.
    """
    quiet(verbose)
    from ledger.audit import record_action
    from ops.bootstrap import ledger, operator, settings_for, vault
    from ops.settings import Need

    settings = settings_for((Need.DATABASE, Need.CREDENTIALS), data_dir)
    with ledger(settings) as connection, connection.transaction(), connection.cursor() as cursor:
        count = vault(settings).rotate(cursor)
        record_action(cursor, operator(), "credentials.rotate-key", "all", {"connections": count})
    say(
        f"The credentials of {count} connections are encrypted with the newest key. When every process "
        "has it, the "
        "older keys can be taken out of CREDENTIALS__KEYS."
    )
