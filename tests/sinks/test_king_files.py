"""King's files as bytes: the golden files, their order, names and rules."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from schemas.outcome import Code
from schemas.relation import Role
from sinks.contract import RenderedFile
from sinks.king import KingSink
from sinks.king_rules import InvalidKingFile, Unbalanced, validate
from sinks.king_settings import KingMapping
from sinks.mapping import AdministrationMapping
from tests.schemas.builders import line
from tests.sinks.king_reading import cut, document, file_relation, invoice, relation, render
from vendors.failure import Refused

GOLDEN = Path(__file__).parent / "golden" / "king"
PDF = {
    "uri": "https://files.enk.example/20260123.pdf",
    "sha256": "0" * 64,
    "media_type": "application/pdf",
    "file_name": "factuur-20260123.pdf",
}


def month(mapping: KingMapping) -> tuple[RenderedFile, ...]:
    """Debtors, a creditor, and one invoice of every shape."""
    g_account = {"iban": "NL86ABNA0780250716", "kind": "g_account"}
    normal = {"iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "kind": "normal"}
    relations = [
        file_relation(relation()),
        replace(file_relation(relation(name="Łódź Çelik & Söhne <GmbH>", kvk_number=None)), code="1300205"),
        file_relation(relation(bank_accounts=[normal, g_account], blocked=True), Role.CREDITOR),
    ]
    sales = invoice(
        [
            line("600.00", id="1", description="CV-ketel & onderdelen"),
            line("600.00", "laag", "9", id="2", ledger_account="8010", description="Arbeid woning > 2 jaar"),
            line("-40.00", id="3", ledger_account="8100", description="Retour “bocht”"),
        ],
        kind="eindafrekening",
        werk={"number": "W2026-014", "name": "School"},
        attachment=PDF,
    )
    verlegd = invoice(
        [line("2500.00", "verlegd", "0", ledger_account="8250", description="Onderaanneming, btw verlegd")],
        id="inv-2",
        number="20260124",
        payment_reference="7000000020260124",
        g_account={"iban": "NL86ABNA0780250716", "amount": "625.00", "percentage": "25"},
    )
    credit = invoice(
        [line("-100.00", description="Retour onderdelen")],
        id="inv-3",
        number="F2026-0130",
        kind="los",
        credits_invoice_number="20260123",
    )
    bought = invoice(
        [
            line("200.00", ledger_account="7000", description="Koperbuis 15mm"),
            line("1000.00", "verlegd", "0", id="2", ledger_account="7100", description="Onderaanneming"),
        ],
        id="inv-4",
        number="INK-7",
        direction="purchase",
        supplier_invoice_number="TGN-2026/88123",
    )
    return render([document(each) for each in (sales, verlegd, credit, bought)], relations, mapping)


SETS = {
    "standaard": KingMapping(),
    "btw-op-eigen-regel": KingMapping(
        vat_mode="separate_line",
        vat_accounts={
            "sales:hoog": "150250",
            "sales:laag": "150200",
            "purchase:hoog": "150350",
            "due:verlegd": "150260",
            "deductible:verlegd": "150360",
        },
        cost_separator=".",
        purchases_approved=False,
        file_naming="fixed",
    ),
    "archief": KingMapping(archive_folder="D:\\Facturen\\", payment_conditions={"30": 30}),
}


@pytest.mark.parametrize("name", SETS)
def test_the_bytes_are_those_of_the_golden_files(name: str) -> None:
    """`UPDATE_GOLDEN=1 pytest tests/sinks/test_king_files.py` writes them anew; read the difference."""
    files = {file.name: file.content for file in month(SETS[name])}
    folder = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for file_name, content in files.items():
            (folder / file_name).write_bytes(content)
    assert files == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_come_in_the_order_in_which_king_must_read_them() -> None:
    assert [file.name for file in month(SETS["archief"])] == [
        "king-adm-1001-000042-1-debiteuren.xml",
        "king-adm-1001-000042-2-crediteuren.xml",
        "king-adm-1001-000042-3-archief.xml",
        "king-adm-1001-000042-4-journaal.xml",
    ]
    assert [file.name for file in month(SETS["btw-op-eigen-regel"])] == [
        "debiteuren.xml",
        "crediteuren.xml",
        "journaal.xml",
    ]


def test_an_administration_with_odd_characters_gives_a_plain_file_name() -> None:
    odd = cut([document(invoice())]).__class__
    made = odd("../a b/ç", 1, cut().cut_at, (), (document(invoice()),))
    assert KingSink().render(made, KingMapping())[0].name == "king--a-b--000001-4-journaal.xml"


def test_nothing_to_tell_is_no_file() -> None:
    assert render() == ()


def test_a_batch_is_provisional_and_there_is_one_per_file() -> None:
    journal = etree.fromstring(render([document(invoice()), document(invoice(number="7"))])[0].content)
    assert [element.text for element in journal.iter("BG_DEFINITIEF")] == ["false"]
    assert len(list(journal.iter("JOURNAALPOST"))) == 2


def test_every_line_of_an_archived_invoice_names_the_pdf() -> None:
    *_, archive, journal = month(SETS["archief"])
    (piece,) = etree.fromstring(archive.content).iter("DIGITAAL_ARCHIEFSTUK")
    assert piece.findtext("DAR_BESTANDSNAAM") == "D:\\Facturen\\factuur-20260123.pdf"
    post = next(etree.fromstring(journal.content).iter("JOURNAALPOST"))
    ids = {line.findtext("JR_ARCHIEFSTUK_EXTERN_ID") for line in post.iter("JOURNAALREGEL")}
    assert ids == {piece.findtext("DAR_EXTERN_ID")}


def test_an_archive_path_beyond_kings_255_is_refused() -> None:
    written = invoice(attachment=PDF | {"file_name": "x" * 300})
    with pytest.raises(Refused) as caught:
        KingSink().check_invoice(document(written), SETS["archief"])
    assert (caught.value.code, caught.value.field) == (Code.TOO_LONG, "$.attachment.file_name")


def test_markup_in_a_name_stays_text() -> None:
    (file,) = render(relations=[file_relation(relation(name="<b>&amp;</b>\n]]>\uffff"))])
    name = etree.fromstring(file.content).findtext(".//ADR_NAAM1")
    assert name == "<b>&amp;</b> ]]>\ufffd"


def test_another_packages_mapping_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="KingMapping"):
        KingSink().check_invoice(document(invoice()), AdministrationMapping())


JOURNAL = render([document(invoice())])[0].content
DEBTORS = render(relations=[file_relation(relation())])[0].content


@pytest.mark.parametrize(
    ("content", "change", "path"),
    [
        (JOURNAL, (b"<JP_DAGBOEKCODE>VERK", b"<JP_DAGBOEKCODE>VERKOOPBOEK"), "JP_DAGBOEKCODE"),
        (JOURNAL, (b"<JP_DAGBOEKCODE>VERK</JP_DAGBOEKCODE>", b""), "JOURNAALPOST"),
        (JOURNAL, (b"<JR_BOEKZIJDE>DEB", b"<JR_BOEKZIJDE>DEBET"), "JR_BOEKZIJDE"),
        (JOURNAL, (b"121.00", b"121,00"), "JR_VALUTABEDRAG"),
        (JOURNAL, (b"121.00", b"121.000"), "JR_VALUTABEDRAG"),
        (JOURNAL, (b"121.00", b"-121.00"), "JR_VALUTABEDRAG"),
        (JOURNAL, (b"2026-03-31", b"31-03-2026"), "JP_BOEKDATUM"),
        (JOURNAL, (b"2026-03-31", b"2026-02-30"), "JP_BOEKDATUM"),
        (JOURNAL, (b"<BG_DEFINITIEF>false", b"<BG_DEFINITIEF>true"), "BG_DEFINITIEF"),
        (JOURNAL, (b"<HULP_BTWCODE>002", b"<HULP_BTWCODE>1002"), "HULP_BTWCODE"),
        (JOURNAL, (b"<HULP_SOORT>BTW", b"<HULP_SOORT>VAT"), "HULP_SOORT"),
        (JOURNAL, (b"<JR_VOLGNUMMER>1<", b"<JR_VOLGNUMMER>1000<"), "JR_VOLGNUMMER"),
        (JOURNAL, (b"JP_OMSCHRIJVING", b"JP_OMSCHR"), "JOURNAALPOST"),
        (JOURNAL, (b"<JOURNAALPOST>", b'<JOURNAALPOST nr="1">'), "JOURNAALPOST"),
        (JOURNAL, (b"KING_JOURNAAL", b"JOURNAAL"), "/"),
        (JOURNAL, (b"</KING_JOURNAAL>", b""), "/"),
        (JOURNAL, (b'encoding="UTF-8"', b'encoding="latin1"'), "/"),
        (DEBTORS, (b"<NAW_NUMMER>1300204</NAW_NUMMER>", b""), "DEBITEUR"),
        (DEBTORS, (b"<NAW_ZOEKCODE>GROENEVELD", b"<NAW_ZOEKCODE>GROENEVELDS"), "NAW_ZOEKCODE"),
        (
            DEBTORS,
            (b"<BANK_REKENINGNUMMER>NL91ABNA0417164300", b"<BANK_REKENINGNUMMER>"),
            "BANK_REKENINGNUMMER",
        ),
        (DEBTORS, (b"<CP_NUMMER>1</CP_NUMMER>", b""), "NAW_CONTACTPERSOON"),
    ],
)
def test_a_file_that_is_not_kings_is_named_by_its_element(
    content: bytes, change: tuple[bytes, bytes], path: str
) -> None:
    assert change[0] in content
    with pytest.raises(InvalidKingFile) as caught:
        validate(content.replace(*change))
    assert caught.value.path.rstrip("]0123456789[").endswith(path)


def test_a_file_with_a_byte_order_mark_is_not_kings() -> None:
    with pytest.raises(InvalidKingFile):
        validate(b"\xef\xbb\xbf" + JOURNAL)


def test_a_cent_of_difference_is_found_in_the_bytes() -> None:
    with pytest.raises(Unbalanced):
        validate(JOURNAL.replace(b"<HULP_VALUTABEDRAG>21.00", b"<HULP_VALUTABEDRAG>21.01"))
