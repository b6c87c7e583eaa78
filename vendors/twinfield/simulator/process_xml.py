"""What a document asks for: its root says whether something is listed, read, browsed or written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vendors.simulation.faults import CallKind
from vendors.twinfield.simulator import (
    browse,
    dimension_answers,
    dimension_types,
    dimensions,
    transaction_answers,
    transactions,
    vat_answers,
)
from vendors.twinfield.simulator.messages import Language, say
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.refusal import BadRequest, Denied
from vendors.twinfield.simulator.tree import Node

_MANY = {"dimension": "dimensions", "transaction": "transactions"}
_WRITES = frozenset({*_MANY, *_MANY.values()})


@dataclass(frozen=True)
class Desk:
    """Who asks: the office of the SOAP header and all that the user may open."""

    company: TwinfieldOffice | None
    offices: Mapping[str, TwinfieldOffice]
    language: Language


def kind_of(root: Node) -> CallKind:
    """Whether a document only asks."""
    return CallKind.READ if root.tag in {"list", "read", "columns"} else CallKind.WRITE


def operation_of(root: Node) -> str:
    """What the log calls it: `read.transaction`, `columns.100`, `transactions`, `dimensions`."""
    if root.tag in {"list", "read"}:
        return f"{root.tag}.{root.value('type')}"
    if root.tag == "columns":
        return f"columns.{root.attributes.get('code', '')}"
    return _MANY.get(root.tag, root.tag)


def office_named(root: Node) -> str:
    """The code of the first office that a document names; empty when it names none."""
    return next((node.text for node in root.walk() if node.tag == "office" and node.text), "")


def process(desk: Desk, root: Node) -> Node:
    """Do what a document asks.

    Raises:
        Denied: 187, a document of an unknown kind; 101, no office is named.
        BadRequest: a transaction has too many lines.
    """
    if root.tag == "list":
        return _list(desk, root)
    if desk.company is None:
        raise Denied(101, detail="no CompanyCode")
    if root.tag == "read":
        return _read(desk, root)
    if root.tag == "columns":
        return browse.query(_company(desk, root), root)
    if root.tag not in _WRITES:
        raise Denied(187, detail=f"root {root.tag}")
    if root.tag in _MANY:
        return _write(desk, root)
    single = {many: one for one, many in _MANY.items()}[root.tag]
    if any(child.tag != single for child in root.children) or not root.children:
        raise Denied(187, detail=f"{root.tag} with something else inside")
    _refuse_too_large(root.children)
    answer = Node(root.tag, children=[_write(desk, child) for child in root.children])
    failed = any(child.has_failed for child in answer.children)
    answer.attributes["result"] = "0" if failed else "1"
    return answer


def _company(desk: Desk, root: Node) -> TwinfieldOffice:
    """The office that a browse is of: a filter on `head.office`, or that of the SOAP header."""
    assert desk.company is not None
    for column in root.all("column"):
        if column.value("field") == "fin.trs.head.office" and column.value("from") in desk.offices:
            return desk.offices[column.value("from")]
    return desk.company


def _refuse_too_large(children: list[Node]) -> None:
    if any(transactions.is_too_large(child) for child in children):
        raise BadRequest("more than 1000 lines")


def _write(desk: Desk, root: Node) -> Node:
    """One dimension or transaction. It may name another office than the SOAP header."""
    assert desk.company is not None
    _refuse_too_large([root])
    place = root if root.tag == "dimension" else root.child("header") or root
    node = place.child("office")
    office = desk.company
    if node is not None and node.text:
        named = desk.offices.get(node.text)
        if named is None:
            echo = root.copy()
            shown = (echo if root.tag == "dimension" else echo.child("header") or echo).child("office")
            (shown or echo).complain(say(desk.language, "office_unknown"))
            echo.fail()
            return echo
        office = named
    elif root.tag == "dimension" and node is None:
        echo = root.copy()
        echo.complain(office.check.say("office_unknown"))
        return echo
    return dimensions.write(office, root) if root.tag == "dimension" else transactions.write(office, root)


def _list(desk: Desk, root: Node) -> Node:
    match root.value("type"):
        case "offices":
            node = Node("offices", attributes={"result": "1"})
            for office in desk.offices.values():
                node.add("office", office.code, name=office.name, shortname=office.short_name)
            return node
        case "browsefields":
            return browse.fields_list()
        case "dimensions":
            asked = desk.offices.get(root.value("office")) if root.value("office") else desk.company
            if asked is None:
                echo = root.copy()
                echo.put("office", root.value("office")).complain(say(desk.language, "office_denied"))
                echo.fail()
                return echo
            return dimension_answers.list_of(asked, root.value("dimtype"))
    return _unknown_type(desk, root)


def _unknown_type(desk: Desk, root: Node) -> Node:
    echo = root.copy()
    echo.put("type", root.value("type")).complain(say(desk.language, "type_unknown"))
    echo.fail()
    return echo


_READERS: Mapping[str, Callable[[TwinfieldOffice, Node], Node]] = {
    "dimensions": lambda office, root: dimension_answers.read(
        office, root.value("dimtype"), root.value("code")
    ),
    "transaction": lambda office, root: transaction_answers.read(
        office, root.value("code"), root.value("number")
    ),
    "browse": lambda office, root: browse.definition(office, root.value("code")),
    "dimensiontype": lambda office, root: dimension_types.show(office, root.value("code")),
    "vat": lambda office, root: vat_answers.show(office, root.value("code")),
}


def _read(desk: Desk, root: Node) -> Node:
    kind = root.value("type")
    if kind == "office":
        return _read_office(desk, root)
    reader = _READERS.get(kind)
    if reader is None:
        return _unknown_type(desk, root)
    office = desk.offices.get(root.value("office")) if root.value("office") else desk.company
    if office is None or not root.value("code"):
        echo = root.copy()
        echo.put("office", root.value("office")).complain(say(desk.language, "office_denied"))
        echo.fail()
        return echo
    return reader(office, root)


def _read_office(desk: Desk, root: Node) -> Node:
    """The office itself; its code may stand in `code` or in `office`."""
    code = root.value("code") or root.value("office")
    office = desk.offices.get(code) if code else desk.company
    node = Node("office")
    if office is None:
        node.complain(say(desk.language, "office_denied"))
        return node
    node.attributes = {"status": "active", "result": "1"}
    node.add("code", office.code)
    node.add("name", office.name)
    node.add("shortname", office.short_name)
    node.add("basecurrency", "EUR", name="Euro", shortname="Euro")
    node.add("cocnumber", office.kvk_number)
    node.add("vatnumber", office.vat_number)
    return node
