"""`python -m bench [BENCHMARK …]`: all benchmarks, or those that are named.

Starts Kafka, PostgreSQL and the simulator itself; prints a table and writes `bench/results/<name>.json`.
Every figure that has a goal is a ratio of two things measured in one run, so it means the same on any
machine, as long as nothing else keeps the machine busy.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench import report
from bench.place import place
from bench.run import BENCHMARKS, SMALL, Plan, Results, run, run_intake
from ops.embedded import KafkaNode

RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=", ".join(BENCHMARKS))
    parser.add_argument("--small", action="store_true", help="tiny sizes: shows that it works")
    parser.add_argument("--name", default=f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}", help="of the result file")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    chosen = parser.parse_args(arguments)
    wanted = chosen.benchmarks or list(BENCHMARKS)
    for name in wanted:
        if name not in BENCHMARKS:
            parser.error(f"{name} is none of {', '.join(BENCHMARKS)}")
    console = Console(stderr=True)
    results = measure(SMALL if chosen.small else Plan(), wanted, console)
    path = chosen.results / f"{chosen.name}.json"
    report.save(results, path)
    if chosen.json:
        print(path.read_text(), end="")
    else:
        report.show(results, Console(width=110))
    console.print(f"written to {path}")


def measure(plan: Plan, wanted: list[str], console: Console) -> Results:
    """Run on embedded services."""

    def tell(what: str) -> None:
        console.print(f"· {what}", highlight=False)

    # The intake on a broker of its own: it leaves tens of thousands of records behind.
    first = None
    if "intake" in wanted:
        with _broker() as broker:
            first = run_intake(broker, plan, tell)
    if wanted == ["intake"]:
        return Results(intake=first)
    with place() as there:
        return replace(run(there, plan, wanted, tell), intake=first)


@contextmanager
def _broker() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="koppeling-bench-") as folder:
        Path(folder).chmod(0o755)
        with KafkaNode(Path(folder) / "kafka") as kafka:
            yield kafka.bootstrap_servers


if __name__ == "__main__":
    main()
