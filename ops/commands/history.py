"""`koppeling history`: what is over, how long it is kept, and dropping years of it."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import note, print_json, print_table, quiet, say
from ops.commands.troubles import Trouble

app = typer.Typer(no_args_is_help=True, help="What is over: how long it is kept, and letting go of it.")


@app.command(epilog=examples("koppeling history status", "koppeling history status --json"))
def status(as_json: AsJson = False, data_dir: DataDir = None, verbose: Verbose = False) -> None:
    """Show what the ledger keeps of what is over: by year of the archive, and what waits to go."""
    quiet(verbose)
    from ledger.history import history
    from ops.bootstrap import ledger, retention, settings_for
    from ops.settings import Need

    settings = settings_for((Need.DATABASE,), data_dir)
    kept = retention(settings)
    with ledger(settings) as connection:
        found = history(connection, kept)
    if as_json:
        print_json(found.as_json())
        return
    print_table(
        ("year", "documents", "size", "may be dropped"),
        (
            (year.year, year.documents, _size(year.bytes), year.year <= found.newest_droppable)
            for year in found.years
        ),
        title="Archive",
        right=("documents", "size"),
        empty="The archive is empty.",
    )
    say("")
    print_table(
        ("what", "count"),
        (
            (f"finished documents older than {kept.finished.days} days, not archived yet", found.to_archive),
            ("of that age in an import file that nobody confirmed: they stay until then", found.unconfirmed),
            ("of that age and not finished", found.unfinished),
            (f"import files of before {kept.file_cutoff(found.now):%Y} that still have bytes", found.files),
        ),
        right=("count",),
    )
    if found.dropped_before:
        say(f"What was issued before {found.dropped_before} was dropped: it is linked, never sent.")


@app.command(epilog=examples("koppeling history run"))
def run(as_json: AsJson = False, data_dir: DataDir = None, verbose: Verbose = False) -> None:
    """Let go now of everything past its retention. Workers do the same every hour by themselves.

    In small batches; stopping it with Ctrl-C does no harm.
    """
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.retention import tidy
    from ops.bootstrap import ledger, operator, retention, settings_for
    from ops.settings import Need

    settings = settings_for((Need.DATABASE,), data_dir)
    with ledger(settings) as connection:
        done = tidy(connection, retention(settings))
        if done is None:
            raise Trouble("A worker is at it right now; `koppeling history status` shows how far it is.")
        counts = {
            "archived": done.archived,
            "input_records": done.input_records,
            "rejected_inputs": done.rejected_inputs,
            "files": done.files,
        }
        if done.total:
            with connection.transaction(), connection.cursor() as cursor:
                record_action(cursor, operator(), "history.run", "all", counts)
    if as_json:
        print_json(counts)
        return
    say(
        f"Archived {done.archived} documents; let go of {done.input_records} notes of input records, "
        f"{done.rejected_inputs} rejected inputs and the bytes of {done.files} import files."
    )


@app.command(epilog=examples("koppeling history drop 2018", "koppeling history drop 2018 --go"))
def drop(
    year: Annotated[int, typer.Argument(help="The oldest year of the archive.")],
    go: Annotated[
        bool, typer.Option("--go", help="Really drop it; without it only shows what would go.")
    ] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Drop a year of the archive, once its documents need not be kept any more.

    From then on an invoice issued in or before that year is never sent: if ENK delivers one again it is
    looked up and linked, or set aside with that reason.
    """
    quiet(verbose)
    from ledger.archive import count_year, drop_year, years
    from ledger.audit import record_action
    from ledger.retention import ledger_now
    from ops.bootstrap import ledger, operator, retention, settings_for
    from ops.settings import Need

    settings = settings_for((Need.DATABASE,), data_dir)
    with ledger(settings) as connection:
        there = [one.year for one in years(connection)]
        newest = retention(settings).newest_droppable(ledger_now(connection))
        if year not in there:
            listed = ", ".join(map(str, there)) or "none"
            raise Trouble(f"The archive has no year {year}; it has: {listed}.")
        if year > newest:
            raise Trouble(
                f"{year} must be kept: the last year that may go is {newest} (RETENTION__ARCHIVE_YEARS)."
            )
        if year != there[0]:
            raise Trouble(f"The oldest year goes first: `koppeling history drop {there[0]}`.")
        count = count_year(connection, year)
        if not go:
            say(f"{count} documents finished in {year} would be forgotten.")
            note(f"Nothing was done. To do it: `koppeling history drop {year} --go`.")
            return
        with connection.transaction(), connection.cursor() as cursor:
            record_action(cursor, operator(), "history.drop", str(year), {"documents": count})
        drop_year(connection, year)
    say(f"{count} documents finished in {year} are forgotten.")


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"
