"""Payments as Twinfield holds them: a line on a bank statement, a write-off or a credit, and a match set."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from vendors.simulation.books import BookedDocument, Direction, Payment, SettledBy
from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.booking import Booking, Line, Match

if TYPE_CHECKING:
    from vendors.twinfield.simulator.office import TwinfieldOffice


def apply_payment(office: TwinfieldOffice, document: BookedDocument) -> None:
    """Match the last payment of a document, or undo the match of the payment that it reverses."""
    daybook, _, number = document.id.partition("/")
    booking = office.bookings.get((daybook, int(number))) if number.isdecimal() else None
    if booking is None:
        return
    payment = document.payments[-1]
    if payment.reverses is not None:
        _undo(office, booking, payment.reverses)
    else:
        _match(office, booking, payment)
    if office.settings.match_touches_modified:
        booking.line_modified = office.stage.clock()


def _undo(office: TwinfieldOffice, booking: Booking, payment: str) -> None:
    """The other side is taken away and the line is open again."""
    for match in booking.matches:
        if match.payment == payment:
            office.unbook(office.bookings[match.code, match.number])
    booking.matches = [match for match in booking.matches if match.payment != payment]


def _match(office: TwinfieldOffice, booking: Booking, payment: Payment) -> None:
    matched = booking.relation_line
    direction = booking.direction
    assert matched is not None
    assert direction is not None
    signed = payment.amount if direction is Direction.SALES else -payment.amount
    other = _other_side(office, booking, matched, payment, signed)
    office.book(other)
    line = other.relation_line
    assert line is not None
    booking.matches.append(
        Match(
            payment.id,
            other.daybook,
            other.number,
            line.id,
            signed,
            payment.date,
            payment.settled_by,
            other.is_final,
        )
    )
    other.matches.append(
        Match(
            payment.id,
            booking.daybook,
            booking.number,
            matched.id,
            -signed,
            payment.date,
            payment.settled_by,
            other.is_final,
        )
    )


def _other_side(
    office: TwinfieldOffice, booking: Booking, matched: Line, payment: Payment, signed: Decimal
) -> Booking:
    """What the bookkeeper booked: opposite to the line that it settles."""
    value, is_debit = abs(signed), signed < 0
    now, day = office.stage.clock(), payment.date
    direction, number = None, booking.invoice_number
    match payment.settled_by:
        case SettledBy.CREDIT:
            daybook, direction, number = booking.daybook, booking.direction, f"CR-{number}"
            account = next((line.dim1 for line in booking.lines if line.type == "detail"), chart.WRITE_OFFS)
            lines = [
                Line("1", "total", is_debit, value, dim1=matched.dim1, dim2=matched.dim2),
                Line("2", "detail", not is_debit, value, dim1=account),
            ]
        case SettledBy.BANK:
            daybook = chart.BANK_DAYBOOK
            lines = [
                Line("1", "total", not is_debit, value, dim1=chart.BANK),
                Line("2", "detail", is_debit, value, dim1=matched.dim1, dim2=matched.dim2),
            ]
        case SettledBy.WRITE_OFF:
            daybook = chart.WRITE_OFF_DAYBOOK
            lines = [
                Line("1", "detail", is_debit, value, dim1=matched.dim1, dim2=matched.dim2),
                Line("2", "detail", not is_debit, value, dim1=chart.WRITE_OFFS),
            ]
    is_provisional = payment.settled_by is SettledBy.BANK and office.settings.bank_statements_provisional
    return Booking(
        daybook,
        office.new_number(daybook, day.year),
        period_of(day),
        day,
        not is_provisional,
        lines,
        now,
        now,
        direction=direction,
        invoice_number=number,
    )


def period_of(day: date) -> str:
    """The period of a date, as `YYYY/PP`."""
    return f"{day.year:04d}/{day.month:02d}"
