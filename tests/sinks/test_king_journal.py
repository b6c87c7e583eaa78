"""What an invoice becomes in King's journal."""

from __future__ import annotations

import pytest

from schemas.invoice import Invoice
from schemas.outcome import Code, reason
from sinks.contract import FileInvoice
from sinks.king import KingSink
from sinks.king_settings import KingMapping
from sinks.mapping import DimensionSource
from tests.schemas.builders import ABSENT, line
from tests.sinks.king_reading import Line, document, invoice, lines, relation, render, the_post
from vendors.failure import Refused


def refusal(written: Invoice, mapping: KingMapping | None = None, code: str = "1300204") -> Refused:
    with pytest.raises(Refused) as caught:
        KingSink().check_invoice(
            FileInvoice(invoice=written, relation=relation(), relation_code=code),
            mapping or KingMapping(),
        )
    return caught.value


def test_a_sales_invoice_debits_the_debtor_and_credits_revenue_with_its_vat() -> None:
    post = the_post(
        invoice([line("600.00", id="1"), line("600.00", "laag", "9", id="2", ledger_account="8010")])
    )
    assert lines(post) == [
        Line("1300204", "DEB", "1380.00"),
        Line("8000", "CRED", "600.00", "002", "CRED", "126.00"),
        Line("8010", "CRED", "600.00", "001", "CRED", "54.00"),
    ]
    assert post.findtext("JP_DAGBOEKCODE") == "VERK"
    assert post.findtext("JP_BOEKDATUM") == "2026-03-31"


def test_a_purchase_credits_the_creditor_under_the_suppliers_number_and_has_no_stuknummer() -> None:
    post = the_post(
        invoice(
            [line("200.00", ledger_account="7000")],
            direction="purchase",
            supplier_invoice_number=" TGN-2026/88123 ",
        )
    )
    assert lines(post) == [
        Line("2500204", "CRED", "242.00"),
        Line("7000", "DEB", "200.00", "012", "DEB", "42.00"),
    ]
    assert {row.text for row in post.iter("JR_FACTUURNUMMER")} == {"TGN-2026/88123"}
    assert post.find("JP_STUKNUMMER") is None
    assert post.findtext("JP_DAGBOEKCODE") == "INK"


def test_a_credit_swaps_sides_and_says_what_it_credits() -> None:
    post = the_post(invoice([line("-100.00")], kind="los", credits_invoice_number="20260100"))
    assert lines(post) == [
        Line("1300204", "CRED", "121.00"),
        Line("8000", "DEB", "100.00", "002", "DEB", "21.00"),
    ]
    assert post.findtext("JP_OMSCHRIJVING") == "20260123 credit op 20260100"


def test_a_negative_line_in_a_positive_invoice_stands_on_the_other_side() -> None:
    post = the_post(invoice([line("500.00"), line("-100.00", id="2", ledger_account="8100")]))
    assert lines(post) == [
        Line("1300204", "DEB", "484.00"),
        Line("8000", "CRED", "500.00", "002", "CRED", "105.00"),
        Line("8100", "DEB", "100.00", "002", "DEB", "21.00"),
    ]


def test_lines_of_one_account_and_vat_code_become_one_line() -> None:
    post = the_post(
        invoice(
            [
                line("10.00", id="1", description="Buis"),
                line("20.00", "laag", "9", id="2"),
                line("30.00", id="3", description="Bocht"),
                line("-5.00", id="4", description="Buis"),
            ]
        )
    )
    assert lines(post)[1:] == [
        Line("8000", "CRED", "35.00", "002", "CRED", "7.35"),
        Line("8000", "CRED", "20.00", "001", "CRED", "1.80"),
    ]
    assert [row.text for row in post.iter("JR_OMSCHRIJVING")][1] == "Buis; Bocht"


