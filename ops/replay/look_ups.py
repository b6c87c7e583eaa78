"""What is sent without asking the package first whether it is there, as the packages declare it."""

from __future__ import annotations

from collections.abc import Mapping

from ops.packages import PACKAGES, DirectPackage, FilePackage
from schemas.invoice import Direction
from schemas.outcome import Package

KIND_OF_DIRECTION = {Direction.SALES: "sales_invoice", Direction.PURCHASE: "purchase_invoice"}


def unasked(packages: Mapping[Package, DirectPackage | FilePackage] = PACKAGES) -> frozenset[tuple[str, str]]:
    """(package, kind): files, which cannot be asked, and what a package itself refuses a second time."""
    return frozenset(
        (str(package), KIND_OF_DIRECTION[direction])
        for package, made in packages.items()
        for direction in _unasked_directions(made)
    )


def _unasked_directions(made: DirectPackage | FilePackage) -> frozenset[Direction]:
    return frozenset(Direction) if isinstance(made, FilePackage) else made.traits.guarded
