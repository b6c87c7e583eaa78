"""VAT codes with their dated percentages and accounts, as `<read><type>vat</type>` answers them."""

from __future__ import annotations

from vendors.twinfield.simulator.fields import day_text
from vendors.twinfield.simulator.names import name_office
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.tree import Node


def show(office: TwinfieldOffice, name: str) -> Node:
    """A VAT code; or that there is none."""
    node = Node("vat")
    name_office(node.add("office"), office)
    shown = node.add("code", name)
    code = office.vat_codes.get(name)
    if code is None:
        shown.complain(office.check.say("vat_unknown", code=name))
        node.fail()
        return node
    node.attributes = {"status": "active", "result": "1"}
    node.add("name", code.name)
    node.add("shortname", code.name[:20])
    node.add("type", code.direction.value)
    percentages = node.add("percentages")
    for start, rate in code.percentages:
        one = percentages.add("percentage", status="active", inuse="true")
        one.add("date", day_text(start))
        one.add("percentage", f"{rate:.9f}")
        accounts = one.add("accounts")
        for place, row in enumerate(code.rows, start=1):
            account = accounts.add("account", id=str(place))
            account.add("dim1", row.account, name=office.accounts[row.account].name, shortname="")
            account.add("groupcountry", "NL")
            account.add("group", row.group)
            account.add("percentage", f"{row.share}.000000000")
            account.add("linetype", "vat")
    return node