def test_vat_is_the_invoices_own_and_rounding_goes_to_the_largest_line() -> None:
    three = [line("0.33", id=str(n), ledger_account=f"80{n}0") for n in range(2)]
    three.append(line("0.34", id="9", ledger_account="8200"))
    written = invoice(
        three,
        vat_breakdown=[{"kind": "hoog", "rate": "21", "taxable_amount": "1.00", "tax_amount": "0.23"}],
        totals={"net": "1.00", "vat": "0.23", "gross": "1.23"},
    )
    assert [row.vat for row in lines(the_post(written))] == [None, "0.07", "0.07", "0.09"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [("nul", "003"), ("verlegd", "004"), ("vrijgesteld", "005"), ("icp", "006"), ("export", "007")],
)
def test_sales_without_vat_carry_their_code_with_zero(kind: str, code: str) -> None:
    assert lines(the_post(invoice([line("2500.00", kind, "0")])))[1] == (
        Line("8000", "CRED", "2500.00", code, "CRED", "0.00")
    )


def test_geen_is_booked_without_vat_code() -> None:
    assert lines(the_post(invoice([line("25.00", "geen", "0")])))[1] == Line("8000", "CRED", "25.00")


@pytest.mark.parametrize(
    ("kind", "assessed", "code"),
    [("verlegd", None, "014"), ("verlegd", "9", "024"), ("icp", "21", "016"), ("import", None, "017")],
)
def test_a_purchase_on_which_we_book_both_sides_leaves_that_to_kings_code(
    kind: str, assessed: str | None, code: str
) -> None:
    vat = {"kind": kind, "rate": "0", "assessed_rate": assessed}
    post = the_post(invoice([line("1000.00", kind, "0", vat=vat)], direction="purchase"))
    assert lines(post) == [
        Line("2500204", "CRED", "1000.00"),
        Line("8000", "DEB", "1000.00", code, "DEB", "0.00"),
    ]


def test_two_lines_writes_the_vat_due_and_deductible_of_a_verlegd_purchase() -> None:
    mapping = KingMapping(
        verlegd_purchase="two_lines", vat_accounts={"due:verlegd": "150260", "deductible:verlegd": "150270"}
    )
    bought = [line("1000.01", "verlegd", "0", ledger_account="7100")]
    assert lines(the_post(invoice(bought, direction="purchase"), mapping)) == [
        Line("2500204", "CRED", "1000.01"),
        Line("7100", "DEB", "1000.01"),
        Line("150260", "CRED", "210.00"),
        Line("150270", "DEB", "210.00"),
    ]


def test_separate_line_writes_vat_on_its_account_and_the_date_on_every_line() -> None:
    mapping = KingMapping(vat_mode="separate_line", vat_accounts={"purchase:hoog": "150250"})
    post = the_post(
        invoice([line("150.00"), line("50.00", id="2", ledger_account="4500")], direction="purchase"), mapping
    )
    assert lines(post) == [
        Line("2500204", "CRED", "242.00"),
        Line("8000", "DEB", "150.00"),
        Line("4500", "DEB", "50.00"),
        Line("150250", "DEB", "42.00"),
    ]
    assert len(list(post.iter("JR_FACTUURDATUM"))) == 4


def test_a_missing_vat_account_is_named() -> None:
    refused = refusal(invoice(), KingMapping(vat_mode="separate_line"))
    assert (refused.code, refused.field) == (Code.MAPPING_MISSING, "$.vat_breakdown[0]")
    assert "sales:hoog:21" in str(refused.values["problem_nl"])


def test_a_rate_without_vat_code_is_named() -> None:
    old = invoice([line("100.00"), line("100.00", "laag", "6", id="2")], issue_date="2018-12-31")
    refused = refusal(old)
    assert (refused.code, refused.field) == (Code.NOT_FOUND_VAT, "$.lines[1].vat")
    assert reason(refused.code, **refused.values).nl.startswith(
        "Btw-code voor btw-soort laag 6% bestaat niet in het boekhoudpakket King."
    )


