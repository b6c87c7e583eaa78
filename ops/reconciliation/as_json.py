"""A reconciliation as programs read it (`koppeling reconcile --json`): amounts are decimal strings."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ledger.reconciliation_rows import Difference, DifferenceKind, Run, Said, Sum, Totals


def runs_as_json(runs: Iterable[Run]) -> dict[str, object]:
    """Every month, and all doubles once, in whatever months they were seen."""
    listed = list(runs)
    doubles: dict[tuple[object, ...], dict[str, object]] = {}
    for run in listed:
        for one in run.result.differences if run.result else ():
            if one.kind is DifferenceKind.DOUBLE:
                doubles.setdefault((run.key, one.package_ids), double_as_json(run, one))
    return {"reconciliations": [run_as_json(run) for run in listed], "doubles": list(doubles.values())}


def double_as_json(run: Run, one: Difference) -> dict[str, object]:
    """A document that is in the package more than once."""
    return {
        "administration": run.key.administration,
        "direction": one.direction,
        "number": one.number,
        "relation": one.relation,
        "gross": _money(one.package_gross),
        "package_ids": list(one.package_ids),
        "posting": one.posting,
    }


def run_as_json(run: Run) -> dict[str, object]:
    """One month of one administration; absent values are left out."""
    result = run.result
    whole: dict[str, object] = {
        "administration": run.key.administration,
        "package": str(run.key.package),
        "month": f"{run.month:%Y-%m}",
        "state": str(run.state),
        "asked_by": run.asked_by,
        "finished_at": run.finished_at,
        "error": None if run.code is None else {"code": run.code, "message": _said(run.said)},
        "needs_somebody": None if result is None else result.needs_somebody,
        "totals": None if result is None else _totals(result.totals),
        "not_compared": None if result is None else [_said(said) for said in result.totals.not_compared],
        "differences": None if result is None else [_difference(one) for one in result.differences],
        "others_left_out": result.left_out if result and result.left_out else None,
    }
    return _present(whole)


def _totals(totals: Totals) -> dict[str, object]:
    return {
        "directions": [
            {
                "direction": one.direction,
                "enk": _sum(one.enk),
                "booked": _sum(one.booked),
                "open": _sum(one.open),
                "ended": _sum(one.ended),
                "in_package": _sum(one.ours),
                "by_others": _sum(one.others),
                "of_other_months": _sum(one.elsewhere),
            }
            for one in totals.directions
        ],
        "vat": [
            {
                "direction": row.direction,
                "kind": row.kind,
                "rate": f"{row.rate.normalize():f}",
                "net": _money(row.net),
                "vat": _money(row.vat),
            }
            for row in totals.vat
        ],
        "package_vat": [
            {"direction": row.direction, "code": row.code, "ours": _money(row.ours), "all": _money(row.all)}
            for row in totals.package_vat
        ],
        "journals": [
            {"direction": row.direction, "journal": row.journal, "ours": _sum(row.ours), "all": _sum(row.all)}
            for row in totals.journals
        ],
    }


def _difference(one: Difference) -> dict[str, object]:
    return _present(
        {
            "kind": str(one.kind),
            "direction": one.direction,
            "number": one.number,
            "relation": one.relation,
            "document_id": one.document_id,
            "posting": one.posting,
            "our_gross": _money(one.our_gross),
            "package_gross": _money(one.package_gross),
            "package_ids": list(one.package_ids),
            "outcome": one.state,
            "code": one.code,
            "who_acts": one.who_acts,
            "message": _said(one.said),
            "needs_somebody": one.needs_somebody,
        }
    )


def _sum(total: Sum) -> dict[str, object]:
    return {"documents": total.documents, "gross": _money(total.gross)}


def _said(said: Said | None) -> dict[str, object] | None:
    return None if said is None else {"nl": said.nl, "en": said.en}


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _present(values: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
