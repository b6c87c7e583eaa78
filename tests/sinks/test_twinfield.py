"""Booking in Twinfield's simulator: what arrives there, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from schemas.invoice import Invoice
from schemas.outcome import Code, Package
from schemas.relation import Role
from tests.conformance.opening import Bench, opened, purchase, relation, sale
from tests.conformance.test_twinfield import COMPANY, MAPPING
from tests.schemas.builders import line
from vendors.failure import Refused, Scope

DEBTOR, CREDITOR = Role.DEBTOR, Role.CREDITOR


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with opened(Package.TWINFIELD, COMPANY, MAPPING) as bench:
        yield bench


async def refused(bench: Bench, document: Invoice) -> Refused:
    before = await bench.writes()
    with pytest.raises(Refused) as caught:
        await bench.book(document)
    assert await bench.writes() == before
    return caught.value


async def setting(bench: Bench, **settings: Any) -> None:
    await bench.order("settings", settings=settings)


# --- invoices ---


async def test_a_booking_is_provisional_and_known_by_journal_and_number(bench: Bench) -> None:
    document = await bench.sink.book(sale("2026-0412"), relation(), await bench.reference(DEBTOR))
    assert document.number == "2026-0412"
    assert document.id is not None
    journal, _, number = document.id.partition("/")
    assert (journal, document.journal, document.year, document.period) == ("VRK", "VRK", 2026, 3)
    assert number.isdecimal()


async def test_vat_is_enks_own_to_the_cent(bench: Bench) -> None:
    lines = [
        line("0.10", id="1"),
        line("0.10", id="2", ledger_account="8100"),
        line("0.10", "laag", "9", id="3"),
    ]
    invoice = sale("1", lines=lines)
    await bench.book(invoice)
    (row,) = (await bench.books())["sales"]
    assert Decimal(row["gross"]) == invoice.totals.gross == Decimal("0.35")


@pytest.mark.parametrize("net", ["4000.00", "-4000.00"])
async def test_a_reverse_charge_purchase_owes_the_net_amount(bench: Bench, net: str) -> None:
    vat = {"kind": "verlegd", "rate": "0"}
    await bench.book(purchase("J-31", lines=[line(net, vat=vat, ledger_account="7100")]))
    (row,) = (await bench.books())["purchases"]
    assert Decimal(row["gross"]) == Decimal(net)


async def test_a_reverse_charge_sale_and_one_within_the_eu_are_booked(bench: Bench) -> None:
    for number, kind in (("1", "verlegd"), ("2", "icp"), ("3", "export")):
        await bench.book(sale(number, lines=[line("500.00", kind, "0")]))
    assert {row["gross"] for row in (await bench.books())["sales"]} == {"500.00"}


async def test_a_kind_of_vat_without_a_code_is_asked_for_by_name() -> None:
    async with opened(Package.TWINFIELD, COMPANY) as bench:
        await bench.reference(DEBTOR)
        why = await refused(bench, sale("1", lines=[line("5.00", "verlegd", "0")]))
        assert (why.code, why.field) == (Code.MAPPING_MISSING, "$.lines[0].vat")
        assert "sales:verlegd:0" in str(why.values["problem_nl"])


async def test_a_number_that_is_taken_warns_and_is_not_booked(bench: Bench) -> None:
    await bench.book(sale("1"))
    why = await refused(bench, sale("1", "200.00"))
    assert (why.code, why.field) == (Code.DUPLICATE_NUMBER, "$.number")
    assert (await bench.books())["doubles"] == []


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_what_is_not_there_is_refused_by_name_in_either_language(bench: Bench, language: str) -> None:
    await setting(bench, language=language)
    await bench.reference(DEBTOR)
    lines = [line(), line("5.00", id="2", cost_centre="999")]
    why = await refused(bench, sale("1", lines=lines))
    assert (why.code, why.field) == (Code.NOT_FOUND_COST_CENTRE, "$.lines[1].cost_centre")
    assert why.values["cost_centre"] == "999"
    why = await refused(bench, sale("1", lines=[line(ledger_account="9876")]))
    assert (why.code, why.field) == (Code.NOT_FOUND_LEDGER_ACCOUNT, "$.lines[0].ledger_account")
    await bench.book(sale("1"))
    why = await refused(bench, sale("1"))
    assert (why.code, why.field) == (Code.DUPLICATE_NUMBER, "$.number")


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_a_project_and_a_vat_code_that_are_not_there(language: str) -> None:
    company = {"settings": {**COMPANY["settings"], "language": language}}
    mapping = {"project_from": "werk", "vat_codes": {"sales:laag": "XX"}}
    async with opened(Package.TWINFIELD, company, mapping) as bench:
        await bench.reference(DEBTOR)
        werk = {"number": "W9", "name": "Nieuwbouw"}
        why = await refused(bench, sale("1", werk=werk))
        assert (why.code, why.values["project"]) == (Code.NOT_FOUND_PROJECT, "W9")
        why = await refused(bench, sale("1", lines=[line("1.00", "laag", "9")]))
        assert (why.code, why.field) == (Code.NOT_FOUND_VAT, "$.lines[0].vat")
        await setting(bench, projects={"W9": "Nieuwbouw"})
        await bench.book(sale("1", werk=werk))


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_a_closed_period_is_said_with_its_date(bench: Bench, language: str) -> None:
    await setting(bench, language=language, closed_periods=["2026/03"])
    await bench.reference(DEBTOR)
    why = await refused(bench, sale("1"))
    assert (why.code, why.scope, why.field) == (Code.PERIOD_CLOSED, Scope.DOCUMENT, "$.issue_date")


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_a_year_that_is_not_there(bench: Bench, language: str) -> None:
    await setting(bench, language=language)
    await bench.reference(DEBTOR)
    why = await refused(bench, sale("1", issue_date="2040-01-01", due_date="2040-01-31"))
    assert why.code is Code.YEAR_MISSING
    assert why.values["year"] == 2040


async def test_a_journal_that_is_not_there() -> None:
    async with opened(Package.TWINFIELD, COMPANY, {"journals": {"sales:regie": "NIETS"}}) as bench:
        await bench.reference(DEBTOR)
        why = await refused(bench, sale("1"))
        assert (why.code, why.values["journal"]) == (Code.NOT_FOUND_JOURNAL, "NIETS")
        await bench.book(sale("2", kind="los"))


async def test_a_purchase_is_found_only_with_its_own_creditor(bench: Bench) -> None:
    await bench.book(purchase("88123"))
    other = await bench.sink.upsert_relation(
        relation(id="rel-9", number="9", name="Ander", kvk_number=None, vat_identifier=None), CREDITOR, None
    )
    assert list(await bench.sink.find_invoice(purchase("88123"), other.reference)) == []
    assert len(await bench.sink.find_invoice(purchase("88123"), await bench.reference(CREDITOR))) == 1


async def test_a_credit_purchase_is_found_with_its_sign(bench: Bench) -> None:
    credit = purchase("C-1", "-100.00")
    await bench.book(credit)
    (found,) = await bench.sink.find_invoice(credit, await bench.reference(CREDITOR))
    assert found.gross == Decimal("-121.00")


async def test_a_next_invoice_costs_a_look_up_and_a_booking(bench: Bench) -> None:
    await bench.book(sale("1"))
    reference = await bench.reference(DEBTOR)
    await bench.sink.find_invoice(sale("2"), reference)
    before = await bench.calls()
    await bench.sink.find_invoice(sale("3"), reference)
    await bench.book(sale("3"))
    assert await bench.calls() - before == 2


# --- relations ---


def in_mask(**changes: object) -> Any:
    return relation(number="10023", **changes)


async def test_a_number_in_the_mask_is_the_code(bench: Bench) -> None:
    written = await bench.sink.upsert_relation(in_mask(), DEBTOR, None)
    assert written.reference.code == "10023"
    assert await bench.sink.find_relation(in_mask(name="Nieuwe Naam B.V."), DEBTOR) == written.reference


async def test_a_number_outside_the_mask_is_left_to_twinfield(bench: Bench) -> None:
    written = await bench.sink.upsert_relation(relation(number="K-77"), CREDITOR, None)
    assert written.reference.code
    assert written.reference.code.startswith("2")


async def test_a_code_of_somebody_else_is_never_overwritten(bench: Bench) -> None:
    await bench.sink.upsert_relation(in_mask(), DEBTOR, None)
    before = await bench.books()
    stranger = in_mask(id="rel-9", name="Iemand anders", kvk_number="87654321", vat_identifier=None)
    assert await bench.sink.find_relation(stranger, DEBTOR) is None
    with pytest.raises(Refused) as caught:
        await bench.sink.upsert_relation(stranger, DEBTOR, None)
    assert (caught.value.code, caught.value.field) == (Code.DUPLICATE_NUMBER, "$.number")
    assert await bench.books() == before


async def test_an_unchanged_relation_is_not_written_again(bench: Bench) -> None:
    written = await bench.sink.upsert_relation(in_mask(), DEBTOR, None)
    before = await bench.writes()
    await bench.sink.upsert_relation(in_mask(), DEBTOR, written.reference)
    assert await bench.writes() == before


async def test_a_g_account_is_a_blocked_bank_of_the_creditor(bench: Bench) -> None:
    accounts = [
        {"iban": "NL91ABNA0417164300", "kind": "normal"},
        {"iban": "NL86ABNA0780250716", "kind": "g_account"},
    ]
    for role in (DEBTOR, CREDITOR):
        await bench.sink.upsert_relation(relation(bank_accounts=accounts), role, None)
    books = await bench.books()
    assert "NL86ABNA0780250716" not in str(books["debtors"])
    assert books["creditors"][0]["iban"] == "NL91ABNA0417164300"


async def test_a_field_that_is_refused_is_left_out_and_said(bench: Bench) -> None:
    wrong = relation(vat_identifier="BE0428759497", website="x" * 150)
    written = await bench.sink.upsert_relation(wrong, DEBTOR, None)
    assert set(written.dropped) <= {"$.vat_identifier", "$.website"}


# --- the gate ---


async def test_an_office_that_the_user_may_not_open_holds_the_administration(bench: Bench) -> None:
    await setting(bench, access_code=109)
    with pytest.raises(Refused) as caught:
        await bench.sink.probe()
    assert (caught.value.code, caught.value.scope) == (Code.AUTH_REVOKED, Scope.ADMINISTRATION)


async def test_a_consent_that_was_withdrawn_is_revoked_until_it_is_given_again(bench: Bench) -> None:
    await setting(bench, consent_active=False)
    with pytest.raises(Refused) as caught:
        await bench.sink.options()
    assert (caught.value.code, caught.value.scope) == (Code.AUTH_REVOKED, Scope.ADMINISTRATION)
    await setting(bench, consent_active=True)
    with pytest.raises(Refused):
        await bench.sink.options()
    assert (await bench.sink.probe()).id


@pytest.mark.parametrize("answer", ["http", "fault"])
async def test_an_expired_token_costs_no_invoice(bench: Bench, answer: str) -> None:
    await setting(bench, expired_token_answer=answer)
    await bench.reference(DEBTOR)
    await bench.order("faults", kind="token_revoked", operation="write")
    await bench.book(sale("1"))
    assert len((await bench.books())["sales"]) == 1


async def test_an_organisation_that_moved_is_found_at_its_new_cluster(bench: Bench) -> None:
    await bench.book(sale("1"))
    await setting(bench, cluster="accounting2")
    await bench.book(sale("2"))
    assert len((await bench.books())["sales"]) == 2


async def test_without_the_cluster_in_the_claims_the_last_one_is_used(bench: Bench) -> None:
    await bench.book(sale("1"))
    await setting(bench, cluster_claim=False)
    await bench.order("faults", kind="token_revoked", operation="write")
    await bench.book(sale("2"))
    assert len((await bench.books())["sales"]) == 2
