"""What every package that reads import files must do; a package's test subclasses `FileSinkConformance`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import given, settings

from ops.packages import PACKAGES, FilePackage
from ops.simulated_company import credentials_of
from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Package
from schemas.relation import Relation, Role
from sinks.contract import Cut, FileInvoice, FileRelation, FileSink, NumberNeed, RenderedFile
from sinks.mapping import AdministrationMapping
from sinks.turn import role_of
from tests.conformance.direct_sink import MONTH_OF_EVERYTHING, number_in_package, numbered
from tests.conformance.opening import COST_CENTRES, purchase, relation, sale
from tests.schemas.builders import Json
from tests.schemas.strategies import unhurried
from vendors.failure import Refused
from vendors.simulation import running

CUT_AT = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)


@dataclass
class Clerk:
    """Makes documents ready for a file as the engine does: codes, allotted numbers, checks."""

    sink: FileSink
    mapping: AdministrationMapping
    allotted: dict[tuple[str, str], int] = field(default_factory=dict)
    counters: dict[str, count[int]] = field(default_factory=dict)

    def number(self, need: NumberNeed) -> int:
        counter = self.counters.setdefault(need.space.name, count(need.space.first))
        place = (need.space.name, need.entity)
        if place not in self.allotted:
            self.allotted[place] = next(counter)
        return self.allotted[place]

    def relation(self, one: Relation, role: Role) -> FileRelation:
        code = self.sink.relation_code(one, role, self.mapping)
        return FileRelation(one, role, str(self.number(code)) if isinstance(code, NumberNeed) else code)

    def invoice(self, invoice: Invoice) -> FileInvoice:
        code = self.relation(relation(), role_of(invoice)).code
        needs = self.sink.number_needs(invoice, self.mapping)
        numbers = {need.space.name: self.number(need) for need in needs}
        return FileInvoice(invoice, relation(), code, numbers)

    def cut(self, *invoices: Invoice, sequence: int = 1) -> Cut:
        """A cut of both roles of the usual relation and of the invoices that pass the checks."""
        relations = tuple(self.relation(relation(), role) for role in Role)
        for one in relations:
            self.sink.check_relation(one, self.mapping)
        documents = tuple(self.invoice(invoice) for invoice in invoices)
        for document in documents:
            self.sink.check_invoice(document, self.mapping)
        return Cut("adm-1001", sequence, CUT_AT, relations, documents)


class FileSinkConformance:
    """The contract of `sinks.contract.FileSink`, read by the package's simulator."""

    package: ClassVar[Package]
    company: ClassVar[Mapping[str, object]] = {}
    mapping: ClassVar[Mapping[str, object]] = {}

    def clerk(self) -> Clerk:
        how = PACKAGES[self.package]
        assert isinstance(how, FilePackage)
        return Clerk(how.sink, how.mapping.model_validate(dict(self.mapping)))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        with tempfile.TemporaryDirectory() as folder:
            async with (
                running([str(self.package)], folder=Path(folder)) as server,
                httpx.AsyncClient(base_url=server.control) as control,
            ):
                wanted = {"package": str(self.package), "cost_centres": COST_CENTRES, **self.company}
                answer = await control.post("/companies", json=wanted)
                assert answer.is_success, answer.text
                yield Reader(control, answer.json())

    # --- rendering ---

    def test_the_same_cut_gives_the_same_bytes(self) -> None:
        one, other = self.clerk(), self.clerk()
        documents = (sale("1"), purchase("2"))
        assert one.sink.render(one.cut(*documents), one.mapping) == other.sink.render(
            other.cut(*documents), other.mapping
        )

    def test_files_have_names_of_their_own_within_a_cut_and_across_cuts(self) -> None:
        clerk = self.clerk()
        cut = clerk.cut(sale("1"), purchase("2"))
        first = clerk.sink.render(cut, clerk.mapping)
        second = clerk.sink.render(replace(cut, sequence=2), clerk.mapping)
        names = [file.name for file in (*first, *second)]
        assert len({name.casefold() for name in names}) == len(names)
        for file in first:
            assert file.content
            assert file.name == Path(file.name).name
            assert not file.name.startswith(".")

    def test_an_empty_cut_is_no_file(self) -> None:
        clerk = self.clerk()
        assert clerk.sink.render(Cut("adm-1001", 1, CUT_AT, (), ()), clerk.mapping) == ()

    def test_the_checks_are_pure(self) -> None:
        clerk = self.clerk()
        document = clerk.invoice(sale("1"))
        for _ in range(2):
            clerk.sink.check_invoice(document, clerk.mapping)
        assert clerk.sink.number_needs(document.invoice, clerk.mapping) == clerk.sink.number_needs(
            document.invoice, clerk.mapping
        )

    def test_debtors_and_creditors_never_share_a_code(self) -> None:
        clerk = self.clerk()
        assert len({clerk.relation(relation(), role).code for role in Role}) == 2

    @pytest.mark.parametrize("make", [sale, purchase])
    def test_a_number_is_never_shortened(self, make: type) -> None:
        clerk = self.clerk()
        document: Invoice = make("F" * 60)
        field_ = "$.number" if document.direction is Direction.SALES else "$.supplier_invoice_number"
        with pytest.raises(Refused) as refused:
            clerk.cut(document)
        assert (refused.value.code, refused.value.field) == (Code.TOO_LONG, field_)

    # --- what the package reads ---

    async def test_relations_are_read(self) -> None:
        clerk = self.clerk()
        async with self.reading() as reader:
            cut = clerk.cut()
            await reader.read(clerk.sink.render(cut, clerk.mapping))
            books = await reader.books()
        codes = {one.role: one.code for one in cut.relations}
        assert [row["code"] for row in books["debtors"]] == [codes[Role.DEBTOR]]
        assert [row["code"] for row in books["creditors"]] == [codes[Role.CREDITOR]]
        for row in books["debtors"] + books["creditors"]:
            assert row["name"].startswith("Bouwbedrijf Groeneveld")
            assert (row["vat_number"], row["kvk_number"]) == ("NL004495445B01", "12345678")

    async def test_a_file_read_twice_is_in_the_books_once_or_reported(self) -> None:
        clerk = self.clerk()
        async with self.reading() as reader:
            files = clerk.sink.render(clerk.cut(sale("1")), clerk.mapping)
            await reader.read(files)
            await reader.read(files)
            books = await reader.books()
        assert books["doubles"] == [] or len(books["reports"]) > len(files)

    @settings(unhurried, max_examples=8)
    @given(MONTH_OF_EVERYTHING)
    def test_every_invoice_is_read_to_the_cent_or_refused(self, drawn: tuple[Json, ...]) -> None:
        asyncio.run(self._read_or_refuse([numbered(data, place) for place, data in enumerate(drawn)]))

    async def _read_or_refuse(self, documents: Sequence[Invoice]) -> None:
        clerk, accepted = self.clerk(), []
        for document in documents:
            try:
                clerk.sink.check_invoice(clerk.invoice(document), clerk.mapping)
            except Refused as refused:
                self._names_what_is_wrong(refused)
            else:
                accepted.append(document)
        async with self.reading() as reader:
            await reader.read(clerk.sink.render(clerk.cut(*accepted), clerk.mapping))
            books = await reader.books()
        found = {(row["direction"], row["number"]): row for row in books["sales"] + books["purchases"]}
        assert len(found) == len(books["sales"]) + len(books["purchases"])
        wanted = {(str(one.direction), number_in_package(one)): one for one in accepted}
        assert found.keys() == wanted.keys(), books["reports"]
        for place, document in wanted.items():
            assert Decimal(found[place]["gross"]) == document.totals.gross
            net = sum((Decimal(row["net"]) for row in found[place]["lines"]), Decimal(0))
            vat = sum((Decimal(row["amount"]) for row in found[place]["vat"]), Decimal(0))
            assert (net, vat) == (document.totals.net, document.totals.vat)
            assert found[place]["date"] == document.issue_date.isoformat()

    @staticmethod
    def _names_what_is_wrong(refused: Refused) -> None:
        assert refused.code is not Code.INTERNAL, refused.vendor_message
        assert refused.field, "a refusal names the field to blame"


@dataclass
class Reader:
    """The package, reading files from its folder."""

    control: httpx.AsyncClient
    made: dict[str, Any]

    async def read(self, files: Sequence[RenderedFile]) -> None:
        """Put each file in the folder and wait until it has been read, one after the other."""
        folder = Path(str(credentials_of(self.made)["folder"]))
        for file in files:
            before = len((await self.books())["reports"])
            arriving = folder / f".{file.name}.part"
            arriving.write_bytes(file.content)
            arriving.rename(folder / file.name)
            async with asyncio.timeout(30):
                while len((await self.books())["reports"]) == before:  # noqa: ASYNC110 - another process reads
                    await asyncio.sleep(0.02)

    async def books(self) -> dict[str, Any]:
        answer = await self.control.get("/books", params={"company": str(self.made["company"])})
        books: dict[str, Any] = answer.json()["companies"][0]
        return books
