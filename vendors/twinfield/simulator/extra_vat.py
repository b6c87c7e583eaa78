"""VAT codes that the settings of an office add."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from vendors.simulation.books import Direction
from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.settings import ExtraVatCode


def extra_vat_code(name: str, extra: ExtraVatCode) -> chart.VatCode:
    """A VAT code of the settings; it applies since 1990."""
    rate = Decimal(extra.percentage)
    rows: tuple[chart.VatRow, ...] = ()
    if extra.direction == "purchase" and extra.reverse_charged:
        rows = (chart.VatRow("1512", 100), chart.VatRow("1532", -100))
    elif rate:
        rows = (chart.VatRow("1530" if extra.direction == "sales" else "1510"),)
    return chart.VatCode(
        name,
        extra.name,
        Direction(extra.direction),
        ((date(1990, 1, 1), rate),),
        rows,
        extra.ict,
    )
