"""ENK's invoices as SnelStart books them, field by field and to the cent. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.invoice import Invoice
from schemas.outcome import Code
from sinks.mapping import DimensionSource
from sinks.snelstart import booking, check, description
from sinks.snelstart_refusal import placed
from sinks.snelstart_settings import SnelStartMapping, VerlegdAmount
from tests.sinks.snelstart_samples import FUNCTIONS, Line, books, id_of, invoice, purchase
from vendors.failure import Refused
from vendors.snelstart.errors import SnelStartRefused, VendorError

MAPPING = SnelStartMapping()


def booked(document: Invoice, mapping: SnelStartMapping = MAPPING) -> dict[str, object]:
    check(document, mapping)
    return booking(document, "relatie", books(), mapping)


def lines_of(document: dict[str, object]) -> list[dict[str, object]]:
    lines = document["boekingsregels"]
    assert isinstance(lines, list)
    return lines


def refusal_of(document: Invoice, mapping: SnelStartMapping = MAPPING) -> tuple[Code, str | None]:
    with pytest.raises(Refused) as caught:
        booked(document, mapping)
    return caught.value.code, caught.value.field


def test_a_sales_invoice_with_two_rates_field_by_field() -> None:
    document = invoice(
        Line("850.00", more={"cost_centre": "12"}),
        Line("1200.00", more={"description": "CV-ketel\nen  materiaal"}),
        Line("300.00", "laag", "9"),
        werk={"number": "26.0142", "name": "Ketel"},
    )
    assert booked(document) == {
        "factuurnummer": "F2026-0815",
        "factuurdatum": "2026-03-14T00:00:00",
        "betalingstermijn": 30,
        "klant": {"id": "relatie"},
        "boekstuk": "ENK-778120",
        "omschrijving": "F2026-0815 werk 26.0142 vervangen CV-ketel",
        "factuurbedrag": Decimal("2807.50"),
        "boekingsregels": [
            {
                "omschrijving": "Regel 0",
                "grootboek": {"id": id_of(8000)},
                "kostenplaats": {"id": id_of("kp12")},
                "bedrag": Decimal("850.00"),
                "btwSoort": "Hoog",
            },
            {
                "omschrijving": "CV-ketel en materiaal",
                "grootboek": {"id": id_of(8000)},
                "kostenplaats": None,
                "bedrag": Decimal("1200.00"),
                "btwSoort": "Hoog",
            },
            {
                "omschrijving": "Regel 2",
                "grootboek": {"id": id_of(8010)},
                "kostenplaats": None,
                "bedrag": Decimal("300.00"),
                "btwSoort": "Laag",
            },
        ],
        "btw": [
            {"btwSoort": "VerkopenHoog", "btwBedrag": Decimal("430.50")},
            {"btwSoort": "VerkopenLaag", "btwBedrag": Decimal("27.00")},
        ],
    }


def test_a_purchase_carries_the_suppliers_number_and_no_term() -> None:
    document = booked(purchase(Line("640.00", account="7000")))
    assert document["factuurnummer"] == "TU-449120"
    assert document["leverancier"] == {"id": "relatie"}
    assert "betalingstermijn" not in document
    assert "klant" not in document
    assert "markering" not in document
    assert document["btw"] == [{"btwSoort": "InkopenHoog", "btwBedrag": Decimal("134.40")}]
    assert document["omschrijving"] == "TU-449120 ENK I-1 vervangen CV-ketel"


def test_a_credit_is_negative_throughout_and_names_what_it_credits() -> None:
    document = booked(invoice(Line("-850.00"), kind="los", credits_invoice_number="F2026-0001"))
    assert document["factuurbedrag"] == Decimal("-1028.50")
    assert [line["bedrag"] for line in lines_of(document)] == [Decimal("-850.00")]
    assert document["btw"] == [{"btwSoort": "VerkopenHoog", "btwBedrag": Decimal("-178.50")}]
    assert "creditnota bij F2026-0001" in str(document["omschrijving"])


def test_the_g_account_and_the_payment_reference_are_text() -> None:
    text = description(
        invoice(
            Line("4500.00", "verlegd", "0"),
            payment_reference="26-0815",
            g_account={"iban": "NL91ABNA0417164300", "amount": "1800.00", "percentage": "40"},
        )
    )
    assert text == "F2026-0815 kenmerk 26-0815 G-rek € 1800,00 vervangen CV-ketel"


def test_what_identifies_survives_when_the_description_is_long() -> None:
    text = description(invoice(Line("1.00"), description="lang " * 100, payment_reference="26-0815"))
    assert text.startswith("F2026-0815 kenmerk 26-0815 lang")
    assert len(text) <= 250


def test_verlegd_on_sales_is_a_row_of_zero_and_lines_without_vat() -> None:
    document = booked(invoice(Line("4500.00", "verlegd", "0", "8200")))
    assert document["btw"] == [{"btwSoort": "VerkopenVerlegd", "btwBedrag": Decimal("0.00")}]
    assert lines_of(document)[0]["grootboek"] == {"id": id_of(8250)}
    assert lines_of(document)[0]["btwSoort"] == "Geen"
    assert document["factuurbedrag"] == Decimal("4500.00")


@pytest.mark.parametrize(
    ("setting", "amount"), [(VerlegdAmount.BEREKEND, "577.50"), (VerlegdAmount.NUL, "0.00")]
)
def test_verlegd_on_purchases_by_setting_outside_the_total_and_marked(
    setting: VerlegdAmount, amount: str
) -> None:
    mapping = SnelStartMapping(inkopen_verlegd=setting)
    document = booked(purchase(Line("2750.00", "verlegd", "0", "7100")), mapping)
    assert document["btw"] == [{"btwSoort": "InkopenVerlegd", "btwBedrag": Decimal(amount)}]
    assert document["factuurbedrag"] == Decimal("2750.00")
    assert document["markering"] is True


def test_verlegd_with_two_assessed_rates_is_one_row() -> None:
    document = booked(
        purchase(Line("100.01", "verlegd", "0", "7100"), Line("50.00", "verlegd", "0", "7100", assessed="9"))
    )
    assert document["btw"] == [{"btwSoort": "InkopenVerlegd", "btwBedrag": Decimal("25.50")}]


@pytest.mark.parametrize("other", [Line("10.00"), Line("10.00", "laag", "9"), Line("10.00", "nul", "0")])
def test_verlegd_beside_other_vat_cannot_be_booked(other: Line) -> None:
    document = invoice(Line("4500.00", "verlegd", "0"), other)
    assert refusal_of(document) == (Code.UNSUPPORTED_BY_PACKAGE, "$.lines[1].vat.kind")


def test_a_zero_line_of_other_vat_does_not_mix() -> None:
    assert len(lines_of(booked(invoice(Line("4500.00", "verlegd", "0"), Line("0.00"))))) == 1


@pytest.mark.parametrize("kind", ["nul", "vrijgesteld", "geen"])
def test_without_vat_there_is_no_row(kind: str) -> None:
    document = booked(invoice(Line("100.00", kind, "0")))
    assert document["btw"] == []
    assert lines_of(document)[0]["btwSoort"] == "Geen"
    assert lines_of(document)[0]["grootboek"] == {"id": id_of(8040)}


@pytest.mark.parametrize(
    ("kind", "own", "target"), [("icp", "8000", 8070), ("icp", "8200", 8270), ("export", "8000", 8060)]
)
def test_sales_abroad_go_by_their_account(kind: str, own: str, target: int) -> None:
    document = booked(invoice(Line("100.00", kind, "0", own)))
    assert (document["btw"], lines_of(document)[0]["grootboek"]) == ([], {"id": id_of(target)})


@pytest.mark.parametrize("kind", ["icp", "export"])
def test_sales_abroad_on_a_domestic_account_are_refused(kind: str) -> None:
    mapping = SnelStartMapping(ledger_accounts={"8000": "8040"})
    assert refusal_of(invoice(Line("1.00", kind, "0")), mapping) == (
        Code.MAPPING_MISSING,
        "$.lines[0].ledger_account",
    )


@pytest.mark.parametrize(("kind", "target"), [("icp", 7010), ("import", 7020)])
def test_purchases_from_abroad_go_to_the_only_import_account_of_their_vat(kind: str, target: int) -> None:
    document = booked(purchase(Line("100.00", kind, "0", "7000")))
    (line,) = lines_of(document)
    assert line["grootboek"] == {"id": id_of(target)}
    assert "btwSoort" not in line
    assert (document["btw"], document["markering"]) == ([], True)
    assert document["factuurbedrag"] == Decimal("100.00")


def test_a_purchase_from_abroad_without_an_import_account_asks_for_one() -> None:
    functions = {number: function for number, function in FUNCTIONS.items() if number != 7010}
    with pytest.raises(Refused) as caught:
        booking(purchase(Line("100.00", "icp", "0", "7000")), "r", books(functions), MAPPING)
    assert caught.value.code is Code.MAPPING_MISSING
    assert "InkopenImportBinnenEUHoog" in str(caught.value.values["problem_nl"])


def test_a_purchase_from_abroad_on_costs_by_setting() -> None:
    mapping = SnelStartMapping(inkopen_buitenland_op_kosten=True)
    document = booked(purchase(Line("100.00", "icp", "0", "7000")), mapping)
    assert lines_of(document)[0]["btwSoort"] == "Geen"
    assert document["markering"] is True


def test_a_mapped_import_account_of_the_wrong_rate_is_refused() -> None:
    mapping = SnelStartMapping(ledger_accounts={"7000/icp": "7011"})
    assert refusal_of(purchase(Line("1.00", "icp", "0", "7000")), mapping)[0] is Code.MAPPING_MISSING
    booked(purchase(Line("1.00", "icp", "0", "7000", assessed="9")), mapping)


def test_the_name_of_a_rate_is_that_of_the_invoice_date() -> None:
    old = {"issue_date": "2018-12-31", "due_date": "2019-01-10"}
    assert lines_of(booked(invoice(Line("1.00", "laag", "6"), **old)))[0]["btwSoort"] == "Laag"  # type: ignore[arg-type]
    assert refusal_of(invoice(Line("1.00", "laag", "6"))) == (Code.NOT_FOUND_VAT, "$.vat_breakdown[0].rate")


def test_zero_lines_are_left_out_but_an_invoice_of_nothing_else_is_refused() -> None:
    assert len(lines_of(booked(invoice(Line("0.00"), Line("5.00"))))) == 1
    assert refusal_of(invoice(Line("0.00"))) == (Code.UNSUPPORTED_BY_PACKAGE, "$.lines")


def test_an_invoice_that_comes_to_nothing_is_booked_as_zero() -> None:
    document = booked(invoice(Line("100.00"), Line("-100.00")))
    assert document["factuurbedrag"] == Decimal("0.00")
    assert document["btw"] == [{"btwSoort": "VerkopenHoog", "btwBedrag": Decimal("0.00")}]


def test_enks_own_rounding_is_sent_as_it_is() -> None:
    document = booked(
        invoice(Line("0.10"), Line("0.10"), Line("0.10"), tax={("hoog", "21"): "0.06"}),
    )
    assert document["btw"] == [{"btwSoort": "VerkopenHoog", "btwBedrag": Decimal("0.06")}]
    assert document["factuurbedrag"] == Decimal("0.36")


def test_sums_that_do_not_match_are_never_sent() -> None:
    broken = invoice(Line("100.00"), totals={"net": "100.00", "vat": "21.00", "gross": "121.01"})
    assert refusal_of(broken) == (Code.UNBALANCED, "$.totals.gross")


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        (invoice(Line("1.00"), number="F" * 26), Code.TOO_LONG, "$.number"),
        (
            purchase(Line("1.00", account="7000"), supplier_invoice_number="F" * 26),
            Code.TOO_LONG,
            "$.supplier_invoice_number",
        ),
        (
            purchase(Line("1.00", account="7000"), supplier_invoice_number=None),
            Code.REQUIRED_FIELD,
            "$.supplier_invoice_number",
        ),
        (
            invoice(Line("1.00"), Line("1.00", account="8999")),
            Code.NOT_FOUND_LEDGER_ACCOUNT,
            "$.lines[1].ledger_account",
        ),
        (invoice(Line("1.00", account="omzet")), Code.NOT_FOUND_LEDGER_ACCOUNT, "$.lines[0].ledger_account"),
        (
            invoice(Line("1.00", more={"cost_centre": "99"})),
            Code.NOT_FOUND_COST_CENTRE,
            "$.lines[0].cost_centre",
        ),
        (
            invoice(Line("1.00", more={"cost_centre": "13"})),
            Code.NOT_FOUND_COST_CENTRE,
            "$.lines[0].cost_centre",
        ),
        (
            invoice(Line("1.00", more={"cost_centre": "A1"})),
            Code.NOT_FOUND_COST_CENTRE,
            "$.lines[0].cost_centre",
        ),
    ],
)
def test_what_snelstart_cannot_hold_is_refused_with_the_field_to_blame(
    document: Invoice, code: Code, field: str
) -> None:
    assert refusal_of(document) == (code, field)


def test_an_inactive_account_is_blocked() -> None:
    with pytest.raises(Refused) as caught:
        booking(invoice(Line("1.00")), "r", books(inactive=frozenset({8000})), MAPPING)
    assert caught.value.code is Code.BLOCKED_LEDGER_ACCOUNT


def test_an_id_too_long_for_boekstuk_is_left_out() -> None:
    assert "boekstuk" not in booked(invoice(Line("1.00"), id="i" * 26))


def test_a_line_without_description_takes_that_of_the_invoice() -> None:
    document = booked(invoice(Line("1.00", more={"description": " "})))
    assert lines_of(document)[0]["omschrijving"] == "F2026-0815 vervangen CV-ketel"


def test_the_cost_centre_can_come_from_elsewhere_or_be_off() -> None:
    line = Line("1.00", more={"cost_centre": "99", "cost_unit": "12"})
    by_unit = SnelStartMapping(cost_centre_from=DimensionSource.COST_UNIT)
    assert lines_of(booked(invoice(line), by_unit))[0]["kostenplaats"] == {"id": id_of("kp12")}
    off = SnelStartMapping(cost_centre_from=DimensionSource.OFF)
    assert lines_of(booked(invoice(line), off))[0]["kostenplaats"] is None


@pytest.mark.parametrize(
    ("accounts", "target"),
    [({}, 8010), ({"8000": "8200"}, 8200), ({"8000": "8200", "8000/laag": "8010"}, 8010)],
)
def test_the_mapping_goes_before_the_default_chart(accounts: dict[str, str], target: int) -> None:
    mapping = SnelStartMapping(ledger_accounts=accounts)
    document = booked(invoice(Line("1.00", "laag", "9")), mapping)
    assert lines_of(document)[0]["grootboek"] == {"id": id_of(target)}


amounts = st.decimals(min_value=-99_999, max_value=99_999, places=2).map(str)
kinds = st.sampled_from([("hoog", "21"), ("laag", "9"), ("nul", "0"), ("vrijgesteld", "0"), ("geen", "0")])
some_lines = st.lists(
    st.builds(lambda net, vat: Line(net, vat[0], vat[1]), amounts, kinds), min_size=1, max_size=30
).filter(lambda lines: any(Decimal(line.net) for line in lines))


@given(some_lines)
def test_lines_and_vat_that_are_sent_come_to_the_gross_to_the_cent(lines: list[Line]) -> None:
    source = invoice(*lines)
    document = booked(source)
    rows = document["btw"]
    assert isinstance(rows, list)
    net = sum((Decimal(str(line["bedrag"])) for line in lines_of(document)), Decimal(0))
    vat = sum((Decimal(str(row["btwBedrag"])) for row in rows), Decimal(0))
    assert net + vat == document["factuurbedrag"] == source.totals.gross
    assert all(line["bedrag"] for line in lines_of(document))
    assert len({row["btwSoort"] for row in rows}) == len(rows)


@given(st.lists(amounts, min_size=1, max_size=20).filter(lambda nets: any(map(Decimal, nets))))
def test_calculated_verlegd_is_never_part_of_the_total(nets: list[str]) -> None:
    source = purchase(*(Line(net, "verlegd", "0", "7100") for net in nets))
    document = booked(source)
    assert document["factuurbedrag"] == source.totals.gross == sum(map(Decimal, nets))
    rows = document["btw"]
    assert isinstance(rows, list)
    assert len(rows) == 1
    exact = sum(map(Decimal, nets)) * Decimal("0.21")
    assert abs(rows[0]["btwBedrag"] - exact) <= Decimal("0.005")


def refused(
    *errors: VendorError, code: Code = Code.VAT_MISMATCH, fields: tuple[str, ...] = ("grootboek",)
) -> SnelStartRefused:
    return SnelStartRefused(code, errors, fields=fields)


def test_a_refusal_names_the_line_whose_account_it_names() -> None:
    source = invoice(Line("1.00"), Line("2.00", "laag", "9"))
    failure = placed(refused(VendorError("BOE-0082", "Btw past niet", "8010, 8011")), source, MAPPING)
    assert failure.field == "$.lines[1].ledger_account"
    assert failure.values["ledger_account"] == "8010"


def test_a_refusal_that_names_no_line_points_at_the_lines_or_at_the_only_one() -> None:
    error = VendorError("BOE-0082", "Btw past niet")
    assert placed(refused(error), invoice(Line("1.00"), Line("2.00")), MAPPING).field == "$.lines"
    assert placed(refused(error), invoice(Line("1.00")), MAPPING).field == "$.lines[0].ledger_account"


def test_a_closed_period_points_at_the_date() -> None:
    failure = placed(
        refused(VendorError("BOE-0042", "Periode"), code=Code.PERIOD_CLOSED, fields=("factuurdatum",)),
        invoice(Line("1.00")),
        MAPPING,
    )
    assert failure.field == "$.issue_date"
    assert failure.values["date"] == date(2026, 3, 14)
