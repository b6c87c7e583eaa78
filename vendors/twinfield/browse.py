"""Browse: rows of lines on relations' accounts, asked for by columns.

Only columns that the vendor's own definition of these browses has are asked for, and only `…signed`
amounts; a filter on a column that cannot filter makes the whole request fail. There is no paging: `total`
beside the number of rows says whether all came. Facts: vendor's article "Browse data" and the definitions
of browse 100 and 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vendors.twinfield.models import BookingKey, BrowseRow, Lines
from vendors.twinfield.wire import Element, element, leaf, plain, text_at

YEARPERIOD = "fin.trs.head.yearperiod"
JOURNAL = "fin.trs.head.code"
NUMBER = "fin.trs.head.number"
STATUS = "fin.trs.head.status"
ISSUED = "fin.trs.head.date"
RELATION = "fin.trs.line.dim2"
VALUE = "fin.trs.line.basevaluesigned"
OPEN = "fin.trs.line.openbasevaluesigned"
INVOICE_NUMBER = "fin.trs.line.invnumber"
MATCH_STATUS = "fin.trs.line.matchstatus"
MATCH_DATE = "fin.trs.line.matchdate"
MODIFIED = "fin.trs.line.modified"

PROVISIONAL_AND_FINAL = "normal"


@dataclass(frozen=True)
class Column:
    """A column of the answer, and what is asked of it."""

    field: str
    operator: str = "none"
    low: str = ""
    high: str = ""


def equal(field: str, value: str) -> Column:
    """Rows with exactly that value."""
    return Column(field, "equal", value)


def between(field: str, low: str, high: str) -> Column:
    """Rows from one value to another, both included."""
    return Column(field, "between", low, high)


def columns(code: Lines, wanted: Sequence[Column]) -> Element:
    """The request."""
    return element(
        "columns", *(_column(place, each) for place, each in enumerate(wanted, start=1)), code=str(code)
    )


def _column(place: int, column: Column) -> Element:
    asks = column.operator != "none"
    return element(
        "column",
        leaf("field", column.field),
        leaf("label", column.field.rpartition(".")[2]),
        leaf("visible", "true"),
        leaf("ask", "true" if asks else "false"),
        leaf("operator", column.operator),
        leaf("from", column.low),
        leaf("to", column.high),
        id=str(place),
    )


def rows_of(root: Element) -> list[BrowseRow]:
    """The rows of an answer.

    Raises:
        ValueError: it is not the answer to a browse, or not all rows came.
    """
    if root.tag != "browse":
        raise ValueError(f"<{plain(str(root.tag))}> in the place of <browse>")
    rows = [_row(node) for node in root.findall("tr")]
    total = root.get("total", "")
    if total.isdecimal() and int(total) > len(rows):
        raise ValueError(f"{len(rows)} of {total} rows came")
    return rows


def _row(node: Element) -> BrowseRow:
    values = {cell.get("field", ""): plain((cell.text or "").strip()) for cell in node.findall("td")}
    key = BookingKey(
        text_at(node, "key/code") or values.get(JOURNAL, ""),
        text_at(node, "key/number") or values.get(NUMBER, ""),
    )
    if not key.journal or not key.number:
        raise ValueError("a row without journal or number")
    return BrowseRow(key, text_at(node, "key/line"), values)
