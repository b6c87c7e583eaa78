"""VAT numbers: their country, and whether they can exist."""

from __future__ import annotations

import re

from stdnum.eu import vat
from stdnum.exceptions import ValidationError as InvalidNumber
from stdnum.nl import btw

from vendors.snelstart.simulator import chart


def vat_country(number: str) -> str:
    """The country of a VAT number; one that begins with a digit is Dutch."""
    country = number[:2].upper()
    if country[0].isdigit():
        return "NL"
    return "GR" if country == "EL" else country


def is_valid_vat_number(number: str, country: str) -> bool:
    """Whether a number can exist in its country; outside the EU, the form or nothing is checked."""
    if country == "NL":
        return bool(btw.is_valid(number))
    if country not in chart.COUNTRY_IDS or country in {"CH", "NO", "US", "TR", "CN", "CW"}:
        return country in chart.COUNTRY_IDS
    if country == "GB":
        return re.fullmatch(r"GB\d{9}(\d{3})?", number.upper()) is not None
    try:
        vat.validate(number)
    except InvalidNumber:
        return False
    return True
