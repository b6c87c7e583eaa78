"""What every simulator must offer; a package's test subclasses `SimulatorConformance`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
import jsonschema
import pytest

from schemas.outcome import Package
from schemas.relation import Role
from sinks.turn import role_of
from tests.conformance.opening import Bench, opened, purchase, sale
from vendors.failure import Uncertain
from vendors.simulation import Running, control_schema, running

Json = dict[str, Any]


class SimulatorConformance:
    """The control interface, the same for every package."""

    package: ClassVar[Package]

    @pytest.fixture
    async def server(self, tmp_path: Path) -> AsyncIterator[Running]:
        async with running([str(self.package)], folder=tmp_path, seed=7) as server:
            yield server

    @pytest.fixture
    async def control(self, server: Running) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=server.control) as control:
            yield control

    async def made(self, control: httpx.AsyncClient, **wanted: Any) -> Json:
        answer = await control.post("/companies", json={"package": str(self.package), **wanted})
        assert answer.status_code == 200, answer.text
        made: Json = answer.json()
        return made

    async def test_a_company_is_made_with_credentials_identity_and_master_data(
        self, control: httpx.AsyncClient
    ) -> None:
        made = await self.made(control, name="Jansen B.V.", id="jansen")
        assert (made["company"], made["package"], made["name"]) == (
            "jansen",
            str(self.package),
            "Jansen B.V.",
        )
        assert made["credentials"]
        assert made["identity"]
        assert {"7000", "8000"} <= {account["number"] for account in made["chart"]}
        assert made["vat_codes"]
        assert {"sales", "purchase"} <= {journal["direction"] for journal in made["journals"]}
        assert (await control.get("/companies/jansen")).json()["company"] == "jansen"
        assert len((await control.get("/companies")).json()["companies"]) == 1

    async def test_every_company_has_credentials_of_its_own(self, control: httpx.AsyncClient) -> None:
        one, other = await self.made(control), await self.made(control)
        assert one["company"] != other["company"]
        assert one["credentials"] != other["credentials"]
        assert one["identity"] != other["identity"]

    async def test_its_chart_can_be_extended(self, control: httpx.AsyncClient) -> None:
        made = await self.made(control, chart=[{"number": "4712", "name": "Steigers"}])
        assert "Steigers" in {account["name"] for account in made["chart"] if account["number"] == "4712"}

    async def test_empty_books_have_every_part(self, control: httpx.AsyncClient) -> None:
        made = await self.made(control)
        (books,) = (await control.get("/books", params={"company": made["company"]})).json()["companies"]
        for part in ("debtors", "creditors", "sales", "purchases", "doubles", "arrivals", "reports"):
            assert books[part] == []
        assert books["overlapping_writes"] == {"count": 0, "list": []}
        assert (await control.get("/books", params={"package": str(self.package)})).json()["companies"] == [
            books
        ]

    async def test_its_answers_are_those_of_the_published_schema(self, control: httpx.AsyncClient) -> None:
        published = (await control.get("/schema")).json()
        assert published == control_schema()
        made = await self.made(control)
        books = (await control.get("/books")).json()
        fault = (await control.post("/faults", json={"kind": "latency", "company": made["company"]})).json()
        for name, answer in (("CompanyAnswer", made), ("BooksAnswer", books), ("FaultAnswer", fault)):
            jsonschema.validate(answer, {"$ref": f"#/$defs/{name}", "$defs": published["$defs"]})

    @pytest.mark.parametrize(
        "kind",
        [
            "latency",
            "status",
            "status_after",
            "html",
            "html_after",
            "cut_before",
            "cut_after",
            "truncated",
            "hang",
            "hang_after",
            "rate_limit",
            "token_revoked",
            "maintenance",
        ],
    )
    async def test_every_fault_can_be_armed_and_ended(self, control: httpx.AsyncClient, kind: str) -> None:
        made = await self.made(control)
        armed = (await control.post("/faults", json={"kind": kind, "company": made["company"]})).json()
        assert (armed["hits"], armed["active"]) == (0, True)
        assert (await control.delete(f"/faults/{armed['fault']}")).status_code == 200
        assert not (await control.get(f"/faults/{armed['fault']}")).json()["active"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("faults", {"kind": "nonsense"}),
            ("faults", {"kind": "status", "ratio": 2}),
            ("faults", {"kind": "status", "extra": 1}),
            ("companies", {"package": "excel"}),
            ("payments", {"company": "nobody", "number": "1"}),
            ("settings", {"company": "nobody", "settings": {}}),
            ("nonsense", {}),
        ],
    )
    async def test_what_cannot_be_is_refused_in_one_form(
        self, control: httpx.AsyncClient, path: str, body: Json
    ) -> None:
        answer = await control.post(f"/{path}", json=body)
        assert answer.status_code in (404, 422)
        assert answer.json()["error"]

    async def test_settings_are_checked(self, control: httpx.AsyncClient) -> None:
        made = await self.made(control)
        wrong = {"company": made["company"], "settings": {"onzin": 1}}
        assert (await control.post("/settings", json=wrong)).status_code == 422
        same = {"company": made["company"], "settings": {}}
        assert (await control.post("/settings", json=same)).json()["settings"] == made["settings"]

    async def test_a_reset_empties_and_can_forget_the_companies(self, control: httpx.AsyncClient) -> None:
        made = await self.made(control)
        await control.post("/faults", json={"kind": "latency", "company": made["company"]})
        assert (await control.post("/reset", json={"company": made["company"]})).status_code == 200
        assert (await control.get("/faults")).json()["faults"] == []
        assert (await control.get(f"/companies/{made['company']}")).json()["credentials"] == made[
            "credentials"
        ]
        await control.post("/reset", json={"companies": True})
        assert (await control.get("/companies")).json()["companies"] == []


class DirectSimulatorConformance(SimulatorConformance):
    """And for a package that is called: what its calls leave in the books and in the log."""

    company: ClassVar[Mapping[str, object]] = {}
    mapping: ClassVar[Mapping[str, object]] = {}

    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with opened(self.package, self.company, self.mapping) as bench:
            yield bench

    async def test_what_was_written_is_in_the_books_in_its_order(self, bench: Bench) -> None:
        for number in ("3", "1", "2"):
            await bench.book(sale(number))
        await bench.book(purchase("9"))
        books = await bench.books()
        assert [row["number"] for row in books["sales"]] == ["3", "1", "2"]
        numbers = [row["number"] for row in books["arrivals"] if row["number"] in {"1", "2", "3", "9"}]
        assert numbers == ["3", "1", "2", "9"]
        assert [row["order"] for row in books["arrivals"]] == list(range(1, len(books["arrivals"]) + 1))
        for row in books["sales"] + books["purchases"]:
            assert (row["gross"], row["open"]) == ("121.00", "121.00")
            assert row["lines"]
            assert row["created_at"]
        assert {row["relation"]["name"] for row in books["sales"]} == {"Bouwbedrijf Groeneveld B.V."}

    @pytest.mark.parametrize("make", [sale, purchase])
    async def test_cut_after_commit_has_taken_effect_and_cut_before_has_not(
        self, bench: Bench, make: type
    ) -> None:
        for kind, there in (("cut_before", 0), ("cut_after", 1)):
            document = make("1")
            reference = await bench.reference(role_of(document))
            await bench.fault(kind)
            with pytest.raises(Uncertain):
                await bench.book(document)
            assert len(await bench.sink.find_invoice(document, reference)) == there

    async def test_overlapping_writes_are_recorded(self, bench: Bench) -> None:
        await bench.reference(Role.DEBTOR)
        await bench.fault("latency", latency_ms=300)
        await asyncio.gather(bench.book(sale("1")), bench.book(sale("2")))
        assert (await bench.books())["overlapping_writes"]["count"] >= 1

    async def test_writes_after_each_other_do_not_overlap(self, bench: Bench) -> None:
        for number in ("1", "2", "3"):
            await bench.book(sale(number))
        assert (await bench.books())["overlapping_writes"]["count"] == 0

    async def test_the_log_names_every_call_with_status_and_fault(self, bench: Bench) -> None:
        await bench.reference(Role.DEBTOR)
        await bench.fault("status", status=500)
        with pytest.raises(Uncertain):
            await bench.book(sale("1"))
        answer = (await bench.control.get("/log", params={"company": bench.company})).json()
        struck = [call for call in answer["calls"] if call["fault"]]
        assert [call["status"] for call in struck] == [500]
        assert answer["last"] >= len(answer["calls"])
        since = (await bench.control.get("/log", params={"since": answer["last"]})).json()
        assert since["calls"] == []

    async def test_payments_and_reversals_move_what_is_open(self, bench: Bench) -> None:
        await bench.book(sale("1"))
        part = await bench.order("payments", number="1", amount="21.00", date="2026-04-02")
        assert (part["paid"], part["open"]) == ("21.00", "100.00")
        back = await bench.order("payments", reverse=part["payment"])
        assert (back["paid"], back["open"]) == ("0.00", "121.00")
        (row,) = (await bench.books())["sales"]
        assert [payment["amount"] for payment in row["payments"]] == ["21.00", "-21.00"]
