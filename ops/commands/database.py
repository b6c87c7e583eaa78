"""`koppeling db`: the ledger's tables."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.options import DataDir, Verbose, Yes, examples
from ops.commands.terminal import quiet, say
from ops.commands.troubles import Trouble

app = typer.Typer(no_args_is_help=True, help="The ledger's tables.")


@app.command(epilog=examples("koppeling db upgrade"))
def upgrade(
    revision: Annotated[str, typer.Argument(help="Default is this program's own.")] = "head",
    force: Annotated[
        bool, typer.Option("--force", help="Even when workers that run cannot work with it.")
    ] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Bring the ledger's tables to this program's revision. Safe to run twice, or twice at once."""
    quiet(verbose)
    from ledger import schema
    from ops.bootstrap import settings_for
    from ops.settings import Need

    url = settings_for((Need.DATABASE,), data_dir).database_url
    if not force and schema.locked_out(url, revision):
        raise Trouble(
            "Workers of an older release are connected, and they cannot work with what this upgrade leaves. "
            "Stop all workers, upgrade, then start the new release. With --force they stop by themselves "
            "within seconds, and what they had in hand is looked up."
        )
    schema.upgrade(url, revision)
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


@app.command(epilog=examples("koppeling db restored"))
def restored(data_dir: DataDir = None, verbose: Verbose = False) -> None:
    """Say that the database was put back from a copy. Before the workers are started again.

    Every document is then looked up before its first send, and what may be in an import file that the ledger
    has forgotten is put to a person. Workers notice by themselves whatever left a trace in Kafka; this also
    covers a time in which Kafka was away.
    """
    quiet(verbose)
    from ledger.audit import record_action
    from ops.bootstrap import SERVICES, ledger, operator, receiver_group, settings_for
    from ops.kafka_clients import kafka_client_config
    from sinks.history import check_history

    settings = settings_for(SERVICES, data_dir)
    with ledger(settings) as connection:
        cause = check_history(
            connection,
            dict(kafka_client_config(settings)),
            receiver_group(settings),
            told="a person said that the database was put back from a copy",
        )
        with connection.transaction(), connection.cursor() as cursor:
            record_action(cursor, operator(), "restored", "ledger", {"cause": cause})
    say(f"Every administration is in recovery: {cause}. Start the workers.")
