"""VAT lines that Twinfield makes itself, and the balance to the cent."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from vendors.twinfield.simulator.booking import ZERO, Line
from vendors.twinfield.simulator.chart import VatCode
from vendors.twinfield.simulator.fields import Check
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.tree import Node

ABSORBED = Decimal("0.02")
"""What `autobalancevat` takes care of."""

_CENT = Decimal("0.01")


def complete(office: TwinfieldOffice, transaction: Node, lines: list[Line]) -> list[Line]:
    """The lines with those of VAT, made when none were sent; a difference is said on the transaction."""
    made = [line for line in lines if line.type == "vat"]
    if made:
        complete_lines = lines
        _check_sent(office, transaction, lines)
    else:
        made = _make(office, lines)
        complete_lines = [*lines, *made]
    difference = sum((line.signed for line in complete_lines), ZERO)
    if transaction.attributes.get("autobalancevat") == "true" and abs(difference) <= ABSORBED:
        difference = _absorb(office, made, difference)
    if difference:
        _say(office.check, transaction, difference)
    return complete_lines


def _per_code(lines: list[Line]) -> dict[str, tuple[Decimal, Decimal]]:
    """VAT and turnover of the detail lines by code, debit positive."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for line in lines:
        if line.type == "detail" and line.vat_code:
            sign = 1 if line.is_debit else -1
            vat, turnover = found.get(line.vat_code, (ZERO, ZERO))
            vat_value = line.vat_value if line.vat_value is not None else ZERO
            found[line.vat_code] = (vat + sign * vat_value, turnover + sign * line.value)
    return found


def _make(office: TwinfieldOffice, lines: list[Line]) -> list[Line]:
    made: list[Line] = []
    first = len(lines) + 1
    for name, (vat, turnover) in _per_code(lines).items():
        code = office.vat_codes.get(name)
        if code is None or not vat:
            continue
        for baseline, row in enumerate(code.rows, start=1):
            amount = (vat * row.share / 100).quantize(_CENT, ROUND_HALF_UP)
            made.append(
                Line(
                    id=str(first + len(made)),
                    type="vat",
                    is_debit=amount > 0,
                    value=abs(amount),
                    dim1=row.account,
                    vat_code=name,
                    turnover=abs(turnover),
                    baseline=baseline,
                )
            )
    return made


def _absorb(office: TwinfieldOffice, made: list[Line], difference: Decimal) -> Decimal:
    """Take a difference of rounding into the first VAT line that is not reverse-charged."""
    for line in made:
        code = office.vat_codes.get(line.vat_code)
        if code is not None and not code.is_reverse_charged:
            signed = line.signed - difference
            line.is_debit, line.value = signed > 0, abs(signed)
            return ZERO
    return difference


def _check_sent(office: TwinfieldOffice, transaction: Node, lines: list[Line]) -> None:
    """VAT lines that were sent must hold the VAT that the detail lines name."""
    sent: dict[str, Decimal] = {}
    for line in lines:
        code = office.vat_codes.get(line.vat_code)
        if line.type == "vat" and code is not None:
            sent[line.vat_code] = sent.get(line.vat_code, ZERO) + line.signed
    for name, (vat, _) in _per_code(lines).items():
        code = office.vat_codes.get(name)
        if code is None:
            continue
        difference = sent.get(name, ZERO) - _booked(code, vat)
        if difference and transaction.attributes.get("autobalancevat") != "true":
            _say(office.check, transaction, difference)


def _booked(code: VatCode, vat: Decimal) -> Decimal:
    return sum(((vat * row.share / 100).quantize(_CENT, ROUND_HALF_UP) for row in code.rows), ZERO)


def _say(check: Check, transaction: Node, difference: Decimal) -> None:
    is_debit_missing = difference < 0
    if check.language == "nl":
        side = "debet" if is_debit_missing else "credit"
    else:
        side = "debit" if is_debit_missing else "credit"
    for key in ("unbalanced", "unbalanced_base", "unbalanced_reporting"):
        transaction.complain(check.say(key, amount=f"{abs(difference):.2f}", side=side))
