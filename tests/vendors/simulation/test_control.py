"""The control interface: companies, payments, log, reset, schema; and the command that serves simulators."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jsonschema
import pytest

from tests.vendors.simulation.driving import Hands, Office, open_office, serving
from vendors.simulation import control_schema

CONTRACT = Path(__file__).parents[3] / "docs" / "contract" / "simulator.schema.json"


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with serving("snelstart", "king") as (_, control):
        yield await open_office(control, id="bouw-1")


async def test_a_company_tells_its_credentials_and_master_data(office: Office) -> None:
    company = await office.control.ask("GET", "companies/bouw-1")
    assert company == {**office.company, "settings": company["settings"]}
    assert set(company["credentials"]) == {"subscription_key", "koppelsleutel"}
    assert {"8000", "7000", "1300"} <= {account["number"] for account in company["chart"]}
    assert {journal["direction"] for journal in company["journals"]} == {"sales", "purchase", None}
    assert [row["company"] for row in (await office.control.ask("GET", "companies"))["companies"]] == [
        "bouw-1"
    ]


async def test_companies_that_cannot_be(office: Office) -> None:
    ask = office.control.ask
    await ask("POST", "companies", {"package": "snelstart", "id": "bouw-1"}, status=409)
    await ask("POST", "companies", {"package": "king", "id": "bouw-1"}, status=409)
    await ask("POST", "companies", {"package": "exact"}, status=404)
    await ask("POST", "companies", {"package": "king", "id": ".."}, status=422)
    wrong = await ask(
        "POST", "companies", {"package": "snelstart", "settings": {"limiet": "geen"}}, status=422
    )
    assert wrong["details"][0].startswith("limiet")
    account = {"number": "8999", "name": "x", "function": "Onzin"}
    wrong = await ask("POST", "companies", {"package": "snelstart", "chart": [account]}, status=422)
    assert "Onzin" in wrong["error"]


async def test_payments_and_reversals(office: Office) -> None:
    ask = office.control.ask
    customer = await office.make_relation()
    await office.sell(office.sale(customer, "F1"))
    part = await ask("POST", "payments", {"company": "bouw-1", "number": "F1", "amount": "21.50"})
    assert (part["gross"], part["paid"], part["open"]) == ("121.00", "21.50", "99.50")
    rest = await ask(
        "POST", "payments", {"company": "bouw-1", "document": part["document"], "settled_by": "credit"}
    )
    assert rest["open"] == "0.00"
    back = await ask("POST", "payments", {"company": "bouw-1", "reverse": part["payment"]})
    assert (back["paid"], back["open"]) == ("99.50", "21.50")
    await ask("POST", "payments", {"company": "bouw-1", "reverse": part["payment"]}, status=409)
    more = await ask(
        "POST", "payments", {"company": "bouw-1", "number": "F1", "amount": "30", "date": "2026-04-01"}
    )
    assert more["open"] == "-8.50"
    [sale] = (await office.control.books("bouw-1"))["sales"]
    assert [(payment["amount"], payment["settled_by"]) for payment in sale["payments"]] == [
        ("21.50", "bank"),
        ("99.50", "credit"),
        ("-21.50", "bank"),
        ("30.00", "bank"),
    ]
    assert sale["payments"][2]["reverses"] == part["payment"]
    assert sale["payments"][3]["date"] == "2026-04-01"


async def test_payments_that_cannot_be(office: Office) -> None:
    ask = office.control.ask
    supplier = await office.make_relation(1, "Leverancier")
    for _ in range(2):
        await office.buy(office.purchase(supplier, "T1"))
    await ask("POST", "payments", {"company": "bouw-1", "number": "T1", "direction": "purchase"}, status=409)
    await ask("POST", "payments", {"company": "bouw-1", "number": "T1"}, status=404)
    await ask("POST", "payments", {"company": "bouw-1"}, status=422)
    await ask("POST", "payments", {"company": "niemand", "number": "T1"}, status=404)
    await ask("POST", "payments", {"company": "bouw-1", "reverse": "x"}, status=404)
    [first, _] = (await office.control.books("bouw-1"))["purchases"]
    wrong = {"company": "bouw-1", "document": first["id"], "amount": "0.001"}
    await ask("POST", "payments", wrong, status=422)


async def test_the_log_tells_every_call_and_goes_on_from_where_one_was(office: Office) -> None:
    calls = await office.control.log(company="bouw-1")
    assert [call["operation"] for call in calls] == [
        "token.POST",
        "grootboeken.GET",
        "kostenplaatsen.GET",
        "landen.GET",
    ]
    last = (await office.control.ask("GET", "log"))["last"]
    await office.call("POST", "relaties", office.relation(naam=""))
    [call] = await office.control.log(since=last)
    assert (call["operation"], call["status"], call["detail"]) == ("relaties.POST", 400, "REL-0007")
    await office.control.ask("GET", "log?since=gisteren", status=422)


async def test_reset_empties_books_and_faults_and_keeps_the_company(office: Office) -> None:
    customer = await office.make_relation()
    await office.sell(office.sale(customer))
    await office.control.fault("status", operation="read", count=9)
    await office.control.ask("POST", "reset", {})
    books = await office.control.books("bouw-1")
    assert (books["debtors"], books["sales"], books["arrivals"]) == ([], [], [])
    assert await office.control.log() == []
    assert (await office.get("relaties", filter="Relatiecode gt 0")).json() == []
    await office.control.ask("POST", "reset", {"company": "bouw-1", "companies": True})
    assert (await office.control.ask("GET", "companies"))["companies"] == []
    assert (await office.get("landen")).status_code == 401


async def test_reset_of_one_company_leaves_the_others(office: Office) -> None:
    other = await open_office(office.control)
    for one in (office, other):
        await one.make_relation()
    await office.control.fault("status", company=other.id, operation="read")
    await office.control.ask("POST", "reset", {"company": "bouw-1"})
    assert (await office.control.books("bouw-1"))["debtors"] == []
    assert len((await office.control.books(other.id))["debtors"]) == 1
    assert len((await office.control.ask("GET", "faults"))["faults"]) == 1


async def test_answers_follow_the_published_schema(office: Office) -> None:
    customer = await office.make_relation()
    await office.sell(office.sale(customer))
    schema = await office.control.ask("GET", "schema")
    assert schema == control_schema()
    for path in ("books", "faults", "log", "companies", "companies/bouw-1"):
        answer = await office.control.ask("GET", path)
        name = "GET /_simulator/" + ("companies/{company}" if "bouw" in path else path)
        wanted = {**schema["requests"][name]["answer"], "$defs": schema["$defs"]}
        jsonschema.validate(answer, wanted)
    refusal = await office.control.ask("GET", "nergens", status=404)
    jsonschema.validate(
        refusal, {**schema["requests"]["GET /_simulator/books"]["refusal"], "$defs": schema["$defs"]}
    )


def test_the_published_schema_is_the_one_that_is_committed() -> None:
    assert json.loads(CONTRACT.read_text(encoding="utf-8")) == control_schema()


async def test_the_same_seed_gives_the_same_ids() -> None:
    async def identity(seed: int) -> object:
        async with serving(seed=seed) as (_, control):
            company = await control.company()
            return company["identity"], company["credentials"]

    assert await identity(3) == await identity(3)
    assert await identity(3) != await identity(4)


async def test_times_come_from_the_clock_that_was_given() -> None:
    clock = Hands()
    async with serving(clock=clock) as (_, control):
        office = await open_office(control)
        clock.move(minutes=10)
        await office.make_relation()
        [debtor] = (await control.books(office.id))["debtors"]
        assert debtor["created_at"] == "2026-03-20T12:10:00Z"


async def test_the_module_serves_in_its_own_process_and_ends_on_sigterm(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vendors.simulation", "snelstart", "king", "--folder", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    ready = [json.loads(await process.stdout.readline()) for _ in range(2)]
    assert [line["package"] for line in ready] == ["snelstart", "king"]
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.post(f"{ready[0]['control']}/companies", json={"package": "king"})
        assert answer.json()["credentials"]["folder"].startswith(str(tmp_path))
        assert (await http.get(f"{ready[0]['url']}/api/v2/echo/x")).status_code == 401
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
