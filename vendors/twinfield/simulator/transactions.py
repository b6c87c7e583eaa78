"""Transactions: booked, changed while provisional, deleted while provisional."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from vendors.simulation.books import BookedDocument, BookedLine, BookedVat, Direction, RelationReference
from vendors.twinfield.simulator import vat_lines
from vendors.twinfield.simulator.booking import ZERO, Booking, Line
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.transaction_answers import booked_answer
from vendors.twinfield.simulator.transaction_fields import LINE_LIMIT
from vendors.twinfield.simulator.transaction_header import Header, read_header, warn_of_duplicate
from vendors.twinfield.simulator.transaction_lines import read_lines
from vendors.twinfield.simulator.tree import Node

_ATTRIBUTES = {"destiny", "autobalancevat", "raisewarning", "action", "reason"}
_DESTINIES = {"temporary", "final"}


def count_lines(transaction: Node) -> int:
    """How many lines were sent; more than the limit is refused as a bad request."""
    return len((transaction.child("lines") or Node("")).children)


def is_too_large(transaction: Node) -> bool:
    """Whether it has more lines than a request may have."""
    return count_lines(transaction) > LINE_LIMIT


def write(office: TwinfieldOffice, request: Node) -> Node:
    """Book, change or delete a transaction; the answer says what became of it."""
    if request.attributes.get("action") == "delete":
        return _delete(office, request)
    echo = request.copy()
    _check_attributes(office, echo)
    header = read_header(office, echo)
    lines = read_lines(office, echo, header)
    if lines:
        lines = vat_lines.complete(office, echo, lines)
    relation = next((line.dim2 for line in lines if line.type == "total"), "")
    warn_of_duplicate(office, echo, header, relation)
    if echo.has_failed:
        return _refused(echo)
    return _book(office, echo, header, lines)


def _check_attributes(office: TwinfieldOffice, echo: Node) -> None:
    check = office.check
    if echo.attributes.get("destiny") not in _DESTINIES:
        echo.complain(check.say("destiny"))
    for name in ("autobalancevat", "raisewarning"):
        value = echo.attributes.get(name, "true")
        if value not in {"true", "false"}:
            echo.complain(check.say("wrong_value", value=value, tag=name))
    for name in set(echo.attributes) - _ATTRIBUTES - {"msg", "msgtype", "result"}:
        if office.settings.strict:
            echo.complain(check.say("not_allowed", tag=name))
    for child in echo.children:
        if child.tag not in {"header", "lines"} and office.settings.strict:
            child.complain(check.say("not_allowed", tag=child.tag))


def _refused(echo: Node) -> Node:
    """Failed inside means failed outside; a line that failed comes back without its id."""
    echo.fail()
    header = echo.child("header")
    if header is not None and header.has_failed:
        header.fail()
    for line in (echo.child("lines") or Node("")).children:
        if line.has_failed:
            line.fail()
            line.attributes.pop("id", None)
    return echo


def _book(office: TwinfieldOffice, echo: Node, header: Header, lines: list[Line]) -> Node:
    assert header.direction is not None
    assert header.day is not None
    now = office.stage.clock()
    before = header.replaces
    total = next(line for line in lines if line.type == "total")
    relation = office.relation(header.direction, total.dim2)
    assert relation is not None
    days = int(relation.financials.get("duedays") or office.settings.due_days)
    booking = Booking(
        daybook=header.daybook,
        number=before.number if before else office.new_number(header.daybook, int(header.period[:4])),
        period=header.period,
        day=header.day,
        is_final=echo.attributes["destiny"] == "final",
        lines=lines,
        created=before.created if before else now,
        modified=now,
        direction=header.direction,
        due=header.due or header.day + timedelta(days=days),
        invoice_number=header.invoice_number,
        payment_reference=header.payment_reference,
        free_texts={tag: text for tag, text in header.free_texts.items() if text},
        matches=before.matches if before else [],
    )
    document = _document(booking, total, relation.name)
    document.created_at = now
    document.arrival = office.books.arrived("transactions", booking.id, booking.invoice_number, now)
    if before is not None:
        office.books.replace(document)
    else:
        office.books.add(document)
    office.book(booking)
    return booked_answer(office, echo, booking)


def _document(booking: Booking, total: Line, name: str) -> BookedDocument:
    assert booking.direction is not None
    sign = 1 if booking.direction is Direction.SALES else -1
    vat: dict[str, Decimal] = {}
    for line in booking.lines:
        if line.vat_code and line.type != "total":
            amount = -sign * line.signed if line.type == "vat" else ZERO
            vat[line.vat_code] = vat.get(line.vat_code, ZERO) + amount
    return BookedDocument(
        id=booking.id,
        direction=booking.direction,
        number=booking.invoice_number,
        relation=RelationReference(id=total.dim2, code=total.dim2, name=name),
        gross=sign * total.signed,
        vat=[BookedVat(kind=kind, amount=amount) for kind, amount in vat.items()],
        lines=[
            BookedLine(
                account=line.dim1,
                net=-sign * line.signed,
                description=line.description,
                vat_kind=line.vat_code or None,
                cost_centre=line.dim2 or None,
            )
            for line in booking.lines
            if line.type == "detail"
        ],
        date=booking.day,
        due_date=booking.due,
        journal=booking.daybook,
        provisional=not booking.is_final,
        created_at=booking.created,
    )


def _delete(office: TwinfieldOffice, request: Node) -> Node:
    """Only what is provisional can be deleted; with a reason."""
    echo = request.copy()
    check = office.check
    if not echo.attributes.get("reason"):
        echo.complain(check.say("missing", tag="reason"))
    # The key stands in the header, or directly below the transaction.
    header = echo.child("header") or echo
    code, number = header.value("code"), header.value("number")
    booking = office.bookings.get((code, int(number))) if number.isdecimal() else None
    if booking is None or booking.direction is None:
        (header.child("number") or echo).complain(check.say("transaction_unknown", code=code, number=number))
    elif booking.is_final:
        echo.complain(check.say("not_provisional"))
    if echo.has_failed or booking is None:
        return _refused(echo)
    office.unbook(booking)
    if booking.id in office.books.documents:
        office.books.remove(booking.id)
    office.books.arrived("transactions.delete", booking.id, booking.invoice_number, office.stage.clock())
    echo.attributes["result"] = "1"
    return echo
