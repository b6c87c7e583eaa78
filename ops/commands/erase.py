"""`koppeling erase`: everything that the ledger knows of one relation, on their request."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import note, print_json, print_table, quiet
from ops.commands.troubles import SOMEBODY, Trouble


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            'koppeling erase rel-204 -a adm-1001 --reason "verzoek van 3 maart"',
            'koppeling erase rel-204 -a adm-1001 --reason "verzoek van 3 maart" --go',
        )
    )(erase)


def erase(
    relation: Annotated[str, typer.Argument(help="ENK's id of the relation, or its number.")],
    administration: Annotated[str, typer.Option("--administration", "-a", help="Of this administration.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit, so without personal data.")],
    go: Annotated[
        bool, typer.Option("--go", help="Really erase; without it only shows what would go.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Erase what the ledger knows of a relation: their data, and what finished documents say of them.

    Erase the relation in ENK first: an event that is published afterwards brings it back. Shows what goes and
    what stays, with the reason. Ends with 3 when something stays that can be erased once it is finished.
    """
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.erasure import erase_relation, find_relation
    from ledger.retention import ledger_now
    from ops.bootstrap import ledger, operator, retention, settings_for
    from ops.settings import Need

    settings = settings_for((Need.DATABASE,), data_dir)
    with ledger(settings) as connection, connection.transaction(), connection.cursor() as cursor:
        found = find_relation(cursor, administration, relation)
        if found is None:
            raise Trouble(
                f"Administration {administration} has no relation with id or number {relation}. "
                "`koppeling postings list --kind relation` lists them."
            )
        files_before = retention(settings).file_cutoff(ledger_now(connection))
        shares = erase_relation(cursor, administration, found, files_before, go=go)
        if go:
            detail = {share.what: share.count for share in shares if share.goes}
            record_action(
                cursor, operator(), "erase", f"{administration}/{found}", {"reason": reason, **detail}
            )
    if as_json:
        print_json(
            {
                "administration": administration,
                "relation": found,
                "done": go,
                "shares": [
                    {"what": one.what, "count": one.count, "goes": one.goes, "why": one.why or None}
                    for one in shares
                ],
            }
        )
    else:
        gone = "erased" if go else "goes"
        print_table(
            ("what", "count", "", "why"),
            ((one.what, one.count, gone if one.goes else "stays", one.why) for one in shares),
            right=("count",),
        )
    if not go:
        note("Nothing was done. To do it, say --go.")
    elif any(one.unfinished for one in shares):
        raise typer.Exit(SOMEBODY)
