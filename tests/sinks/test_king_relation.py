"""What a debtor or creditor becomes in King, and which number it gets."""

from __future__ import annotations

import pytest
from lxml import etree
from pydantic import ValidationError

from schemas.outcome import Code
from schemas.relation import Role
from sinks.contract import FileRelation, NumberNeed, NumberSpace
from sinks.king import KingSink
from sinks.king_settings import KingMapping, NumberRange
from tests.sinks.king_reading import DEFAULT, file_relation, relation, render
from vendors.failure import Refused

VISITING = {
    "kind": "visiting",
    "street": "Dorpsstraat",
    "house_number": "12a",
    "postcode": "3511 AB",
    "city": "Utrecht",
    "country": "NL",
}


def written(role: Role = Role.DEBTOR, mapping: KingMapping = DEFAULT, **changes: object) -> etree._Element:
    document = file_relation(relation(**changes), role)
    KingSink().check_relation(document, mapping)
    (file,) = render(relations=[document], mapping=mapping)
    (element,) = etree.fromstring(file.content).iter("DEBITEUR", "CREDITEUR")
    return element


def code(number: str, mapping: KingMapping = DEFAULT, role: Role = Role.DEBTOR) -> str | NumberNeed:
    return KingSink().relation_code(relation(number=number), role, mapping)


def test_a_debtor_has_every_field_that_king_has_room_for() -> None:
    element = written()
    assert {child.tag: child.text for child in element if len(child) == 0} == {
        "NAW_NUMMER": "1300204",
        "NAW_ZOEKCODE": "GROENEVELD",
        "NAW_VALUTACODE": "EUR",
        "NAW_TAALCODE": "N",
        "NAW_BTWNUMMER": "NL004495445B01",
        "NAW_KVKNUMMER": "12345678",
        "NAW_WEBSITE": "https://groeneveld.example",
    }
    address = element.find("NAW_VESTIGINGADRES")
    assert address is not None
    assert {child.tag: child.text for child in address} == {
        "ADR_NAAM1": "Bouwbedrijf Groeneveld B.V.",
        "ADR_STRAAT": "Dorpsstraat",
        "ADR_HUISNUMMER": "12a",
        "ADR_POSTCODE": "3511 AB",
        "ADR_WOONPLAATS": "Utrecht",
        "ADR_LAND": "NL",
        "ADR_EMAIL": "info@groeneveld.example",
        "ADR_TELEFOON": "030-1234567",
    }
    assert element.findtext("NAW_CONTACTPERSONEN/NAW_CONTACTPERSOON/CP_ACHTERNAAM") == "Renée Groeneveld"


def test_a_creditor_goes_in_its_own_file() -> None:
    assert written(Role.CREDITOR).tag == "CREDITEUR"
    assert written(Role.CREDITOR).findtext("NAW_NUMMER") == "2500204"


def test_a_long_name_goes_over_two_fields() -> None:
    element = written(name="Installatiebedrijf Van der Meulen en Zonen Noord-Nederland B.V. te Heerenveen")
    assert element.findtext("NAW_VESTIGINGADRES/ADR_NAAM1") == "Installatiebedrijf Van der Meulen en"
    assert element.findtext("NAW_VESTIGINGADRES/ADR_NAAM2") == "Zonen Noord-Nederland B.V. te Heerenveen"


def test_post_goes_to_the_postal_address_when_there_is_one() -> None:
    postal = VISITING | {"kind": "postal", "street": "Postbus", "house_number": "99"}
    element = written(addresses=[postal, VISITING])
    assert element.findtext("NAW_VESTIGINGADRES/ADR_STRAAT") == "Dorpsstraat"
    assert element.findtext("NAW_CORRESPONDENTIEADRES/ADR_STRAAT") == "Postbus"
    assert element.findtext("NAW_CORRESPONDENTIEADRES/ADR_EMAIL") == "facturen@groeneveld.example"


def test_without_any_address_the_name_is_still_there() -> None:
    element = written(addresses=[], name="Café Brûlée", search_name=None)
    assert element.findtext("NAW_VESTIGINGADRES/ADR_NAAM1") == "Café Brûlée"
    assert element.findtext("NAW_ZOEKCODE") == "CAFEBRULEE"


def test_a_house_number_that_does_not_fit_moves_to_the_street() -> None:
    element = written(addresses=[VISITING | {"house_number": "12 bis achterhuis"}])
    assert element.findtext("NAW_VESTIGINGADRES/ADR_STRAAT") == "Dorpsstraat 12 bis achterhuis"
    assert element.find("NAW_VESTIGINGADRES/ADR_HUISNUMMER") is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"email": "x" * 80 + "@x.example", "invoice_email": None}, "NAW_VESTIGINGADRES/ADR_EMAIL"),
        ({"phone": "+31 30 123 45 67, toestel 123"}, "NAW_VESTIGINGADRES/ADR_TELEFOON"),
        ({"website": "https://x.example/" + "x" * 250}, "NAW_WEBSITE"),
    ],
)
def test_what_would_be_wrong_when_shortened_is_left_out(changes: dict[str, object], path: str) -> None:
    assert written(**changes).find(path) is None


