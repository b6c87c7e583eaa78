"""The elements of `<transaction>` that may be written."""

from __future__ import annotations

from vendors.twinfield.simulator.fields import AMOUNT, BOOLEAN, DAY, FINE_AMOUNT, Field, Fields

_ANSWERED = ("origin", "originreference", "user", "regime", "inputdate", "modificationdate")
_RAISE = {"raisewarning": BOOLEAN}
LINE_LIMIT = 1000

HEADER: Fields = {
    "office": Field(16),
    "code": Field(16),
    "number": Field(pattern=r"\d{1,12}"),
    "currency": Field(3),
    "date": Field(pattern=DAY, attributes=_RAISE),
    "period": Field(pattern=r"\d{4}/\d{1,2}", attributes=_RAISE),
    "invoicenumber": Field(attributes=_RAISE),
    "duedate": Field(pattern=DAY),
    "paymentreference": Field(40),
    "freetext1": Field(100),
    "freetext2": Field(100),
    "freetext3": Field(100),
    **dict.fromkeys(_ANSWERED, Field(read_only=True)),
}

PERFORMANCE: Fields = {
    "performancetype": Field(pattern="goods|services"),
    "performancecountry": Field(pattern="[A-Z]{2}"),
    "performancevatnumber": Field(40),
    "performancedate": Field(pattern=DAY),
}

_CURRENCY: Fields = {
    "rate": Field(pattern=FINE_AMOUNT),
    "basevalue": Field(pattern=AMOUNT),
    "reprate": Field(pattern=FINE_AMOUNT),
    "repvalue": Field(pattern=AMOUNT),
}

_LINE: Fields = {
    "dim1": Field(16),
    "dim2": Field(16),
    "dim3": Field(16),
    "value": Field(pattern=AMOUNT),
    "debitcredit": Field(pattern="debit|credit"),
    "description": Field(40),
    "freechar": Field(1),
    **_CURRENCY,
}

LINES: dict[str, Fields] = {
    "total": _LINE,
    "detail": {
        **_LINE,
        **PERFORMANCE,
        "vatcode": Field(16),
        "vatvalue": Field(pattern=AMOUNT),
        "vatbasevalue": Field(pattern=AMOUNT),
        "vatrepvalue": Field(pattern=AMOUNT),
        "comment": Field(),
        "destoffice": Field(16),
    },
    "vat": {
        **_LINE,
        **PERFORMANCE,
        "vatcode": Field(16),
        "vatturnover": Field(pattern=AMOUNT),
        "vatbaseturnover": Field(pattern=AMOUNT),
        "vatrepturnover": Field(pattern=AMOUNT),
        "baseline": Field(pattern=r"\d{1,2}"),
        "comment": Field(),
    },
}

EXTRA = ("freechar", "comment", *PERFORMANCE)
"""Leaves of a line that are kept and shown as they were sent."""
