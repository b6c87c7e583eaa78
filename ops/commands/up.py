"""`koppeling up`: everything in one terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import DataDir, Verbose, examples
from ops.commands.terminal import console, note, quiet, say

if TYPE_CHECKING:
    from ops.running.session import Session

STATUS_SECONDS = 10.0
LIVE_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling up --simulators", "koppeling up --simulators --data-dir /tmp/try --workers 2 --json"
        )
    )(up)


def up(
    simulators: Annotated[
        bool,
        typer.Option(
            "--simulators",
            help="Simulate the packages, and connect every announced administration to a fresh company.",
        ),
    ] = False,
    workers: Annotated[int, typer.Option(help="How many worker processes.", min=1, max=64)] = 1,
    seed: Annotated[int, typer.Option(help="Of the simulators.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the ready line as one JSON object, then nothing more.")
    ] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Run everything in this terminal until Ctrl-C: Kafka, PostgreSQL, the intake, workers, simulators.

    KAFKA__BOOTSTRAP_SERVERS and DATABASE__URL point to real services instead. Every process is started
    again when it dies; their process ids are shown and are in pids.json in the data directory, their logs in
    logs/. Other commands find what runs here by the same --data-dir.

    When everything works, one line is printed that begins with `ready` (with --json: one JSON object with
    `ready`, `data_dir`, `kafka`, `simulators`, `pids`, `http`). Scripts wait for it.

    Beside simulators, deliveries wait shorter than they would, so that one sees things happen: the terms are
    printed, and the environment overrules them. Simulators remember their books from one run to the next;
    when they are killed (-9) their books are gone, and administrations get fresh, empty companies.
    """
    quiet(verbose)
    from ops.embedded import DEFAULT_DATA_DIR
    from ops.running.session import Session
    from ops.running.stack import QUICK, StackPlan
    from ops.settings import load
    from vendors.simulation import PACKAGES_WITH_SIMULATOR

    folder = data_dir or load(()).data_dir or DEFAULT_DATA_DIR
    plan = StackPlan(
        data_dir=Path(folder),
        simulators=PACKAGES_WITH_SIMULATOR if simulators else (),
        workers=workers,
        terms=QUICK if simulators else {},
        seed=seed,
    )
    with Session(plan, on_progress=note) as session:
        _print_ready(session, as_json)
        if as_json:
            _watch_quietly(session)
        elif console().is_terminal:
            _watch_live(session)
        else:
            _watch_in_lines(session)
        note("Stopping.")
    note("Stopped.")


def _print_ready(session: Session, as_json: bool) -> None:
    stack = session.stack
    if as_json:
        ready = {
            "ready": True,
            "data_dir": str(stack.data_dir),
            "kafka": list(stack.settings.bootstrap_servers),
            "control": stack.control or None,
            "simulators": stack.simulator_urls,
            "terms": stack.terms,
            "pids": stack.pids,
            "http": stack.status_urls,
        }
        print(json.dumps(ready), flush=True)
        return
    for package, url in stack.simulator_urls.items():
        say(f"simulator of {package}: {url}")
    if stack.control:
        say(f"books, payments, faults: {stack.control}/books (docs/simulators.md)")
        say("terms: " + ", ".join(f"{name}={value}" for name, value in stack.terms.items()))
    say("processes: " + ", ".join(f"{name} {pid}" for name, pid in stack.pids.items()))
    for name, url in stack.status_urls.items():
        say(f"health and metrics of {name}: {url}/healthz, {url}/metrics")
    say(f"ready: publish with `koppeling publish FILE --data-dir {stack.data_dir}`; Ctrl-C stops everything")
    sys.stdout.flush()


def _watch_quietly(session: Session) -> None:
    while not session.stop.wait(LIVE_SECONDS):
        session.snapshot()


def _watch_live(session: Session) -> None:
    from rich.live import Live

    from ops.running.view import table

    with Live(table(session.snapshot()), console=console(), auto_refresh=False) as live:
        while not session.stop.wait(LIVE_SECONDS):
            live.update(table(session.snapshot()), refresh=True)


def _watch_in_lines(session: Session) -> None:
    from ops.running.view import line

    last = ""
    while not session.stop.wait(STATUS_SECONDS):
        now = line(session.snapshot())
        if now != last:
            say(now)
            sys.stdout.flush()
        last = now
