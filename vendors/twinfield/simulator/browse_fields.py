"""The columns of the browses 100 (debtors) and 200 (creditors): label, type, operator, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from vendors.simulation.books import Role
from vendors.twinfield.simulator.booking import Booking, Line
from vendors.twinfield.simulator.fields import day_text
from vendors.twinfield.simulator.messages import Language
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.transaction_answers import match_status, money

Operator = Literal["none", "equal", "between"]

STATUS_NAMES: Mapping[str, tuple[str, str]] = {
    "temporary": ("Concept", "Provisional"),
    "final": ("Definitief", "Final"),
}
MATCH_NAMES: Mapping[str, tuple[str, str]] = {
    "available": ("Beschikbaar", "Available"),
    "proposed": ("Voorgesteld", "Proposed"),
    "matched": ("Afgeletterd", "Matched"),
}


@dataclass(frozen=True)
class Row:
    """A line on the account of a relation."""

    office: TwinfieldOffice
    booking: Booking
    line: Line


@dataclass(frozen=True)
class Column:
    """A field of a browse. `in_definition` is False for one that is accepted but not shown by default."""

    field: str
    labels: tuple[str, str]
    type: str
    operator: Operator
    show: Callable[[Row], str]
    in_definition: bool = True

    def label(self, language: Language) -> str:
        """Its label in the language of the user."""
        return self.labels[0 if language == "nl" else 1]


def _day(day: date | None) -> str:
    return "" if day is None else day_text(day)


def _relation_name(row: Row) -> str:
    kinds = ("DEB",) if row.office.accounts[row.line.dim1].control is Role.DEBTOR else ("CRD",)
    for kind in kinds:
        dimension = row.office.dimensions.get((kind, row.line.dim2))
        if dimension is not None:
            return dimension.name
    return ""


def _match_numbers(row: Row) -> str:
    return ", ".join(str(place) for place in range(1, len(row.booking.matches) + 1))


def _columns(relation: tuple[str, str]) -> tuple[Column, ...]:
    head, line = "fin.trs.head", "fin.trs.line"
    return (
        Column(f"{head}.yearperiod", ("Periode", "Period"), "String", "between", lambda r: r.booking.period),
        Column(f"{head}.code", ("Dagboek", "Daybook"), "String", "equal", lambda r: r.booking.daybook),
        Column(
            f"{head}.shortname",
            ("Naam", "Name"),
            "String",
            "none",
            lambda r: r.office.daybooks[r.booking.daybook].short,
        ),
        Column(
            f"{head}.number",
            ("Boekst.nr.", "Trans. no."),
            "Decimal",
            "between",
            lambda r: str(r.booking.number),
        ),
        Column(f"{head}.status", ("Status", "Status"), "String", "equal", lambda r: r.booking.status),
        Column(f"{head}.date", ("Boekdatum", "Date"), "Date", "none", lambda r: day_text(r.booking.day)),
        Column(f"{line}.dim2", relation, "String", "between", lambda r: r.line.dim2),
        Column(f"{line}.dim2name", ("Naam", "Name"), "String", "none", _relation_name),
        Column(f"{head}.curcode", ("Valuta", "Currency"), "String", "equal", lambda _: "EUR"),
        Column(
            f"{line}.valuesigned", ("Bedrag", "Value"), "Value", "between", lambda r: money(r.line.signed)
        ),
        Column(
            f"{line}.basevaluesigned", ("Euro", "Euro"), "Value", "between", lambda r: money(r.line.signed)
        ),
        Column(
            f"{line}.repvaluesigned",
            ("Rapportagevaluta", "Reporting currency"),
            "Value",
            "between",
            lambda r: money(r.line.signed),
        ),
        Column(
            f"{line}.openbasevaluesigned",
            ("Openstaand bedrag", "Open amount"),
            "Value",
            "none",
            lambda r: money(r.booking.open),
        ),
        Column(
            f"{line}.invnumber",
            ("Factuurnr.", "Invoice no."),
            "String",
            "equal",
            lambda r: r.booking.invoice_number,
        ),
        Column(f"{line}.datedue", ("Vervaldatum", "Due date"), "Date", "none", lambda r: _day(r.booking.due)),
        Column(
            f"{line}.matchstatus",
            ("Betaalstatus", "Payment status"),
            "String",
            "equal",
            lambda r: match_status(r.office, r.booking),
        ),
        Column(f"{line}.matchnumber", ("Betaalnr.", "Match no."), "String", "none", _match_numbers),
        Column(
            f"{line}.matchdate",
            ("Betaaldatum", "Match date"),
            "Date",
            "between",
            lambda r: _day(r.booking.match_date),
        ),
        Column(
            f"{head}.office",
            ("Administratie", "Company"),
            "String",
            "equal",
            lambda r: r.office.code,
            in_definition=False,
        ),
        Column(
            f"{line}.openvaluesigned",
            ("Openstaand bedrag", "Open amount"),
            "Value",
            "none",
            lambda r: money(r.booking.open),
            in_definition=False,
        ),
        Column(
            f"{line}.availableforpayruns",
            ("Beschikbaar voor betaalrun", "Available for payment runs"),
            "String",
            "none",
            lambda r: "false" if r.line.extra.get("freechar") == "N" else "true",
            in_definition=False,
        ),
        Column(
            f"{line}.modified",
            ("Gewijzigd", "Modified"),
            "Datetime",
            "between",
            lambda r: f"{r.booking.touched:%Y%m%d%H%M%S}",
            in_definition=False,
        ),
        Column(
            f"{head}.modified",
            ("Gewijzigd", "Modified"),
            "Datetime",
            "between",
            lambda r: f"{r.booking.modified:%Y%m%d%H%M%S}",
            in_definition=False,
        ),
    )


@dataclass(frozen=True)
class Browse:
    """A browse: whose lines it shows, in which columns."""

    code: str
    names: tuple[str, str]
    role: Role
    columns: Mapping[str, Column]


def _browse(code: str, names: tuple[str, str], role: Role, relation: tuple[str, str]) -> Browse:
    return Browse(code, names, role, {column.field: column for column in _columns(relation)})


BROWSES: Mapping[str, Browse] = {
    browse.code: browse
    for browse in (
        _browse(
            "100",
            ("Debiteurenmutaties", "Customer transactions"),
            Role.DEBTOR,
            ("Debiteur", "Customer"),
        ),
        _browse(
            "200",
            ("Crediteurenmutaties", "Supplier transactions"),
            Role.CREDITOR,
            ("Crediteur", "Supplier"),
        ),
    )
}
