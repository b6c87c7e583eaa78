"""How an installation that runs in one terminal looks: a live table, or plain lines for a log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from ledger.overview import StateCount
from ops.running.keeper import Kept, State
from schemas.outcome import Outcome

_STYLE = {State.RUNNING: "green", State.STARTING: "yellow", State.PAUSING: "red", State.STOPPED: "dim"}
_ORDER = {str(outcome): place for place, outcome in enumerate(Outcome)}


@dataclass(frozen=True)
class Snapshot:
    """What is shown: processes, documents by package and state, the last things that were done."""

    kept: Sequence[Kept]
    counts: Sequence[StateCount]
    told: Sequence[str]
    ledger_answers: bool = True


def table(snapshot: Snapshot) -> RenderableType:
    """For a terminal."""
    processes = Table(box=None, header_style="bold", title="Processes", title_justify="left")
    for column in ("name", "pid", "state", "restarts"):
        processes.add_column(column, justify="right" if column in {"pid", "restarts"} else "left")
    for kept in snapshot.kept:
        style = _STYLE[kept.state]
        processes.add_row(
            kept.name, str(kept.pid or ""), f"[{style}]{kept.state}[/]", str(kept.restarts or "")
        )
    parts: list[RenderableType] = [processes, "", _documents(snapshot)]
    if snapshot.told:
        parts += ["", *(escape(text) for text in snapshot.told)]
    return Group(*parts)


def _documents(snapshot: Snapshot) -> RenderableType:
    if not snapshot.ledger_answers:
        return "[yellow]The ledger does not answer now.[/]"
    if not snapshot.counts:
        return "No document has come in yet: `koppeling publish FILE`."
    by_package = _by_package(snapshot.counts)
    states = sorted({count.state for count in snapshot.counts}, key=lambda state: _ORDER.get(state, 99))
    documents = Table(box=None, header_style="bold", title="Documents", title_justify="left")
    documents.add_column("package")
    for state in states:
        documents.add_column(state.replace("_", " "), justify="right")
    for package, numbers in by_package.items():
        documents.add_row(package, *(str(numbers.get(state, "")) for state in states))
    return documents


def line(snapshot: Snapshot) -> str:
    """For a log: one line."""
    ill = [f"{kept.name} {kept.state}" for kept in snapshot.kept if kept.state is not State.RUNNING]
    restarts = sum(kept.restarts for kept in snapshot.kept)
    processes = ", ".join(ill) if ill else f"{len(snapshot.kept)} processes running"
    if restarts:
        processes += f" ({restarts} restarts)"
    if not snapshot.ledger_answers:
        return f"status: {processes}; the ledger does not answer"
    documents = "; ".join(
        f"{package}: " + ", ".join(f"{number} {state}" for state, number in numbers.items())
        for package, numbers in _by_package(snapshot.counts).items()
    )
    return f"status: {processes}; {documents or 'no documents yet'}"


def _by_package(counts: Sequence[StateCount]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for count in sorted(counts, key=lambda count: (count.package or "~", _ORDER.get(count.state, 99))):
        found[count.package or "unknown"][count.state] = count.count
    return dict(found)
