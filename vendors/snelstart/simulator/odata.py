"""The options of a list call in the OData v3 subset that SnelStart documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vendors.snelstart.simulator.odata_filter import Filter, Parser, Row
from vendors.snelstart.simulator.problems import odata

LARGEST_PAGE = 500


@dataclass(frozen=True)
class Page:
    """The options of a list call."""

    filter: Filter | None
    top: int
    skip: int
    select: tuple[str, ...]


def read_options(query: Mapping[str, str], example: Row, type_name: str) -> Page:
    """The OData options of a query string; options without `$` are not OData and are ignored.

    Raises:
        Rejection: an option is unknown or impossible.
    """
    for name in query:
        if name.startswith("$") and name not in {"$filter", "$top", "$skip", "$select"}:
            raise odata(f"The query parameter '{name}' is not supported.")
    top = _number(query, "$top", LARGEST_PAGE)
    if not 1 <= top <= LARGEST_PAGE:
        raise odata(
            "The query specified in the URI is not valid. "
            f"The limit of '{LARGEST_PAGE}' for Top query has been exceeded. "
            f"The value from the incoming request is '{top}'."
        )
    text = query.get("$filter")
    chosen = Parser(text, example, type_name).parse() if text is not None and text.strip() else None
    select = tuple(part.strip() for part in query.get("$select", "").split(",") if part.strip())
    for part in select:
        if not part[:1].isupper() or part[:1].lower() + part[1:] not in example:
            raise odata(f"Could not find a property named '{part}' on type '{type_name}'.")
    return Page(chosen, top, _number(query, "$skip", 0), select)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise odata(f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def page_of(rows: Iterable[Row], page: Page) -> list[dict[str, object]]:
    """The rows that a list call answers with."""
    found: list[dict[str, object]] = []
    skipped = 0
    for row in rows:
        if page.filter is not None and not page.filter.test(row):
            continue
        if skipped < page.skip:
            skipped += 1
            continue
        found.append(dict(row) if not page.select else _selected(row, page.select))
        if len(found) == page.top:
            break
    return found


def _selected(row: Row, select: tuple[str, ...]) -> dict[str, object]:
    keys = [part[:1].lower() + part[1:] for part in select]
    return {key: row[key] for key in keys}
