"""What a command works on: which ledger, and which administration in which package."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ops.commands.troubles import Trouble
from schemas.codes import Package

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.rows import LaneKey


def lane_key(
    connection: psycopg.Connection[TupleRow], administration: str, package: Package | None
) -> LaneKey:
    """The administration in the package named, or in the one that it uses now.

    Raises:
        Trouble: ENK has not announced it, and no package was named.
    """
    from ledger.administration_list import current_package
    from ledger.rows import LaneKey

    found = package or current_package(connection, administration)
    if found is None:
        raise Trouble(
            f"Administration {administration} is not known yet: ENK has not published it. Check the id with "
            "`koppeling administrations list`, or name the package with --package to set it up beforehand."
        )
    return LaneKey(administration, found)


def open_ledger(data_dir: Path | None) -> AbstractContextManager[psycopg.Connection[TupleRow]]:
    """The ledger that the settings name, else the one that `koppeling up` runs."""
    from ops.bootstrap import ledger, settings_for
    from ops.settings import Need

    return ledger(settings_for((Need.DATABASE,), data_dir))
