"""Which documents `koppeling reconcile` names as double."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from ops.chaos.documents import place_of
from ops.proof import Place
from vendors.simulation.contract import CompanyBooks


def doubles_named(data_dir: Path, books: Sequence[CompanyBooks]) -> Collection[Place]:
    """Ask reconciliation about every month whose books hold something twice."""
    named: set[Place] = set()
    for company in books:
        for month in months_with_doubles(company):
            named |= _named(data_dir, company.company, month)
    return named


def months_with_doubles(company: CompanyBooks) -> list[str]:
    """The months, `2026-03`, in which a company holds a document more than once."""
    double = {identifier for one in company.doubles for identifier in one.ids}
    held = (*company.sales, *company.purchases)
    return sorted({f"{entry.date:%Y-%m}" for entry in held if entry.id in double})


def _named(data_dir: Path, administration: str, month: str) -> set[Place]:
    command = [sys.executable, "-m", "ops.cli", "reconcile", administration, "--month", month, "--json"]
    asked = subprocess.run(
        [*command, "--data-dir", str(data_dir)], capture_output=True, text=True, check=False
    )
    if not asked.stdout.strip():
        return set()
    answer = json.loads(asked.stdout)
    return {
        place_of(administration, str(double["direction"]), str(double["number"]))
        for double in answer.get("doubles", [])
    }