def test_an_invoice_of_nothing_is_still_booked() -> None:
    written = invoice([line("100.00"), line("-100.00", id="2")])
    assert lines(the_post(written)) == [
        Line("1300204", "DEB", "0.00"),
        Line("8000", "CRED", "0.00", "002", "CRED", "0.00"),
    ]


def test_a_line_of_nothing_is_left_out_beside_others() -> None:
    written = invoice([line("100.00"), line("0.00", id="2", ledger_account="8100")])
    assert [row.account for row in lines(the_post(written))] == ["1300204", "8000"]


def test_the_open_item_has_number_dates_reference_and_g_account() -> None:
    written = invoice(
        [line("1000.00")],
        payment_reference="7000000020260123",
        g_account={"iban": "NL91ABNA0417164300", "amount": "302.50"},
    )
    post = the_post(written, relation_=relation(name="Installatiebedrijf Van der Meulen en Zonen B.V."))
    debtor = next(post.iter("JOURNAALREGEL"))
    assert debtor.findtext("JR_FACTUURNUMMER") == "20260123"
    assert debtor.findtext("JR_FACTUURDATUM") == "2026-03-31"
    assert debtor.findtext("JR_VERVALDATUM") == "2026-04-30"
    assert debtor.findtext("JR_BETALINGSKENMERK") == "7000000020260123"
    text = debtor.findtext("JR_OMSCHRIJVING") or ""
    assert text.endswith("… G-rek € 302,50")
    assert len(text) <= 40


@pytest.mark.parametrize(
    ("number", "stuknummer"),
    [
        ("20260123", "20260123"),
        ("9999999999", "9999999999"),
        ("10000000000", None),
        ("00123", None),
        ("0", None),
        ("F2026-1", None),
        ("١٢٣", None),
    ],
)
def test_stuknummer_is_the_invoice_number_where_king_can_hold_it(number: str, stuknummer: str | None) -> None:
    post = the_post(invoice(number=number))
    assert post.findtext("JP_STUKNUMMER") == stuknummer
    assert post.findtext("JOURNAALREGELS/JOURNAALREGEL/JR_FACTUURNUMMER") == number


def test_a_journal_per_invoice_kind_goes_before_that_of_the_direction() -> None:
    mapping = KingMapping(journals={"sales:regie": "VREG"})
    assert the_post(invoice(), mapping).findtext("JP_DAGBOEKCODE") == "VREG"
    assert the_post(invoice(kind="termijn"), mapping).findtext("JP_DAGBOEKCODE") == "VERK"


def test_accounts_follow_the_mapping_by_vat_kind() -> None:
    mapping = KingMapping(ledger_accounts={"8000": "800000", "8000/verlegd": "802000"})
    written = invoice([line("1.00"), line("1.00", "verlegd", "0", id="2")])
    assert [row.account for row in lines(the_post(written, mapping))][1:] == ["800000", "802000"]


def test_cost_centre_and_cost_unit_are_written_only_with_a_separator() -> None:
    rows = [
        line("1.00", cost_centre="100", cost_unit="9"),
        line("1.00", id="2", cost_unit="9"),
        line("2.00", id="3"),
    ]
    assert [row.account for row in lines(the_post(invoice(rows)))][1:] == ["8000"]
    mapping = KingMapping(cost_separator=".", cost_unit_from=DimensionSource.COST_UNIT)
    accounts = [row.account for row in lines(the_post(invoice(rows), mapping))][1:]
    assert accounts == ["8000.100.9", "8000..9", "8000"]


