"""Dimensions are written: created, updated by code, or deleted."""

from __future__ import annotations

import re

from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.dimension import PERIOD_FIELDS, Dimension
from vendors.twinfield.simulator.dimension_answers import show
from vendors.twinfield.simulator.dimension_fields import SECTIONS, WRITABLE
from vendors.twinfield.simulator.fields import Check
from vendors.twinfield.simulator.masks import fits, shown_format
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.tree import Node

_STATUSES = ("active", "inactive", "hide", "deleted")
_VAT_NUMBER = re.compile(r"NL\d{9}B\d{2}|(?!NL)[A-Z]{2}[0-9A-Z+*]{2,12}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{10,30}")


def write(office: TwinfieldOffice, request: Node) -> Node:
    """Create or update the dimension that is asked for; the answer is the full record, or what is wrong."""
    echo = request.copy()
    kind = echo.value("type")
    known = WRITABLE.get(kind)
    check = office.check
    if known is None:
        node = echo.child("type") or echo
        node.complain(check.say("dimension_type_unknown", code=kind))
        return _refused(echo)
    check.elements(echo, known)
    before = office.dimensions.get((kind, echo.value("code")))
    _check_plain(office, echo, kind, before)
    if kind in chart.RELATION_TYPES:
        _check_financials(office, echo)
        _check_parts(check, echo, before)
    status = echo.attributes.get("status", "active")
    if status not in _STATUSES:
        echo.complain(check.say("wrong_value", value=status, tag="status"))
    if status == "deleted" and before is not None and office.is_in_use(before):
        echo.complain(check.say("in_use", code=before.code))
    if echo.has_failed:
        return _refused(echo)
    return _store(office, echo, kind, before, status)


def _refused(echo: Node) -> Node:
    echo.fail()
    return echo


def _check_plain(office: TwinfieldOffice, echo: Node, kind: str, before: Dimension | None) -> None:
    check = office.check
    name = echo.child("name")
    if name is None or not name.text.strip():
        (name or echo).complain(check.say("name_missing"))
    elif office.settings.strict and len(name.text) > office.settings.name_length:
        name.complain(check.say("too_long", tag="name", length=office.settings.name_length))
    code = echo.child("code")
    if code is not None and code.text and before is None and not fits(office.mask(kind), code.text):
        code.complain(check.say("mask", format=shown_format(office.mask(kind))))


def _check_financials(office: TwinfieldOffice, echo: Node) -> None:
    check, financials = office.check, echo.child("financials")
    if financials is None:
        return
    substitute = financials.child("substitutewith")
    wanted = chart.RELATION_TYPES[echo.value("type")]
    if substitute is not None and substitute.text:
        account = office.accounts.get(substitute.text)
        if account is None or account.control is not wanted:
            substitute.complain(check.say("substitute_unknown", code=substitute.text))
    vat = financials.child("vatcode")
    if vat is not None and vat.text and vat.text not in office.vat_codes:
        vat.complain(check.say("vat_unknown", code=vat.text))
    for validation in (financials.child("childvalidations") or Node("")).children:
        if validation.text not in office.accounts:
            validation.complain(check.say("account_unknown", code=validation.text))
    pays = financials.value("payavailable") == "true"
    means = financials.child("meansofpayment")
    if means is not None and (means.text == "paymentfile") is not pays and means.text != "cheques":
        means.complain(check.say("payment_means"))
    if financials.value("ebilling") == "true" and not financials.value("ebillmail"):
        (financials.child("ebillmail") or financials).complain(check.say("ebill_mail"))


