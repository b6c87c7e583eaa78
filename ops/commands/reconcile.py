"""`koppeling reconcile`: ENK's documents against the ledger against what the package says now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import lane_key
from ops.commands.options import AsJson, DataDir, InPackage, Verbose, examples
from ops.commands.terminal import print_json, progress, quiet
from ops.commands.troubles import OK, SOMEBODY, TROUBLE, Trouble
from schemas.codes import Package

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.reconciliation_rows import Run
    from ledger.rows import LaneKey
    from ops.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "reconcile",
        epilog=examples(
            "koppeling reconcile adm-1001 --month 2026-03",
            "koppeling reconcile adm-1001 --last",
            "koppeling reconcile --all --json",
        ),
    )(reconcile)


def reconcile(
    administration: Annotated[
        str | None, typer.Argument(metavar="ADMINISTRATION", help="ENK's id of it; or --all.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every administration that is connected.")
    ] = False,
    months: Annotated[
        list[str] | None,
        typer.Option(
            "--month",
            "-m",
            help="A month, YYYY-MM, by the date on the invoice; may be repeated. Default: this one, the one "
            "before, and those of which a document was changed in the last 35 days.",
            show_default=False,
        ),
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Show the last result; ask nothing of the package.")
    ] = False,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="List what others booked as well, which is only counted else.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Wait at most so many seconds.", min=1)] = 900.0,
    package: InPackage = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Compare months: what ENK published, what is booked, and what the package holds now.

    The worker that holds the administration's connection makes the comparison; without one this command does.
    Nothing is written in the package. Exit code: 0 all agree, 3 somebody must do something, 1 a package could
    not be read.
    """
    quiet(verbose)
    if (administration is None) is not everything:
        raise typer.BadParameter("name an administration, or give --all.", param_hint="ADMINISTRATION")
    named = [_month(text) for text in months or ()]
    settings = _settings(data_dir, last=last)
    from ops.bootstrap import ledger

    with ledger(settings) as connection:
        wanted = _wanted(connection, administration, package, named, last=last)
        runs = _stored(connection, wanted) if last else _made(settings, connection, wanted, timeout)
    if as_json:
        from ops.reconciliation.as_json import runs_as_json

        print_json(runs_as_json(runs))
    else:
        from ops.commands.reconciliation_tables import show_runs

        show_runs(runs, foreign=foreign)
    raise typer.Exit(_exit_code(runs))


def _settings(data_dir: Path | None, *, last: bool) -> Settings:
    from ops.bootstrap import settings_for
    from ops.settings import Need

    return settings_for((Need.DATABASE,) if last else (Need.DATABASE, Need.CREDENTIALS), data_dir)


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month: write 2026-03.", param_hint="--month") from None


def _wanted(
    connection: psycopg.Connection[TupleRow],
    administration: str | None,
    package: Package | None,
    named: Sequence[date],
    *,
    last: bool,
) -> list[tuple[LaneKey, date]]:
    """Which months of which administrations."""
    from ledger.administration_list import list_administrations
    from ops.reconciliation.desk import default_months
    from ops.reconciliation.night import nightly_months

    if administration is None:
        keys = [
            one.key
            for one in list_administrations(connection, None, package)
            if one.current and one.connected_at is not None
        ]
        if not keys:
            raise Trouble("No administration is connected. `koppeling connect ADMINISTRATION` does so.")
    else:
        keys = [lane_key(connection, administration, package)]
        if not last:
            _require_connected(connection, keys[0])
    always = nightly_months(datetime.now(UTC))
    return [(key, month) for key in keys for month in named or default_months(connection, key, always)]


def _require_connected(connection: psycopg.Connection[TupleRow], key: LaneKey) -> None:
    from ledger.work import lane as read_lane
    from ops.packages import PACKAGES, FilePackage

    built, lane = PACKAGES.get(key.package), read_lane(connection, key)
    if built is None:
        raise Trouble(f"{key.package.label} is not built yet. `koppeling packages` shows what is.")
    if isinstance(built, FilePackage):
        return
    if lane is None or lane.connection is None:
        raise Trouble(
            f"Administration {key.administration} is not connected to {key.package.label}, so it cannot be "
            f"asked. `koppeling connect {key.administration}` does so; --last shows the last result."
        )


def _stored(connection: psycopg.Connection[TupleRow], wanted: Sequence[tuple[LaneKey, date]]) -> list[Run]:
    from ledger.reconciliation_results import latest_runs

    found = [run for key, month in wanted for run in latest_runs(connection, month, key)]
    if not found:
        raise Trouble("These months were not compared yet. Without --last they are compared now.")
    return found


def _made(
    settings: Settings,
    connection: psycopg.Connection[TupleRow],
    wanted: Sequence[tuple[LaneKey, date]],
    timeout: float,
) -> list[Run]:
    """Ask, wait with a bar, and show what came of it."""
    from ops.bootstrap import operator, reconciliation_means
    from ops.reconciliation.desk import Desk, NotFinished

    desk = Desk(reconciliation_means(settings), operator())
    asked = desk.ask(wanted)
    with progress() as bar:
        task = bar.add_task("comparing months", total=len(asked), state="")
        try:
            runs = asyncio.run(
                desk.finish(asked, timeout, lambda finished: bar.update(task, completed=finished))
            )
        except NotFinished:
            raise Trouble(
                f"Not finished within {timeout:g} s; it is made all the same as soon as a worker can. "
                "`koppeling reconcile … --last` shows what came of it."
            ) from None
        except KeyboardInterrupt:
            desk.withdraw(asked)
            raise
    if len(runs) < len(asked):
        # Somebody else asked for the same months, and theirs is newer.
        runs = _stored(connection, wanted)
    return runs


def _exit_code(runs: Sequence[Run]) -> int:
    if any(run.result is None for run in runs):
        return TROUBLE
    return SOMEBODY if any(run.result and run.result.needs_somebody for run in runs) else OK