def test_a_cost_centre_that_does_not_fit_is_refused_where_it_stands() -> None:
    mapping = KingMapping(cost_separator=".")
    assert refusal(invoice([line(cost_centre="123456789")]), mapping).field == "$.lines[0].cost_centre"
    assert refusal(invoice([line(cost_centre="1.2")]), mapping).code is Code.BAD_FORMAT
    werk = mapping.model_copy(update={"cost_centre_from": DimensionSource.WERK})
    of_werk = invoice(werk={"number": "W2026-0014", "name": "School"})
    assert refusal(of_werk, werk).field == "$.werk.number"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"number": "9" * 41}, Code.TOO_LONG, "$.number"),
        (
            {"direction": "purchase", "supplier_invoice_number": "9" * 41},
            Code.TOO_LONG,
            "$.supplier_invoice_number",
        ),
        ({"payment_reference": "x" * 25}, Code.TOO_LONG, "$.payment_reference"),
        ({"number": "2026\n1"}, Code.BAD_FORMAT, "$.number"),
        ({"number": "2026\uffff1"}, Code.BAD_FORMAT, "$.number"),
    ],
)
def test_numbers_and_references_are_refused_never_shortened(
    changes: dict[str, object], code: Code, field: str
) -> None:
    if changes.get("direction") == "purchase":
        changes |= {"kind": ABSENT}
    refused = refusal(invoice(**changes))
    assert (refused.code, refused.field) == (code, field)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("D-204", Code.BAD_FORMAT), ("13000000204", Code.TOO_LONG), ("0204", Code.BAD_FORMAT)],
)
def test_a_relation_code_that_king_cannot_hold_is_refused(code: str, reason: Code) -> None:
    refused = refusal(invoice(), code=code)
    assert (refused.code, refused.field) == (reason, "$.relation_id")


def test_999_lines_fit_and_a_thousand_do_not() -> None:
    def of(count: int) -> Invoice:
        return invoice([line("1.00", id=str(n), ledger_account=str(4000 + n)) for n in range(count)])

    assert len(lines(the_post(of(998)))) == 999
    refused = refusal(of(999))
    assert (refused.code, refused.field) == (Code.UNSUPPORTED_BY_PACKAGE, "$.lines")
    why = reason(refused.code, **refused.values)
    assert "de boeking krijgt 1000 regels en King leest er hooguit 999" in why.nl
    assert "the booking would have 1000 lines and King reads no more than 999" in why.en


def test_a_thousand_lines_on_one_account_are_one_line() -> None:
    many = invoice([line("1.00", id=str(n)) for n in range(1500)])
    assert lines(the_post(many))[1] == Line("8000", "CRED", "1500.00", "002", "CRED", "315.00")


def test_an_amount_beyond_kings_twelve_digits_is_refused() -> None:
    huge = "99999999999"
    written = invoice(
        [line(huge, "nul", "0")],
        vat_breakdown=[{"kind": "nul", "rate": "0", "taxable_amount": huge, "tax_amount": "0"}],
        totals={"net": huge, "vat": "0", "gross": huge},
    )
    assert refusal(written).code is Code.TOO_LONG


def test_what_does_not_balance_is_never_written() -> None:
    broken = invoice(totals={"net": "100.00", "vat": "21.00", "gross": "121.01"})
    assert refusal(broken).code is Code.UNBALANCED
    with pytest.raises(Refused) as caught:
        render([document(broken)])
    assert caught.value.code is Code.UNBALANCED


def test_descriptions_are_shortened_and_carry_the_number_of_the_werk() -> None:
    written = invoice(
        [line(description="Levering en montage van\neen hybride warmtepomp met boiler")],
        werk={"number": "W2026-014", "name": "School"},
    )
    text = [row.text for row in the_post(written).iter("JR_OMSCHRIJVING")][1]
    assert text == "W2026-014 Levering en montage van een…"


def test_purchases_can_come_in_unapproved_for_payment() -> None:
    path = "JOURNAALREGELS/JOURNAALREGEL/JR_OPENSTAANDE_POST_GEFIATTEERD"
    bought = invoice(direction="purchase")
    assert the_post(bought).find(path) is None
    assert the_post(bought, KingMapping(purchases_approved=False)).findtext(path) == "false"
    assert the_post(invoice(), KingMapping(purchases_approved=False)).find(path) is None
