"""What King does with a file that follows its schemas: the books that come of it, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.vendors.king import files
from vendors.king.company import KingCompany
from vendors.king.importing import Report, import_file
from vendors.simulation import Stage
from vendors.simulation.books import BookedDocument, Direction, Role
from vendors.simulation.contract import ChartAccount, CostCentre, NewCompany


@pytest.fixture
def company(tmp_path: Path) -> KingCompany:
    stage = Stage(lambda: datetime(2026, 11, 7, tzinfo=UTC))
    wanted = NewCompany(
        package="king",
        chart=[ChartAccount(number="8900", name="Oud", function="omzet", active=False)],
        cost_centres=[CostCentre(number="12", name="Service")],
    )
    company = KingCompany(stage, wanted, "king-1", tmp_path)
    import_file(company, files.debtors(files.debtor()), "deb.xml")
    import_file(company, files.creditors(files.debtor(250051, "Groothandel Noord")), "cred.xml")
    return company


def read(company: KingCompany, *posts: str, definitive: str | None = "false") -> Report:
    return import_file(company, files.journal(*posts, definitive=definitive), "journaal.xml")


def documents(company: KingCompany) -> list[BookedDocument]:
    return list(company.books.documents.values())


def test_a_sale_is_in_the_books_with_its_vat_by_code(company: KingCompany) -> None:
    report = read(company, files.sale())
    assert (report.refused, report.read) == (False, 1)
    [document] = documents(company)
    assert document.direction is Direction.SALES
    assert (document.number, document.relation.code) == ("20260123", "130123")
    assert document.gross == document.open == Decimal("1380.00")
    assert {row.kind: row.amount for row in document.vat} == {
        "001": Decimal("54.00"),
        "002": Decimal("126.00"),
    }
    assert [(line.account, line.net, line.vat_kind) for line in document.lines] == [
        ("8000", Decimal("600.00"), "002"),
        ("8010", Decimal("600.00"), "001"),
    ]
    assert document.provisional
    assert (document.file, document.journal) == ("journaal.xml", "VERK")
    assert str(document.due_date) == "2026-12-06"


def test_a_purchase_and_a_credit(company: KingCompany) -> None:
    credit = files.sale(
        "20260130",
        files.line(130123, "CRED", "121.00", JR_FACTUURNUMMER="20260130"),
        files.line(8000, "DEB", "100.00", files.vat("DEB", "21.00")),
    )
    read(company, files.purchase(), credit)
    purchase, sale = documents(company)
    assert (purchase.direction, purchase.gross) == (Direction.PURCHASE, Decimal("242.00"))
    assert [(row.kind, row.amount) for row in purchase.vat] == [("012", Decimal("42.00"))]
    assert [line.net for line in purchase.lines] == [Decimal("200.00")]
    assert (sale.gross, sale.lines[0].net, sale.vat[0].amount) == (
        Decimal("-121.00"),
        Decimal("-100.00"),
        Decimal("-21.00"),
    )


def test_vat_on_a_line_of_its_own_counts_as_vat(company: KingCompany) -> None:
    read(
        company,
        files.post(
            "INK",
            files.line(250051, "CRED", "242.00", JR_FACTUURNUMMER="T1"),
            files.line("150250", "DEB", "42.00"),
            files.line(7000, "DEB", "200.00"),
        ),
    )
    [document] = documents(company)
    assert [(row.kind, row.amount) for row in document.vat] == [("150250", Decimal("42.00"))]
    assert [line.account for line in document.lines] == ["7000"]


def test_a_final_batch_is_not_provisional(company: KingCompany) -> None:
    read(company, files.sale(), definitive="TRUE")
    read(company, files.sale("2"), definitive=None)
    assert [document.provisional for document in documents(company)] == [False, True]


def test_a_cost_centre_is_part_of_the_account(company: KingCompany) -> None:
    good = files.sale(
        "1",
        files.line(130123, "DEB", "100.00", JR_FACTUURNUMMER="1"),
        files.line("8000.12", "CRED", "100.00"),
    )
    assert not read(company, good).refused
    [document] = documents(company)
    assert (document.lines[0].account, document.lines[0].cost_centre) == ("8000", "12")
    assert read(company, good.replace("8000.12", "8000.13")).refused


def test_a_repeated_number_is_not_refused_but_seen(company: KingCompany) -> None:
    assert not read(company, files.sale(), files.sale()).refused
    [double] = company.books.doubles()
    assert (double.number, len(double.ids)) == ("20260123", 2)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (">VERK<", ">VERKX<", "onbekend dagboek VERKX"),
        (">8000<", ">8001<", "onbekende rekening, debiteur of crediteur 8001"),
        (">8000<", ">8900<", "geblokkeerd"),
        (">130123<", ">130999<", "onbekende rekening, debiteur of crediteur 130999"),
        (">130123<", ">250051<", "is een crediteur"),
        (">002<", ">999<", "onbekende btw-code 999"),
        ("<HULP_BTWCODE>002</HULP_BTWCODE>", "", "zonder HULP_BTWCODE"),
        (">600.00<", ">600.01<", "niet in evenwicht, verschil -0.02"),
        (">126.00<", ">125.99<", "niet in evenwicht, verschil 0.01"),
        (">EUR<", ">USD<", "onbekende valuta USD"),
    ],
)
def test_a_wrong_post_refuses_the_whole_file(
    company: KingCompany, before: str, after: str, says: str
) -> None:
    wrong = files.sale().replace(before, after)
    report = read(company, files.sale("GOED"), wrong)
    assert report.refused
    assert says in report.text()
    assert documents(company) == []


def test_a_sale_names_exactly_one_debtor(company: KingCompany) -> None:
    report = read(company, files.sale("1", files.line(8000, "DEB", "1.00"), files.line(8010, "CRED", "1.00")))
    assert "0 debiteuren of crediteuren in plaats van 1" in report.text()


def test_only_the_wrong_post_is_refused_where_that_is_set(company: KingCompany) -> None:
    company.change_settings({"wrong_post": "post"})
    report = read(company, files.sale("GOED"), files.sale().replace(">VERK<", ">X<"))
    assert (report.refused, report.read) == (False, 1)
    assert [document.number for document in documents(company)] == ["GOED"]
    assert read(company, files.sale().replace(">VERK<", ">X<")).refused


def test_a_closed_period_refuses(company: KingCompany) -> None:
    company.change_settings({"closed_until": "2026-11-30"})
    assert "is afgesloten" in read(company, files.sale()).text()


def test_relations_are_added_changed_and_keep_what_is_left_out(company: KingCompany) -> None:
    import_file(company, files.debtors(files.debtor(name=None, NAW_KVKNUMMER="12345678")), "deb.xml")
    debtor = company.books.relations[Role.DEBTOR]["130123"]
    assert (debtor.name, debtor.kvk_number) == ("Jansen Installaties B.V.", "12345678")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (files.debtor(1, NAW_BTWCODE=998), "onbekende btw-code 998"),
        (files.debtor(1, NAW_BETALINGSCONDITIE=998), "onbekende betalingsconditie 998"),
        (files.debtor(1, NAW_VALUTACODE="USD"), "onbekende valuta USD"),
        (files.debtor(1, NAW_TAALCODE="XX"), "onbekende taal XX"),
        (files.debtor(1, NAW_TEGENREKENING="9999"), "onbekende tegenrekening 9999"),
        (files.debtor(1, name=None), "zonder naam"),
        (files.debtor(8000), "is een grootboekrekening"),
        (files.debtor(250051), "in gebruik als crediteur"),
    ],
)
def test_a_wrong_relation_is_skipped_and_the_others_are_read(
    company: KingCompany, body: str, says: str
) -> None:
    report = import_file(company, files.debtors(body, files.debtor(130124, "Goed")), "deb.xml")
    assert (report.refused, report.read, len(report.skipped)) == (False, 1, 1)
    assert says in report.text()
    assert set(company.books.relations[Role.DEBTOR]) == {"130123", "130124"}


def test_a_relation_without_number_gets_one_from_king(company: KingCompany) -> None:
    report = import_file(company, files.debtors(files.debtor(None, "Nieuw")), "deb.xml")
    assert "zonder NAW_NUMMER" in report.text()
    assert len(company.books.relations[Role.DEBTOR]) == 2


def test_archived_pieces_are_linked_by_their_external_id(company: KingCompany) -> None:
    import_file(company, files.archive("ENK-1"), "archief.xml")
    text = files.sale().replace(
        "<JR_REKENINGNUMMER>", "<JR_ARCHIEFSTUK_EXTERN_ID>ENK-1</JR_ARCHIEFSTUK_EXTERN_ID><JR_REKENINGNUMMER>"
    )
    read(company, text)
    assert documents(company)[0].attachments == 1


def test_a_memorial_post_is_carried_out_without_becoming_an_invoice(company: KingCompany) -> None:
    post = files.post("MEMO", files.line(8000, "DEB", "1.00"), files.line(8010, "CRED", "1.00"))
    assert not read(company, post).refused
    assert documents(company) == []
