"""What a run found, as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.backlog import Backlog
from bench.delivery import Delivered
from bench.run import SHARE_GOAL, Results

Row = tuple[str, str, str]


def show(results: Results, console: Console) -> None:
    """One row a figure: what, how much, and what it should be."""
    table = Table(title="Benchmarks: ratios within this run", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("goal", justify="right")
    for what, figure, goal in rows(results):
        table.add_row(what, figure, goal)
    console.print(table)


def save(results: Results, path: Path) -> None:
    """The same as JSON, with when and on what."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(results), indent=2) + "\n")


def as_json(results: Results) -> Mapping[str, object]:
    """Everything that was found; what was not run is null or empty."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    figures = [{"what": what.strip(), "figure": figure, "goal": goal} for what, figure, goal in rows(results)]
    return {
        "at": datetime.now(UTC).isoformat(),
        "machine": machine,
        **asdict(results),
        "figures": figures,
    }


def rows(results: Results) -> Iterator[Row]:
    """What, figure, goal."""
    if results.intake is not None:
        found = results.intake
        yield "intake: events/s by those of a bare agent", f"{found.ratio:.2f} ×", f"≥ {found.goal:g} ×"
        yield "  events/s", f"{found.intake:.0f}", ""
    if results.delivery is not None:
        compared = results.delivery
        yield (
            "delivery: worker CPU a document by the naive loop's",
            f"{compared.cpu_ratio:.2f} ×",
            f"≤ {compared.goal:g} ×",
        )
        yield "  documents/s by the naive loop's", f"{compared.speed_ratio:.2f} ×", ""
        yield "  naive loop, CPU a document", f"{compared.naive_cpu_ms:.2f} ms", ""
        yield from _delivered(compared.ours)
    for load in results.latency:
        yield (
            f"delivery, {load.latency_ms:g} ms, {load.administrations} administrations,"
            f" {load.processes} process(es): share of the ideal",
            f"{load.share_of_ideal or 0:.2f}",
            f"≥ {SHARE_GOAL:g}" if (load.administrations, load.processes) == (60, 1) else "",
        )
        yield from _delivered(load)
    yield from _under_load(results)
    if results.history is not None:
        cost = results.history
        yield (
            f"history: worker and PostgreSQL CPU a document with {cost.documents:,} finished by with none",
            f"{cost.ratio:.2f} ×",
            f"≤ {cost.goal:g} ×",
        )
        yield "  with, without", f"{cost.full_ms:.2f}, {cost.empty_ms:.2f} ms", ""
        yield "  the workers alone", f"{cost.worker_ratio:.2f} ×", ""
    if results.realtime is not None:
        delays = results.realtime
        yield (
            f"near-real-time, {delays.per_second:g} documents/s: ce_time to booked, p50 / p95",
            f"{delays.p50_ms:.0f} / {delays.p95_ms:.0f} ms",
            "",
        )
        yield (
            "  of which the package's own call",
            f"{delays.package_p50_ms:.0f} / {delays.package_p95_ms:.0f} ms",
            "",
        )


def _under_load(results: Results) -> Iterator[Row]:
    if results.isolation is not None:
        pairs = results.isolation
        yield (
            "isolation: p99 of the others with two sick administrations by without",
            f"{pairs.ratio:.2f} ×",
            f"≤ {pairs.goal:g} ×",
        )
        each = ", ".join(
            f"{without:.0f} → {with_:.0f}"
            for without, with_ in zip(pairs.without_ms, pairs.with_ms, strict=True)
        )
        yield f"  p99 per pair at {pairs.per_second:.0f} documents/s, ms", each, ""
    if results.recovery is not None:
        recovery = results.recovery
        yield (
            f"recovery: kill -9 to the administration's next booking, {recovery.kills} kill(s),"
            f" lease {recovery.lease:g} s: median / worst",
            f"{recovery.median_seconds:.1f} / {recovery.worst_seconds:.1f} s",
            "",
        )
    if results.replay is not None:
        run = results.replay
        yield (
            f"replay: a dry run over {run.postings:,} postings by a bare count, worst filter ({run.worst})",
            f"{run.ratio:.2f} ×",
            f"≤ {run.goal:g} ×",
        )
        for name, timed in run.by_filter.items():
            yield (
                f"  {name}: {timed.dry_run_seconds * 1000:.0f} by {timed.count_seconds * 1000:.0f} ms",
                f"{timed.ratio:.2f} ×",
                "",
            )
    if results.backlog is not None:
        yield from _backlog(results.backlog)


def _backlog(found: Backlog) -> Iterator[Row]:
    yield (
        f"backlog: peak memory with {found.long.documents:,} queued by {found.short.documents:,}",
        f"{found.memory_ratio:.2f} ×",
        f"≤ {found.memory_goal:g} ×",
    )
    yield "  with, without", f"{found.long.peak_megabytes:.0f}, {found.short.peak_megabytes:.0f} MB", ""
    yield (
        f"backlog: start to first booking with {found.long.documents:,} queued by an empty queue",
        f"{found.first_ratio:.2f} ×",
        f"≤ {found.first_goal:g} ×",
    )
    yield "  with, without", f"{found.long.first_seconds:.2f}, {found.empty.first_seconds:.2f} s", ""


def _delivered(load: Delivered) -> Iterator[Row]:
    yield "  documents/s", f"{load.documents_per_second:.0f}", ""
    yield "  worker, CPU a document", f"{load.worker_ms:.2f} ms", ""
    for stage, used in sorted(load.stages_ms.items(), key=lambda item: -item[1]):
        yield f"    {stage}", f"{used:.2f} ms", ""
    yield "  PostgreSQL, CPU a document", f"{load.postgres_ms:.2f} ms", ""
    yield "  simulator, CPU a document", f"{load.simulator_ms:.2f} ms", ""
    yield "  cores busy with something else", f"{load.others_cores:.1f}", "0"
    yield "  worker, peak memory", f"{load.peak_megabytes:.0f} MB", ""
