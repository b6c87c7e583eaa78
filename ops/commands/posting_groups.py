"""`koppeling postings groups`: what needs somebody, by what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.postings import Administration, OfPackage
from ops.commands.terminal import print_json, print_table, quiet, say

if TYPE_CHECKING:
    from ledger.groups import Group


def register(app: typer.Typer) -> None:
    """Add the command to `koppeling postings`."""
    app.command(
        epilog=examples("koppeling postings groups", "koppeling postings groups -p snelstart --json")
    )(groups)


def groups(
    administration: Administration = None,
    package: OfPackage = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Show what needs somebody, grouped by package, code and field, most first."""
    quiet(verbose)
    from ledger.groups import groups as read

    with open_ledger(data_dir) as connection:
        found = read(connection, administration, str(package) if package else None)
    if as_json:
        print_json([group.as_json() for group in found])
        return
    print_table(
        (
            "postings",
            "package",
            "code",
            "field",
            "administrations",
            "oldest",
            "who acts",
            "for example",
            "which says",
        ),
        (_row(group) for group in found),
        right=("postings", "administrations"),
        empty="Nothing needs anybody.",
    )
    if found:
        say(
            "When what is wrong is mended: `koppeling replay --code CODE --field FIELD` shows what would be "
            "sent again, `koppeling postings show ID` all of one."
        )


def _row(group: Group) -> tuple[object, ...]:
    return (
        group.count,
        group.package,
        group.code,
        group.field,
        group.administrations,
        group.oldest,
        ", ".join(group.who_acts),
        group.example,
        group.message_nl,
    )
