"""`koppeling attention`: what needs somebody and was told to ENK, administration by administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import print_json, print_table, quiet
from schemas.codes import WhoActs

if TYPE_CHECKING:
    from ledger.attention_cases import OpenCase

TOLD = (WhoActs.SUPPORT, WhoActs.BOOKKEEPER, WhoActs.ENK_USER)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling attention",
            "koppeling attention --who bookkeeper",
            "koppeling attention -a adm-1001 --json",
        )
    )(attention)


def attention(
    administration: Annotated[
        str | None, typer.Option("--administration", "-a", help="Of this administration.")
    ] = None,
    who: Annotated[
        str | None, typer.Option("--who", "-w", help=f"For one of: {', '.join(TOLD)}.", metavar="WHO")
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """List what needs somebody in an administration and is not over: what ENK was told to tell.

    Workers look for it every half minute. What concerns a whole package or the platform is in
    `koppeling status`.
    """
    quiet(verbose)
    if who is not None and who not in TOLD:
        raise typer.BadParameter(f"{who!r} is none of: {', '.join(TOLD)}.", param_hint="--who")
    from ledger.attention import open_cases

    with open_ledger(data_dir) as connection:
        found = open_cases(connection, administration, WhoActs(who) if who else None)
    if as_json:
        print_json([as_json_of(case) for case in found])
        return
    print_table(
        ("administration", "package", "who acts", "kind", "code", "count", "since", "told", "what"),
        (
            (
                case.key.administration,
                case.key.package,
                case.key.who_acts,
                case.key.kind,
                case.key.code,
                case.count,
                case.since,
                case.told_at,
                case.message.nl,
            )
            for case in found
        ),
        right=("count",),
        empty="Nothing needs anybody.",
    )


def as_json_of(case: OpenCase) -> dict[str, object]:
    """A case for `--json`, under the names that its event has; absent values are left out."""
    values = {
        "id": case.key.id,
        "administration": case.key.administration,
        "package": case.key.package,
        "kind": case.key.kind,
        "who_acts": case.key.who_acts,
        "code": case.key.code,
        "message": case.message.model_dump(),
        "count": case.count,
        "examples": list(case.examples),
        "since": case.since,
        "opened_at": case.opened_at,
        "told_at": case.told_at,
    }
    return {name: value for name, value in values.items() if value is not None}