def _check_parts(check: Check, echo: Node, before: Dimension | None) -> None:
    addresses, banks = echo.child("addresses"), echo.child("banks")
    if addresses is not None and addresses.children:
        known = {node.attributes["id"] for node in before.addresses} if before else set()
        _check_ids(check, addresses, known)
        if _defaults(addresses) != 1:
            addresses.complain(check.say("one_default"))
        for address in addresses.children:
            number = address.child("field4")
            if number is not None and number.text and _VAT_NUMBER.fullmatch(number.text) is None:
                number.complain(check.say("wrong_value", value=number.text, tag="field4"))
    if banks is not None and banks.children:
        known = {node.attributes["id"] for node in before.banks} if before else set()
        _check_ids(check, banks, known)
        if _defaults(banks) > 1:
            banks.complain(check.say("one_default"))
        for bank in banks.children:
            _check_bank(check, bank)


def _check_ids(check: Check, parts: Node, known: set[str]) -> None:
    """An id must be of a part that is there; a new one is sent without."""
    seen: set[str] = set()
    for part in parts.children:
        identifier = part.attributes.get("id")
        if identifier is not None and (identifier not in known or identifier in seen):
            part.complain(check.say("id_unknown", id=identifier))
        seen.add(identifier or "")


def _defaults(parts: Node) -> int:
    return sum(part.attributes.get("default") == "true" for part in parts.children)


def _check_bank(check: Check, bank: Node) -> None:
    ascription = bank.child("ascription")
    if ascription is None or not ascription.text.strip():
        (ascription or bank).complain(check.say("ascription"))
    iban = bank.child("iban")
    if iban is not None and iban.text and not is_iban(iban.text):
        iban.complain(check.say("wrong_value", value=iban.text, tag="iban"))


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN with its check digits right."""
    if _IBAN.fullmatch(text) is None:
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _store(office: TwinfieldOffice, echo: Node, kind: str, before: Dimension | None, status: str) -> Node:
    code = echo.value("code") or office.new_code(kind)
    now = office.stage.clock()
    if code is None:
        echo.complain(office.check.say("no_code_left"))
        return _refused(echo)
    dimension = Dimension(kind, code, office.stage.new_id(), now, now, status)
    if before is not None:
        dimension.uid, dimension.created, dimension.touched = before.uid, before.created, before.touched + 1
        if office.settings.omitted_on_update == "kept":
            _keep_omitted(dimension, before)
    _take_over(dimension, echo)
    if status == "deleted":
        if before is not None:
            office.drop(before)
        answer = echo.copy()
        answer.attributes |= {"status": "deleted", "result": "1"}
    else:
        office.keep(dimension)
        answer = show(office, dimension)
    office.books.arrived("dimensions", code, code, now)
    return answer


def _keep_omitted(dimension: Dimension, before: Dimension) -> None:
    dimension.plain = dict(before.plain)
    dimension.financials = dict(before.financials)
    dimension.mandates, dimension.sections = list(before.mandates), list(before.sections)
    dimension.addresses, dimension.banks = list(before.addresses), list(before.banks)


def _take_over(dimension: Dimension, echo: Node) -> None:
    """What was sent goes over what is there, part by part."""
    for node in echo.children:
        if node.tag in {"name", "shortname", "website", *PERIOD_FIELDS}:
            dimension.plain[node.tag] = node.text
        elif node.tag == "addresses":
            dimension.addresses = _numbered(node)
        elif node.tag == "banks":
            dimension.banks = _numbered(node)
        elif node.tag in SECTIONS:
            dimension.sections = [known for known in dimension.sections if known.tag != node.tag]
            dimension.sections.append(node.copy())
        elif node.tag == "financials":
            for field in node.children:
                if field.children:
                    dimension.mandates = [known for known in dimension.mandates if known.tag != field.tag]
                    dimension.mandates.append(field.copy())
                else:
                    dimension.financials[field.tag] = field.text


def _numbered(parts: Node) -> list[Node]:
    """Every part with an id; new ones get the next."""
    taken = {int(part.attributes["id"]) for part in parts.children if "id" in part.attributes}
    numbered = []
    for part in parts.children:
        copy = part.copy()
        if "id" not in copy.attributes:
            identifier = max(taken, default=0) + 1
            taken.add(identifier)
            copy.attributes = {"id": str(identifier), **copy.attributes}
        numbered.append(copy)
    return numbered
