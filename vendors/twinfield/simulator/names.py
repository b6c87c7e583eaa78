"""The names that Twinfield adds to codes in its answers."""

from __future__ import annotations

from vendors.twinfield.simulator import chart
from vendors.twinfield.simulator.messages import Language
from vendors.twinfield.simulator.office import TwinfieldOffice
from vendors.twinfield.simulator.tree import Node


def name_office(node: Node, office: TwinfieldOffice) -> None:
    """`office` with its names."""
    node.text = office.code
    node.attributes |= {"name": office.name, "shortname": office.short_name}


def type_name(kind: str, language: Language) -> str:
    """The name of a dimension type."""
    return chart.DIMENSION_TYPES[kind][0 if language == "nl" else 1]


def country_name(code: str, language: Language) -> str:
    """The name of a country; its code when the simulator knows no name."""
    return chart.COUNTRIES.get(code, (code, code))[0 if language == "nl" else 1]


def dimension_names(office: TwinfieldOffice, code: str, kinds: tuple[str, ...]) -> dict[str, str]:
    """Name, short name and type of what a code on a line stands for; empty when there is no such thing."""
    account = office.accounts.get(code)
    if account is not None and account.kind in kinds:
        return {"name": account.name, "shortname": "", "type": account.kind}
    for kind in kinds:
        dimension = office.dimensions.get((kind, code))
        if dimension is not None:
            return {"name": dimension.name, "shortname": dimension.short, "type": kind}
    return {}
