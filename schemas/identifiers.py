"""Identifiers that can be proven impossible: IBAN, BIC, KVK number, VAT id.

Spaces and dots that people write in them are taken out, letters become capitals. The libraries' look-ups
are slow, and an installation company has the same few hundred relations: verdicts are remembered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, NoReturn

import schwifty
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from schwifty.exceptions import SchwiftyException
from stdnum.eu import vat as eu_vat

from schemas.plain_text import shown_json

_LONGEST = 60
_REMEMBERED = 65_536

_BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_KVK = re.compile(r"[0-9]{8}")
_VAT = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,13}")
_EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "EL",
        "ES",
        "FI",
        "FR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)


@lru_cache(_REMEMBERED)
def iban_of(text: str) -> str | None:
    """The IBAN without spaces, or None when no such IBAN can exist (country, length, structure, checksum)."""
    compact = _compact(text, " ")
    try:
        return str(schwifty.IBAN(compact)) if compact.isascii() else None
    except SchwiftyException:
        return None


@lru_cache(_REMEMBERED)
def vat_identifier_of(text: str) -> str | None:
    """The VAT id without spaces and dots, or None when it cannot exist.

    Of the EU's countries the country's own rules and check digits are proven, of others the shape:
    two letters and 2 to 13 letters and digits.
    """
    compact = _compact(text, " .-")
    if _VAT.fullmatch(compact) is None:
        return None
    if compact[:2] == "GR" or (compact[:2] in _EU and not eu_vat.is_valid(compact)):
        return None
    return compact


def kvk_number_of(text: str) -> str | None:
    """The KVK number, or None when it is not 8 digits or all zeros."""
    compact = _compact(text, " .")
    return compact if _KVK.fullmatch(compact) and compact.strip("0") else None


def bic_of(text: str) -> str | None:
    """The BIC, or None when it is not 8 or 11 letters and digits."""
    compact = _compact(text, " ")
    return compact if _BIC.fullmatch(compact) else None


def _compact(text: str, idle: str) -> str:
    for character in idle:
        text = text.replace(character, "")
    return text.upper()


def _iban(value: object) -> str:
    return (isinstance(value, str) and len(value) <= _LONGEST and iban_of(value)) or _refuse(
        value, "geen bestaand IBAN", "not an IBAN that can exist"
    )


def _bic(value: object) -> str:
    return (isinstance(value, str) and len(value) <= _LONGEST and bic_of(value)) or _refuse(
        value, "geen BIC (8 of 11 tekens)", "not a BIC (8 or 11 characters)"
    )


def _kvk_number(value: object) -> str:
    return (isinstance(value, str) and len(value) <= _LONGEST and kvk_number_of(value)) or _refuse(
        value, "geen KVK-nummer (8 cijfers)", "not a KVK number (8 digits)"
    )


def _vat_identifier(value: object) -> str:
    return (isinstance(value, str) and len(value) <= _LONGEST and vat_identifier_of(value)) or _refuse(
        value, "geen bestaand btw-identificatienummer", "not a VAT id that can exist"
    )


def _refuse(value: object, nl: str, en: str) -> NoReturn:
    given = shown_json(value)
    raise PydanticCustomError(
        "bad_format", "bad format", {"nl": f"{given} is {nl}", "en": f"{given} is {en}"}
    )


Iban = Annotated[
    str, PlainValidator(_iban), WithJsonSchema({"type": "string", "examples": ["NL91ABNA0417164300"]})
]
Bic = Annotated[str, PlainValidator(_bic), WithJsonSchema({"type": "string", "examples": ["ABNANL2A"]})]
KvkNumber = Annotated[
    str,
    PlainValidator(_kvk_number),
    WithJsonSchema({"type": "string", "pattern": "^[0-9 .]{8,}$", "examples": ["12345678"]}),
]
VatIdentifier = Annotated[
    str,
    PlainValidator(_vat_identifier),
    WithJsonSchema({"type": "string", "examples": ["NL123456782B12"]}),
]
