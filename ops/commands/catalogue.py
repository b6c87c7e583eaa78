"""`koppeling packages`: ENK's table of couplings, and what we do for each."""

from __future__ import annotations

import typer

from ops.commands.options import AsJson, examples
from ops.commands.terminal import print_json, print_table, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("koppeling packages", "koppeling packages --json"))(packages)


def packages(as_json: AsJson = False) -> None:
    """List the thirteen packages: ENK's table, what we do for each, how, and how well that is verified."""
    from dataclasses import asdict

    from schemas.catalogue import CATALOGUE

    if as_json:
        print_json(
            [
                {
                    **{name: value for name, value in asdict(row).items() if name != "package"},
                    "id": str(row.package),
                }
                for row in CATALOGUE
            ]
        )
        return
    print_table(
        (
            "Boekhoudpakket",
            "Type koppeling",
            "Teruglezen verkoopfacturen in ENK",
            "Extra module nodig",
            "id",
            "built",
        ),
        (
            (row.boekhoudpakket, row.type_koppeling, row.teruglezen, row.extra_module, row.package, row.built)
            for row in CATALOGUE
        ),
    )
    say("")
    print_table(
        ("package", "what it does", "through", "verified"),
        ((row.boekhoudpakket, row.does, row.interface, row.verified) for row in CATALOGUE),
    )
