"""The header of a sales or purchase transaction: daybook, dates, period, invoice number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from vendors.simulation.books import Direction
from vendors.twinfield.simulator.booking import Booking
from vendors.twinfield.simulator.fields import read_day
from vendors.twinfield.simulator.matching import period_of
from vendors.twinfield.simulator.names import name_office
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.transaction_fields import HEADER
from vendors.twinfield.simulator.tree import Node


@dataclass
class Header:
    """What was read of a header; what is wrong with it is said on its elements."""

    daybook: str = ""
    direction: Direction | None = None
    day: date | None = None
    period: str = ""
    due: date | None = None
    invoice_number: str = ""
    payment_reference: str = ""
    free_texts: dict[str, str] = field(default_factory=dict)
    replaces: Booking | None = None


def read_header(office: TwinfieldOffice, transaction: Node) -> Header:
    """Read and check the header of a transaction, all but the duplicate warning."""
    node = transaction.child("header") or transaction.add("header")
    check = office.check
    check.elements(node, HEADER)
    header = Header(
        daybook=node.value("code"),
        invoice_number=node.value("invoicenumber"),
        payment_reference=node.value("paymentreference"),
        free_texts={f"freetext{place}": node.value(f"freetext{place}") for place in (1, 2, 3)},
    )
    if (shown := node.child("office")) is not None:
        name_office(shown, office)
    _read_daybook(office, node, header)
    currency = node.put("currency", node.value("currency"))
    if not currency.text:
        currency.complain(check.say("missing", tag="currency"))
    elif currency.text != "EUR":
        currency.complain(check.say("currency_unknown", code=currency.text))
    else:
        currency.attributes |= {"name": "Euro", "shortname": "Euro"}
    _read_dates(office, transaction, node, header)
    _read_number(office, node, header)
    return header


def _read_daybook(office: TwinfieldOffice, node: Node, header: Header) -> None:
    check = office.check
    code = node.put("code", header.daybook)
    daybook = office.daybooks.get(header.daybook)
    if not header.daybook:
        code.complain(check.say("missing", tag="code"))
    elif daybook is None or daybook.direction is None:
        code.complain(check.say("daybook_unknown", code=header.daybook))
    else:
        header.direction = daybook.direction
        code.attributes |= {"name": daybook.name, "shortname": daybook.short}
    number = node.child("invoicenumber")
    longest = office.settings.invoice_number_length
    if not header.invoice_number.strip():
        (number or node).complain(check.say("invoice_number_missing"))
    elif number is not None and len(header.invoice_number) > longest:
        number.complain(check.say("too_long", tag="invoicenumber", length=longest))
    if not office.settings.free_texts:
        for tag in ("freetext1", "freetext2", "freetext3"):
            text = node.child(tag)
            if text is not None:
                text.complain(check.say("not_allowed", tag=tag))


def _read_dates(office: TwinfieldOffice, transaction: Node, node: Node, header: Header) -> None:
    check = office.check
    day = node.put("date", node.value("date"))
    header.day = read_day(day.text)
    if not day.text:
        day.complain(check.say("missing", tag="date"))
    elif header.day is None:
        day.complain(check.say("wrong_value", value=day.text, tag="date"))
    due = node.child("duedate")
    if due is not None and due.text:
        header.due = read_day(due.text)
        if header.due is None:
            due.complain(check.say("wrong_value", value=due.text, tag="duedate"))
    sent = node.value("period")
    matched = re.fullmatch(r"(\d{4})/(\d{1,2})", sent)
    if matched:
        header.period = f"{matched[1]}/{int(matched[2]):02d}"
    elif not sent and header.day is not None:
        header.period = period_of(header.day)
    if not header.period:
        return
    period = node.put("period", header.period)
    if not office.has_period(header.period):
        transaction.complain(check.say("period_unknown", period=header.period))
    elif office.is_closed(header.period):
        period.complain(check.say("period_closed", period=header.period))
    elif header.day is not None and period_of(header.day) != header.period and _warns(transaction, day):
        shown = f"{header.day:%d-%m-%Y}"
        day.complain(check.say("date_outside_period", date=shown, period=header.period), "warning")


def _read_number(office: TwinfieldOffice, node: Node, header: Header) -> None:
    number = node.child("number")
    if number is None or not number.text.isdecimal():
        return
    header.replaces = office.bookings.get((header.daybook, int(number.text)))
    if header.replaces is None or header.replaces.direction is None:
        number.complain(office.check.say("transaction_unknown", code=header.daybook, number=number.text))
    elif header.replaces.is_final:
        number.complain(office.check.say("not_provisional"))


def warn_of_duplicate(office: TwinfieldOffice, transaction: Node, header: Header, relation: str) -> None:
    """Warn on the invoice number when it is there already; nobody hears it with `raisewarning="false"`."""
    node = (transaction.child("header") or Node("")).child("invoicenumber")
    scope = office.settings.duplicate_scope
    if node is None or header.direction is None or scope == "none" or not _warns(transaction, node):
        return
    directions = tuple(Direction) if scope == "office" else (header.direction,)
    for direction in directions:
        for known in office.books.numbered(direction, header.invoice_number):
            if header.replaces is not None and known.id == header.replaces.id:
                continue
            if known.provisional and not office.settings.duplicate_sees_provisional:
                continue
            if scope == "relation" and known.relation.code != relation:
                continue
            node.complain(office.check.say("duplicate", number=header.invoice_number), "warning")
            return


def _warns(transaction: Node, element: Node) -> bool:
    return "false" not in {
        transaction.attributes.get("raisewarning"),
        element.attributes.get("raisewarning"),
    }
