"""What is sent without asking the package first whether it is there."""

from __future__ import annotations

from ops.packages import PACKAGES, FilePackage
from schemas.invoice import Direction
from schemas.outcome import Package
from sinks.snelstart import TRAITS as SNELSTART

KIND_OF_DIRECTION = {Direction.SALES: "sales_invoice", Direction.PURCHASE: "purchase_invoice"}

GUARDED = {Package.SNELSTART: SNELSTART.guarded}
"""Directions in which a direct package itself refuses a number that it has."""


def unasked() -> frozenset[tuple[str, str]]:
    """(package, kind): files, and what the package guards itself."""
    files = {
        (str(package), kind)
        for package, made in PACKAGES.items()
        if isinstance(made, FilePackage)
        for kind in KIND_OF_DIRECTION.values()
    }
    guarded = {
        (str(package), KIND_OF_DIRECTION[direction])
        for package, directions in GUARDED.items()
        for direction in directions
    }
    return frozenset(files | guarded)
