"""What every directly booked package must do; a package's test subclasses `DirectSinkConformance`.

Only `package` must be set. `company` and `mapping` are for a package whose defaults do not fit the samples.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Package
from schemas.relation import Role
from sinks.contract import Period
from sinks.turn import role_of
from tests.conformance.opening import Bench, opened, purchase, relation, sale
from tests.schemas.builders import Json, line
from tests.schemas.strategies import SALES_KINDS, invoices, unhurried
from vendors.failure import NotSent, Refused, Uncertain

MONTH = Period(date(2026, 3, 1), date(2026, 3, 31))
MONTH_OF_EVERYTHING = st.tuples(
    *(invoices(direction="sales", kind=kind) for kind in SALES_KINDS),
    invoices(direction="purchase"),
    invoices(direction="purchase"),
)
"""One invoice of each of the six kinds of sales, and purchases."""


class DirectSinkConformance:
    """The contract of `sinks.contract.DirectSink`, over the package's simulator."""

    package: ClassVar[Package]
    company: ClassVar[Mapping[str, object]] = {}
    mapping: ClassVar[Mapping[str, object]] = {}

    def open(self) -> AbstractAsyncContextManager[Bench]:
        return opened(self.package, self.company, self.mapping)

    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with self.open() as bench:
            yield bench

    # --- who ---

    async def test_the_identity_is_that_of_the_company_and_stays_the_same(self, bench: Bench) -> None:
        identity = await bench.sink.probe()
        assert identity.id in bench.made["identity"].values()
        assert identity.name in bench.made["identity"].values()
        assert await bench.sink.probe() == identity
        assert await bench.writes() == 0

    async def test_another_company_has_another_identity(self, bench: Bench) -> None:
        wanted = {"package": str(self.package), **self.company}
        other = (await bench.control.post("/companies", json=wanted)).json()
        assert (await bench.sink.probe()).id not in other["identity"].values()

    async def test_the_options_name_what_a_mapping_can_point_at(self, bench: Bench) -> None:
        options = await bench.sink.options()
        accounts = [option.code for option in options.ledger_accounts]
        assert {row["number"] for row in bench.made["chart"]} == set(accounts)
        assert len(accounts) == len(set(accounts))
        assert options.journals
        assert options.vat_codes
        assert await bench.writes() == 0

    # --- relations ---

    @pytest.mark.parametrize("role", Role)
    async def test_a_relation_is_written_once_and_found_by_our_code(self, bench: Bench, role: Role) -> None:
        assert await bench.sink.find_relation(relation(), role) is None
        first = await bench.sink.upsert_relation(relation(), role, None)
        assert not first.adopted
        assert await bench.sink.find_relation(relation(), role) == first.reference
        known = await bench.sink.upsert_relation(relation(), role, first.reference)
        lost = await bench.sink.upsert_relation(relation(), role, None)
        assert (known.reference, lost.reference, lost.adopted) == (first.reference, first.reference, True)
        books = await bench.books()
        assert len(books["debtors" if role is Role.DEBTOR else "creditors"]) == 1

    async def test_what_enk_leaves_empty_is_never_blanked(self, bench: Bench) -> None:
        reference = await bench.reference(Role.DEBTOR)
        (before,) = (await bench.books())["debtors"]
        bare = relation(
            name="Nieuwe Naam B.V.",
            kvk_number=None,
            vat_identifier=None,
            bank_accounts=[],
            addresses=[],
            phone=None,
            email=None,
        )
        await bench.sink.upsert_relation(bare, Role.DEBTOR, reference)
        (after,) = (await bench.books())["debtors"]
        assert after["name"] == "Nieuwe Naam B.V."
        for kept in ("id", "code", "vat_number", "kvk_number", "iban"):
            assert after[kept] == before[kept]

    async def test_a_hit_on_name_kvk_or_vat_id_alone_is_no_hit(self, bench: Bench) -> None:
        await bench.reference(Role.DEBTOR)
        assert await bench.sink.find_relation(relation(id="rel-9", number="00999"), Role.DEBTOR) is None

    def test_the_fingerprint_is_of_what_would_be_written(self) -> None:
        async def fingerprints() -> list[bytes]:
            async with self.open() as bench:
                several = (relation(), relation(revision=7), relation(name="Anders B.V."))
                return [bench.sink.relation_fingerprint(one, Role.DEBTOR) for one in several]

        same, later, other = asyncio.run(fingerprints())
        assert same == later
        assert same != other
        assert asyncio.run(fingerprints())[0] == same, "the same in every process"

    # --- invoices ---

    @settings(unhurried, max_examples=8)
    @given(MONTH_OF_EVERYTHING)
    def test_every_invoice_is_in_the_books_to_the_cent_or_refused(self, drawn: tuple[Json, ...]) -> None:
        documents = [numbered(data, place) for place, data in enumerate(drawn)]
        asyncio.run(self._book_or_refuse(documents))

    async def _book_or_refuse(self, documents: list[Invoice]) -> None:
        async with self.open() as bench:
            for document in documents:
                reference = await bench.reference(role_of(document))
                before = await bench.writes()
                refused = await refusal(bench, document)
                if refused is not None:
                    assert refused.code is not Code.INTERNAL, refused.vendor_message
                    assert await bench.writes() == before, "a refusal leaves the books as they were"
                    continue
                (found,) = await bench.sink.find_invoice(document, reference)
                assert found.gross == document.totals.gross
                assert isinstance(found.gross, Decimal)
                assert found.relation_id == reference.id
                assert found.document.number == number_in_package(document)
                books = await bench.books()
                rows = books["sales" if document.direction is Direction.SALES else "purchases"]
                (row,) = [row for row in rows if row["number"] == number_in_package(document)]
                assert Decimal(row["gross"]) == document.totals.gross
                assert row["relation"]["id"] == reference.id

    @pytest.mark.parametrize("net", ["0.01", "0.07", "1234567.89", "-0.29", "7036874417.64"])
    async def test_amounts_are_exact(self, bench: Bench, net: str) -> None:
        kind = {"kind": "los"} if net.startswith("-") else {}
        document = sale("1", net, **kind)
        await bench.book(document)
        (row,) = (await bench.books())["sales"]
        assert Decimal(row["gross"]) == document.totals.gross
        (found,) = await bench.sink.find_invoice(document, await bench.reference(Role.DEBTOR))
        assert found.gross == document.totals.gross

    async def test_nothing_is_found_that_is_not_there(self, bench: Bench) -> None:
        await bench.book(sale("100"))
        await bench.book(purchase("200"))
        debtor, creditor = await bench.reference(Role.DEBTOR), await bench.reference(Role.CREDITOR)
        for document, reference in [
            (sale("10"), debtor),
            (sale("200"), debtor),
            (purchase("20"), creditor),
            (purchase("100"), creditor),
        ]:
            assert list(await bench.sink.find_invoice(document, reference)) == []

    async def test_an_account_that_is_not_there_is_refused_by_name(self, bench: Bench) -> None:
        await bench.reference(Role.DEBTOR)
        before = await bench.books()
        with pytest.raises(Refused) as refused:
            await bench.book(sale("1", lines=[line(), line("5.00", id="2", ledger_account="99999")]))
        assert refused.value.code is Code.NOT_FOUND_LEDGER_ACCOUNT
        assert refused.value.field == "$.lines[1].ledger_account"
        assert await bench.books() == before

    async def test_a_number_is_never_shortened(self, bench: Bench) -> None:
        await bench.reference(Role.DEBTOR)
        long = "F" * 200
        before = await bench.writes()
        with pytest.raises(Refused) as refused:
            await bench.book(sale(long))
        assert (refused.value.code, refused.value.field) == (Code.TOO_LONG, "$.number")
        assert await bench.writes() == before

    async def test_a_number_that_is_guarded_is_refused_as_a_duplicate(self, bench: Bench) -> None:
        for direction, make in ((Direction.SALES, sale), (Direction.PURCHASE, purchase)):
            if direction not in bench.sink.traits.guarded:
                continue
            await bench.book(make("1"))
            with pytest.raises(Refused) as refused:
                await bench.book(make("1", "200.00"))
            assert refused.value.code is Code.DUPLICATE_NUMBER
        assert (await bench.books())["doubles"] == []

    # --- doubt, and what is no doubt ---

    @pytest.mark.parametrize("make", [sale, purchase])
    @pytest.mark.parametrize("kind", ["cut_after", "status_after", "html_after", "truncated", "hang_after"])
    async def test_a_booking_made_without_an_answer_is_uncertain_and_found(
        self, bench: Bench, kind: str, make: type
    ) -> None:
        document: Invoice = make("1")
        reference = await bench.reference(role_of(document))
        await bench.fault(kind)
        with pytest.raises(Uncertain):
            await bench.book(document)
        (found,) = await bench.sink.find_invoice(document, reference)
        assert (found.gross, found.relation_id) == (document.totals.gross, reference.id)

    @pytest.mark.parametrize("make", [sale, purchase])
    @pytest.mark.parametrize("kind", ["cut_before", "status", "html", "hang"])
    async def test_a_booking_not_made_and_not_refused_is_uncertain_and_not_found(
        self, bench: Bench, kind: str, make: type
    ) -> None:
        document: Invoice = make("1")
        reference = await bench.reference(role_of(document))
        before = await bench.writes()
        await bench.fault(kind)
        with pytest.raises(Uncertain):
            await bench.book(document)
        assert list(await bench.sink.find_invoice(document, reference)) == []
        assert await bench.writes() == before

    @pytest.mark.parametrize("fault", [{"kind": "token_revoked", "count": 9}, {"kind": "rate_limit"}])
    async def test_a_refusal_at_the_gate_is_no_doubt(self, bench: Bench, fault: dict[str, object]) -> None:
        await bench.reference(Role.DEBTOR)
        before = await bench.writes()
        await bench.order("faults", operation="write", **fault)
        with pytest.raises((Refused, NotSent)):
            await bench.book(sale("1"))
        assert await bench.writes() == before

    async def test_a_right_that_is_missing_is_no_doubt(self, bench: Bench) -> None:
        await bench.reference(Role.DEBTOR)
        before = await bench.writes()
        await bench.fault("status", status=403)
        with pytest.raises((Refused, NotSent)):
            await bench.book(sale("1"))
        assert await bench.writes() == before

    async def test_when_the_lease_ends_no_byte_is_sent(self, bench: Bench) -> None:
        await bench.book(sale("1"))
        bench.guard.ends = True
        writes, calls = await bench.writes(), await bench.calls()
        for attempt in (
            bench.book(sale("2")),
            bench.sink.upsert_relation(relation(id="rel-9", number="9", kvk_number=None), Role.DEBTOR, None),
        ):
            with pytest.raises(NotSent):
                await attempt
        assert await bench.writes() == writes
        bench.guard.ends = False
        assert calls <= await bench.calls()
        await bench.book(sale("2"))

    # --- what the package holds ---

    async def test_the_documents_of_a_period_are_those_booked_in_it(self, bench: Bench) -> None:
        april = {"issue_date": "2026-04-01", "due_date": "2026-04-30"}
        first = {"issue_date": "2026-03-01", "due_date": "2026-03-31"}
        booked = {
            ("sales", "1", Decimal("121.00")): await bench.book(sale("1")),
            ("sales", "2", Decimal("-24.20")): await bench.book(sale("2", "-20.00", kind="los", **first)),
            ("purchase", "3", Decimal("121.00")): await bench.book(purchase("3")),
        }
        await bench.book(sale("4", **april))
        await bench.book(purchase("5", **april))
        held = [row async for row in bench.sink.documents(MONTH)]
        assert {
            (str(row.direction), row.document.number, row.gross): row.document.id for row in held
        } == booked
        assert len(held) == len(booked)
        assert all(isinstance(row.gross, Decimal) for row in held)
        whole = replace(MONTH, last=date(2026, 4, 1))
        assert len([row async for row in bench.sink.documents(whole)]) == 5


def number_in_package(document: Invoice) -> str:
    """The number that the bookkeeper knows the document by."""
    if document.direction is Direction.SALES:
        return document.number
    return (document.supplier_invoice_number or "").strip()


def numbered(data: Json, place: int) -> Invoice:
    """A drawn invoice under an id and number of its own."""
    own = {"id": f"doc-{place}", "number": f"{place}"}
    if data["direction"] == "purchase":
        own["supplier_invoice_number"] = f"L{place}"
    return Invoice.model_validate({**data, **own})


async def refusal(bench: Bench, document: Invoice) -> Refused | None:
    """Book it; why it was refused, if it was."""
    try:
        await bench.book(document)
    except Refused as refused:
        return refused
    return None
