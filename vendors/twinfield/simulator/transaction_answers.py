"""Transactions as Twinfield answers them: after booking, and when they are read with their matches."""

from __future__ import annotations

from decimal import Decimal

from vendors.simulation.books import Role, SettledBy
from vendors.twinfield.simulator.booking import Booking, Line, Match
from vendors.twinfield.simulator.fields import day_text
from vendors.twinfield.simulator.names import dimension_names, name_office
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.transaction_lines import name_lines
from vendors.twinfield.simulator.tree import Node

_METHODS = {SettledBy.BANK: "payment", SettledBy.CREDIT: "payment", SettledBy.WRITE_OFF: "writeoff"}


def money(amount: Decimal) -> str:
    """An amount with two digits."""
    return f"{amount:.2f}"


def booked_answer(office: TwinfieldOffice, echo: Node, booking: Booking) -> Node:
    """The echo of what was sent with all that Twinfield added."""
    destiny = echo.attributes.pop("destiny")
    echo.attributes |= {"result": "1", "location": destiny}
    header = echo.child("header")
    lines = echo.child("lines")
    assert header is not None
    assert lines is not None
    if header.child("office") is None:
        header.children.insert(0, Node("office"))
    name_office(header.put("office"), office)
    header.put("period", booking.period)
    header.put("duedate", day_text(booking.due or booking.day))
    header.put("origin", "import")
    header.put("originreference")
    user = office.organisation.user
    header.put("user", user, name=user, shortname=user)
    header.put("regime", "Generic")
    header.put("number", str(booking.number))
    for place, node in enumerate(lines.children):
        _add_to_line(node, booking.lines[place], booking)
    for line in booking.lines[len(lines.children) :]:
        lines.children.append(_vat_line(line))
    assert booking.direction is not None
    name_lines(office, lines, booking.direction)
    return echo


def _add_to_line(node: Node, line: Line, booking: Booking) -> None:
    node.attributes["id"] = line.id
    for tag in ("performancecountry", "performancevatnumber"):
        if tag in line.extra:
            node.put(tag, line.extra[tag])
    node.put("rate", "1")
    node.put("basevalue", money(line.value))
    if line.type == "total":
        vat = money(sum((abs(one.value) for one in booking.lines if one.type == "vat"), Decimal(0)))
        node.put("vattotal", vat)
        node.put("vatbasetotal", vat)
        node.put("matchlevel", "2")
        node.put("customersupplier", "2")
        node.put("openvalue", money(abs(booking.open)))
        node.put("openbasevalue", money(abs(booking.open)))
        node.put("matchstatus", "available")
        return
    if line.type == "vat":
        if node.child("dim1") is None:
            node.children.insert(0, Node("dim1"))
        node.put("dim1", line.dim1)
        return
    if line.type == "detail" and line.vat_code and line.vat_value is not None:
        node.put("vatvalue", money(line.vat_value))
        node.put("vatbasevalue", money(line.vat_value))
    node.put("matchstatus", "notmatchable")


def _vat_line(line: Line) -> Node:
    node = Node("line", attributes={"type": "vat", "id": line.id})
    node.add("dim1", line.dim1)
    node.add("debitcredit", "debit" if line.is_debit else "credit")
    node.add("value", money(line.value))
    node.add("rate", "1")
    node.add("basevalue", money(line.value))
    node.add("vatcode", line.vat_code)
    node.add("vatturnover", money(line.turnover or Decimal(0)))
    node.add("vatbaseturnover", money(line.turnover or Decimal(0)))
    node.add("baseline", str(line.baseline))
    return node


def read(office: TwinfieldOffice, code: str, number: str) -> Node:
    """A transaction with its matches; or that there is none."""
    booking = office.bookings.get((code, int(number))) if number.isdecimal() else None
    if booking is None:
        node = Node("transaction")
        node.fail()
        name_office(node.add("office"), office)
        node.add("code", code)
        text = office.check.say("transaction_unknown", code=code, number=number)
        node.add("number", number).complain(text)
        return node
    node = Node("transaction", attributes={"location": booking.status, "result": "1"})
    node.children.append(_header(office, booking))
    lines = node.add("lines")
    lines.children.extend(_line(office, booking, line) for line in booking.lines)
    return node


