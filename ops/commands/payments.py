"""`koppeling payments`: what the packages show of our sales invoices."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import print_json, print_table, quiet
from schemas.codes import Package

if TYPE_CHECKING:
    from ledger.payments import PaymentRow

app = typer.Typer(no_args_is_help=True, help="What the packages show of our sales invoices.")

STATUSES = ("open", "partly_paid", "paid", "overpaid")


@app.callback()
def _group() -> None:
    """Keeps `list` a subcommand."""


@app.command(
    "list",
    epilog=examples(
        "koppeling payments list --status partly_paid", "koppeling payments list -a adm-1001 --json"
    ),
)
def list_(
    administration: Annotated[str | None, typer.Option("--administration", "-a", help="Of this one.")] = None,
    package: Annotated[Package | None, typer.Option("--package", "-p", help="Of this package.")] = None,
    status: Annotated[str | None, typer.Option(help=f"One of: {', '.join(STATUSES)}.")] = None,
    number: Annotated[str | None, typer.Option("--number", "-n", help="Of this invoice.")] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only invoices that the package does not hold any more.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """List what was paid of the sales invoices that we booked, as their package last showed it."""
    quiet(verbose)
    if status is not None and status not in STATUSES:
        raise typer.BadParameter(f"{status!r} is none of: {', '.join(STATUSES)}.", param_hint="--status")
    from ledger.payments import PaymentFilter, list_payments
    from schemas.payment import PaymentStatus

    wanted = PaymentFilter(
        administration=administration,
        package=package,
        status=PaymentStatus(status) if status else None,
        number=number,
        only_missing=missing,
        limit=limit,
    )
    with open_ledger(data_dir) as connection, connection.cursor() as cursor:
        found = list_payments(cursor, wanted)
    if as_json:
        print_json([as_json_of(row) for row in found])
        return
    print_table(
        (
            "administration",
            "package",
            "number",
            "status",
            "gross",
            "paid",
            "open",
            "settled by",
            "last paid",
            "seen",
        ),
        (
            (
                row.administration,
                row.package,
                row.number,
                "missing in the package" if row.missing_since else row.status,
                row.gross,
                row.paid,
                row.open,
                row.settled_by,
                row.last_payment_date,
                row.observed_at,
            )
            for row in found
        ),
        right=("gross", "paid", "open"),
        empty="No payment matches. Invoices appear here once their package has shown them.",
    )


def as_json_of(row: PaymentRow) -> dict[str, object]:
    """A row for `--json`: amounts are decimal strings, absent values are left out."""
    return {name: value for name, value in asdict(row).items() if value is not None}