def test_a_g_account_is_named_and_never_the_default() -> None:
    element = written(
        bank_accounts=[
            {"iban": "NL86ABNA0780250716", "kind": "g_account"},
            {"iban": "NL91ABNA0417164300", "kind": "normal", "bic": "ABNANL2A", "holder": "Groeneveld"},
            {"iban": "NL91ABNA0417164300", "kind": "normal"},
            {"iban": "DE89370400440532013000", "kind": "normal"},
        ]
    )
    rows = [{child.tag: child.text for child in account} for account in element.iter("NAW_BANKREKENING")]
    assert [row["BANK_ISDEFAULTREKENING"] for row in rows] == ["false", "true", "false"]
    assert rows[0]["BANK_REKENINGHOUDER"] == "Bouwbedrijf Groeneveld B.V. (G-rekening)"
    assert [row["BANK_ISBINNENLAND"] for row in rows] == ["true", "true", "false"]


def test_payment_conditions_are_kings_own_and_left_alone_unless_named() -> None:
    assert written().find("NAW_BETALINGSCONDITIE") is None
    by_days = KingMapping(payment_conditions={"30": 12})
    by_code = KingMapping(payment_conditions={"30": 12, "30D": 0})
    assert written(mapping=by_days).findtext("NAW_BETALINGSCONDITIE") == "12"
    assert written(mapping=by_code).findtext("NAW_BETALINGSCONDITIE") == "0"


def test_language_and_country_follow_the_mapping() -> None:
    mapping = KingMapping(languages={"de": "D"}, countries={"DE": "D"})
    german = [VISITING | {"country": "DE"}]
    element = written(mapping=mapping, language="de-AT", addresses=german)
    assert element.findtext("NAW_TAALCODE") == "D"
    assert element.findtext("NAW_VESTIGINGADRES/ADR_LAND") == "D"
    assert written(language="fr").findtext("NAW_TAALCODE") == "N"


def test_a_block_is_written_and_its_absence_changes_nothing() -> None:
    assert written(blocked=True).findtext("NAW_BLOKKEERORDERINVOER") == "true"
    assert written(Role.CREDITOR, blocked=True).findtext("NAW_BLOKKERENVOORBESTELLEN") == "true"
    assert written().find("NAW_BLOKKEERORDERINVOER") is None


@pytest.mark.parametrize(
    ("number", "changes", "expected"),
    [
        ("00204", {}, "1300204"),
        ("204", {"number_width": 4}, "130204"),
        ("204", {"debtor_prefix": ""}, "204"),
        ("12345678", {}, "1312345678"),
    ],
)
def test_enks_number_stands_behind_the_paragraph(
    number: str, changes: dict[str, object], expected: str
) -> None:
    assert code(number, KingMapping(**changes)) == expected


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        ("D-204", {}),
        ("123456789", {}),
        ("12345", {"number_width": 4}),
        ("900001", {}),
        ("0204", {"debtor_prefix": ""}),
        ("٢٠٤", {}),
        ("204", {"relation_numbers": "allotted"}),
    ],
)
def test_a_number_that_king_cannot_hold_is_allotted(number: str, changes: dict[str, object]) -> None:
    assert code(number, KingMapping(**changes)) == NumberNeed(
        NumberSpace("king.debtors", 13900001, 13999999), "rel-204"
    )


def test_debtors_and_creditors_never_share_a_number() -> None:
    assert code("204", role=Role.CREDITOR) == "25204"
    need = code("D-204", role=Role.CREDITOR)
    assert isinstance(need, NumberNeed)
    assert need.space == NumberSpace("king.creditors", 25900001, 25999999)
    with pytest.raises(ValidationError, match="overlap"):
        KingMapping(creditor_numbers=NumberRange(first=13950000, last=14000000))
    with pytest.raises(ValidationError, match="the same"):
        KingMapping(debtor_prefix="13", creditor_prefix="13")


@pytest.mark.parametrize(("given", "reason"), [("D-204", Code.BAD_FORMAT), ("12345678901", Code.TOO_LONG)])
def test_a_code_that_is_no_king_number_is_refused(given: str, reason: Code) -> None:
    with pytest.raises(Refused) as caught:
        KingSink().check_relation(FileRelation(relation(), Role.DEBTOR, given), DEFAULT)
    assert (caught.value.code, caught.value.field) == (reason, "$.number")
