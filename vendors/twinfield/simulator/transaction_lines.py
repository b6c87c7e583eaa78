"""The lines of a sales or purchase transaction, read and checked one by one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from vendors.simulation.books import Direction
from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.booking import ZERO, Line
from vendors.twinfield.simulator.fields import read_amount
from vendors.twinfield.simulator.names import dimension_names
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.transaction_fields import EXTRA, LINES
from vendors.twinfield.simulator.transaction_header import Header
from vendors.twinfield.simulator.tree import Node

_CENT = Decimal("0.01")
_SIDES = {Direction.SALES: ("Verkoop", "sales"), Direction.PURCHASE: ("Inkoop", "purchase")}


def read_lines(office: TwinfieldOffice, transaction: Node, header: Header) -> list[Line]:
    """Read and check every line; what is wrong is said on the elements."""
    lines = transaction.child("lines") or transaction.add("lines")
    check = office.check
    kinds = [node.attributes.get("type", "") for node in lines.children]
    for node, kind in zip(lines.children, kinds, strict=True):
        if node.tag != "line" or kind not in LINES:
            node.complain(check.say("wrong_value", value=kind, tag="type"))
        else:
            check.elements(node, LINES[kind])
    if lines.has_failed:
        return []
    if kinds.count("total") != 1:
        lines.complain(check.say("one_total"))
    if "detail" not in kinds:
        lines.complain(check.say("no_detail"))
    if kinds != sorted(kinds, key=["total", "detail", "vat"].index):
        lines.complain(check.say("line_order"))
    if header.direction is None:
        return []
    readers: dict[str, Callable[[TwinfieldOffice, Node, Header, Line], None]] = {
        "total": _read_total,
        "detail": _read_detail,
        "vat": _read_vat,
    }
    found = []
    for place, (node, kind) in enumerate(zip(lines.children, kinds, strict=True), start=1):
        line = _read_line(office, node, str(place))
        readers[kind](office, node, header, line)
        found.append(line)
    relation = next((line.dim2 for line in found if line.type == "total"), "")
    for node, line in zip(lines.children, found, strict=True):
        _check_performance(office, node, line, header.direction, relation)
    return found


def _read_line(office: TwinfieldOffice, node: Node, place: str) -> Line:
    check = office.check
    for tag in ("value", "debitcredit"):
        if not node.value(tag):
            (node.child(tag) or node).complain(check.say("missing", tag=tag))
    value = read_amount(node.value("value")) or ZERO
    base = read_amount(node.value("basevalue"))
    if base is not None and base != value:
        base_node = node.child("basevalue") or node
        base_node.complain(check.say("wrong_value", value=node.value("basevalue"), tag="basevalue"))
    kind = node.attributes["type"]
    return Line(
        id=node.attributes.get("id", place),
        type="total" if kind == "total" else "detail" if kind == "detail" else "vat",
        is_debit=node.value("debitcredit") == "debit",
        value=value.quantize(_CENT),
        dim1=node.value("dim1"),
        dim2=node.value("dim2"),
        dim3=node.value("dim3"),
        description=node.value("description"),
        vat_code=node.value("vatcode"),
        vat_value=read_amount(node.value("vatvalue")),
        turnover=read_amount(node.value("vatturnover")),
        baseline=int(node.value("baseline") or "1"),
        extra={tag: node.value(tag) for tag in EXTRA if node.value(tag)},
    )


def _read_total(office: TwinfieldOffice, node: Node, header: Header, line: Line) -> None:
    """The relation's line: its control account may be left out, it is the relation's own then."""
    assert header.direction is not None
    check = office.check
    relation = office.relation(header.direction, line.dim2)
    dim2 = node.child("dim2")
    if not line.dim2:
        (dim2 or node).complain(check.say("missing", tag="dim2"))
    elif relation is None:
        _not_there(office, dim2 or node, line.dim2)
    elif not relation.is_active:
        (dim2 or node).complain(check.say("inactive", code=line.dim2))
    default = chart.DEBTORS if header.direction is Direction.SALES else chart.CREDITORS
    own = (relation.financials.get("substitutewith") if relation else "") or default
    if not line.dim1:
        line.dim1 = own
        if node.child("dim1") is None:
            node.children.insert(0, Node("dim1", own))
    account = office.accounts.get(line.dim1)
    wanted = chart.RELATION_TYPES[chart.RELATION_TYPE_OF[header.direction]]
    if account is None or account.control is not wanted:
        _not_there(office, node.child("dim1") or node, line.dim1)


def _read_detail(office: TwinfieldOffice, node: Node, header: Header, line: Line) -> None:
    assert header.direction is not None
    check = office.check
    account = office.accounts.get(line.dim1)
    dim1 = node.child("dim1") or node
    if not line.dim1:
        dim1.complain(check.say("missing", tag="dim1"))
    elif account is None or not account.active:
        _not_there(office, dim1, line.dim1)
    elif account.control is not None or (account.cost_centre_required and not line.dim2):
        dim1.complain(check.say("needs_dimension", code=line.dim1))
    for tag, kind, code in (("dim2", "KPL", line.dim2), ("dim3", "PRJ", line.dim3)):
        dimension = office.dimensions.get((kind, code))
        if code and (dimension is None or not dimension.is_active):
            _not_there(office, node.child(tag) or node, code)
    _check_vat(office, node, header, line, account)


def _check_vat(
    office: TwinfieldOffice, node: Node, header: Header, line: Line, account: chart.Account | None
) -> None:
    check = office.check
    code = _vat_code(office, node, header, line)
    if not line.vat_code:
        if (account is not None and account.vat_obligatory) or (line.vat_value and office.settings.strict):
            node.complain(check.say("vat_code_missing"))
        return
    if code is None or header.day is None:
        return
    percentage = code.percentage(header.day)
    vat_value = node.child("vatvalue")
    if percentage is None:
        (node.child("vatcode") or node).complain(check.say("vat_unknown", code=line.vat_code))
    elif line.vat_value is None:
        line.vat_value = (line.value * percentage / 100).quantize(_CENT, ROUND_HALF_UP)
    elif line.vat_value and not percentage and office.settings.strict:
        (vat_value or node).complain(check.say("no_vat_on_code", code=line.vat_code))


def _vat_code(office: TwinfieldOffice, node: Node, header: Header, line: Line) -> chart.VatCode | None:
    """The VAT code of a line, when it is of the daybook's side."""
    assert header.direction is not None
    if not line.vat_code:
        return None
    shown = node.child("vatcode") or node
    code = office.vat_codes.get(line.vat_code)
    if code is None:
        shown.complain(office.check.say("vat_unknown", code=line.vat_code))
        return None
    if code.direction is not header.direction:
        place = 0 if office.settings.language == "nl" else 1
        shown.complain(
            office.check.say(
                "vat_wrong_side",
                name=code.name,
                code=code.code,
                type=_SIDES[code.direction][place],
                wanted=_SIDES[header.direction][place],
            )
        )
        return None
    return code


