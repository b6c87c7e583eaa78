"""`koppeling topics`: the topics as they are against the topics as they must be."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import print_json, print_table, quiet, say

app = typer.Typer(no_args_is_help=True, help="Kafka's topics: partitions, retention, cleanup.")


@app.callback()
def _group() -> None:
    """Keeps `apply` a subcommand."""


@app.command(epilog=examples("koppeling topics apply", "koppeling topics apply --go"))
def apply(
    go: Annotated[bool, typer.Option("--go", "--yes", "-y", help="Do it; without it only show.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Create the topics that are missing and set what differs. Shows what would change until you say --go.

    A partition count is never changed: it is fixed for life.
    """
    quiet(verbose)
    from ops import topic_plan
    from ops.bootstrap import kafka_admin, settings_for
    from ops.settings import Need

    settings = settings_for((Need.KAFKA,), data_dir)
    with kafka_admin(settings) as admin:
        if go:
            found = topic_plan.apply(admin, replication_factor=settings.kafka.replication_factor)
        else:
            found = topic_plan.plan(admin)
    if as_json:
        print_json([asdict(difference) for difference in found])
        return
    if not found:
        say("All topics are as they must be.")
        return
    print_table(
        ("topic", "change", "setting", "now", "done" if go else "becomes"),
        ((each.topic, each.change, each.setting, each.found, each.wanted) for each in found),
    )
    say(
        f"{len(found)} changes made."
        if go
        else f"{len(found)} changes. Make them with `koppeling topics apply --go`."
    )
