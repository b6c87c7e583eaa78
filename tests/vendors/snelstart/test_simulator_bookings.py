"""The rules that the simulated SnelStart holds sales and purchase bookings to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.vendors.simulation.driving import Hands, Json, Office, codes, open_office, serving

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
UNKNOWN = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with serving() as (_, control):
        yield await open_office(
            control,
            chart=[
                {
                    "number": "8300",
                    "name": "Met kostenplaats",
                    "function": "VerkopenOmzetHoog",
                    "cost_centre_required": True,
                },
                {"number": "8400", "name": "Oud", "function": "VerkopenOmzetHoog", "active": False},
            ],
            cost_centres=[{"number": "9", "name": "Oud", "active": False}],
        )


async def test_sales_booking_is_booked_at_once_and_gets_an_invoice(office: Office) -> None:
    customer = await office.make_relation()
    lines = [
        office.line(8000, "850.00", kostenplaats={"id": office.cost_centres[1]}),
        office.line(8000, 1200.00),
        office.line(8010, 300, "Laag"),
    ]
    vat = [
        {"btwSoort": "VerkopenHoog", "btwBedrag": 430.5},
        {"btwSoort": "VerkopenLaag", "btwBedrag": "27.00"},
    ]
    answer = await office.sell(office.sale(customer, factuurbedrag=2807.50, boekingsregels=lines, btw=vat))
    assert answer.status_code == 201
    booking = answer.json()
    assert booking["factuurbedrag"] == 2807.5
    assert booking["uri"] == f"/verkoopboekingen/{booking['id']}"
    assert (await office.get(f"verkoopboekingen/{booking['id']}")).json() == booking

    [invoice] = (await office.get("verkoopfacturen", filter="Factuurnummer eq 'F2026-0815'")).json()
    assert invoice["verkoopBoeking"]["id"] == booking["id"]
    assert invoice["openstaandSaldo"] == invoice["factuurBedrag"] == 2807.5
    assert invoice["vervalDatum"] == "2026-04-13T00:00:00"
    assert invoice["relatie"]["id"] == customer
    assert invoice["verkoopOrders"] == []
    assert (await office.get(f"verkoopfacturen/{invoice['id']}")).json() == invoice

    [sale] = (await office.control.books(office.id))["sales"]
    assert (sale["number"], sale["gross"], sale["open"]) == ("F2026-0815", "2807.50", "2807.50")
    assert sale["relation"]["code"] == "10423"
    assert [line["net"] for line in sale["lines"]] == ["850.00", "1200.00", "300.00"]
    assert sale["lines"][0]["cost_centre"] == "1"
    assert {row["kind"]: row["amount"] for row in sale["vat"]} == {
        "VerkopenHoog": "430.50",
        "VerkopenLaag": "27.00",
    }


async def test_names_bind_without_case_and_enums_by_number(office: Office) -> None:
    customer = await office.make_relation()
    body = {
        "FactuurNummer": "F1",
        "FactuurDatum": "2026-03-14",
        "Klant": {"Id": customer},
        "FactuurBedrag": "121.00",
        "BoekingsRegels": [{"Grootboek": {"Id": office.accounts[8000]}, "Bedrag": "100.00", "BtwSoort": 2}],
        "Btw": [{"BtwSoort": 2, "BtwBedrag": "21.00"}],
        "Id": ZERO_GUID,
    }
    assert (await office.sell(body)).status_code == 201


async def test_credit_note_is_the_same_call_with_negative_amounts(office: Office) -> None:
    customer = await office.make_relation()
    body = office.sale(
        customer,
        "C1",
        factuurbedrag=-121,
        boekingsregels=[office.line(8000, -100)],
        btw=[{"btwSoort": "VerkopenHoog", "btwBedrag": -21}],
    )
    assert (await office.sell(body)).status_code == 201
    [invoice] = (await office.get("verkoopfacturen")).json()
    assert invoice["openstaandSaldo"] == -121


async def test_sales_number_is_unique_and_purchase_number_is_not(office: Office) -> None:
    customer, supplier = await office.make_relation(), await office.make_relation(20001, "Leverancier")
    assert (await office.sell(office.sale(customer))).status_code == 201
    refusal = await office.sell(office.sale(customer))
    assert refusal.status_code == 400
    assert refusal.json() == [
        {"errorCode": "BOE-0021", "message": "Het factuurnummer bestaat al", "details": None}
    ]
    assert (await office.buy(office.purchase(supplier))).status_code == 201
    assert (await office.buy(office.purchase(supplier))).status_code == 201
    [double] = (await office.control.books(office.id))["doubles"]
    assert double["direction"] == "purchase"
    assert len(double["ids"]) == 2


@pytest.mark.parametrize(("scope", "other_supplier"), [("per_supplier", 201), ("per_administration", 400)])
async def test_purchase_number_can_be_made_unique(office: Office, scope: str, other_supplier: int) -> None:
    await office.settings(purchase_numbers_unique=scope)
    one, other = (
        await office.make_relation(20001, "Leverancier"),
        await office.make_relation(20002, "Leverancier"),
    )
    assert (await office.buy(office.purchase(one))).status_code == 201
    assert codes(await office.buy(office.purchase(one))) == ["BOE-0021"]
    assert (await office.buy(office.purchase(other))).status_code == other_supplier


async def test_reverse_charge_rows_do_not_count_in_the_balance(office: Office) -> None:
    customer, supplier = await office.make_relation(), await office.make_relation(20001, "Leverancier")
    sale = office.sale(
        customer,
        factuurbedrag=4500,
        boekingsregels=[office.line(8250, 4500, "Geen")],
        btw=[{"btwSoort": "VerkopenVerlegd", "btwBedrag": 0}],
    )
    assert (await office.sell(sale)).status_code == 201
    purchase = office.purchase(
        supplier,
        factuurbedrag=2750,
        markering=True,
        boekingsregels=[office.line(7100, 2750, "Geen")],
        btw=[{"btwSoort": "InkopenVerlegd", "btwBedrag": 577.5}],
    )
    answer = await office.buy(purchase)
    assert answer.status_code == 201
    assert answer.json()["markering"] is True


Change = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"factuurnummer": "x" * 26}, "BOE-0058"),
        ({"factuurnummer": " "}, "BOE-0058"),
        ({"factuurbedrag": 121.01}, "BOE-0039"),
        ({"factuurbedrag": None}, "BOE-0039"),
        ({"boekingsregels": []}, "BOE-0023"),
        ({"boekstuk": "x" * 26}, "BOE-0068"),
        ({"omschrijving": "x" * 251}, "BOE-0071"),
        ({"factuurdatum": "2026-02-30"}, "BOE-0070"),
        ({"factuurdatum": "14-03-2026"}, "BOE-0070"),
        ({"factuurdatum": "2020-12-31"}, "BOE-0033"),
        ({"id": UNKNOWN}, "ALG-0100"),
        ({"btw": [{"btwSoort": "VerkopenLaag", "btwBedrag": 21}]}, "BOE-0069"),
        ({"btw": [{"btwSoort": "InkopenVerlegd", "btwBedrag": 21}], "factuurbedrag": 100}, "BOE-0069"),
        ({"btw": [{"btwSoort": "InkopenHoog", "btwBedrag": 21}]}, "BOE-0053"),
        (
            {
                "btw": [
                    {"btwSoort": "VerkopenHoog", "btwBedrag": 21},
                    {"btwSoort": "VerkopenVerlegd", "btwBedrag": 0},
                ]
            },
            "BOE-0062",
        ),
        ({"doorlopendeIncassoMachtiging": {"id": UNKNOWN}}, "BOE-0055"),
    ],
)
async def test_a_broken_rule_of_the_whole_booking(office: Office, change: Change, code: str) -> None:
    customer = await office.make_relation()
    assert code in codes(await office.sell(office.sale(customer, **change)))
    assert (await office.control.books(office.id))["sales"] == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"bedrag": 0}, "BOE-0028"),
        ({"omschrijving": "x" * 251}, "BOE-0071"),
        ({"grootboek": {"id": UNKNOWN}}, "BOE-0089"),
        ({"grootboek": None}, "BOE-0037"),
        ({"btwSoort": "Laag"}, "BOE-0082"),
        ({"kostenplaats": {"id": UNKNOWN}}, "BOE-0019"),
        ({"account": 8400}, "BOE-0008"),
        ({"account": 8300}, "BOE-0022"),
        ({"account": 1661, "btwSoort": "Geen"}, "BOE-0061"),
        ({"account": 2900, "btwSoort": "Geen"}, "BOE-0075"),
        ({"account": 7000, "btwSoort": None}, "BOE-0082"),
        ({"account": 8070, "btwSoort": "Geen"}, "BOE-0080"),
        ({"cost_centre": 9}, "BOE-0026"),
    ],
)
async def test_a_broken_rule_of_a_line(office: Office, line: Change, code: str) -> None:
    customer = await office.make_relation()
    changed: Json = {**office.line(line.pop("account", 8000))}
    if "cost_centre" in line:
        line["kostenplaats"] = {"id": office.cost_centres[line.pop("cost_centre")]}
    assert code in codes(await office.sell(office.sale(customer, boekingsregels=[{**changed, **line}])))


async def test_line_type_may_be_left_out_where_the_account_tells(office: Office) -> None:
    customer = await office.make_relation()
    body = office.sale(customer, boekingsregels=[office.line(8000, 100, None)])
    answer = await office.sell(body)
    assert answer.json()["boekingsregels"][0]["btwSoort"] == "Hoog"


async def test_vat_type_error_names_the_account(office: Office) -> None:
    customer = await office.make_relation()
    answer = await office.sell(office.sale(customer, boekingsregels=[office.line(8000, 100, "Laag")]))
    details = {error["errorCode"]: error["details"] for error in answer.json()}
    assert details["BOE-0082"] == ["8000 Omzet hoog"]


async def test_the_relation_must_have_the_right_role_and_be_active(office: Office) -> None:
    customer, supplier = await office.make_relation(), await office.make_relation(20001, "Leverancier")
    assert codes(await office.sell(office.sale(supplier))) == ["BOE-0060"]
    assert codes(await office.sell(office.sale(UNKNOWN))) == ["BOE-0060"]
    assert codes(await office.buy(office.purchase(customer))) == ["BOE-0003"]
    assert codes(await office.buy(office.purchase(UNKNOWN))) == ["BOE-0002"]
    body = {**office.relation(nonactief=True), "id": customer}
    assert (await office.call("PUT", f"relaties/{customer}", body)).status_code == 200
    assert codes(await office.sell(office.sale(customer))) == ["BOE-0054"]


async def test_mandatory_fields_of_the_schema_answer_with_model_state(office: Office) -> None:
    supplier = await office.make_relation(20001, "Leverancier")
    answer = await office.sell(office.sale(supplier, klant=None))
    assert answer.status_code == 400
    assert answer.json()["modelState"] == {"boeking.Klant": ["The Klant field is required."]}
    answer = await office.buy(office.purchase(supplier, factuurdatum=None))
    assert "boeking.Factuurdatum" in answer.json()["modelState"]


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"closed_until": "2026-03-14"}, "BOE-0042"),
        ({"blocked_years": [2026]}, "BOE-0042"),
        ({"accountant_locked_until": "2026-03-14"}, "BOE-0051"),
        ({"missing_vat_rows": ["VerkopenHoog"]}, "BOE-0081"),
        ({"sales_journal": "missing"}, "BOE-0096"),
    ],
)
async def test_set_up_of_the_administration_refuses_a_sale(
    office: Office, setting: Change, code: str
) -> None:
    customer = await office.make_relation()
    await office.settings(**setting)
    assert codes(await office.sell(office.sale(customer))) == [code]


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"purchase_journal": "inactive"}, "BOE-0009"),
        ({"purchase_journal": "missing"}, "BOE-0010"),
        ({"no_cost_centre_accounts": [7000]}, "BOE-0093"),
    ],
)
async def test_set_up_of_the_administration_refuses_a_purchase(
    office: Office, setting: Change, code: str
) -> None:
    supplier = await office.make_relation(20001, "Leverancier")
    await office.settings(**setting)
    line = office.line(7000, 640, "Hoog", kostenplaats={"id": office.cost_centres[1]})
    assert codes(await office.buy(office.purchase(supplier, boekingsregels=[line]))) == [code]


async def test_strict_mode_refuses_what_the_vendor_ignores(office: Office) -> None:
    customer = await office.make_relation()
    wrong = {"vervalDatum": "2026-04-13", "modifiedOn": "2026-01-01", "factuurbedrag": 121.001}
    answer = await office.sell(office.sale(customer, **wrong))
    assert set(answer.json()["modelState"]) == {
        "boeking.vervalDatum",
        "boeking.modifiedOn",
        "boeking.Factuurbedrag",
    }
    supplier = await office.make_relation(20001, "Leverancier")
    answer = await office.buy(office.purchase(supplier, betalingstermijn=30))
    assert set(answer.json()["modelState"]) == {"boeking.betalingstermijn"}
    await office.settings(strict=False)
    assert (await office.sell(office.sale(customer, vervalDatum="2026-04-13"))).status_code == 201


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"factuurbedrag": NaN}', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(office: Office, content: bytes) -> None:
    headers = {**office.headers, "Content-Type": "application/json"}
    url = f"{office.company['urls']['api_url']}/verkoopboekingen"
    answer = await office.http.post(url, content=content, headers=headers)
    assert answer.status_code == 400
    assert "modelState" in answer.json()


async def test_an_empty_body_and_a_wrong_media_type(office: Office) -> None:
    url = f"{office.company['urls']['api_url']}/verkoopboekingen"
    headers = {**office.headers, "Content-Type": "application/json"}
    assert codes(await office.http.post(url, content=b"", headers=headers)) == ["ALG-0106"]
    answer = await office.http.post(
        url, content=b"{}", headers={**headers, "Content-Type": "application/xml"}
    )
    assert answer.status_code == 415


async def test_change_and_deletion_until_something_holds_the_booking(office: Office) -> None:
    customer = await office.make_relation()
    booking = (await office.sell(office.sale(customer))).json()
    path = f"verkoopboekingen/{booking['id']}"
    changed = office.sale(customer, omschrijving="anders")
    assert codes(await office.call("PUT", path, changed)) == ["BOE-0078"]
    answer = await office.call("PUT", path, {**changed, "id": booking["id"]})
    assert answer.json()["omschrijving"] == "anders"
    await office.settings(vat_return_until="2026-03-31")
    assert codes(await office.call("DELETE", path)) == ["BOE-0046"]
    await office.settings(vat_return_until=None)
    await office.control.ask(
        "POST", "payments", {"company": office.id, "number": "F2026-0815", "amount": "1.00"}
    )
    assert codes(await office.call("DELETE", path)) == ["BOE-0083"]
    other = (await office.sell(office.sale(customer, "F2"))).json()
    assert (await office.call("DELETE", f"verkoopboekingen/{other['id']}")).status_code == 200
    assert codes(await office.get(f"verkoopboekingen/{other['id']}")) == ["BOE-0001"]
    assert (await office.get("verkoopfacturen", filter="Factuurnummer eq 'F2'")).json() == []


async def test_bookings_of_a_relation_are_listed_and_a_purchase_invoice_has_no_call_by_id(
    office: Office,
) -> None:
    customer, supplier = await office.make_relation(), await office.make_relation(20001, "Leverancier")
    sale = (await office.sell(office.sale(customer))).json()
    purchase = (await office.buy(office.purchase(supplier))).json()
    assert (await office.get(f"relaties/{customer}/verkoopboekingen")).json() == [sale]
    assert (await office.get(f"relaties/{supplier}/inkoopboekingen")).json() == [purchase]
    assert codes(await office.get(f"inkoopboekingen/{sale['id']}")) == ["BOE-0001"]
    [invoice] = (await office.get("inkoopfacturen")).json()
    assert invoice["inkoopBoeking"]["id"] == purchase["id"]
    assert (await office.get(f"inkoopfacturen/{invoice['id']}")).status_code == 404


async def test_payments_change_only_what_is_open_unless_modified_on_is_told_to_move() -> None:
    clock = Hands()
    async with serving(clock=clock) as (_, control):
        office = await open_office(control)
        await office.sell(office.sale(await office.make_relation()))
        [before] = (await office.get("verkoopfacturen")).json()
        clock.move(minutes=5)
        payment = {"company": office.id, "number": "F2026-0815", "amount": "21.00"}
        await control.ask("POST", "payments", payment)
        [after] = (await office.get("verkoopfacturen")).json()
        assert after == {**before, "openstaandSaldo": 100.0}
        await office.settings(payment_bumps_modified_on=True)
        await control.ask("POST", "payments", payment)
        [moved] = (await office.get("verkoopfacturen")).json()
        assert moved["openstaandSaldo"] == 79.0
        assert moved["modifiedOn"] == "2026-03-20T13:05:00"
        assert before["modifiedOn"] == "2026-03-20T13:00:00"


async def test_attachments_are_kept_with_their_booking(office: Office) -> None:
    customer = await office.make_relation()
    booking = (await office.sell(office.sale(customer))).json()
    body = {"parentIdentifier": booking["id"], "fileName": "F2026-0815.pdf", "content": "JVBERi0="}
    answer = await office.call("POST", "documenten/Verkoopboekingen", body)
    assert answer.status_code == 201
    [sale] = (await office.control.books(office.id))["sales"]
    assert sale["attachments"] == 1
    for change, code in (
        ({"parentIdentifier": UNKNOWN}, "BLG-0005"),
        ({"fileName": ""}, "BLG-0007"),
        ({"fileName": "a/b.pdf"}, "BLG-0016"),
        ({"fileName": "x" * 256}, "BLG-0017"),
        ({"content": ""}, "BLG-0011"),
        ({"content": "geen base64"}, "BLG-0015"),
        ({"content": "AAAA" * (10 * 1024 * 1024 // 3 + 2)}, "BLG-0013"),
    ):
        assert codes(await office.call("POST", "documenten/Verkoopboekingen", {**body, **change})) == [code]
    assert codes(await office.call("POST", "documenten/Inkoopboekingen", body)) == ["BLG-0005"]
