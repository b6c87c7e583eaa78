"""Hypothesis strategies for valid events of all kinds: whatever comes out is accepted by `read_record`.

`relations()` and `invoices()` give JSON objects as ENK publishes them, `relation_models()` and
`invoice_models()` the checked models. Everything can be narrowed: `invoices(direction="purchase")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.invoice import Invoice, InvoiceKind, VatKind
from schemas.relation import Relation

Json = dict[str, object]

SALES_KINDS = tuple(kind.value for kind in InvoiceKind)
IBANS = (
    "NL91ABNA0417164300",
    "NL86ABNA0780250716",
    "NL27RABO0456966375",
    "NL87INGB0478940513",
    "NL51TRIO0478576653",
    "DE89370400440532013000",
)
VAT_IDENTIFIERS = ("NL398259793B01", "NL907483379B03", "NL012904041B02", "DE136695976", "BE0428759497")
NAMES = (
    "Bouwbedrijf Groeneveld B.V.",
    "Installatiebedrijf Van der Meulen en Zonen Groep Noord-Nederland B.V. te Heerenveen",
    "Café Brûlée",
    "Fryslân Waterskip",
    "Łódź Çelik & Söhne <GmbH>",
    "Nuñez “Électricité” d’Été",
    'O\'Neill + 50% "korting"',
)
DESCRIPTIONS = (
    "CV-ketel onderdelen",
    "Arbeid woning ouder dan 2 jaar",
    "Groepenkast 3-fase & aardlekschakelaar <30 mA>",
    "Één coördinatie-uur “meerwerk”\nvolgens opdracht",
    "",
)
CENT = Decimal("0.01")

unhurried = settings(deadline=None, suppress_health_check=(HealthCheck.too_slow,))
"""For tests with these strategies: a busy machine is no failure."""


def texts(longest: int = 60, shortest: int = 0) -> st.SearchStrategy[str]:
    """Text as ENK may send it: no control characters but tab and line end, no surrogates."""
    alphabet = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n\r")
    return st.text(alphabet, min_size=shortest, max_size=longest)


def filled(samples: Sequence[str], longest: int = 90) -> st.SearchStrategy[str]:
    """One of the samples, or any text that says something."""
    return st.sampled_from(samples) | texts(longest, 1).filter(lambda text: bool(text.strip()))


def amounts(least: int = -5_000_000, most: int = 5_000_000) -> st.SearchStrategy[Decimal]:
    """Amounts in EUR; the bounds in cents."""
    return st.integers(least, most).map(lambda cents: Decimal(cents) * CENT)


@st.composite
def relations(draw: st.DrawFn, administration: str = "adm-1001", roles: Sequence[str] | None = None) -> Json:
    """A relation: debtor, creditor or both."""
    number = draw(
        st.from_regex(r"[0-9]{3,7}", fullmatch=True) | st.from_regex(r"[A-Z]{1,2}-[0-9]{4}", fullmatch=True)
    )
    relation: Json = {
        "administration": administration,
        "id": f"rel-{number}",
        "revision": draw(st.integers(1, 9)),
        "number": number,
        "roles": list(roles or draw(st.sampled_from([("debtor",), ("creditor",), ("debtor", "creditor")]))),
        "name": draw(filled(NAMES)),
        "addresses": draw(st.lists(_addresses(), max_size=3)),
        "bank_accounts": draw(st.lists(_bank_accounts(), max_size=3)),
        "payment_terms": {"days": draw(st.sampled_from([0, 8, 14, 30, 60]))},
        "language": draw(st.sampled_from(["nl", "nl-NL", "de", "en"])),
        "currency": "EUR",
        "blocked": draw(st.booleans()),
    }
    optional: dict[str, st.SearchStrategy[str]] = {
        "search_name": texts(20),
        "kvk_number": st.from_regex(r"[1-9][0-9]{7}", fullmatch=True),
        "vat_identifier": st.sampled_from(VAT_IDENTIFIERS),
        "phone": st.sampled_from(["030-1234567", "+31 (0)6 12 34 56 78, toestel 12345"]),
        "email": st.sampled_from(["info@groeneveld.example", "x" * 80 + "@groeneveld.example"]),
        "invoice_email": st.just("facturen@groeneveld.example"),
        "website": st.just("https://groeneveld.example"),
        "contact_person": filled(["Renée Groeneveld"]),
    }
    for name, strategy in optional.items():
        if draw(st.booleans()):
            relation[name] = draw(st.none() | strategy)
    return relation


@st.composite
def invoices(
    draw: st.DrawFn,
    administration: str = "adm-1001",
    direction: str | None = None,
    kind: str | None = None,
    relation_id: str = "rel-204",
    most_lines: int = 6,
) -> Json:
    """An invoice: six kinds of sales, purchases, credits, several rates, verlegd, G-account."""
    direction = direction or draw(st.sampled_from(["sales", "purchase"]))
    purchase = direction == "purchase"
    kind = None if purchase else kind or draw(st.sampled_from(SALES_KINDS))
    lines = draw(st.lists(_lines(purchase), min_size=1, max_size=most_lines))
    for place, line in enumerate(lines, start=1):
        line["id"] = str(place)
    sums = draw(_sums(lines))
    if Decimal(str(sums["totals"]["gross"])) < 0 and kind not in {None, "los", "eindafrekening"}:
        sums = _turned(lines, sums)
    gross = Decimal(str(sums["totals"]["gross"]))
    issued = draw(st.dates(date(2019, 1, 1), date(2030, 12, 31)))
    number = draw(
        st.from_regex(r"[0-9]{1,11}", fullmatch=True)
        | st.from_regex(r"[A-Z]{1,3}-[0-9]{4}/[0-9]{1,9}", fullmatch=True)
    )
    invoice: Json = {
        "administration": administration,
        "direction": direction,
        "id": f"inv-{number}",
        "revision": draw(st.integers(1, 9)),
        "number": number,
        "issue_date": issued.isoformat(),
        "due_date": (issued + timedelta(days=draw(st.integers(0, 90)))).isoformat(),
        "currency": "EUR",
        "relation_id": relation_id,
        "description": draw(filled(DESCRIPTIONS) | st.just("")),
        "lines": lines,
        **sums,
    }
    if kind is not None:
        invoice["kind"] = kind
    if purchase:
        invoice["supplier_invoice_number"] = draw(
            st.sampled_from(["TGN-2026/88123", " f-55012 ", "2026000188"])
        )
    if gross < 0 and kind in {None, "los"} and draw(st.booleans()):
        invoice["credits_invoice_number"] = "20250001"
    if draw(st.booleans()):
        part = draw(st.integers(0, 100))
        amount = (gross * part / 100).quantize(CENT, ROUND_HALF_UP)
        invoice["g_account"] = {"iban": IBANS[1], "amount": f"{amount:.2f}", "percentage": str(part)}
    if draw(st.booleans()):
        invoice["werk"] = {"number": "W2026-014", "name": draw(filled(DESCRIPTIONS[:2]))}
    if draw(st.booleans()):
        invoice["payment_reference"] = draw(st.sampled_from(["", "7000000020260123", "RF18 5390 0754 7034"]))
    return invoice


def relation_models(roles: Sequence[str] | None = None) -> st.SearchStrategy[Relation]:
    """The same, checked."""
    return relations(roles=roles).map(Relation.model_validate)


def invoice_models(
    direction: str | None = None, kind: str | None = None, most_lines: int = 6
) -> st.SearchStrategy[Invoice]:
    """The same, checked."""
    return invoices(direction=direction, kind=kind, most_lines=most_lines).map(Invoice.model_validate)


def _addresses() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["visiting", "postal", "invoice"]),
            "street": filled(["Dorpsstraat", "Burgemeester van Walsumweg bij de Oude Haven", "Postbus"]),
            "house_number": st.sampled_from(["12a", "", "12 bis achterhuis"]),
            "postcode": st.sampled_from(["3511 AB", "", "10115"]),
            "city": filled(["Utrecht", "’s-Hertogenbosch"]),
            "country": st.sampled_from(["NL", "DE", "BE"]),
        }
    )


def _bank_accounts() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"iban": st.sampled_from(IBANS), "kind": st.sampled_from(["normal", "g_account"])},
        optional={"bic": st.just("ABNANL2A"), "holder": filled(NAMES)},
    )


@st.composite
def _lines(draw: st.DrawFn, purchase: bool) -> Json:
    never = VatKind.EXPORT if purchase else VatKind.IMPORT
    kind = draw(st.sampled_from([kind for kind in VatKind if kind is not never]))
    vat: Json = {"kind": kind.value, "rate": {"hoog": "21", "laag": "9"}.get(kind.value, "0")}
    if purchase and kind.is_assessed and draw(st.booleans()):
        vat["assessed_rate"] = draw(st.sampled_from(["21", "9"]))
    line: Json = {
        "kind": draw(st.sampled_from(["labour", "material", "provisional", "term", "other"])),
        "description": draw(filled(DESCRIPTIONS) | st.just("")),
        "net_amount": f"{draw(amounts() | st.just(Decimal(0))):.2f}",
        "vat": vat,
        "ledger_account": draw(st.sampled_from(["7000", "7100"] if purchase else ["8000", "8010", "8250"])),
    }
    if draw(st.booleans()):
        line["cost_centre"] = draw(st.sampled_from(["100", "200"]))
    return line


@st.composite
def _sums(draw: st.DrawFn, lines: Sequence[Json]) -> dict[str, Json]:
    """Breakdown and totals; the tax may be off by less than a cent per line, as intake allows."""
    nets: dict[tuple[str, str], list[Decimal]] = {}
    for line in lines:
        vat = line["vat"]
        assert isinstance(vat, dict)
        nets.setdefault((vat["kind"], vat["rate"]), []).append(Decimal(str(line["net_amount"])))
    rows = []
    for (kind, rate), members in nets.items():
        net = sum(members, Decimal(0))
        tax = (net * Decimal(rate) / 100).quantize(CENT, ROUND_HALF_UP)
        if rate != "0":
            tax += draw(st.integers(1 - len(members), len(members) - 1)) * CENT
        rows.append((kind, rate, net, tax))
    net = sum((row[2] for row in rows), Decimal(0))
    tax = sum((row[3] for row in rows), Decimal(0))
    return {
        "vat_breakdown": [  # type: ignore[dict-item]
            {"kind": kind, "rate": rate, "taxable_amount": f"{net:.2f}", "tax_amount": f"{tax:.2f}"}
            for kind, rate, net, tax in rows
        ],
        "totals": {"net": f"{net:.2f}", "vat": f"{tax:.2f}", "gross": f"{net + tax:.2f}"},
    }


def _turned(lines: Sequence[Json], sums: dict[str, Json]) -> dict[str, Json]:
    """The same invoice with every amount's sign turned."""
    for line in lines:
        line["net_amount"] = _minus(line["net_amount"])
    rows: object = sums["vat_breakdown"]
    assert isinstance(rows, list)
    return {
        "vat_breakdown": [  # type: ignore[dict-item]
            row
            | {
                "taxable_amount": _minus(row["taxable_amount"]),
                "tax_amount": _minus(row["tax_amount"]),
            }
            for row in rows
        ],
        "totals": {name: _minus(value) for name, value in sums["totals"].items()},
    }


def _minus(amount: object) -> str:
    return f"{0 - Decimal(str(amount)):.2f}"
