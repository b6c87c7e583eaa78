"""`koppeling demo`: everything at once, with everything that goes wrong, and a proof at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import DataDir, Verbose, examples
from ops.commands.terminal import note, quiet, say
from ops.commands.troubles import OK, TROUBLE, Trouble
from schemas.codes import Package

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.demo.play import Played
    from ops.running.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples("koppeling demo", "koppeling demo --exit --seed 7", "koppeling demo -p snelstart")
    )(demo)


def demo(
    exit_after: Annotated[
        bool, typer.Option("--exit", help="End when it is over: 0 if the proof holds, 1 if not.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same month.")] = 1,
    packages: Annotated[
        list[Package] | None,
        typer.Option("--packages", "-p", help="Only this package; may be given more than once."),
    ] = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Play a month of an installation company in every package that is built, against simulators.

    It runs its own Kafka, PostgreSQL, intake and worker in a folder of its own, with faults switched on:
    too many calls, connections cut after a booking, an old token, an unknown ledger account, an invoice
    before its relation, a repeated event, an unreadable record. At the end the packages' books are compared
    with the events to the cent. Then it stays up until Ctrl-C, for you to look around.
    """
    quiet(verbose)
    chosen = _chosen(packages or ())
    from ops.autoconnect import Told
    from ops.demo.folder import demo_folder
    from ops.demo.play import DemoStopped, Play
    from ops.demo.report import print_report
    from ops.demo.scenario import company
    from ops.running.session import Session
    from ops.running.stack import QUICK, StackPlan

    def tell(told: Told) -> None:
        say(f"{told.key.package.label}: {told.key.administration} is {told.what}.")

    with demo_folder(data_dir) as folder:
        plan = StackPlan(folder, tuple(map(str, chosen)), terms=QUICK, seed=seed)
        own_limits: dict[Package, dict[str, object]] = {package: {} for package in chosen}
        with Session(
            plan, on_progress=note, extend=False, company_settings=own_limits, on_told=tell
        ) as session:
            say("Terms: " + ", ".join(f"{name}={value}" for name, value in session.stack.terms.items()))
            try:
                played = Play(session, [company(package, seed) for package in chosen]).run()
            except DemoStopped:
                note("Stopped before it was over.")
                raise typer.Exit(TROUBLE) from None
            print_report(played.standings, played.proof)
            _print_trouble(played)
            if not exit_after:
                _stay_up(session)
    raise typer.Exit(OK if played.is_good else TROUBLE)


def _chosen(packages: Sequence[Package]) -> list[Package]:
    from ops.autoconnect import SIMULATED

    missing = [package.label for package in packages if package not in SIMULATED]
    if missing:
        raise Trouble(f"Not built yet: {', '.join(missing)}. `koppeling packages` shows what is.")
    return [package for package in SIMULATED if not packages or package in packages]


def _print_trouble(played: Played) -> None:
    for problem in (*played.proof.problems, *played.trouble):
        say(f"  NOT AS IT MUST BE: {problem}")
    say("The proof holds." if played.is_good else "The proof does not hold.")


def _stay_up(session: Session) -> None:
    stack = session.stack
    here = f"--data-dir {session.data_dir}"
    say("")
    say("It stays up until Ctrl-C. Try, in another terminal:")
    for command in ("status", "postings list --needs-somebody", "payments list", "files list"):
        say(f"  koppeling {command} {here}")
    say(f"  koppeling publish FILE --wait {here}")
    say(f"  curl {stack.control}/books")
    say(f"  kill -9 {stack.pids.get('worker-1', '')}   (the worker; see {session.data_dir / 'pids.json'})")
    while not session.stop.wait(1.0):
        session.snapshot()
    note("Stopping.")
