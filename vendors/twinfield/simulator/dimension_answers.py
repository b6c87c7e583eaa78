"""Dimensions as Twinfield answers them, inherited values included."""

from __future__ import annotations

from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.dimension import PERIOD_FIELDS, Dimension
from vendors.twinfield.simulator.names import country_name, name_office, type_name
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.tree import Node


def read(office: TwinfieldOffice, kind: str, code: str) -> Node:
    """A dimension, an account included; or that there is none."""
    dimension = office.dimensions.get((kind, code))
    if dimension is not None:
        return show(office, dimension)
    account = office.accounts.get(code)
    if account is not None and account.kind == kind:
        return _show_account(office, account)
    node = Node("dimension")
    node.fail()
    name_office(node.add("office"), office)
    shown = node.add("type", kind)
    if kind in chart.DIMENSION_TYPES:
        node.add("code", code).complain(office.check.say("dimension_unknown", code=code))
    else:
        shown.complain(office.check.say("dimension_type_unknown", code=kind))
        node.add("code", code)
    return node


def list_of(office: TwinfieldOffice, kind: str) -> Node:
    """The active dimensions of a type; the last row, as the vendor's, is the type itself without a name."""
    node = Node("dimensions", attributes={"office": office.code, "type": kind, "result": "1"})
    if kind not in chart.DIMENSION_TYPES:
        node.attributes["result"] = "0"
        node.add("type", kind).complain(office.check.say("dimension_type_unknown", code=kind))
        return node
    for account in office.accounts.values():
        if account.kind == kind and account.active:
            node.add("dimension", account.code, name=account.name, shortname="")
    for (known, _), dimension in office.dimensions.items():
        if known == kind and dimension.is_active:
            node.add("dimension", dimension.code, name=dimension.name, shortname=dimension.short)
    node.add("dimension", kind, name="", shortname="")
    return node


def _head(office: TwinfieldOffice, kind: str, code: str, status: str) -> Node:
    node = Node("dimension", attributes={"status": status, "result": "1"})
    name_office(node.add("office"), office)
    name = type_name(kind, office.settings.language)
    node.add("type", kind, name=name, shortname=name)
    node.add("code", code)
    return node


def show(office: TwinfieldOffice, dimension: Dimension) -> Node:
    """A dimension."""
    node = _head(office, dimension.type, dimension.code, dimension.status)
    node.add("uid", dimension.uid)
    node.add("name", dimension.name)
    node.add("shortname", dimension.short)
    node.add("inuse", "true" if office.is_in_use(dimension) else "false")
    node.add("behaviour", "normal")
    node.add("touched", str(dimension.touched))
    for tag in PERIOD_FIELDS:
        node.add(tag, dimension.plain.get(tag) or "0")
    if dimension.type not in chart.RELATION_TYPES:
        return node
    node.add("website", dimension.plain.get("website", ""))
    node.add("cocnumber")
    node.add("vatnumber")
    node.add("editdimensionname", "true")
    node.children.append(_show_financials(office, dimension))
    addresses = node.add("addresses")
    for address in dimension.addresses:
        addresses.children.append(_show_address(office, address))
    banks = node.add("banks")
    for bank in dimension.banks:
        banks.children.append(_show_bank(office, bank))
    node.children.extend(section.copy() for section in dimension.sections)
    return node


def _show_financials(office: TwinfieldOffice, dimension: Dimension) -> Node:
    sent = dimension.financials
    default = chart.DEBTORS if dimension.type == "DEB" else chart.CREDITORS
    account = office.accounts[sent.get("substitutewith") or default]
    vat = office.vat_codes.get(sent.get("vatcode", ""))
    node = Node("financials")
    for tag, inherited in (
        ("matchtype", "customersupplier"),
        ("accounttype", "inherit"),
        ("subanalyse", "false"),
        ("duedays", str(office.settings.due_days)),
        ("level", "2"),
        ("payavailable", "false"),
        ("meansofpayment", "none"),
        ("paycode", ""),
        ("ebilling", "false"),
        ("ebillmail", ""),
        ("substitutionlevel", "1"),
    ):
        node.add(tag, sent.get(tag) or inherited)
    node.add("substitutewith", account.code, name=account.name, shortname="", dimensiontype="BAS")
    node.add("relationsreference", sent.get("relationsreference", ""))
    node.add(
        "vatcode",
        vat.code if vat else "",
        name=vat.name if vat else "",
        shortname="",
        type=vat.direction.value if vat else "",
    )
    node.add("vatobligatory", sent.get("vatobligatory") or "false")
    if "collectionschema" in sent:
        node.add("collectionschema", sent["collectionschema"])
    node.children.extend(mandate.copy() for mandate in dimension.mandates)
    return node


def _show_address(office: TwinfieldOffice, address: Node) -> Node:
    node = Node("address", attributes={"id": address.attributes["id"]})
    node.attributes["type"] = address.attributes.get("type", "invoice")
    node.attributes["default"] = address.attributes.get("default", "false")
    country = address.value("country")
    node.add("name", address.value("name"))
    node.add("country", country, name=country_name(country, office.settings.language), shortname="")
    node.add("ictcountrycode", address.value("field4")[:2] or country)
    for tag in ("city", "postcode", "telephone", "telefax", "email", "contact"):
        node.add(tag, address.value(tag))
    for number in range(1, 7):
        node.add(f"field{number}", address.value(f"field{number}"))
    return node


def _show_bank(office: TwinfieldOffice, bank: Node) -> Node:
    node = Node("bank", attributes=dict(bank.attributes))
    node.attributes.setdefault("default", "false")
    for child in bank.children:
        copy = child.copy()
        if copy.tag == "country":
            copy.attributes = {"name": country_name(copy.text, office.settings.language), "shortname": ""}
        if copy.text or copy.children:
            node.children.append(copy)
    return node


def _show_account(office: TwinfieldOffice, account: chart.Account) -> Node:
    node = _head(office, account.kind, account.code, "active" if account.active else "inactive")
    node.add("name", account.name)
    node.add("shortname")
    financials = node.add("financials")
    financials.add("matchtype", "customersupplier" if account.control else "notmatchable")
    financials.add("accounttype", "balance" if account.kind == "BAS" else "profitandloss")
    financials.add("level", "1")
    financials.add("vatcode", "", name="", shortname="", type="")
    financials.add("vatobligatory", "true" if account.vat_obligatory else "false")
    return node
