"""ENK's fields laid over a debtor or creditor that Twinfield holds. Pure.

What happens to a section that is left out of an update is not documented, so the whole record goes back: with
its own ids, without what Twinfield only tells, and with everything that ENK leaves empty as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from sinks.twinfield_relation import (
    AddressFields,
    BankFields,
    RelationFields,
    leaving_out,
    new_address,
    new_bank,
)
from vendors.twinfield.models import Dimension
from vendors.twinfield.wire import Element, element, leaf

_READ_ONLY = frozenset(
    {
        "uid",
        "inuse",
        "behaviour",
        "touched",
        "modified",
        "editdimensionname",
        "cocnumber",
        "vatnumber",
        "ictcountrycode",
    }
)
_READ_ONLY_ATTRIBUTES = frozenset(
    {"name", "shortname", "dimensiontype", "result", "status", "msg", "msgtype"}
)


def overlay(record: Dimension, fields: RelationFields) -> Element | None:
    """The whole record with ENK's fields laid over it; None when it says all of it already."""
    body = copy.deepcopy(record.body)
    changed = _lay(body, {"name": fields.name, **fields.top})
    changed |= _lay(_section(body, "financials"), fields.financials)
    for address in fields.addresses:
        changed |= _lay_address(body, address)
    for bank in fields.banks:
        changed |= _lay_bank(body, bank)
    if not changed:
        return None
    _strip(body)
    return body


def _lay(node: Element, values: Mapping[str, str]) -> bool:
    changed = False
    for tag, text in values.items():
        held = node.find(tag)
        if held is None:
            node.append(leaf(tag, text))
            changed = True
        elif (held.text or "").strip() != text:
            held.text = leaf(tag, text).text
            changed = True
    return changed


def _section(body: Element, tag: str) -> Element:
    found = body.find(tag)
    if found is None:
        found = element(tag)
        body.append(found)
    return found


def _lay_address(body: Element, fields: AddressFields) -> bool:
    held = body.findall("addresses/address")
    if fields.is_default:
        match = next((one for one in held if one.get("default") == "true"), held[0] if held else None)
    else:
        match = next(
            (one for one in held if one.get("type") == fields.type and one.get("default") != "true"), None
        )
    if match is not None:
        return _lay(match, fields.values)
    _section(body, "addresses").append(new_address(fields))
    return True


def _lay_bank(body: Element, fields: BankFields) -> bool:
    held = body.findall("banks/bank")
    match = next((one for one in held if (one.findtext("iban") or "").replace(" ", "") == fields.iban), None)
    changed = match is None
    if match is None:
        match = new_bank(fields)
        _section(body, "banks").append(match)
    else:
        changed |= _lay(match, leaving_out(fields.values, "ascription"))
    if fields.is_default and match.get("default") != "true":
        match.set("default", "true")
        changed = True
    if fields.is_default:
        for other in held:
            if other is not match and other.get("default") == "true":
                other.set("default", "false")
                changed = True
    return changed


def _strip(body: Element) -> None:
    """Take out what Twinfield only tells, and what is empty."""
    for node in list(body.iter()):
        for name in list(node.attrib):
            if name in _READ_ONLY_ATTRIBUTES or not node.get(name):
                del node.attrib[name]
        parent = node.getparent()
        if parent is None or node is body:
            continue
        if (node.tag in _READ_ONLY and parent is body) or node.tag == "ictcountrycode":
            parent.remove(node)
    for node in list(body.iter()):
        parent = node.getparent()
        if parent is not None and node is not body and not len(node) and not (node.text or "").strip():
            parent.remove(node)
