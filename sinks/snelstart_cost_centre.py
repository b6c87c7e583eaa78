"""The kostenplaats of a line: which number, and creating one that SnelStart does not have."""

from __future__ import annotations

from schemas.invoice import Invoice, InvoiceLine
from schemas.outcome import Code
from sinks.snelstart_settings import SnelStartMapping
from vendors.failure import Refused
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.errors import SnelStartRefused

LARGEST_COST_CENTRE = 999_999_999
NUMBER_IN_USE = "KPL-0008"


def cost_centre_number(
    invoice: Invoice, line: InvoiceLine, mapping: SnelStartMapping, field: str
) -> int | None:
    """The `nummer` of the kostenplaats of a line; None when the line has none.

    Raises:
        Refused: `not_found_cost_centre` for what cannot be the number of a kostenplaats.
    """
    text = (mapping.cost_centre(invoice, line) or "").strip()
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 0 < number <= LARGEST_COST_CENTRE:
        raise Refused(Code.NOT_FOUND_COST_CENTRE, field=f"{field}.cost_centre", cost_centre=text)
    return number


async def create_cost_centre(client: SnelStartClient, number: int, missing: Refused) -> None:
    """Create a kostenplaats.

    Raises:
        Refused: `missing` when SnelStart has it after all, and then it is not active.
    """
    try:
        await client.create_cost_centre(number, f"ENK {number}")
    except SnelStartRefused as refusal:
        if refusal.names(NUMBER_IN_USE):
            raise missing from refusal
        raise
