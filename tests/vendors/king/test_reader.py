"""What King's schemas refuse in a file."""

from __future__ import annotations

import pytest

from tests.vendors.king import files
from vendors.king.reader import Faulty, read_file


def refusal(content: bytes) -> str:
    with pytest.raises(Faulty) as caught:
        read_file(content)
    return str(caught.value)


def test_a_file_that_follows_the_schemas_is_read() -> None:
    assert read_file(files.debtors(files.debtor())).root.name == "KING_DEBITEUREN"
    content = read_file(files.journal(files.sale())).content
    [batch] = content.lists["BOEKINGSGANGEN"]
    [post] = batch.lists["JOURNAALPOSTEN"]
    assert [line["JR_VALUTABEDRAG"] for line in post.lists["JOURNAALREGELS"]] == [
        "1380.00",
        "600.00",
        "600.00",
    ]


def test_children_come_in_any_order_and_optional_dates_may_be_empty() -> None:
    post = files.post("VERK", files.line(8000, "DEB", "1", JR_VERVALDATUM="", JR_AANTAL=""))
    swapped = post.replace("<JP_DAGBOEKCODE>VERK</JP_DAGBOEKCODE>", "").replace(
        "</JOURNAALPOST>", "<JP_DAGBOEKCODE>VERK</JP_DAGBOEKCODE></JOURNAALPOST>"
    )
    assert read_file(files.journal(swapped)).content.lists


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("<JP_DAGBOEKCODE>VERK</JP_DAGBOEKCODE>", "", "JP_DAGBOEKCODE ontbreekt"),
        ("VERK", "VERKOOPBOEK", "langer dan 10 tekens"),
        ("VERK", "", "is leeg"),
        ("2026-11-06", "06-11-2026", "geen datum"),
        ("2026-11-06", "2026-11-31", "een datum die niet bestaat"),
        (">post<", f">{'x' * 41}<", "langer dan 40 tekens"),
        (">1380.00<", ">1380,00<", "geen bedrag"),
        (">1380.00<", ">1380.001<", "geen bedrag"),
        (">1380.00<", ">12345678901.00<", "geen bedrag"),
        (">1380.00<", "><", "is leeg"),
        (">DEB<", ">DEBET<", "niet een van DEB, CRED"),
        (">EUR<", ">EURO<", "langer dan 3 tekens"),
        (">130123<", f">{'1' * 29}<", "langer dan 28 tekens"),
        (">20260123<", f">{'1' * 41}<", "langer dan 40 tekens"),
        (">BTW<", ">VAT<", "niet een van BTW"),
        (">002<", ">1000<", "geen geheel getal van 0 tot en met 999"),
        (">002<", ">H21<", "geen geheel getal"),
        (">false<", ">nee<", "niet een van"),
        ("<JOURNAALPOST>", '<JOURNAALPOST soort="x">', "attribuut soort"),
        ("<KING_JOURNAAL>", '<KING_JOURNAAL xmlns="urn:x">', "onbekend bestand"),
        ("<JOURNAALPOST>", "<JOURNAALPOST><JP_PERIODE>11</JP_PERIODE>", "JP_PERIODE: onbekend element"),
        ("<JOURNAALPOST>", "<JOURNAALPOST><JP_BOEKDATUM>2026-11-06</JP_BOEKDATUM>", "meer dan eens"),
        ("<JOURNAALPOST>", "<JOURNAALPOST>tekst", "tekst tussen de elementen"),
        ("<JOURNAALPOSTEN>", "<JOURNAALPOSTEN><POST></POST>", "onbekend element in JOURNAALPOSTEN"),
        ("KING_JOURNAAL", "KING_JOURNALEN", "onbekend bestand KING_JOURNALEN"),
        ("</KING_JOURNAAL>", "", "geen geldige XML"),
        ('encoding="UTF-8"', 'encoding="ISO-8859-1"', "in plaats van UTF-8"),
    ],
)
def test_a_broken_rule_of_the_journal(before: str, after: str, says: str) -> None:
    text = files.journal(files.sale()).decode()
    assert before in text
    assert says in refusal(text.replace(before, after).encode())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"NAW_NUMMER": 12345678901}, "geen geheel getal"),
        ({"NAW_ZOEKCODE": "JANSENINSTA"}, "langer dan 10"),
        ({"NAW_KREDIETLIMIET": "-1.00"}, "mag niet negatief zijn"),
        ({"NAW_AANMANINGSTYPE": "STRENG"}, "niet een van"),
        ({"NAW_BTWNUMMER": "N" * 16}, "langer dan 15"),
        ({"NAW_ONSDEBITEURNUMMER": "1"}, "onbekend element"),
        ({"NAW_BANKREKENINGEN": ""}, "geen enkel NAW_BANKREKENING"),
        (
            {"NAW_BANKREKENINGEN": "<NAW_BANKREKENING><BANK_BIC>X</BANK_BIC></NAW_BANKREKENING>"},
            "BANK_REKENINGNUMMER ontbreekt",
        ),
        (
            {"NAW_CONTACTPERSONEN": "<NAW_CONTACTPERSOON><CP_EMAIL>a</CP_EMAIL></NAW_CONTACTPERSOON>"},
            "CP_NUMMER ontbreekt",
        ),
    ],
)
def test_a_broken_rule_of_a_debtor(fields: dict[str, object], says: str) -> None:
    number = fields.pop("NAW_NUMMER", 130123)
    assert says in refusal(files.debtors(files.debtor(number, **fields)))  # type: ignore[arg-type]


def test_a_long_name_is_refused_not_shortened() -> None:
    assert "langer dan 40" in refusal(files.debtors(files.debtor(name="x" * 41)))


def test_every_fault_is_named_with_its_line() -> None:
    text = (
        files.journal(files.sale())
        .decode()
        .replace(">DEB<", ">D<")
        .replace("><JOURNAALREGEL>", ">\n<JOURNAALREGEL>")
    )
    faults = refusal(text.replace(">001<", ">x<").encode()).split("; ")
    assert len(faults) == 2
    assert [fault.partition(":")[0] for fault in faults] == ["regel 3", "regel 5"]


def test_entities_and_document_types_are_not_for_import_files() -> None:
    content = (
        b'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    )
    assert "DOCTYPE" in refusal(content + files.debtors(files.debtor())[len(files.HEAD) :])
    assert "geen geldige XML" in refusal(b"")