def _read_vat(office: TwinfieldOffice, node: Node, header: Header, line: Line) -> None:
    """A VAT line that was sent; its account is that of the row of the code when it is left out."""
    check = office.check
    if not line.vat_code:
        (node.child("vatcode") or node).complain(check.say("missing", tag="vatcode"))
    code = _vat_code(office, node, header, line)
    if code is None:
        return
    if not 1 <= line.baseline <= len(code.rows):
        shown = node.child("baseline") or node
        shown.complain(check.say("wrong_value", value=line.baseline, tag="baseline"))
    elif not line.dim1:
        line.dim1 = code.rows[line.baseline - 1].account
    elif line.dim1 not in office.accounts:
        _not_there(office, node.child("dim1") or node, line.dim1)


def _check_performance(
    office: TwinfieldOffice, node: Node, line: Line, direction: Direction, relation: str
) -> None:
    """A code for trade within the EU needs to know what was delivered, and to whom."""
    code = office.vat_codes.get(line.vat_code)
    if code is None or not code.is_ict or line.type == "total":
        return
    party = office.relation(direction, relation)
    inherited = {
        "performancecountry": party.address_field("country") if party else "",
        "performancevatnumber": party.address_field("field4") if party else "",
    }
    wanted = ["performancetype", *inherited]
    if line.extra.get("performancetype") == "services":
        wanted.append("performancedate")
    line.extra = {**{tag: value for tag, value in inherited.items() if value}, **line.extra}
    for tag in wanted:
        if tag not in line.extra:
            (node.child(tag) or node).complain(office.check.say("performance", code=code.code, tag=tag))


def _not_there(office: TwinfieldOffice, node: Node, code: str) -> None:
    node.complain(office.check.say("dimension_not_in_office", code=code, office=office.code))


def name_lines(office: TwinfieldOffice, lines: Node, direction: Direction) -> None:
    """Add their names to the dimensions and VAT codes of lines that were booked."""
    for node in lines.children:
        is_total = node.attributes["type"] == "total"
        kinds = (chart.RELATION_TYPE_OF[direction],) if is_total else ("KPL",)
        for tag, wanted in (("dim1", ("BAS", "PNL")), ("dim2", kinds), ("dim3", ("PRJ",))):
            dimension = node.child(tag)
            if dimension is not None and dimension.text:
                names = dimension_names(office, dimension.text, wanted)
                dimension.attributes |= {**names, "inuse": "true", "vatcode": "", "vatobligatory": "false"}
        vat = node.child("vatcode")
        if vat is not None and vat.text in office.vat_codes:
            vat.attributes |= {"name": office.vat_codes[vat.text].name, "shortname": ""}
