"""Dimension types with their masks, as `<read><type>dimensiontype</type>` answers them."""

from __future__ import annotations

from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.masks import shown_format
from vendors.twinfield.simulator.names import name_office, type_name
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.tree import Node

_LABELS = ("Tav", "Adres", "Postadres", "BTW-nummer", "KvK-nummer", "")


def show(office: TwinfieldOffice, code: str) -> Node:
    """A dimension type; or that there is none."""
    node = Node("dimensiontype")
    name_office(node.add("office"), office)
    shown = node.add("code", code)
    if code not in chart.DIMENSION_TYPES:
        shown.complain(office.check.say("dimension_type_unknown", code=code))
        node.fail()
        return node
    node.attributes = {"status": "active", "result": "1"}
    name = type_name(code, office.settings.language)
    node.add("mask", shown_format(office.mask(code)))
    node.add("name", name)
    node.add("shortname", name)
    levels = node.add("levels")
    levels.add("financials", "1" if code in {"BAS", "PNL"} else "3" if code == "PRJ" else "2")
    levels.add("time", "0")
    if code in chart.RELATION_TYPES:
        address = node.add("address")
        for place, label in enumerate(_LABELS, start=1):
            address.add("label", label, id=str(place))
    return node
