"""`koppeling`: all commands in one place. Each group lives in `ops.commands` and loads what it needs."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from ops.commands import (
    administrations,
    attention,
    audit,
    catalogue,
    chaos,
    check,
    connect,
    contract,
    credentials,
    database,
    demo,
    editing,
    erase,
    files,
    history,
    payments,
    posting_actions,
    posting_groups,
    postings,
    processes,
    publish,
    reconcile,
    replay,
    replay_topic,
    simulator,
    status,
    topics,
    up,
)
from ops.commands.terminal import note
from ops.commands.troubles import INTERRUPTED, TROUBLE, sentence_of


class _Commands(TyperGroup):
    """Turns every expected trouble of any command into one sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            note("Stopped.")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            sentence = sentence_of(error)
            if sentence is None:
                raise
            note(sentence)
            raise typer.Exit(TROUBLE) from error


app = typer.Typer(
    cls=_Commands,
    name="koppeling",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    help="Books what ENK invoices in the customer's accounting package, once, and reads back what was "
    "paid.\n\n"
    "Start with `koppeling up --simulators` (everything in one terminal), then `koppeling publish FILE "
    "--wait` "
    "and `koppeling postings list`. `koppeling COMMAND --help` shows examples.\n\n"
    "Exit codes: 0 done; 1 trouble, with a sentence; 2 wrong command line; 3 done, and somebody is needed.",
)

# Running it. `up` and `demo` bring their own services and processes.
up.register(app)
demo.register(app)
chaos.register(app)
processes.register(app)
simulator.register(app)
publish.register(app)

# Seeing and repairing.
status.register(app)
attention.register(app)
reconcile.register(app)
posting_actions.register(postings.app)
editing.register(postings.app)
posting_groups.register(postings.app)
app.add_typer(postings.app, name="postings")
app.add_typer(replay.app, name="replay")
replay_topic.register(app)
audit.register(app)
app.add_typer(files.app, name="files")
app.add_typer(payments.app, name="payments")
app.add_typer(history.app, name="history")
erase.register(app)

# Setting up.
app.add_typer(administrations.app, name="administrations")
connect.register(app)
check.register(app)
app.add_typer(credentials.app, name="credentials")
app.add_typer(database.app, name="db")
app.add_typer(topics.app, name="topics")

# Knowing.
catalogue.register(app)
app.add_typer(contract.app, name="schemas")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
