"""A reconciliation as people read it: the month in figures, then what differs by document."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ledger.reconciliation_rows import Difference, DifferenceKind, DirectionTotals, Run, Sum
from ops.commands.terminal import note, print_table, say

COLUMNS = (
    "administration",
    "month",
    "difference",
    "direction",
    "number",
    "relation",
    "ENK",
    "package",
    "posting",
    "in the package as",
    "who acts",
    "what",
)


def show_runs(runs: Sequence[Run], *, foreign: bool) -> None:
    """Totals of every month, then everything that differs in one table."""
    for run in runs:
        _show_totals(run)
    print_table(
        COLUMNS,
        (
            _row(run, one)
            for run in runs
            if run.result is not None
            for one in run.result.differences
            if foreign or one.kind is not DifferenceKind.FOREIGN
        ),
        title="Differences by document",
        right=("ENK", "package"),
        empty="No differences by document.",
    )
    hidden = sum(one.others.documents for run in runs if run.result for one in run.result.totals.directions)
    if hidden and not foreign:
        say(f"{hidden} documents were typed in by hand or come from elsewhere; --foreign lists them.")
    left_out = sum(run.result.left_out for run in runs if run.result)
    if foreign and left_out:
        say(f"{left_out} more documents of others are counted and not listed.")


def _show_totals(run: Run) -> None:
    name = f"{run.key.administration} in {run.key.package.label}, {run.month:%Y-%m}"
    if run.result is None:
        said = run.said.en if run.said else "it was not made"
        note(f"{name}: could not be compared: {said}")
        return
    totals = run.result.totals
    if not any(_documents(one) for one in totals.directions):
        say(f"{name}: no documents.")
        return
    columns = ["direction"]
    parts = ("ENK", "booked", "open", "ended", "in the package", "by others", "of other months")
    for part in parts:
        columns += [part, "EUR"]
    print_table(
        columns,
        (
            (one.direction, *(value for part in _sums(one) for value in _both(part)))
            for one in totals.directions
        ),
        title=name,
        right=(*parts, "EUR"),
    )
    print_table(
        ("direction", "VAT kind", "rate", "net", "VAT"),
        ((row.direction, row.kind, f"{row.rate.normalize():f} %", row.net, row.vat) for row in totals.vat),
        right=("rate", "net", "VAT"),
        empty="ENK's documents of the month have no content any more.",
    )
    if totals.package_vat:
        print_table(
            ("direction", "VAT in the package", "ours", "all"),
            ((row.direction, row.code, row.ours, row.all) for row in totals.package_vat),
            right=("ours", "all"),
        )
    if totals.journals:
        print_table(
            ("direction", "journal", "ours", "EUR", "all", "EUR"),
            ((row.direction, row.journal, *_both(row.ours), *_both(row.all)) for row in totals.journals),
            right=("ours", "all", "EUR"),
        )
    for sentence in totals.not_compared:
        say(f"Not compared. {sentence.en}")
    say("")


def _sums(one: DirectionTotals) -> tuple[Sum, ...]:
    return (one.enk, one.booked, one.open, one.ended, one.ours, one.others, one.elsewhere)


def _both(part: Sum) -> tuple[int, Decimal]:
    return part.documents, part.gross


def _documents(one: DirectionTotals) -> int:
    return sum(part.documents for part in _sums(one))


def _row(run: Run, one: Difference) -> tuple[object, ...]:
    return (
        run.key.administration,
        f"{run.month:%Y-%m}",
        one.kind,
        one.direction,
        one.number,
        one.relation,
        one.our_gross,
        one.package_gross,
        one.posting,
        " ".join(one.package_ids),
        one.who_acts,
        one.said.nl,
    )
