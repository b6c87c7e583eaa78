"""A dimension with what was ever written to it: debtor, creditor, cost centre or project."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vendors.twinfield.simulator.tree import Node

PERIOD_FIELDS = ("beginperiod", "beginyear", "endperiod", "endyear")


@dataclass
class Dimension:
    """What is written of it.

    Attributes:
        plain: leaves directly below the dimension, by tag.
        financials: leaves below `financials`, by tag.
        mandates: elements below `financials` that have elements inside.
        addresses: `address` elements with their `id`.
        banks: `bank` elements with their `id`.
        sections: further elements, as they were sent.
    """

    type: str
    code: str
    uid: str
    created: datetime
    modified: datetime
    status: str = "active"
    touched: int = 0
    plain: dict[str, str] = field(default_factory=dict)
    financials: dict[str, str] = field(default_factory=dict)
    mandates: list[Node] = field(default_factory=list)
    addresses: list[Node] = field(default_factory=list)
    banks: list[Node] = field(default_factory=list)
    sections: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """`name`."""
        return self.plain.get("name", "")

    @property
    def short(self) -> str:
        """`shortname`."""
        return self.plain.get("shortname", "")

    @property
    def is_active(self) -> bool:
        """Whether it can be booked on."""
        return self.status == "active"

    def address_field(self, tag: str) -> str:
        """A field of the default address."""
        return _default_value(self.addresses, tag)

    def bank_field(self, tag: str) -> str:
        """A field of the default bank account, or of the first one."""
        return _default_value(self.banks, tag)


def _default_value(nodes: list[Node], tag: str) -> str:
    chosen = next((node for node in nodes if node.attributes.get("default") == "true"), None)
    if chosen is None and nodes:
        chosen = nodes[0]
    return "" if chosen is None else chosen.value(tag)
