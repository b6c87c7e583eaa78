"""ENK's relation in SnelStart's fields: nothing blanked, nothing half, and never somebody else's record."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.relation import Relation, Role
from sinks.snelstart_relation import (
    fingerprint,
    is_same_company,
    marker,
    overlay,
    relatiecode,
    relation_fields,
)
from sinks.snelstart_settings import RelationCode, SnelStartMapping
from tests.sinks.snelstart_samples import address, books, id_of, relation
from vendors.snelstart.models import RelationRecord

COUNTRY = books().country
ID = UUID(int=5)


def values(source: Relation) -> dict[str, object]:
    return dict(relation_fields(source, COUNTRY).values)


def record(**more: object) -> RelationRecord:
    return RelationRecord.model_validate({"id": str(ID), "relatiesoort": ["Klant"], "naam": "X", **more})


def test_a_relation_field_by_field() -> None:
    source = relation(addresses=[address("postal", street="Postbus", house_number="9"), address()])
    assert values(source) == {
        "naam": "Installatiebedrijf Van der Berg B.V.",
        "vestigingsAdres": {
            "straat": "Industrieweg 12",
            "postcode": "3044 AS",
            "plaats": "Rotterdam",
            "land": {"id": id_of("NL")},
            "contactpersoon": "J. van der Berg",
        },
        "correspondentieAdres": {
            "straat": "Postbus 9",
            "postcode": "3044 AS",
            "plaats": "Rotterdam",
            "land": {"id": id_of("NL")},
        },
        "telefoon": "010-1234567",
        "email": "administratie@vanderberg.example",
        "factuurEmailVersturen": {
            "shouldSend": False,
            "email": "facturen@vanderberg.example",
            "ccEmail": None,
        },
        "websiteUrl": "https://vanderberg.example",
        "btwNummer": "NL123456782B12",
        "kvkNummer": "24123456",
        "iban": "NL91ABNA0417164300",
        "bic": "ABNANL2A",
        "krediettermijn": 30,
    }


def test_what_enk_leaves_empty_is_not_said() -> None:
    bare = relation(
        kvk_number=None,
        vat_identifier=None,
        addresses=[],
        phone="",
        email=None,
        invoice_email=" ",
        website=None,
        contact_person=None,
        bank_accounts=[],
    )
    assert values(bare) == {"naam": "Installatiebedrijf Van der Berg B.V.", "krediettermijn": 30}


@pytest.mark.parametrize(
    "half", [address(street=""), address(postcode=" "), address(country="XX"), address(postcode="1" * 26)]
)
def test_half_an_address_is_left_out_and_reported(half: dict[str, object]) -> None:
    fields = relation_fields(relation(addresses=[half]), COUNTRY)
    assert "vestigingsAdres" not in fields.values
    assert fields.dropped == ("$.addresses[0]",)


def test_the_invoice_address_serves_where_there_is_no_other() -> None:
    fields = values(relation(addresses=[address("invoice")]))
    assert "vestigingsAdres" in fields
    assert "correspondentieAdres" not in fields


@pytest.mark.parametrize(
    ("more", "path", "field"),
    [
        ({"phone": "0" * 26}, "$.phone", "telefoon"),
        ({"email": "a" * 251}, "$.email", "email"),
        ({"invoice_email": "a" * 251}, "$.invoice_email", "factuurEmailVersturen"),
        ({"website": "a" * 100}, "$.website", "websiteUrl"),
        ({"payment_terms": {"days": 1001}}, "$.payment_terms.days", "krediettermijn"),
    ],
)
def test_what_does_not_fit_and_may_not_be_shortened_is_dropped(
    more: dict[str, object], path: str, field: str
) -> None:
    fields = relation_fields(relation(**more), COUNTRY)
    assert field not in fields.values
    assert fields.dropped == (path,)


@given(st.text(min_size=1, max_size=300).filter(str.strip), st.text(max_size=80), st.text(max_size=300))
def test_names_and_streets_fit_whatever_they_are(name: str, number: str, street: str) -> None:
    try:
        source = relation(name=name, addresses=[address(street=street, house_number=number, city=name)])
    except ValueError:
        return
    fields = values(source)
    assert 0 < len(str(fields["naam"]).encode("utf-16-le")) <= 100
    main = fields.get("vestigingsAdres")
    if isinstance(main, dict):
        assert len(str(main["straat"]).encode("utf-16-le")) <= 100
        assert len(str(main["plaats"]).encode("utf-16-le")) <= 100


def test_a_long_street_keeps_its_house_number() -> None:
    main = values(relation(addresses=[address(street="Burgemeester " * 8, house_number="12-bis")]))
    assert str(main["vestigingsAdres"]["straat"]).endswith("… 12-bis")  # type: ignore[index]


def test_the_fingerprint_follows_what_is_written_and_nothing_else() -> None:
    base = fingerprint(relation(), Role.DEBTOR)
    assert fingerprint(relation(revision=2, language="de", blocked=True), Role.DEBTOR) == base
    assert fingerprint(relation(), Role.CREDITOR) != base
    assert fingerprint(relation(phone="1"), Role.DEBTOR) != base


@pytest.mark.parametrize(
    ("number", "code"),
    [("10423", 10423), ("00204", 204), ("D10", None), ("0", None), ("2147483648", None), ("²", None)],
)
def test_enks_number_becomes_the_relatiecode_where_it_can(number: str, code: int | None) -> None:
    assert relatiecode(relation(number=number), SnelStartMapping()) == code
    assert relatiecode(relation(number=number), SnelStartMapping(relatiecode=RelationCode.SNELSTART)) is None


OURS = relation()


@pytest.mark.parametrize(
    ("held", "same"),
    [
        ({"memo": marker(OURS)}, True),
        ({"memo": f"Belt graag\n{marker(OURS)}", "kvkNummer": "99999999"}, True),
        ({"memo": "ENK-relatie rel-2", "kvkNummer": OURS.kvk_number}, False),
        ({"kvkNummer": OURS.kvk_number}, True),
        ({"kvkNummer": "99999999", "btwNummer": "123456782B12"}, False),
        ({"btwNummer": "123456782B12"}, True),
        ({"btwNummer": "NL 1234.56.782.B12"}, True),
        ({"btwNummer": "BE0428759497"}, False),
        ({"naam": OURS.name}, None),
    ],
)
def test_who_a_record_is(held: dict[str, object], same: bool | None) -> None:
    assert is_same_company(record(**held), OURS) is same


HELD = {
    "naam": "Oude naam",
    "relatiecode": 10423,
    "modifiedOn": "2026-01-01T00:00:00",
    "uri": "/relaties/x",
    "memo": "van de boekhouder",
    "kredietLimiet": Decimal("1000.00"),
    "btwNummer": "123456782B12",
    "telefoon": "020-1",
    "vestigingsAdres": {
        "contactpersoon": "Piet",
        "straat": "Oud 1",
        "land": {"id": str(id_of("NL")), "uri": "/x"},
    },
    "factuurEmailVersturen": {"shouldSend": True, "email": "oud@x", "ccEmail": "cc@x"},
}


def test_an_update_lays_enks_fields_over_the_record_and_blanks_nothing() -> None:
    source = relation(phone=None, contact_person=None, bank_accounts=[])
    body = overlay(record(**HELD), relation_fields(source, COUNTRY))
    assert body is not None
    assert body["id"] == str(ID)
    assert body["relatiesoort"] == ["Klant"]
    assert body["naam"] == source.name
    assert body["telefoon"] == "020-1"
    assert body["memo"] == "van de boekhouder"
    assert body["kredietLimiet"] == Decimal("1000.00")
    assert body["btwNummer"] == "123456782B12"
    assert body["vestigingsAdres"] == {
        "contactpersoon": "Piet",
        "straat": "Industrieweg 12",
        "postcode": "3044 AS",
        "plaats": "Rotterdam",
        "land": {"id": str(id_of("NL")), "uri": "/x"},
    }
    assert body["factuurEmailVersturen"] == {
        "shouldSend": True,
        "email": "facturen@vanderberg.example",
        "ccEmail": "cc@x",
    }
    assert "uri" not in body
    assert "modifiedOn" not in body


def test_a_record_that_says_it_all_is_not_written_again() -> None:
    fields = relation_fields(relation(), COUNTRY)
    once = overlay(record(**HELD), fields)
    assert once is not None
    assert overlay(RelationRecord.model_validate(once), fields) is None
