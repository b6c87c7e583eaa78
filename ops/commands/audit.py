"""`koppeling audit`: what people did."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, examples, moment
from ops.commands.terminal import note, print_json, print_table, quiet


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling audit --since 7d",
            "koppeling audit --action postings --object 4711",
            "koppeling audit --who jansen --json",
        )
    )(audit)


def audit(
    who: Annotated[str | None, typer.Option(help="By somebody with this in their name.")] = None,
    action: Annotated[
        str | None, typer.Option(help="This action, or group of actions: postings, files.confirm, replay.")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--object", help="Done to this: a posting, file, administration or replay.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Since: 2026-03-31, or how long ago (2h, 7d).")] = None,
    until: Annotated[str | None, typer.Option(help="Before; as --since.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Show what people did: who, when, to what, and why. Newest first; filters add up."""
    quiet(verbose)
    from ledger.audit import ActionFilter, actions

    wanted = ActionFilter(
        who=who,
        action=action,
        what=on,
        since=moment(since) if since else None,
        until=moment(until) if until else None,
    )
    with open_ledger(data_dir) as connection:
        found = actions(connection, wanted, limit)
    if as_json:
        print_json([one.as_json() for one in found])
        return
    print_table(
        ("when", "who", "action", "object", "detail"),
        ((one.at, one.who, one.action, one.what, detail_of(one.detail)) for one in found),
        empty="Nobody did anything that matches.",
    )
    if len(found) == limit:
        note(f"Only the last {limit} are shown; --limit shows more.")


def detail_of(detail: object) -> str:
    """The detail of an action on one line: `reason: dubbel, filter: (code: too_long)`."""
    match detail:
        case dict():
            parts = [
                f"{name}: {detail_of(value)}" for name, value in detail.items() if value not in (None, {}, [])
            ]
            return ", ".join(parts)
        case list() | tuple():
            return " ".join(detail_of(value) for value in detail)
        case _:
            return str(detail)
