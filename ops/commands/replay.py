"""`koppeling replay`: sending many postings again, dry by default, and what became of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, examples, moment
from ops.commands.postings import (
    Administration,
    Field,
    Kind,
    NeedsSomebody,
    Numbers,
    OfCode,
    OfPackage,
    Open,
    Since,
    States,
    posting_filter,
)
from ops.commands.replay_progress import follow, print_items, print_preview, print_replay, show_dry_run
from ops.commands.terminal import print_json, print_table, quiet, say
from ops.commands.troubles import OK, SOMEBODY, Trouble

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.replay_rows import Replay, ReplayId
    from ledger.resend import Refused

app = typer.Typer(
    help="Send many postings again, after what was wrong is mended. Shows what would happen; --go does it. "
    "Filters add up. Workers carry it out: a closed terminal does not stop it."
)

RunArgument = Annotated[int, typer.Argument(help="Its number, as `replay list` shows it.")]
Reason = Annotated[str | None, typer.Option(help="Why; the audit keeps it.")]

_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}


def rate_of(text: str) -> float:
    """`5/s`, `90/m`, `1000/h`, or a bare number a second; raises `typer.BadParameter` for anything else."""
    number, _, unit = text.partition("/")
    try:
        rate = float(number) / _PER[unit or "s"]
    except (ValueError, KeyError):
        rate = 0.0
    if not 0 < rate < 1_000_000:
        raise typer.BadParameter(f"{text!r} is no rate: write 5/s, 90/m or 1000/h.", param_hint="--rate")
    return rate


@app.callback(
    invoke_without_command=True,
    epilog=examples(
        "koppeling replay --code not_found_ledger_account",
        "koppeling replay --code not_found_ledger_account --go --reason 'rekening 8150 aangemaakt'",
        "koppeling replay -p snelstart -s rejected --since 2d --go --rate 2/s --stop-after 3",
        "koppeling postings list -a adm-1001 -s rejected --json | jq -r '.[].id' | koppeling replay --ids -",
    ),
)
def replay(
    ctx: typer.Context,
    administration: Administration = None,
    package: OfPackage = None,
    kind: Kind = None,
    state: States = None,
    code: OfCode = None,
    field: Field = None,
    number: Numbers = None,
    ids: Annotated[
        str | None, typer.Option("--ids", help="A file with ids, one a line; - reads standard input.")
    ] = None,
    open_only: Open = False,
    needs_somebody: NeedsSomebody = False,
    since: Since = None,
    until: Annotated[str | None, typer.Option(help="Received before; as --since.")] = None,
    go: Annotated[bool, typer.Option("--go", help="Do it; needs at least one filter.")] = False,
    rate: Annotated[str, typer.Option(help="At most so many: 5/s, 90/m, 1000/h.")] = "5/s",
    stop_after: Annotated[
        int, typer.Option(help="Stop when so many in a row fail again (rejected, held, uncertain).", min=1)
    ] = 10,
    reason: Reason = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Start it and return; `replay show` follows it.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Send many postings again."""
    if ctx.invoked_subcommand is not None:
        return
    quiet(verbose)
    from ledger.overview import PostingFilter
    from ledger.resend import Refused
    from ops.bootstrap import operator
    from ops.replay.actions import dry_run, start

    a_second = rate_of(rate)
    wanted = replace(
        posting_filter(
            administration,
            package,
            kind,
            state,
            code,
            field,
            number,
            open_only,
            needs_somebody,
            since,
            _ids(ids) if ids is not None else (),
        ),
        until=moment(until) if until else None,
    )
    if go and wanted == PostingFilter():
        raise typer.BadParameter("--go needs at least one filter: a replay of everything is never meant.")
    with open_ledger(data_dir) as connection:
        seen = dry_run(connection, wanted)
        if not go:
            show_dry_run(seen, as_json)
            return
        if not seen.total:
            show_dry_run(seen, as_json, went=True)
            raise typer.Exit(SOMEBODY if seen.left_out else OK)
        if not as_json:
            print_preview(seen)
        run = start(connection, wanted, seen, operator(), why=reason, rate=a_second, stop_after=stop_after)
        if isinstance(run, Refused):
            raise Trouble(f"{run.why[0].upper()}{run.why[1:]}.")
        if no_wait:
            _report(_get(connection, run), as_json)
            return
        if not as_json:
            say(f"Replay {run} has begun. Ctrl-C leaves it running; `koppeling replay cancel {run}` ends it.")
        ended = follow(connection, run)
    _report(ended, as_json)
    raise typer.Exit(_status(ended))


