"""`python -m bench.peers [PEER …]`: the same work by what one would take instead of this project.

Prints a table: documents a second as ratios, and what is missing or booked twice after kill -9 and after
answers that were cut when the booking had taken effect. The peers get their documents mapped already; ours
gets ENK's events and does everything. What the peers need is fetched from the registries on the first run,
into `.koppeling/peers`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.peers.contest import Contender, Contest, Shown, ours, peer, show
from bench.peers.environment import Peers, prepare
from bench.peers.stage import Work
from bench.place import place

FOLDER = Path(".koppeling") / "peers"
RESULTS = Path(__file__).parent.parent / "results"
NAIVE = "naive loop"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help="default: all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="what is fetched is kept here")
    parser.add_argument("--name", default=f"peers-{datetime.now(UTC):%Y-%m-%d}", help="of the result file")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--each", type=int, default=30, help="documents an administration")
    chosen = parser.parse_args(arguments)
    console = Console(stderr=True)
    found = prepare(chosen.folder.resolve(), lambda text: console.print(f"· {text}", highlight=False))
    contenders = {contender.name: contender for contender in _contenders(found)}
    for name in chosen.peers:
        if name not in contenders:
            parser.error(f"{name} is none of {', '.join(contenders)}")
    each = chosen.each
    plan = Contest(Work(each=each), Work(latency_ms=0, each=2 * each), Work(latency_ms=20, each=each))
    shown = []
    with place() as there:
        for name in chosen.peers or contenders:
            console.print(f"· {name}", highlight=False)
            shown.append(show(there, contenders[name], plan))
            console.print(f"  {shown[-1]}", highlight=False)
    path = chosen.results / f"{chosen.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "at": datetime.now(UTC).isoformat(),
                "plan": asdict(plan),
                "contenders": [asdict(each) for each in shown],
            },
            indent=2,
        )
        + "\n"
    )
    Console(width=120).print(table(shown, plan))
    console.print(f"written to {path}")


def _contenders(found: Peers) -> Iterator[Contender]:
    yield ours()
    yield peer("parallel-consumer", found.java_command)
    yield peer("faststream", lambda settings: found.python_command("faststream_app", settings))
    yield peer("quix-streams", lambda settings: found.python_command("quix_app", settings))
    yield peer(NAIVE, lambda settings: found.python_command("naive_loop", settings))


def table(shown: Sequence[Shown], plan: Contest) -> Table:
    """One row a contender."""
    speed = plan.speed
    ideal = speed.administrations / (speed.latency_ms / 1000)
    naive = next((each.without_latency for each in shown if each.name == NAIVE), None)
    made = Table(title=f"The same work by others; faults over {plan.faults.documents} documents")
    for column in (
        "",
        f"{speed.latency_ms:g} ms: time by the ideal's",
        "no latency: documents/s by the naive loop's",
        "2 × kill -9: missing",
        "double",
        f"{plan.cut:.0%} cut after: missing",
        "double",
    ):
        made.add_column(column, justify="right" if column else "left")
    for each in shown:
        made.add_row(
            each.name,
            f"{ideal / each.with_latency:.1f} ×" if each.with_latency else "–",
            f"{each.without_latency / naive:.2f} ×" if naive else f"{each.without_latency:.0f}/s",
            str(each.killed_missing),
            str(each.killed_double),
            str(each.cut_missing),
            str(each.cut_double),
        )
    return made


if __name__ == "__main__":
    main()
