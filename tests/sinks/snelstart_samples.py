"""Invoices, relations and SnelStart's lists for the tests of its sink."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID, uuid5

from schemas.invoice import Invoice
from schemas.relation import Relation
from sinks.snelstart_reference import Books
from vendors.snelstart.models import CostCentre, Country, LedgerAccount, VatRate

NAMESPACE = UUID(int=7)
CENT = Decimal("0.01")

FUNCTIONS = {
    1300: "DagboekVerkoop",
    4000: "InkopenKostenAlleBtwTarieven",
    4999: "InkopenVraagPosten",
    7000: "InkopenKostenAlleBtwTarieven",
    7010: "InkopenImportBinnenEUhoog",
    7011: "InkopenImportBinnenEUlaag",
    7020: "InkopenImportBuitenEUhoog",
    7100: "InkopenKostenAlleBtwTarieven",
    8000: "VerkopenOmzetHoog",
    8010: "VerkopenOmzetLaag",
    8040: "VerkopenOmzetOnbelastVerlegd",
    8060: "VerkopenExportBuitenEU",
    8070: "VerkopenExportBinnenEU",
    8150: "VerkopenOmzetOnbelastVerlegd",
    8200: "VerkopenOmzetHoog",
    8250: "VerkopenOmzetOnbelastVerlegd",
    8270: "DienstverleningBinnenEU",
}


def id_of(what: object) -> UUID:
    return uuid5(NAMESPACE, str(what))


def account(number: int, function: str, *, active: bool = True) -> LedgerAccount:
    return LedgerAccount(
        id=id_of(number),
        nummer=number,
        omschrijving=f"rekening {number}",
        grootboekfunctie=function,
        nonactief=not active,
    )


def rate(soort: str, percentage: str, first: str = "1900-01-01", last: str = "2400-12-31") -> VatRate:
    return VatRate.model_validate(
        {"btwSoort": soort, "btwPercentage": percentage, "datumVanaf": first, "datumTotEnMet": last}
    )


RATES = [
    rate("Geen", "0"),
    rate("Laag", "6", last="2018-12-31"),
    rate("Laag", "9", "2019-01-01"),
    rate("Hoog", "21", "2012-10-01"),
    rate("Overig", "0"),
]


def books(functions: Mapping[int, str] = FUNCTIONS, *, inactive: frozenset[int] = frozenset()) -> Books:
    return Books.of(
        [account(number, function, active=number not in inactive) for number, function in functions.items()],
        RATES,
        [CostCentre(id=id_of("kp12"), nummer=12), CostCentre(id=id_of("kp13"), nummer=13, nonactief=True)],
        [
            Country.model_validate(
                {"id": str(id_of("NL")), "naam": "Nederland", "landcode": "NL", "landcodeISO": "NLD"}
            ),
            Country.model_validate(
                {"id": str(id_of("BE")), "naam": "België", "landcode": "BE", "landcodeISO": "BEL"}
            ),
        ],
    )


@dataclass(frozen=True)
class Line:
    """Net amount, VAT kind and rate, and ENK's account of one line."""

    net: str
    kind: str = "hoog"
    rate: str = "21"
    account: str = "8000"
    more: Mapping[str, object] = field(default_factory=dict)
    assessed: str | None = None


def invoice(*lines: Line, tax: Mapping[tuple[str, str], str] | None = None, **more: object) -> Invoice:
    """An invoice with these lines; VAT is rounded once per rate unless `tax` says otherwise."""
    bases: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        bases[line.kind, line.rate] += Decimal(line.net)
    taxes = {
        key: Decimal((tax or {}).get(key) or (base * Decimal(key[1]) / 100).quantize(CENT, ROUND_HALF_UP))
        for key, base in bases.items()
    }
    net, vat = sum(bases.values(), Decimal(0)), sum(taxes.values(), Decimal(0))
    data: dict[str, object] = {
        "administration": "adm-1",
        "direction": "sales",
        "id": "ENK-778120",
        "revision": 1,
        "number": "F2026-0815",
        "kind": "regie",
        "issue_date": "2026-03-14",
        "due_date": "2026-04-13",
        "currency": "EUR",
        "relation_id": "rel-1",
        "description": "vervangen CV-ketel",
        "lines": [
            {
                "id": str(index),
                "kind": "labour",
                "description": f"Regel {index}",
                "net_amount": line.net,
                "vat": {"kind": line.kind, "rate": line.rate, "assessed_rate": line.assessed},
                "ledger_account": line.account,
                **line.more,
            }
            for index, line in enumerate(lines)
        ],
        "vat_breakdown": [
            {
                "kind": kind,
                "rate": percentage,
                "taxable_amount": str(base),
                "tax_amount": str(taxes[kind, percentage]),
            }
            for (kind, percentage), base in bases.items()
        ],
        "totals": {"net": str(net), "vat": str(vat), "gross": str(net + vat)},
    }
    return Invoice.model_validate(data | more)


def purchase(*lines: Line, **more: object) -> Invoice:
    base = {
        "direction": "purchase",
        "kind": None,
        "number": "I-1",
        "supplier_invoice_number": " TU-449120 ",
    }
    return invoice(*lines, **(base | more))  # type: ignore[arg-type]


def address(kind: str = "visiting", **more: object) -> dict[str, object]:
    return {
        "kind": kind,
        "street": "Industrieweg",
        "house_number": "12",
        "postcode": "3044 AS",
        "city": "Rotterdam",
        "country": "NL",
        **more,
    }


def relation(**more: object) -> Relation:
    data: dict[str, object] = {
        "administration": "adm-1",
        "id": "rel-1",
        "revision": 1,
        "number": "10423",
        "roles": ["debtor", "creditor"],
        "name": "Installatiebedrijf Van der Berg B.V.",
        "kvk_number": "24123456",
        "vat_identifier": "NL123456782B12",
        "addresses": [address()],
        "phone": "010-1234567",
        "email": "administratie@vanderberg.example",
        "invoice_email": "facturen@vanderberg.example",
        "website": "vanderberg.example",
        "contact_person": "J. van der Berg",
        "bank_accounts": [
            {"iban": "NL02ABNA0123456789", "kind": "g_account"},
            {"iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "kind": "normal"},
        ],
        "payment_terms": {"days": 30},
        "language": "nl",
        "currency": "EUR",
        "blocked": False,
    }
    return Relation.model_validate(data | more)