def _header(office: TwinfieldOffice, booking: Booking) -> Node:
    node = Node("header")
    daybook = office.daybooks[booking.daybook]
    user = office.organisation.user
    name_office(node.add("office"), office)
    node.add("code", daybook.code, name=daybook.name, shortname=daybook.short)
    node.add("number", str(booking.number))
    node.add("period", booking.period)
    node.add("currency", "EUR", name="Euro", shortname="Euro")
    node.add("regime", "Generic")
    node.add("date", day_text(booking.day))
    node.add("origin", "import")
    node.add("originreference")
    node.add("modificationdate", f"{booking.modified:%Y%m%d%H%M%S}")
    node.add("user", user, name=user, shortname=user)
    node.add("inputdate", f"{booking.created:%Y%m%d%H%M%S}")
    if booking.due is not None:
        node.add("duedate", day_text(booking.due))
    node.add("invoicenumber", booking.invoice_number)
    if booking.payment_reference:
        node.add("paymentreference", booking.payment_reference)
    for tag, text in booking.free_texts.items():
        node.add(tag, text)
    return node


def _line(office: TwinfieldOffice, booking: Booking, line: Line) -> Node:
    node = Node("line", attributes={"type": line.type, "id": line.id})
    matched = booking.relation_line
    kinds = ("KPL",)
    if line is matched:
        kinds = ("DEB",) if office.accounts[line.dim1].control is Role.DEBTOR else ("CRD",)
    for tag, code, wanted in (
        ("dim1", line.dim1, ("BAS", "PNL")),
        ("dim2", line.dim2, kinds),
        ("dim3", line.dim3, ("PRJ",)),
    ):
        if code:
            names = dimension_names(office, code, wanted)
            kind = names.pop("type", "")
            node.add(tag, code, **names, dimensiontype=kind)
    node.add("debitcredit", "debit" if line.is_debit else "credit")
    node.add("basevalue", money(line.value))
    node.add("rate", "1")
    node.add("value", money(line.value))
    node.add("description", line.description)
    if line.vat_code:
        vat = office.vat_codes.get(line.vat_code)
        node.add("vatcode", line.vat_code, name=vat.name if vat else "", shortname="")
    if line.type == "detail" and line.vat_value is not None:
        node.add("vatvalue", money(line.vat_value))
    if line.type == "vat":
        node.add("vatturnover", money(line.turnover or Decimal(0)))
        node.add("baseline", str(line.baseline))
    for tag, text in line.extra.items():
        node.add(tag, text)
    if line is matched:
        _add_matches(office, node, booking)
    else:
        node.add("matchstatus", "notmatchable")
    return node


def match_status(office: TwinfieldOffice, booking: Booking) -> str:
    """`available`, `proposed` (in a payment run) or `matched`."""
    if booking.matches and not booking.open:
        return "matched"
    proposed = booking.direction is not None and booking.invoice_number in office.settings.proposed_invoices
    return "proposed" if proposed else "available"


def open_amount(booking: Booking) -> Decimal:
    """What is open, positive in the direction of the line; negative when more was matched than it was."""
    line = booking.relation_line
    return booking.open if line is None or line.is_debit else -booking.open


def _add_matches(office: TwinfieldOffice, node: Node, booking: Booking) -> None:
    node.add("matchstatus", match_status(office, booking))
    node.add("matchlevel", "2")
    node.add("relation", "2")
    node.add("basevalueopen", money(open_amount(booking)))
    node.add("valueopen", money(open_amount(booking)))
    if booking.match_date is None:
        return
    node.add("matchdate", day_text(booking.match_date))
    matches = node.add("matches")
    matches.children.extend(_match_set(match) for match in booking.matches)


def _match_set(match: Match) -> Node:
    node = Node("set", attributes={"status": "final" if match.is_final else "temporary"})
    node.add("matchdate", day_text(match.date))
    line = node.add("lines").add("line")
    line.add("code", match.code)
    line.add("number", str(match.number))
    line.add("line", match.line)
    line.add("method", _METHODS[match.settled_by])
    line.add("matchvalue", money(-match.amount))
    node.add("matchvalue", money(match.amount))
    return node