def _ids(file: str) -> tuple[str, ...]:
    """The ids of a file, each once, in its order; raises `Trouble` when there are none."""
    text = sys.stdin.read() if file == "-" else Path(file).read_text()
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not found:
        raise Trouble("There are no ids in the file; one a line, as `koppeling postings list` shows them.")
    return found


@app.command("list", epilog=examples("koppeling replay list", "koppeling replay list --json"))
def list_(
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 20,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """List replays, newest first, and how far they are."""
    quiet(verbose)
    from ledger.replays import replays

    with open_ledger(data_dir) as connection:
        found = replays(connection, limit)
    if as_json:
        print_json([one.as_json() for one in found])
        return
    print_table(
        ("id", "state", "asked at", "by", "of", "had their turn", "failed again", "filter", "why"),
        (
            (
                one.id,
                one.state if one.finished or one.state == "running" else f"{one.state}, ending",
                one.asked_at,
                one.asked_by,
                one.total,
                one.taken,
                one.failed,
                " ".join(f"{name}={value}" for name, value in one.filter.items()),
                one.why,
            )
            for one in found
        ),
        right=("of", "had their turn", "failed again"),
        empty="There was no replay yet. `koppeling replay --help` shows how to make one.",
    )


@app.command(epilog=examples("koppeling replay show 12", "koppeling replay show 12 --items --failed"))
def show(
    run: RunArgument,
    with_items: Annotated[
        bool, typer.Option("--items", help="List every posting and what became of it.")
    ] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="Of the items only those that failed again.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is finished.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Show one replay: how far it is, what became of its postings, and what was left out and why."""
    quiet(verbose)
    from ledger.replay_rows import FAILED
    from ledger.replays import items

    with open_ledger(data_dir) as connection:
        found = _get(connection, run)
        if wait and not found.finished:
            found = follow(connection, found.id)
        outcomes = tuple(sorted(str(outcome) for outcome in FAILED)) if failed else ()
        listed = items(connection, found.id, outcomes) if with_items or failed else []
    if as_json:
        extra = {"items": [item.as_json() for item in listed]} if with_items or failed else {}
        print_json({**found.as_json(), **extra})
    else:
        print_replay(found)
        if with_items or failed:
            say("")
            print_items(listed)
    raise typer.Exit(_status(found) if wait else OK)


@app.command(epilog=examples("koppeling replay cancel 12 --reason 'verkeerde code'"))
def cancel(
    run: RunArgument, reason: Reason = None, data_dir: DataDir = None, verbose: Verbose = False
) -> None:
    """End a replay: nothing more is sent; what is under way ends as it does."""
    quiet(verbose)
    from ledger.replay_rows import ReplayId
    from ops.bootstrap import operator
    from ops.replay.actions import cancel as end

    with open_ledger(data_dir) as connection:
        _refuse(end(connection, ReplayId(run), operator(), reason))
        found = _get(connection, run)
    say(
        f"Replay {run} is cancelled: {found.taken} of {found.total} had their turn, {found.under_way} are "
        f"under way. `koppeling replay resume {run}` lets it go on."
    )


@app.command(epilog=examples("koppeling replay resume 12"))
def resume(
    run: RunArgument,
    reason: Reason = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once.")] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Let a replay that stopped, or was cancelled, go on with what it has not sent.

    Not needed after a restart or a kill of a worker: the next worker goes on by itself.
    """
    quiet(verbose)
    from ledger.replay_rows import ReplayId
    from ops.bootstrap import operator
    from ops.replay.actions import resume as go_on

    with open_ledger(data_dir) as connection:
        _refuse(go_on(connection, ReplayId(run), operator(), reason))
        found = _get(connection, run) if no_wait else follow(connection, ReplayId(run))
    print_replay(found)
    raise typer.Exit(OK if no_wait else _status(found))


def _get(connection: psycopg.Connection[TupleRow], run: int | ReplayId) -> Replay:
    from ledger.replay_rows import ReplayId
    from ledger.replays import replay as read

    found = read(connection, ReplayId(run))
    if found is None:
        raise Trouble(f"There is no replay {run}. `koppeling replay list` shows them.")
    return found


def _refuse(refused: Refused | None) -> None:
    if refused is not None:
        raise Trouble(f"{refused.why[0].upper()}{refused.why[1:]}. `koppeling replay list` shows them.")


def _report(run: Replay, as_json: bool) -> None:
    if as_json:
        print_json(run.as_json())
    else:
        print_replay(run)


def _status(run: Replay) -> int:
    return SOMEBODY if run.failed or run.state in ("stopped", "cancelled") or not run.finished else OK
