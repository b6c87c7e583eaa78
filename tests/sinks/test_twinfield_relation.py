"""Our relation as Twinfield's debtor or creditor: new, and laid over what the bookkeeper keeps."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.relation import Relation, Role
from sinks.twinfield_overlay import overlay
from sinks.twinfield_relation import (
    RelationFields,
    fingerprint,
    marker,
    new_dimension,
    relation_fields,
)
from sinks.twinfield_relation_writer import is_same_company
from sinks.twinfield_settings import TwinfieldMapping
from tests.conformance.opening import relation
from vendors.twinfield.models import Dimension
from vendors.twinfield.wire import Element, decode, encode

STANDARD = TwinfieldMapping()
HELD = (
    '<dimension status="active" result="1"><office name="Van Dam" shortname="VD">ENK001</office>'
    '<type name="Debiteuren" shortname="Debiteuren">DEB</type><code>10023</code><uid>c502</uid>'
    "<name>Oude Naam</name><shortname/><inuse>true</inuse><touched>0</touched><cocnumber/><vatnumber/>"
    "<financials><matchtype>customersupplier</matchtype><duedays>14</duedays>"
    '<substitutewith name="Debiteuren" shortname="Deb" dimensiontype="BAS">1300</substitutewith>'
    '<relationsreference>van de boekhouder</relationsreference><vatcode name="" shortname="" type=""/>'
    '<collectmandate><id>M-1</id></collectmandate></financials><addresses><address id="1" type="postal">'
    '<field2>Postbus 1</field2></address><address id="2" type="invoice" default="true"><name>Oude Naam</name>'
    '<country name="Nederland" shortname="">NL</country><ictcountrycode>NL</ictcountrycode>'
    "<city>Utrecht</city><telefax>030-9</telefax><field1/><field2>Oud 1</field2><field6>eigen</field6>"
    '</address></addresses><banks><bank id="7" default="true"><ascription>Eigen tekst</ascription>'
    "<iban>NL86ABNA0780250716</iban></bank></banks></dimension>"
)


def fields_of(**changes: object) -> RelationFields:
    return relation_fields(relation(**changes), Role.DEBTOR, STANDARD)


def made(role: Role = Role.DEBTOR, mapping: TwinfieldMapping = STANDARD, **changes: object) -> Element:
    own = relation(**changes)
    return new_dimension(own, relation_fields(own, role, mapping), role, "10023", "ENK001", mapping)


def laid(**changes: object) -> Element:
    body = overlay(Dimension.of(decode(HELD)), relation_fields(relation(**changes), Role.DEBTOR, STANDARD))
    assert body is not None
    return body


def test_a_new_debtor_word_for_word() -> None:
    assert encode(made()) == (
        "<dimension><office>ENK001</office><type>DEB</type><code>10023</code>"
        "<name>Bouwbedrijf Groeneveld B.V.</name><shortname>GROENEVELD</shortname>"
        "<website>https://groeneveld.example</website><financials><duedays>30</duedays>"
        "<relationsreference>ENK rel-204</relationsreference></financials><addresses>"
        '<address type="invoice" default="true"><name>Bouwbedrijf Groeneveld B.V.</name><country>NL</country>'
        "<city>Utrecht</city><postcode>3511 AB</postcode><field2>Dorpsstraat 12a</field2>"
        "<telephone>030-1234567</telephone><email>facturen@groeneveld.example</email>"
        "<field1>Renée Groeneveld</field1><field4>NL004495445B01</field4><field5>12345678</field5></address>"
        '</addresses><banks><bank default="true"><ascription>Groeneveld</ascription><country>NL</country>'
        "<iban>NL91ABNA0417164300</iban></bank></banks></dimension>"
    )


def test_nothing_is_sent_that_enk_leaves_empty() -> None:
    root = made(
        addresses=[], bank_accounts=[], phone=None, email=None, invoice_email=None, website=None,
        contact_person=None, kvk_number=None, vat_identifier=None, search_name=None,
    )  # fmt: skip
    assert [child.tag for child in root] == ["office", "type", "code", "name", "financials"]


def test_the_invoice_address_comes_first_and_is_the_only_default() -> None:
    def address(kind: str, street: str) -> dict[str, str]:
        return {
            "kind": kind,
            "street": street,
            "house_number": "1",
            "postcode": "",
            "city": "Ede",
            "country": "NL",
        }

    every = [address("visiting", "Bezoek"), address("postal", "Post"), address("invoice", "Factuur")]
    held = made(addresses=every).findall("addresses/address")
    assert [(one.get("type"), one.get("default"), one.findtext("field2")) for one in held] == [
        ("invoice", "true", "Factuur 1"),
        ("postal", "false", "Post 1"),
        ("contact", "false", "Bezoek 1"),
    ]
    held = made(addresses=every[:2]).findall("addresses/address")
    assert [(one.get("default"), one.findtext("field2")) for one in held] == [
        ("true", "Post 1"),
        ("false", "Bezoek 1"),
    ]


def test_a_g_account_belongs_to_creditors_with_its_split_when_the_mapping_says_so() -> None:
    accounts = [
        {"iban": "NL91ABNA0417164300", "kind": "normal"},
        {"iban": "NL86ABNA0780250716", "kind": "g_account"},
    ]
    assert len(made(bank_accounts=accounts).findall("banks/bank")) == 1
    root = made(Role.CREDITOR, bank_accounts=accounts)
    normal, blocked = root.findall("banks/bank")
    assert (normal.get("default"), normal.get("blocked")) == ("true", None)
    assert (blocked.get("default"), blocked.get("blocked")) == ("false", "true")
    assert blocked.findtext("ascription") == "G-rekening Bouwbedrijf Groeneveld B.V."
    assert root.find("blockedaccountpaymentconditions") is None
    percentage = TwinfieldMapping(g_account_percentage=Decimal(20))
    split = made(Role.CREDITOR, percentage, bank_accounts=accounts)
    assert split.findtext("blockedaccountpaymentconditions/percentage") == "20.00"


def test_the_control_account_is_inherited_unless_the_mapping_names_it() -> None:
    assert made().find("financials/substitutewith") is None
    named = TwinfieldMapping(debtor_account="13000")
    assert made(mapping=named).findtext("financials/substitutewith") == "13000"
    assert made(Role.CREDITOR, mapping=named).find("financials/substitutewith") is None


def test_what_the_bookkeeper_keeps_stays_and_what_enk_says_is_laid_over_it() -> None:
    root = laid()
    assert root.findtext("name") == "Bouwbedrijf Groeneveld B.V."
    assert root.findtext("financials/duedays") == "30"
    assert root.findtext("financials/relationsreference") == "van de boekhouder"
    assert root.findtext("financials/collectmandate/id") == "M-1"
    assert root.findtext("financials/substitutewith") == "1300"
    postal, main = root.findall("addresses/address")
    assert (postal.get("id"), postal.findtext("field2")) == ("1", "Postbus 1")
    assert (main.get("id"), main.findtext("telefax"), main.findtext("field6")) == ("2", "030-9", "eigen")
    assert (main.findtext("field2"), main.findtext("city")) == ("Dorpsstraat 12a", "Utrecht")
    old, new = root.findall("banks/bank")
    assert (old.get("id"), old.get("default"), old.findtext("ascription")) == ("7", "false", "Eigen tekst")
    assert (new.get("id"), new.get("default"), new.findtext("iban")) == (None, "true", "NL91ABNA0417164300")


def test_what_twinfield_only_tells_is_not_sent_back() -> None:
    text = encode(laid())
    for told in ("uid", "inuse", "touched", "cocnumber", "vatnumber", "ictcountrycode", "shortname="):
        assert told not in text
    root = decode(text)
    assert not root.attrib
    assert not root.findall("office")[0].attrib
    assert root.find("financials/vatcode") is None


def test_the_same_again_is_no_change() -> None:
    record = Dimension.of(laid())
    assert overlay(record, fields_of()) is None
    assert overlay(record, fields_of(phone="030-7654321")) is not None


def test_the_fingerprint_follows_role_and_mapping() -> None:
    own = relation()
    prints = {
        fingerprint(own, Role.DEBTOR, STANDARD),
        fingerprint(own, Role.CREDITOR, STANDARD),
        fingerprint(own, Role.DEBTOR, TwinfieldMapping(debtor_account="13000")),
    }
    assert len(prints) == 3


def held(**changes: str) -> Dimension:
    texts = {"name": "x", "reference": "", "vat_number": "", "kvk_number": "", **changes}
    return Dimension(code="1", status="active", body=decode("<dimension/>"), **texts)


@pytest.mark.parametrize(
    ("record", "same"),
    [
        (held(reference="ENK rel-204"), True),
        (held(reference="ENK rel-9", kvk_number="12345678"), False),
        (held(kvk_number="12345678"), True),
        (held(kvk_number="1234 5678", name="Anders"), True),
        (held(kvk_number="87654321", name="Bouwbedrijf Groeneveld B.V."), False),
        (held(vat_number="NL004495445B01"), True),
        (held(name="bouwbedrijf groeneveld b.v."), True),
        (held(), False),
    ],
)
def test_whose_a_code_is(record: Dimension, same: bool) -> None:
    assert is_same_company(record, relation()) is same


def test_a_long_id_still_makes_a_mark() -> None:
    long = Relation.model_validate({**relation().model_dump(), "id": "r" * 50})
    assert len(marker(long)) <= 40
    assert marker(long) != marker(relation(id="r" * 49 + "x"))
