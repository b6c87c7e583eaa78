"""What `koppeling replay` shows: what would happen, how far it is, what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ops.commands.terminal import note, print_json, print_table, progress, say

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.replay_rows import Preview, Replay, ReplayId, ReplayItem

EVERY_SECONDS = 0.3
PATIENCE_SECONDS = 15.0
"""After so long without any step the person is told what it needs."""


def show_dry_run(seen: Preview, as_json: bool, went: bool = False) -> None:
    """The dry run, and what to do next; `went` when --go was given and there is nothing to do."""
    if as_json:
        print_json(seen.as_json())
        return
    print_preview(seen)
    if went:
        note("Nothing to send again: no replay was made.")
    elif seen.total:
        note("Nothing was done. To do it, add --go (and --rate 5/s --stop-after 10 as you like).")


def print_preview(seen: Preview) -> None:
    """Counts, a sample, and what is left out."""
    print_table(
        ("postings", "would be"),
        ((count, decision.sentence) for decision, count in seen.counts.items() if decision.goes),
        title=f"{seen.total} postings of {seen.administrations} administrations",
        right=("postings",),
        empty="No posting matches that a replay can do anything with.",
    )
    if seen.sample:
        say("")
        print_table(
            ("id", "administration", "package", "number", "gross", "outcome", "would be", "why it is there"),
            (
                (
                    row.posting.id,
                    row.posting.administration,
                    row.posting.package,
                    row.posting.number or row.posting.document_id,
                    row.posting.gross,
                    row.posting.state,
                    str(row.decision).replace("_", " "),
                    row.posting.message_nl,
                )
                for row in seen.sample
            ),
            title="Some of them",
            right=("gross",),
        )
    if seen.left_out:
        say("")
        print_table(
            ("postings", "because"),
            ((count, decision.sentence) for decision, count in seen.left_out.items()),
            title="Left out",
            right=("postings",),
        )


def print_replay(run: Replay) -> None:
    """All of one replay, its items counted."""
    from ledger.replay_rows import LEFT_OUT, SENTENCES, Decision

    ending = "" if run.finished or run.state == "running" else ", what is under way ends"
    facts: list[tuple[str, object]] = [
        ("state", f"{run.state}{ending}"),
        ("why it stopped", run.ended_why),
        ("ended by", run.ended_by),
        ("filter", ", ".join(f"{name} {value}" for name, value in run.filter.items())),
        ("asked by", run.asked_by),
        ("reason", run.why),
        ("asked at", run.asked_at),
        ("finished", run.finished_at),
        ("at most", f"{run.rate:g} a second; stops after {run.stop_after} failures in a row"),
        ("had their turn", f"{run.taken} of {run.total}"),
        ("under way", run.under_way or None),
    ]
    print_table(("replay", str(run.id)), [(name, value) for name, value in facts if value is not None])
    say("")
    print_table(
        ("postings", "became"),
        (
            (count, outcome.replace("_", " "))
            for outcome, count in sorted(run.outcomes.items(), key=lambda item: -item[1])
            if outcome != LEFT_OUT
        ),
        right=("postings",),
        empty="Nothing has an outcome yet.",
    )
    left_out = [
        *((count, SENTENCES[Decision(why)], "at their turn") for why, count in run.skipped.items()),
        *((count, SENTENCES[Decision(why)], "from the start") for why, count in run.left_out.items()),
    ]
    if left_out:
        say("")
        print_table(("postings", "because", "when"), left_out, title="Left out", right=("postings",))
    if run.failed:
        say(f"`koppeling replay show {run.id} --failed` lists what failed again.")
    if run.state in ("stopped", "cancelled") and run.taken < run.total:
        say(f"`koppeling replay resume {run.id}` goes on with the other {run.total - run.taken}.")


def print_items(items: Sequence[ReplayItem]) -> None:
    """Every item."""
    print_table(
        ("", "posting", "planned", "sent", "became", "code", "at"),
        (
            (
                item.position,
                item.posting,
                str(item.planned).replace("_", " "),
                item.sent_at,
                (item.outcome or ("under way" if item.sent_at else "to come")).replace("_", " "),
                item.code,
                item.ended_at,
            )
            for item in items
        ),
        empty="Nothing.",
    )


def follow(
    connection: psycopg.Connection[TupleRow],
    run: ReplayId,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Replay:
    """Show a replay's progress until it is finished; Ctrl-C ends only the watching."""
    from ledger.replays import replay

    found = replay(connection, run)
    assert found is not None
    moved_at, seen, told = monotonic(), (found.taken, found.under_way), False
    try:
        with progress() as bar:
            task = bar.add_task(f"Replay {run}", total=found.total, state="")
            while not found.finished:
                bar.update(task, completed=found.taken - found.under_way, state=_state(found))
                sleep(EVERY_SECONDS)
                latest = replay(connection, run)
                assert latest is not None
                found = latest
                now = monotonic()
                if (found.taken, found.under_way) != seen:
                    moved_at, seen = now, (found.taken, found.under_way)
                elif not told and now - moved_at > PATIENCE_SECONDS:
                    told = True
                    note(_why_still(found))
    except KeyboardInterrupt:
        note(f"Replay {run} goes on. `koppeling replay show {run}` tells how far it is.")
    return found


def _state(run: Replay) -> str:
    counts = [f"{count} {outcome.replace('_', ' ')}" for outcome, count in run.outcomes.items()]
    under_way = [f"{run.under_way} under way"] if run.under_way else []
    return ", ".join([*under_way, *counts])


def _why_still(run: Replay) -> str:
    if not run.taken:
        return "No worker has taken it up yet: does `koppeling worker` run? It begins when one does."
    return f"{run.under_way} are under way for a while: `koppeling status` shows what their lanes wait for."
