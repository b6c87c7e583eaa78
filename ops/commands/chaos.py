"""`koppeling chaos`: everything that can break breaks, and the books are compared with the events."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import Verbose, examples
from ops.commands.terminal import note, print_table, quiet, say
from ops.commands.troubles import OK, TROUBLE, Trouble

if TYPE_CHECKING:
    from ops.chaos.report import ChaosReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling chaos --minutes 2 --seed 7",
            "koppeling chaos --minutes 30 --administrations 54 --documents 20000 --naive --json chaos.json",
        )
    )(chaos)


def chaos(
    minutes: Annotated[
        float, typer.Option(help="How long documents are published under faults.", min=0.25)
    ] = 2,
    seed: Annotated[int, typer.Option(help="Of schedule, documents and simulators.")] = 1,
    administrations: Annotated[
        int, typer.Option(help="Two in three in SnelStart, the others in King.", min=3)
    ] = 12,
    documents: Annotated[int, typer.Option(help="Invoices to publish, at least.", min=3)] = 1_000,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=16)] = 2,
    naive: Annotated[
        bool,
        typer.Option(
            "--naive", help="Also put a loop without a ledger through the same kills and package faults."
        ),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Store the whole result as JSON.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            help="An empty folder to work in; default: a temporary one, kept when the proof does not hold.",
            show_default=False,
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Prove on the running system that nothing is lost and nothing is booked twice.

    Runs its own Kafka, PostgreSQL, intake, workers and simulators, publishes sample months in disorder, and
    meanwhile kills and stops processes, restarts and stalls the services, restores the database from a copy,
    fills folders, steps clocks, and lets the packages fail in every way that their simulators know. In the
    end the packages' books are compared with the events.

    Exit code 0: the proof holds; 1: it does not, and the table says where. The same seed draws the same
    schedule and the same documents.
    """
    quiet(verbose)
    from ops.chaos.play import ChaosPlan, DoesNotStart, play
    from ops.chaos.publishing import PublishingFailed

    folder = data_dir or Path(tempfile.mkdtemp(prefix="koppeling-chaos-"))
    if data_dir is not None and data_dir.exists() and any(data_dir.iterdir()):
        raise Trouble(f"{data_dir} is not empty: a run begins with empty books. Choose another --data-dir.")
    plan = ChaosPlan(minutes, seed, administrations, documents, workers, folder.absolute())
    note(f"{plan.command}, in {folder}")
    try:
        report = play(plan, note)
    except (DoesNotStart, PublishingFailed) as error:
        raise Trouble(str(error)) from error
    note(
        "Ours: the proof holds."
        if report.holds
        else f"Ours: the proof does not hold: {report.verdict.problems}"
    )
    if naive:
        from ops.chaos.naive_run import play_naive

        report = play_naive(plan, report, note)
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(), indent=2, default=str) + "\n")
    _show(report)
    if report.holds and data_dir is None:
        shutil.rmtree(folder, ignore_errors=True)
    if not report.holds:
        say(f"Logs and data: {folder}")
    raise typer.Exit(OK if report.holds else TROUBLE)


def _show(report: ChaosReport) -> None:
    from ops.chaos.report import told

    columns = ["count", "ours", "what it is"]
    rows: list[tuple[object, ...]] = [(name, ours, meaning) for name, ours, _, meaning in report.counts()]
    if report.naive is not None:
        columns.insert(2, "naive loop")
        rows = [
            (name, ours, "–" if theirs is None else theirs, meaning)
            for name, ours, theirs, meaning in report.counts()
        ]
    print_table(columns, rows, right=("ours", "naive loop"), title="The packages' books against the events")
    say("")
    print_table(
        ("fault", "struck", "found nothing", "median to the next booking", "worst"),
        report.fault_rows(),
        right=("struck", "found nothing", "median to the next booking", "worst"),
        title="Faults",
    )
    say("")
    say(f"processes killed: {sum(report.kills.values())} ({told(report.kills)})")
    say(f"calls answered wrongly: {told(report.hits)}")
    say(f"disorder of the input: {told(report.disorder)}")
    say(f"bookings found by look-up: {report.adopted}; consents given again: {report.consents}")
    say(f"what people were needed for: {told(report.operator)}")
    say(f"rows that wait for somebody at the end: {report.somebody}")
    settled = report.settled_seconds
    say("at rest: " + ("not within the limit" if settled is None else f"{settled:g} s after the last record"))
    if report.naive is not None:
        say(
            f"the naive loop was killed {report.naive.kills} times, and "
            + ("read all of its input" if report.naive.finished else "did not come to the end of its input")
        )
    say("terms: " + ", ".join(f"{name}={value}" for name, value in report.terms.items()))
    for text in (*report.notes, *report.verdict.findings):
        say(text)
    say(f"again: {report.command}")
    say("The proof holds." if report.holds else "The proof does not hold.")
