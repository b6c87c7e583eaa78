"""The elements of `<dimension>` that may be written, with the lengths that are published."""

from __future__ import annotations

from vendors.twinfield.simulator.fields import AMOUNT, BOOLEAN, DAY, FINE_AMOUNT, INTEGER, Field, Fields

_TEXT, _SHORT = Field(200), Field(40)
_BOOL, _INT = Field(pattern=BOOLEAN), Field(pattern=INTEGER)
_FLAG = {"default": BOOLEAN, "id": INTEGER}

FINANCIALS: Fields = {
    "matchtype": Field(pattern="customersupplier|notmatchable|matchable"),
    "accounttype": Field(pattern="inherit"),
    "subanalyse": Field(pattern="false"),
    "duedays": _INT,
    "level": Field(pattern="2"),
    "payavailable": _BOOL,
    "meansofpayment": Field(pattern="none|paymentfile|cheques"),
    "paycode": Field(16),
    "ebilling": _BOOL,
    "ebillmail": _TEXT,
    "substitutionlevel": Field(pattern="1"),
    "substitutewith": Field(16),
    "relationsreference": _SHORT,
    "vatcode": Field(16),
    "vatobligatory": _BOOL,
    "collectmandate": Field(
        inside={"id": Field(35), "signaturedate": Field(pattern=DAY), "firstrundate": Field(pattern=DAY)}
    ),
    "collectionschema": Field(pattern="core|b2b"),
    "childvalidations": Field(inside={"childvalidation": Field(16, is_repeated=True)}),
}

ADDRESS: Fields = {
    "name": _SHORT,
    "country": Field(pattern="[A-Z]{2}"),
    "ictcountrycode": Field(2),
    "city": _SHORT,
    "postcode": Field(16),
    "telephone": Field(25),
    "telefax": Field(25),
    "email": _TEXT,
    "contact": _SHORT,
    **{f"field{number}": Field(128) for number in range(1, 7)},
}

BANK: Fields = {
    "ascription": _SHORT,
    "accountnumber": _SHORT,
    "iban": _SHORT,
    "biccode": Field(16),
    "bankname": _SHORT,
    "country": Field(pattern="[A-Z]{2}"),
    "city": _SHORT,
    "postcode": Field(16),
    "state": _SHORT,
    "natbiccode": Field(20),
    "address": Field(inside={"field2": Field(128), "field3": Field(128)}),
}

_CREDIT_MANAGEMENT: Fields = {
    "responsibleuser": Field(16),
    "basecreditlimit": Field(pattern=AMOUNT),
    "sendreminder": Field(pattern="true|email|false"),
    "reminderemail": _TEXT,
    "blocked": _BOOL,
    "freetext1": _BOOL,
    "freetext2": _SHORT,
    "freetext3": _SHORT,
    "comment": Field(),
}

_POSTING_LINE: Fields = {
    "dimension1": Field(16),
    "dimension2": Field(16),
    "dimension3": Field(16),
    "vatcode": Field(16),
    "ratio": Field(pattern=FINE_AMOUNT),
    "description": _SHORT,
}

_ANSWERED = (
    "uid",
    "inuse",
    "behaviour",
    "touched",
    "modified",
    "editdimensionname",
    "cocnumber",
    "vatnumber",
)

_PLAIN: Fields = {
    "office": Field(16),
    "type": Field(3),
    "code": Field(16),
    "name": Field(),
    "shortname": _SHORT,
    "beginperiod": _INT,
    "beginyear": _INT,
    "endperiod": _INT,
    "endyear": _INT,
    **dict.fromkeys(_ANSWERED, Field(read_only=True)),
}

_RELATION: Fields = {
    **_PLAIN,
    "website": _TEXT,
    "financials": Field(inside=FINANCIALS),
    "addresses": Field(
        inside={
            "address": Field(
                is_repeated=True, inside=ADDRESS, attributes={**_FLAG, "type": "invoice|postal|contact"}
            )
        }
    ),
    "banks": Field(
        inside={"bank": Field(is_repeated=True, inside=BANK, attributes={**_FLAG, "blocked": BOOLEAN})}
    ),
    "groups": Field(inside={"group": Field(16, is_repeated=True)}),
}

_DEBTOR: Fields = {**_RELATION, "creditmanagement": Field(inside=_CREDIT_MANAGEMENT)}

_CREDITOR: Fields = {
    **_RELATION,
    "remittanceadvice": Field(inside={"sendtype": Field(pattern="ToFileManager|ByEmail"), "sendmail": _TEXT}),
    "paymentconditions": Field(
        inside={
            "paymentcondition": Field(
                is_repeated=True,
                inside={"discountdays": _INT, "discountpercentage": Field(pattern=FINE_AMOUNT)},
            )
        }
    ),
    "postingrules": Field(
        inside={
            "postingrule": Field(
                is_repeated=True,
                inside={
                    "currency": Field(3),
                    "amount": Field(pattern=AMOUNT),
                    "description": _SHORT,
                    "lines": Field(inside={"line": Field(is_repeated=True, inside=_POSTING_LINE)}),
                },
            )
        }
    ),
    "blockedaccountpaymentconditions": Field(
        inside={"percentage": Field(pattern=FINE_AMOUNT), "includevat": _BOOL}
    ),
}

WRITABLE: dict[str, Fields] = {"DEB": _DEBTOR, "CRD": _CREDITOR, "KPL": _PLAIN, "PRJ": _PLAIN}
"""Elements per dimension type that can be written."""

SECTIONS = (
    "creditmanagement",
    "remittanceadvice",
    "paymentconditions",
    "postingrules",
    "blockedaccountpaymentconditions",
    "groups",
)
"""Parts that are kept and shown as they were sent."""
