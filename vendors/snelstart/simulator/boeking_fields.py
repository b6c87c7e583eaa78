"""The fields of sales and purchase bookings, as they are sent and as they are once checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vendors.simulation.books import Direction
from vendors.snelstart.simulator import binding, chart
from vendors.snelstart.simulator.binding import (
    Field,
    boolean,
    choice,
    day,
    decimal,
    fields,
    integer,
    nested,
    nothing,
    several,
    text,
)
from vendors.snelstart.simulator.chart import Soort
from vendors.snelstart.simulator.company import Relatie

VAT_ROWS = (
    "Geen",
    "VerkopenLaag",
    "VerkopenHoog",
    "VerkopenOverig",
    "VerkopenVerlegd",
    "InkopenLaag",
    "InkopenHoog",
    "InkopenOverig",
    "InkopenVerlegd",
)
"""`btwSoort` of a VAT row, in the order of the vendor's enum."""

REVERSE_CHARGE = {Direction.SALES: "VerkopenVerlegd", Direction.PURCHASE: "InkopenVerlegd"}
EU_FUNCTIONS = {80, 88}

LINE = fields(
    Field("omschrijving", text),
    Field("grootboek", binding.reference),
    Field("kostenplaats", binding.reference),
    Field("bedrag", decimal),
    Field("btwSoort", choice(*(soort.value for soort in Soort))),
)
VAT_ROW = fields(Field("btwSoort", choice(*VAT_ROWS)), Field("btwBedrag", decimal))


_SHARED = (
    Field("id", binding.guid),
    Field("factuurnummer", text),
    Field("factuurdatum", day),
    Field("factuurbedrag", decimal),
    Field("omschrijving", text),
    Field("boekstuk", text),
    Field("markering", boolean),
    Field("boekingsregels", several(nested(LINE))),
    Field("btw", several(nested(VAT_ROW))),
    Field("uri", nothing, read_only=True),
    Field("modifiedOn", nothing, read_only=True),
    Field("gewijzigdDoorAccountant", nothing, read_only=True),
    Field("documents", nothing, read_only=True),
)
SALES = fields(
    *_SHARED,
    Field("klant", binding.reference),
    Field("betalingstermijn", integer),
    Field(
        "eenmaligeIncassoMachtiging",
        nested(fields(Field("kenmerk", text), Field("omschrijving", text), Field("datum", day))),
    ),
    Field("doorlopendeIncassoMachtiging", binding.reference),
)
PURCHASE = fields(*_SHARED, Field("leverancier", binding.reference))


@dataclass(frozen=True)
class Line:
    """One checked line."""

    account: chart.Account
    soort: Soort
    amount: Decimal
    text: str
    cost_centre: chart.CostCentre | None


@dataclass(frozen=True)
class VatRow:
    """One checked VAT row."""

    soort: str
    amount: Decimal


@dataclass(frozen=True)
class Checked:
    """A booking that broke no rule."""

    number: str
    relation: Relatie
    day: date
    gross: Decimal
    lines: Sequence[Line]
    vat: Sequence[VatRow]
    term: int | None
