"""The OData v3 dialect of the simulated SnelStart, and its lists of master data."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.vendors.simulation.driving import Hands, Office, codes, open_office, serving


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with serving() as (_, control):
        office = await open_office(control)
        await office.make_relation(10423, naam="Van 't Hoff B.V.", krediettermijn=14)
        await office.make_relation(10424, naam="Bakker en Zoon")
        await office.make_relation(20001, "Leverancier", naam="Groothandel Noord")
        yield office


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Relatiecode eq 10423", {10423}),
        ("Relatiecode ne 10423 and Relatiecode gt 0", {10424, 20001}),
        ("Naam eq 'Van ''t Hoff B.V.'", {10423}),
        ("startswith(Naam,'Bakker') eq true", {10424}),
        ("substringof('noord',Naam) eq true", {20001}),
        ("substringof('noord',Naam) eq false and Relatiecode ge 10424", {10424}),
        ("Relatiecode eq 10423 or Relatiecode eq 20001", {10423, 20001}),
        ("(Relatiecode eq 10423 or Relatiecode eq 20001) and Naam eq 'Groothandel Noord'", {20001}),
        ("not startswith(Naam,'Van') and Relatiecode ge 10423", {10424, 20001}),
        ("Relatiesoort/any(r:r eq 'Leverancier') and Relatiecode gt 0", {20001}),
        ("Krediettermijn lt 20 and Krediettermijn ne null", {10423}),
        ("VestigingsAdres/Plaats eq 'Rotterdam'", {10423, 10424, 20001}),
        ("VestigingsAdres/Land/Id eq guid'c4335f00-c6a6-48fd-b89f-000000000001'", {10423, 10424, 20001}),
        ("ModifiedOn gt datetime'2026-03-20T00:00:00' and Relatiecode gt 0", {10423, 10424, 20001}),
        ("ModifiedOn le datetime'2026-03-20T00:00:00.000'", set()),
        ("year(ModifiedOn) eq 2026 and Relatiecode gt 0", {10423, 10424, 20001}),
        ("KvkNummer eq 'niemand'", set()),
        ("Nonactief eq true", set()),
    ],
)
async def test_filters(office: Office, text: str, found: set[int]) -> None:
    answer = await office.get("relaties", filter=text)
    assert answer.status_code == 200, answer.text
    assert {row["relatiecode"] for row in answer.json()} == found


@pytest.mark.parametrize(
    "text",
    [
        "naam eq 'x'",
        "Nonsense eq 'x'",
        "VestigingsAdres/land/Id eq null",
        "contains(Naam,'x')",
        "Id eq c4335f00-c6a6-48fd-b89f-000000000001",
        "Id eq 'c4335f00-c6a6-48fd-b89f-000000000001'",
        "Relatiecode eq '10423'",
        "Naam eq 10423",
        "ModifiedOn gt 2026-03-20T00:00:00Z",
        "ModifiedOn gt datetime'2026-03-20T00:00:00Z'",
        "ModifiedOn gt datetime'gisteren'",
        "ModifiedOn gt datetime'2026-02-30T00:00:00'",
        "Naam like 'x'",
        "Naam eq 'x",
        "(Naam eq 'x'",
        "Naam eq 'x')",
        "Naam eq 'x' en Relatiecode eq 1",
        "Naam",
    ],
)
async def test_what_is_not_odata_v3_on_this_type_is_refused(office: Office, text: str) -> None:
    answer = await office.get("relaties", filter=text)
    assert answer.status_code == 400
    assert isinstance(answer.json()["Message"], str)


async def test_an_unknown_property_is_named_with_its_type(office: Office) -> None:
    answer = await office.get("relaties", filter="naam eq 'x'")
    assert answer.json() == {
        "Message": "Could not find a property named 'naam' on type "
        "'SnelStart.B2B.Api.V2.Models.Relaties.RelatieModel'."
    }


@pytest.mark.parametrize(
    "query",
    [{"top": "501"}, {"top": "0"}, {"top": "x"}, {"skip": "-1"}, {"orderby": "Naam"}, {"expand": "Land"}],
)
async def test_options_that_cannot_be(office: Office, query: dict[str, str]) -> None:
    assert (await office.get("relaties", **query)).status_code == 400


async def test_pages_are_bare_arrays(office: Office) -> None:
    first = (await office.get("relaties", top="2", filter="Relatiecode gt 0")).json()
    second = (await office.get("relaties", top="2", skip="2", filter="Relatiecode gt 0")).json()
    assert [row["relatiecode"] for row in [*first, *second]] == [10423, 10424, 20001]
    chosen = (await office.get("grootboeken", select="Id,Nummer", filter="Nummer eq 8000")).json()
    assert chosen == [{"id": office.accounts[8000], "nummer": 8000}]


async def test_invoices_by_relation_number_and_change() -> None:
    clock = Hands()
    async with serving(clock=clock) as (_, control):
        office = await open_office(control)
        one, other = await office.make_relation(1), await office.make_relation(2)
        await office.sell(office.sale(one, "F1"))
        clock.move(minutes=30)
        await office.sell(office.sale(other, "F2"))

        async def numbers(text: str) -> list[str]:
            return [row["factuurnummer"] for row in (await office.get("verkoopfacturen", filter=text)).json()]

        assert await numbers(f"Relatie/Id eq guid'{one}'") == ["F1"]
        assert await numbers("Factuurnummer eq 'F2'") == ["F2"]
        assert await numbers(f"Factuurnummer eq 'F2' and Relatie/Id eq guid'{one}'") == []
        assert await numbers("Factuurnummer eq 'F1' or Factuurnummer eq 'F2'") == ["F1", "F2"]
        assert await numbers("ModifiedOn gt datetime'2026-03-20T13:00:00'") == ["F2"]
        assert await numbers("FactuurDatum ge datetime'2026-03-14T00:00:00'") == ["F1", "F2"]
        assert await numbers("OpenstaandSaldo gt 100.5M") == ["F1", "F2"]


async def test_filters_are_ignored_on_countries_and_journals(office: Office) -> None:
    for path in ("landen", "dagboeken"):
        everything = (await office.get(path)).json()
        answer = await office.get(path, filter="Nonsense eq 'onzin'")
        assert answer.status_code == 200
        assert answer.json() == everything


async def test_master_data(office: Office) -> None:
    rates = (await office.get("btwtarieven")).json()
    current = {
        row["btwSoort"]: row["btwPercentage"] for row in rates if row["datumTotEnMet"].startswith("2400")
    }
    assert current == {"Geen": 0, "Laag": 9, "Hoog": 21, "Overig": 0}
    assert {"btwSoort", "btwPercentage", "datumVanaf", "datumTotEnMet"} == set(rates[0])
    journals = {row["soort"]: row["nummer"] for row in (await office.get("dagboeken")).json()}
    assert journals["Verkoop"] == 1300
    [account] = (await office.get("grootboeken", filter="Nummer eq 7000")).json()
    assert account["grootboekfunctie"] == "InkopenKostenAlleBtwTarieven"
    assert account["btwSoort"] == ["Geen", "Laag", "Hoog", "Overig"]
    [dutch] = [row for row in (await office.get("landen")).json() if row["landcode"] == "NL"]
    assert (dutch["naam"], dutch["landcodeISO"]) == ("Nederland", "NLD")


async def test_cost_centres_can_be_made(office: Office) -> None:
    answer = await office.call("POST", "kostenplaatsen", {"nummer": 260142, "omschrijving": "Werk 26.0142"})
    assert answer.status_code == 201
    assert answer.json() in (await office.get("kostenplaatsen")).json()
    for body, code in (
        ({"nummer": 260142, "omschrijving": "Nog eens"}, "KPL-0008"),
        ({"nummer": 1_000_000_000, "omschrijving": "x"}, "KPL-0007"),
        ({"omschrijving": "x"}, "KPL-0006"),
        ({"nummer": 5, "omschrijving": ""}, "KPL-0004"),
        ({"nummer": 5, "omschrijving": "x" * 51}, "KPL-0005"),
        ({"nummer": 5, "omschrijving": "x", "nonactief": True}, "KPL-0009"),
    ):
        assert codes(await office.call("POST", "kostenplaatsen", body)) == [code]
