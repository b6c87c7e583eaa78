"""Our invoice as Twinfield's transaction: which field goes where, and sums to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from pydantic import ValidationError

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code
from sinks.twinfield_booking import check, transaction
from sinks.twinfield_lines import details
from sinks.twinfield_settings import TwinfieldMapping
from tests.conformance.opening import purchase, sale
from tests.conformance.test_twinfield import MAPPING
from tests.schemas.builders import Json, line
from tests.schemas.strategies import invoice_models, unhurried
from vendors.failure import Refused
from vendors.twinfield.wire import Element, encode

STANDARD = TwinfieldMapping.model_validate(dict(MAPPING))


def mapped(**changes: object) -> TwinfieldMapping:
    return TwinfieldMapping.model_validate({**MAPPING, **changes})


def written(invoice: Invoice, mapping: TwinfieldMapping = STANDARD) -> Element:
    return transaction(invoice, "10023", "ENK001", mapping)


def rows(root: Element) -> list[dict[str, str]]:
    return [{cell.tag: cell.text or "" for cell in each} for each in root.findall("lines/line")]


def refusal(invoice: Invoice, mapping: TwinfieldMapping = STANDARD) -> Refused:
    with pytest.raises(Refused) as caught:
        check(invoice, mapping)
    return caught.value


def test_a_sale_word_for_word() -> None:
    lines = [
        line("1250.00", id="1", description="Warmtepomp", cost_centre="100"),
        line("300.00", "laag", "9", id="2", ledger_account="8021"),
        line("100.00", "nul", "0", id="3", ledger_account="8022"),
    ]
    invoice = sale("2026-0412", lines=lines, issue_date="2026-03-12", due_date="2026-04-11")
    assert encode(written(invoice)) == (
        '<transaction destiny="temporary" autobalancevat="true"><header><office>ENK001</office>'
        "<code>VRK</code><currency>EUR</currency><date>20260312</date><invoicenumber>2026-0412</invoicenumber>"
        '<duedate>20260411</duedate></header><lines><line type="total" id="1"><dim2>10023</dim2>'
        "<debitcredit>debit</debitcredit><value>1939.50</value>"
        '<description>Werkzaamheden maart</description></line><line type="detail" id="2"><dim1>8000</dim1>'
        "<dim2>100</dim2><debitcredit>credit</debitcredit><value>1250.00</value>"
        "<description>Warmtepomp</description><vatcode>VH</vatcode><vatvalue>262.50</vatvalue></line>"
        '<line type="detail" id="3"><dim1>8021</dim1><debitcredit>credit</debitcredit><value>300.00</value>'
        "<description>Groepenkast</description><vatcode>VL</vatcode><vatvalue>27.00</vatvalue></line>"
        '<line type="detail" id="4"><dim1>8022</dim1><debitcredit>credit</debitcredit><value>100.00</value>'
        "<description>Groepenkast</description><vatcode>VN</vatcode></line></lines></transaction>"
    )


@pytest.mark.parametrize(
    ("invoice", "total", "detail"),
    [
        (sale("1"), "debit", "credit"),
        (sale("1", "-100.00", kind="los"), "credit", "debit"),
        (purchase("1"), "credit", "debit"),
        (purchase("1", "-100.00"), "debit", "credit"),
    ],
)
def test_sides(invoice: Invoice, total: str, detail: str) -> None:
    first, second = rows(written(invoice))
    assert (first["debitcredit"], second["debitcredit"]) == (total, detail)
    assert (first["value"], second["value"], second["vatvalue"]) == ("121.00", "100.00", "21.00")


def test_a_negative_line_changes_sides_and_keeps_its_amount_positive() -> None:
    lines = [line("500.00", id="1"), line("-100.00", id="2", ledger_account="8100")]
    _, first, second = rows(written(sale("1", lines=lines)))
    assert (first["debitcredit"], first["value"], first["vatvalue"]) == ("credit", "500.00", "105.00")
    assert (second["debitcredit"], second["value"], second["vatvalue"]) == ("debit", "100.00", "21.00")


def test_lines_of_one_account_vat_code_and_dimension_are_one() -> None:
    lines = [
        line("10.00", id="1"),
        line("20.00", id="2"),
        line("40.00", id="3", cost_centre="100"),
        line("80.00", id="4", description="Iets anders"),
        line("0.00", id="5", ledger_account="8999"),
    ]
    _, first, second = rows(written(sale("1", lines=lines)))
    assert (first["value"], first["description"]) == ("110.00", "Werkzaamheden maart")
    assert (second["value"], second["dim2"]) == ("40.00", "100")


def test_reverse_charge_carries_a_code_and_no_vat_amount() -> None:
    vat = {"kind": "verlegd", "rate": "0", "assessed_rate": "9"}
    _, low = rows(written(purchase("1", lines=[line("50.00", vat=vat, ledger_account="7100")])))
    assert (low["vatcode"], "vatvalue" in low) == ("IVL", False)
    _, sold = rows(written(sale("1", lines=[line("50.00", "verlegd", "0")])))
    assert (sold["vatcode"], "vatvalue" in sold) == ("VV", False)


@pytest.mark.parametrize(
    ("types", "period", "wanted"),
    [
        ({"sales:icp": "services"}, None, ("services", "20260331")),
        ({"sales:icp": "services"}, {"from": "2026-03-01", "to": "2026-03-20"}, ("services", "20260320")),
        ({"sales:icp": "goods"}, None, ("goods", None)),
        ({}, None, (None, None)),
    ],
)
def test_supplies_within_the_eu_say_what_they_are(
    types: Mapping[str, str], period: object, wanted: tuple[str | None, str | None]
) -> None:
    invoice = sale("1", lines=[line("50.00", "icp", "0")], work_period=period)
    _, row = rows(written(invoice, mapped(performance_types=types)))
    assert (row.get("performancetype"), row.get("performancedate")) == wanted


def test_no_vat_code_at_all_for_what_is_outside_vat() -> None:
    _, row = rows(written(sale("1", lines=[line("50.00", "geen", "0")])))
    assert "vatcode" not in row
    _, row = rows(
        written(sale("1", lines=[line("50.00", "geen", "0")]), mapped(vat_codes={"sales:geen": "VN"}))
    )
    assert row["vatcode"] == "VN"


def test_what_the_mapping_says() -> None:
    mapping = mapped(
        journals={"sales:regie": "VRK2"},
        destiny="final",
        debtor_account="1300",
        project_from="werk",
        ledger_accounts={"8000": "8020"},
    )
    werk = {"number": "W2026-014", "name": "Nieuwbouw school"}
    root = written(sale("1", werk=werk, payment_reference="RF18 5390"), mapping)
    total, detail = rows(root)
    assert root.get("destiny") == "final"
    assert root.findtext("header/code") == "VRK2"
    assert root.findtext("header/paymentreference") == "RF18 5390"
    assert (total["dim1"], detail["dim1"], detail["dim3"]) == ("1300", "8020", "W2026-014")
    assert total["description"] == "W2026-014 Werkzaamheden maart"
    assert written(purchase("1"), mapping).findtext("header/code") == "INK"


def test_warnings_are_never_switched_off() -> None:
    assert "raisewarning" not in encode(written(sale("1")))


def test_a_purchase_has_the_suppliers_number() -> None:
    assert written(purchase(" F-55012 ")).findtext("header/invoicenumber") == "F-55012"


@pytest.mark.parametrize(
    ("lines", "code", "field"),
    [
        ([line("0.00")], Code.UNSUPPORTED_BY_PACKAGE, "$.lines"),
        ([line("5.00", ledger_account="8 000")], Code.NOT_FOUND_LEDGER_ACCOUNT, "$.lines[0].ledger_account"),
        (
            [line(), line("5.00", id="2", cost_centre="x" * 17)],
            Code.NOT_FOUND_COST_CENTRE,
            "$.lines[1].cost_centre",
        ),
    ],
)
def test_what_cannot_be_booked_is_known_without_a_call(lines: Sequence[Json], code: Code, field: str) -> None:
    why = refusal(sale("1", lines=lines))
    assert (why.code, why.field) == (code, field)


def test_more_lines_than_twinfield_takes() -> None:
    many = [line("1.00", id=str(place), ledger_account=str(10_000 + place)) for place in range(1_000)]
    assert refusal(sale("1", lines=many)).code is Code.UNSUPPORTED_BY_PACKAGE
    assert len(details(sale("1", lines=many[1:]), STANDARD)) == 999


@unhurried
@given(invoice_models())
def test_debit_is_credit_to_the_cent_and_vat_is_enks(invoice: Invoice) -> None:
    codes = []
    try:
        root = written(invoice)
    except Refused as refused:
        codes.append(refused.code)
    assert codes in ([], [Code.UNSUPPORTED_BY_PACKAGE])
    if codes:
        return
    total, *detail = rows(root)

    def signed(row: Mapping[str, str], name: str) -> Decimal:
        value = Decimal(row.get(name, "0.00"))
        assert value >= 0
        return value if row["debitcredit"] == "debit" else -value

    vat = sum((signed(row, "vatvalue") for row in detail), Decimal(0))
    net = sum((signed(row, "value") for row in detail), Decimal(0))
    assert signed(total, "value") + net + vat == 0
    sign = -1 if invoice.direction is Direction.SALES else 1
    assert sign * vat == invoice.totals.vat
    assert all(len(row["description"]) <= 40 for row in [total, *detail])
    assert len(root.findtext("header/invoicenumber") or "") <= 40


def test_defaults_stay_under_what_is_filled_in() -> None:
    mapping = TwinfieldMapping.model_validate({"vat_codes": {"sales:verlegd": "VV"}, "journals": {}})
    assert mapping.vat_codes["sales:hoog"] == "VH"
    assert mapping.journals == {"sales": "VRK", "purchase": "INK"}
    assert mapping.journals_of(Direction.SALES) == {"VRK"}
    with pytest.raises(ValidationError):
        TwinfieldMapping.model_validate({"vat_codes": {"sales:hoog": "te lange btw-code"}})
