"""Browses: definitions, and rows that pass the filters of the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial

from vendors.twinfield.simulator.booking import Booking
from vendors.twinfield.simulator.browse_fields import (
    BROWSES,
    MATCH_NAMES,
    STATUS_NAMES,
    Browse,
    Column,
    Row,
)
from vendors.twinfield.simulator.fields import BOOLEAN, Field, Fields, read_day
from vendors.twinfield.simulator.names import name_office
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.refusal import Denied
from vendors.twinfield.simulator.tree import Node

_COLUMN: Fields = {
    "field": Field(),
    "label": Field(),
    "visible": Field(pattern=BOOLEAN),
    "ask": Field(pattern=BOOLEAN),
    "operator": Field(pattern="none|equal|between|like"),
    "from": Field(),
    "to": Field(),
    "finderparam": Field(),
}
_COLUMNS: Fields = {
    "sort": Field(inside={"field": Field(is_repeated=True)}),
    "column": Field(is_repeated=True, inside=_COLUMN),
}
_ALLOWED = {"none": ("none",), "equal": ("none", "equal"), "between": ("none", "equal", "between")}
_MOST_SORTS = 3


@dataclass(frozen=True)
class Asked:
    """A column that is asked for."""

    column: Column
    label: str
    is_visible: bool
    passes: Callable[[Row], bool]
    number: str | None = None
    """The one invoice number that is asked for, if it is that column."""


def query(office: TwinfieldOffice, request: Node) -> Node:
    """The rows of a browse; or the request with what is wrong in it."""
    echo = request.copy()
    check = office.check
    browse = BROWSES.get(echo.attributes.get("code", ""))
    if browse is None:
        echo.complain(check.say("browse_unknown", code=echo.attributes.get("code", "")))
        return echo
    check.elements(echo, _COLUMNS)
    asked = [_asked(office, browse, node) for node in echo.all("column")]
    sorts = _sorts(office, browse, echo)
    if echo.has_failed:
        echo.fail()
        return echo
    chosen = [one for one in asked if one is not None]
    numbers = [one.number for one in chosen if one.number is not None]
    rows = [
        row
        for row in _rows(office, browse, numbers[0] if numbers else None)
        if all(one.passes(row) for one in chosen)
    ]
    for column, is_descending in reversed(sorts):
        rows.sort(key=partial(_sort_key, column), reverse=is_descending)
    return _answer(office, chosen, rows, is_short=echo.attributes.get("optimize") == "true")


def _asked(office: TwinfieldOffice, browse: Browse, node: Node) -> Asked | None:
    check = office.check
    name = node.child("field")
    if name is None or name.text not in browse.columns:
        (name or node).complain(check.say("field_unknown", field=node.value("field")))
        return None
    column = browse.columns[name.text]
    operator = node.value("operator") or "none"
    if operator not in _ALLOWED[column.operator]:
        shown = node.child("operator") or node
        shown.complain(check.say("operator", field=column.field, operator=operator))
        return None
    is_on_matchstatus = operator != "none" and column.field.endswith(".matchstatus") and node.value("from")
    if is_on_matchstatus and not office.settings.matchstatus_filter:
        raise Denied(100, detail="filter on matchstatus")
    return Asked(
        column,
        node.value("label") or column.label(office.settings.language),
        node.value("visible") != "false",
        _filter(column, operator, node.value("from"), node.value("to")),
        (node.value("from") or None) if operator == "equal" and column.field.endswith(".invnumber") else None,
    )


def _filter(column: Column, operator: str, low: str, high: str) -> Callable[[Row], bool]:
    if operator == "none" or not (low or high):
        return lambda _: True
    if column.field.endswith("head.status") and low == "normal":
        return lambda row: row.booking.status in {"temporary", "final"}
    if operator == "equal":
        return lambda row: _comparable(column, column.show(row)) == _comparable(column, low)
    least = _comparable(column, low) if low else None
    most = _comparable(column, high) if high else None

    def is_between(row: Row) -> bool:
        text = column.show(row)
        if not text:
            return False
        value = _comparable(column, text)
        return (least is None or value >= least) and (most is None or value <= most)

    return is_between


def _comparable(column: Column, text: str) -> tuple[Decimal, str]:
    """Numbers by value, all else by text; a date of a Datetime stands for its first second."""
    if column.type in {"Value", "Decimal"}:
        try:
            return Decimal(text), ""
        except InvalidOperation:
            return Decimal(0), text
    if column.type == "Datetime" and len(text) == 8:
        return Decimal(0), f"{text}000000"
    return Decimal(0), text


def _sort_key(column: Column, row: Row) -> tuple[Decimal, str]:
    return _comparable(column, column.show(row))


def _sorts(office: TwinfieldOffice, browse: Browse, echo: Node) -> list[tuple[Column, bool]]:
    fields = (echo.child("sort") or Node("")).children
    found = []
    for place, node in enumerate(fields):
        if node.text not in browse.columns or place >= _MOST_SORTS:
            node.complain(office.check.say("field_unknown", field=node.text))
        else:
            found.append((browse.columns[node.text], node.attributes.get("order") == "descending"))
    return found


def _rows(office: TwinfieldOffice, browse: Browse, number: str | None) -> Iterator[Row]:
    """Every row, or those of one invoice number."""
    bookings = office.bookings.values() if number is None else office.numbered(number)
    for booking in sorted(bookings, key=_order):
        line = booking.relation_line
        if line is not None and office.accounts[line.dim1].control is browse.role:
            yield Row(office, booking, line)


def _order(booking: Booking) -> tuple[str, str, int]:
    return booking.period, booking.daybook, booking.number


def _answer(office: TwinfieldOffice, asked: list[Asked], rows: list[Row], *, is_short: bool) -> Node:
    total = str(len(rows))
    first = "1" if rows else "0"
    node = Node("browse", attributes={"result": "1", "first": first, "last": total, "total": total})
    head = node.add("th")
    visible = [one for one in asked if one.is_visible]
    for one in visible:
        cell = head.add("td", one.column.field, label=one.label)
        cell.attributes |= {"hideforuser": "false", "type": one.column.type}
    for row in rows:
        shown = node.add("tr")
        for one in visible:
            text = one.column.show(row)
            cell = shown.add("td", text)
            if not is_short:
                cell.attributes |= {"field": one.column.field, "hideforuser": "false"}
                cell.attributes["type"] = one.column.type
            name = _name(office, one.column, text)
            if name:
                cell.attributes["name"] = name
        key = shown.add("key")
        key.add("office", office.code)
        key.add("code", row.booking.daybook)
        key.add("number", str(row.booking.number))
        key.add("line", row.line.id)
    return node


def _name(office: TwinfieldOffice, column: Column, text: str) -> str:
    """What the user sees in the place of a code or date."""
    place = 0 if office.settings.language == "nl" else 1
    if column.field.endswith("head.status"):
        return STATUS_NAMES[text][place]
    if column.field.endswith(".matchstatus"):
        return MATCH_NAMES[text][place]
    day = read_day(text) if column.type == "Date" else None
    return "" if day is None else f"{day:%d/%m/%Y}"


def definition(office: TwinfieldOffice, code: str) -> Node:
    """The columns of a browse, as `<read><type>browse</type>` answers them."""
    browse = BROWSES.get(code)
    language = office.settings.language
    node = Node("browse")
    name_office(node.add("office"), office)
    shown = node.add("code", code)
    if browse is None:
        shown.complain(office.check.say("browse_unknown", code=code))
        node.fail()
        return node
    node.attributes["result"] = "1"
    node.add("name", browse.names[0 if language == "nl" else 1])
    columns = node.add("columns", code=code)
    for place, column in enumerate((c for c in browse.columns.values() if c.in_definition), start=1):
        one = columns.add("column", id=str(place))
        one.add("field", column.field)
        one.add("label", column.label(language))
        one.add("visible", "true")
        one.add("ask", "true" if column.operator != "none" else "false")
        one.add("operator", column.operator)
        one.add("from", "normal" if column.field.endswith("head.status") else "")
        one.add("to")
        one.add("finderparam")
    return node


def fields_list() -> Node:
    """Every field of every browse, as `<list><type>browsefields</type>` answers them."""
    node = Node("browsefields", attributes={"result": "1"})
    known = {column.field: column for browse in BROWSES.values() for column in browse.columns.values()}
    for column in known.values():
        one = node.add("browsefield")
        one.add("code", column.field)
        one.add("datatype", column.type)
        one.add("finder")
        one.add("canorder", "true")
    return node
