"""The rules that the simulated SnelStart holds relations to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.vendors.simulation.driving import Office, codes, open_office, serving

UNKNOWN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with serving() as (_, control):
        yield await open_office(control)


async def test_a_relation_is_created_read_and_in_the_books(office: Office) -> None:
    answer = await office.call("POST", "relaties", office.relation(btwNummer="NL123456782B01"))
    assert answer.status_code == 201
    relation = answer.json()
    assert relation["btwNummer"] == "123456782B01", "a Dutch number is read back without its country"
    assert relation["relatiesoort"] == ["Klant"]
    assert relation["correspondentieAdres"] is None
    assert relation["factuurEmailVersturen"] == {"shouldSend": False, "email": None, "ccEmail": None}
    assert (await office.get(f"relaties/{relation['id']}")).json() == relation
    [debtor] = (await office.control.books(office.id))["debtors"]
    assert (debtor["code"], debtor["name"]) == ("10423", "Installatiebedrijf Van der Berg B.V.")
    assert (await office.control.books(office.id))["creditors"] == []


async def test_snelstart_chooses_a_code_when_none_is_given(office: Office) -> None:
    await office.make_relation(10423)
    answer = await office.call("POST", "relaties", office.relation(None))
    assert answer.json()["relatiecode"] == 10424


async def test_put_replaces_and_what_is_absent_becomes_empty(office: Office) -> None:
    identifier = await office.make_relation()
    body = {"id": identifier, "relatiesoort": ["Klant"], "relatiecode": 10423, "naam": "Nieuw"}
    answer = await office.call("PUT", f"relaties/{identifier}", body)
    assert answer.status_code == 200
    assert answer.json()["naam"] == "Nieuw"
    assert answer.json()["email"] is None
    assert answer.json()["vestigingsAdres"] is None
    [debtor] = (await office.control.books(office.id))["debtors"]
    assert debtor["name"] == "Nieuw"


async def test_a_record_as_read_can_be_put_back_without_its_read_only_fields(office: Office) -> None:
    identifier = await office.make_relation()
    record = (await office.get(f"relaties/{identifier}")).json()
    read_only = (
        "uri",
        "inkoopBoekingenUri",
        "verkoopBoekingenUri",
        "modifiedOn",
        "extraVeldenKlant",
        "documents",
    )
    answer = await office.call("PUT", f"relaties/{identifier}", record)
    assert set(answer.json()["modelState"]) == {f"relatie.{name}" for name in read_only}
    body = {name: value for name, value in record.items() if name not in read_only}
    assert (await office.call("PUT", f"relaties/{identifier}", body)).status_code == 200


Change = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"relatiesoort": []}, "REL-0001"),
        ({"relatiesoort": ["Geen"]}, "REL-0001"),
        ({"relatiesoort": ["Klant", "Eigen"]}, "REL-0048"),
        ({"relatiesoort": ["Klant", "Leverancier"]}, "REL-0065"),
        ({"naam": ""}, "REL-0007"),
        ({"naam": "x" * 51}, "REL-0007"),
        ({"id": UNKNOWN}, "REL-0063"),
        ({"relatiecode": 0}, "REL-0066"),
        ({"kvkNummer": "123"}, "REL-0006"),
        ({"kvkNummer": "1234567890123"}, "REL-0006"),
        ({"iban": "NL91ABNA0417164301"}, "REL-0011"),
        ({"bic": "GEENBIC"}, "REL-0010"),
        ({"btwNummer": "N"}, "REL-0058"),
        ({"btwNummer": "NL12.34"}, "REL-0059"),
        ({"btwNummer": "N" * 51}, "REL-0057"),
        ({"btwNummer": "NL123456789B01"}, "REL-0088"),
        ({"btwNummer": "BE0428759497"}, "REL-0087"),
        ({"oin": "123"}, "REL-0086"),
        ({"krediettermijn": 1001}, "REL-0003"),
        ({"telefoon": "0" * 26}, "REL-0013"),
        ({"mobieleTelefoon": "0" * 26}, "REL-0012"),
        ({"websiteUrl": "geen site"}, "REL-0015"),
        ({"email": "geen adres"}, "REL-0061"),
        ({"email": "a@b.nl;geen adres"}, "REL-0084"),
        ({"email": f"{'x' * 250}@b.nl"}, "REL-0085"),
        ({"factuurEmailVersturen": {"shouldSend": True}}, "REL-0032"),
        ({"factuurEmailVersturen": {"email": "geen adres"}}, "REL-0072"),
        ({"factuurEmailVersturen": {"ccEmail": "geen adres"}}, "REL-0074"),
        ({"factuurEmailVersturen": {"email": f"{'x' * 250}@b.nl"}}, "REL-0073"),
        ({"bankieren": True}, "REL-0014"),
        ({"incassoSoort": "Core", "iban": None}, "REL-0009"),
        ({"factuurRelatie": {"id": UNKNOWN}}, "REL-0017"),
        ({"vestigingsAdres": {"straat": "Industrieweg 12"}}, "REL-0060"),
        ({"vestigingsAdres": {"straat": "x" * 51}}, "REL-0020"),
        ({"vestigingsAdres": {"postcode": "x" * 26}}, "REL-0021"),
        ({"vestigingsAdres": {"plaats": "x" * 51}}, "REL-0022"),
        ({"vestigingsAdres": {"contactpersoon": "x" * 51}}, "REL-0023"),
        ({"vestigingsAdres": {"land": {"id": UNKNOWN}}}, "REL-0056"),
        ({"correspondentieAdres": {"straat": "x" * 51}}, "REL-0025"),
        ({"correspondentieAdres": {"land": {"id": UNKNOWN}}}, "REL-0055"),
    ],
)
async def test_a_broken_rule(office: Office, change: Change, code: str) -> None:
    assert code in codes(await office.call("POST", "relaties", {**office.relation(), **change}))
    assert (await office.control.books(office.id))["debtors"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"aanmaningsoort": "Onderneming"}, "REL-0002"),
        ({"kredietLimiet": 100}, "REL-0062"),
        ({"factuurkorting": 5}, "REL-0004"),
        ({"incassoSoort": "Core"}, "REL-0016"),
    ],
)
async def test_what_only_a_customer_may_have(office: Office, change: Change, code: str) -> None:
    assert codes(await office.call("POST", "relaties", office.relation(1, "Leverancier", **change))) == [code]


async def test_code_is_unique_over_both_roles(office: Office) -> None:
    await office.make_relation(10423)
    assert codes(await office.call("POST", "relaties", office.relation(10423, "Leverancier"))) == ["REL-0008"]


async def test_role_may_not_change_and_ids_must_agree(office: Office) -> None:
    identifier = await office.make_relation()
    body = {**office.relation(10423, "Leverancier"), "id": identifier}
    assert codes(await office.call("PUT", f"relaties/{identifier}", body)) == ["REL-0064"]
    assert codes(await office.call("PUT", f"relaties/{identifier}", office.relation())) == ["REL-0047"]
    assert codes(await office.call("PUT", f"relaties/{UNKNOWN}", {**body, "id": UNKNOWN})) == ["REL-0005"]
    assert codes(await office.get("relaties/10423")) == ["ALG-0103"]


async def test_several_broken_rules_come_in_one_array(office: Office) -> None:
    answer = await office.call("POST", "relaties", office.relation(naam="", iban="X", kvkNummer="1"))
    assert set(codes(answer)) == {"REL-0007", "REL-0011", "REL-0006"}
    assert all(error["message"] and error["details"] is None for error in answer.json())


async def test_settings_allow_what_public_sources_contradict_each_other_on(office: Office) -> None:
    await office.settings(both_roles_allowed=True, incomplete_address_allowed=True)
    body = office.relation(
        relatiesoort=["Klant", "Leverancier"], vestigingsAdres={"straat": "Industrieweg 12"}
    )
    assert (await office.call("POST", "relaties", body)).status_code == 201
    books = await office.control.books(office.id)
    assert (len(books["debtors"]), len(books["creditors"])) == (1, 1)


async def test_an_inactive_relation_is_found_in_lists_only(office: Office) -> None:
    identifier = await office.make_relation(nonactief=True)
    assert codes(await office.get(f"relaties/{identifier}")) == ["REL-0005"]
    [row] = (await office.get("relaties", filter="Relatiecode eq 10423")).json()
    assert row["nonactief"] is True


async def test_deletion_is_refused_while_invoices_are_open(office: Office) -> None:
    identifier = await office.make_relation()
    await office.sell(office.sale(identifier))
    assert codes(await office.call("DELETE", f"relaties/{identifier}")) == ["REL-0049"]
    await office.control.ask("POST", "payments", {"company": office.id, "number": "F2026-0815"})
    assert (await office.call("DELETE", f"relaties/{identifier}")).status_code == 200
    assert codes(await office.get(f"relaties/{identifier}")) == ["REL-0005"]
    [system] = (await office.get("relaties", filter="Relatiecode eq -1")).json()
    assert codes(await office.call("DELETE", f"relaties/{system['id']}")) == ["REL-0067"]
