"""The sink against SnelStart's simulator: what ends up in the books, and what is known afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from schemas.invoice import Direction
from schemas.outcome import Code
from schemas.relation import Role
from sinks.contract import AttachmentFile, Period, RelationReference
from sinks.snelstart import SnelStartMapping, SnelStartSink
from sinks.snelstart_settings import RelationCode
from tests.sinks.snelstart_samples import Line, address, invoice, purchase, relation
from tests.sinks.snelstart_world import World, snelstart
from vendors.failure import NotSent, Refused, Scope, Uncertain

WRITE = "verkoopboekingen.POST"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with snelstart(cost_centres=[{"number": "12", "name": "Service"}]) as world:
        yield world


@pytest.fixture
def sink(world: World) -> SnelStartSink:
    return world.sink()


async def debtor(sink: SnelStartSink) -> RelationReference:
    return (await sink.upsert_relation(relation(), Role.DEBTOR, None)).reference


async def creditor(sink: SnelStartSink) -> RelationReference:
    return (await sink.upsert_relation(relation(), Role.CREDITOR, None)).reference


# --- relations ---


async def test_a_relation_is_created_found_and_updated_without_blanking(
    world: World, sink: SnelStartSink
) -> None:
    assert await sink.find_relation(relation(), Role.DEBTOR) is None
    written = await sink.upsert_relation(relation(), Role.DEBTOR, None)
    assert (written.adopted, written.dropped, written.reference.code) == (False, (), "10423")
    assert await sink.find_relation(relation(), Role.DEBTOR) == written.reference
    again = await sink.upsert_relation(
        relation(name="Van der Berg Beheer B.V.", phone=None), Role.DEBTOR, written.reference
    )
    assert again.reference == written.reference
    (held,) = (await world.books())["debtors"]
    assert (held["code"], held["name"], held["iban"]) == (
        "10423",
        "Van der Berg Beheer B.V.",
        "NL91ABNA0417164300",
    )


async def test_debtor_and_creditor_of_one_relation_are_two_records(world: World, sink: SnelStartSink) -> None:
    first = await sink.upsert_relation(relation(), Role.DEBTOR, None)
    second = await sink.upsert_relation(relation(), Role.CREDITOR, None)
    assert first.reference.id != second.reference.id
    assert await sink.find_relation(relation(), Role.DEBTOR) == first.reference
    assert await sink.find_relation(relation(), Role.CREDITOR) == second.reference
    repeated = await sink.upsert_relation(relation(), Role.CREDITOR, None)
    assert (repeated.reference, repeated.adopted) == (second.reference, True)
    books = await world.books()
    assert (len(books["debtors"]), len(books["creditors"])) == (1, 1)


async def test_a_code_that_snelstart_gave_to_a_second_role_does_not_stop_its_owner(
    sink: SnelStartSink,
) -> None:
    await debtor(sink)
    second = await creditor(sink)
    assert second.code is not None
    late = relation(
        id="rel-2", number=second.code, name="Ander bedrijf", kvk_number="12345678", vat_identifier=None
    )
    written = await sink.upsert_relation(late, Role.DEBTOR, None)
    assert written.reference.id != second.id
    assert await sink.find_relation(late, Role.DEBTOR) == written.reference


async def test_a_lost_reference_is_found_again_and_adopted(sink: SnelStartSink) -> None:
    first = await debtor(sink)
    again = await sink.upsert_relation(relation(), Role.DEBTOR, None)
    assert (again.reference, again.adopted) == (first, True)


async def test_a_code_of_somebody_else_is_a_duplicate_number(world: World, sink: SnelStartSink) -> None:
    await world.client.create_relation(
        {
            "relatiesoort": ["Klant"],
            "relatiecode": 10423,
            "naam": "Heel iemand anders",
            "kvkNummer": "87654321",
        }
    )
    assert await sink.find_relation(relation(), Role.DEBTOR) is None
    with pytest.raises(Refused) as caught:
        await debtor(sink)
    assert (caught.value.code, caught.value.field) == (Code.DUPLICATE_NUMBER, "$.number")
    assert "Heel iemand anders" in str(caught.value.values["problem_nl"])


async def test_a_relation_of_the_old_coupling_is_adopted_by_code_and_kvk(
    world: World, sink: SnelStartSink
) -> None:
    old = await world.client.create_relation(
        {"relatiesoort": ["Klant"], "relatiecode": 10423, "naam": "V/d Berg", "kvkNummer": "24123456"}
    )
    found = await sink.find_relation(relation(), Role.DEBTOR)
    assert found == RelationReference(str(old.id), "10423")


async def test_an_optional_field_that_is_refused_is_dropped_and_reported(sink: SnelStartSink) -> None:
    abroad = relation(addresses=[address(country="BE")])
    written = await sink.upsert_relation(abroad, Role.DEBTOR, None)
    assert written.dropped == ("$.vat_identifier",)


async def test_relations_numbered_by_snelstart_are_found_again(world: World) -> None:
    sink = world.sink(SnelStartMapping(relatiecode=RelationCode.SNELSTART))
    first = await sink.upsert_relation(relation(), Role.DEBTOR, None)
    assert first.reference.code not in (None, "10423")
    assert await sink.find_relation(relation(), Role.DEBTOR) == first.reference
    namesake = relation(id="rel-9", kvk_number=None, vat_identifier=None)
    assert await sink.find_relation(namesake, Role.DEBTOR) is None


async def test_a_relation_deleted_in_snelstart_is_created_again(sink: SnelStartSink) -> None:
    gone = RelationReference("9e3d3f0a-4b0e-4a7c-8d1e-2f7d0f6a1b11", "1")
    written = await sink.upsert_relation(relation(), Role.DEBTOR, gone)
    assert written.reference != gone


# --- bookings ---


async def test_invoices_of_every_sort_are_in_the_books_to_the_cent(world: World, sink: SnelStartSink) -> None:
    klant, leverancier = await debtor(sink), await creditor(sink)
    sales = [
        invoice(Line("850.00", more={"cost_centre": "12"}), Line("300.00", "laag", "9"), Line("0.00")),
        invoice(Line("4500.00", "verlegd", "0"), number="F2", id="2"),
        invoice(Line("-850.00"), number="C1", id="3", kind="los", credits_invoice_number="F2026-0815"),
        invoice(Line("100.00", "nul", "0"), Line("1.00"), number="F4", id="4"),
        invoice(Line("100.00", "export", "0"), number="F5", id="5"),
        invoice(Line("10.00"), Line("-10.00"), number="F6", id="6"),
    ]
    purchases = [
        purchase(Line("640.00", account="7000"), Line("10.00", "laag", "9", "4000")),
        purchase(Line("2750.00", "verlegd", "0", "7100"), supplier_invoice_number="T2", id="8"),
        purchase(Line("-640.00", account="7000"), supplier_invoice_number="T3", id="9"),
        purchase(Line("50.00", "icp", "0", "7000"), supplier_invoice_number="T4", id="10"),
        purchase(Line("50.00", "import", "0", "7000"), supplier_invoice_number="T5", id="11"),
    ]
    for document, reference in [*((one, klant) for one in sales), *((one, leverancier) for one in purchases)]:
        sink.check_invoice(document, relation())
        assert await sink.find_invoice(document, reference) == []
        booked = await sink.book(document, relation(), reference)
        (found,) = await sink.find_invoice(document, reference)
        assert (found.document, found.gross) == (booked, document.totals.gross)
        assert found.relation_id == reference.id
    books = await world.books()
    assert [Decimal(row["gross"]) for row in books["sales"]] == [one.totals.gross for one in sales]
    assert [Decimal(row["gross"]) for row in books["purchases"]] == [one.totals.gross for one in purchases]
    assert books["sales"][0]["lines"][0]["cost_centre"] == "12"
    held = [row async for row in sink.documents(Period(date(2026, 3, 14), date(2026, 3, 14)))]
    assert sum(row.direction is Direction.SALES for row in held) == len(sales)
    assert sum(row.direction is Direction.PURCHASE for row in held) == len(purchases)
    assert [row async for row in sink.documents(Period(date(2026, 3, 15), date(2026, 3, 31)))] == []


async def test_a_number_twice_is_refused_as_a_duplicate(sink: SnelStartSink) -> None:
    klant = await debtor(sink)
    await sink.book(invoice(Line("1.00")), relation(), klant)
    with pytest.raises(Refused) as caught:
        await sink.book(invoice(Line("2.00")), relation(), klant)
    assert (caught.value.code, caught.value.field) == (Code.DUPLICATE_NUMBER, "$.number")


async def test_a_purchase_is_only_found_with_its_own_creditor(sink: SnelStartSink) -> None:
    one = await creditor(sink)
    other = (
        await sink.upsert_relation(
            relation(id="rel-2", number="5", name="Groothandel", kvk_number="12345678", vat_identifier=None),
            Role.CREDITOR,
            None,
        )
    ).reference
    await sink.book(purchase(Line("1.00", account="7000")), relation(), one)
    assert await sink.find_invoice(purchase(Line("1.00", account="7000")), other) == []


@pytest.mark.parametrize("kind", ["cut_after", "status_after", "html_after", "truncated"])
async def test_a_booking_that_was_made_without_saying_so_is_uncertain_and_can_be_found(
    world: World, sink: SnelStartSink, kind: str
) -> None:
    klant = await debtor(sink)
    await world.order("faults", kind=kind, operation=WRITE)
    document = invoice(Line("1.00"))
    with pytest.raises(Uncertain):
        await sink.book(document, relation(), klant)
    (found,) = await sink.find_invoice(document, klant)
    assert (found.relation_id, found.gross) == (klant.id, Decimal("1.21"))


@pytest.mark.parametrize("kind", ["cut_before", "status", "html"])
async def test_a_booking_that_was_not_made_and_not_refused_is_uncertain_too(
    world: World, sink: SnelStartSink, kind: str
) -> None:
    klant = await debtor(sink)
    await world.order("faults", kind=kind, operation=WRITE)
    document = invoice(Line("1.00"))
    with pytest.raises(Uncertain):
        await sink.book(document, relation(), klant)
    assert await sink.find_invoice(document, klant) == []


async def test_a_token_that_was_revoked_is_renewed_without_anybody_noticing(
    world: World, sink: SnelStartSink
) -> None:
    klant = await debtor(sink)
    await world.order("faults", kind="token_revoked", operation=WRITE)
    assert (await sink.book(invoice(Line("1.00")), relation(), klant)).id
    assert len((await world.books())["sales"]) == 1


async def test_a_rate_limit_is_refused_with_the_wait(world: World, sink: SnelStartSink) -> None:
    klant = await debtor(sink)
    await world.order("faults", kind="rate_limit", operation=WRITE, retry_after=30)
    with pytest.raises(Refused) as caught:
        await sink.book(invoice(Line("1.00")), relation(), klant)
    assert (caught.value.code, caught.value.scope) == (Code.RATE_LIMITED, Scope.ADMINISTRATION)
    assert caught.value.retry_after is not None
    with pytest.raises(NotSent):
        await sink.probe()


async def test_without_the_right_to_read_invoices_the_relations_bookings_are_searched(
    world: World, sink: SnelStartSink
) -> None:
    klant = await debtor(sink)
    document = invoice(Line("1.00"))
    booked = await sink.book(document, relation(), klant)
    scopes = ["boekhouden:read", "boekhouden:write", "relaties:read", "relaties:write", "settings:read"]
    await world.order("settings", settings={"scopes": scopes})
    world.client.tokens.drop(await world.client.tokens.token())
    (found,) = await sink.find_invoice(document, klant)
    assert (found.document.id, found.gross) == (booked.id, Decimal("1.21"))


async def test_a_right_that_is_missing_is_named_for_the_administration(
    world: World, sink: SnelStartSink
) -> None:
    klant = await debtor(sink)
    await world.order("settings", settings={"scopes": ["settings:read", "boekhouden:read"]})
    world.client.tokens.drop(await world.client.tokens.token())
    with pytest.raises(Refused) as caught:
        await sink.book(invoice(Line("1.00")), relation(), klant)
    assert (caught.value.code, caught.value.scope) == (Code.MODULE_MISSING, Scope.ADMINISTRATION)


async def test_a_koppelsleutel_that_was_withdrawn_holds_until_a_probe_gets_in(
    world: World, sink: SnelStartSink
) -> None:
    await world.order("settings", settings={"koppelsleutel_active": False})
    for attempt in (sink.probe, sink.options):
        with pytest.raises(Refused) as caught:
            await attempt()
        assert caught.value.code is Code.AUTH_REVOKED
    await world.order("settings", settings={"koppelsleutel_active": True})
    with pytest.raises(Refused):
        await sink.options()
    assert (await sink.probe()).id == world.identity["administratieIdentifier"]
    await sink.options()


async def test_a_closed_period_points_at_the_date(world: World, sink: SnelStartSink) -> None:
    klant = await debtor(sink)
    await world.order("settings", settings={"closed_until": "2026-03-31"})
    with pytest.raises(Refused) as caught:
        await sink.book(invoice(Line("1.00")), relation(), klant)
    assert (caught.value.code, caught.value.field) == (Code.PERIOD_CLOSED, "$.issue_date")


async def test_a_cost_centre_that_is_missing_is_refused_or_created_by_setting(
    world: World, sink: SnelStartSink
) -> None:
    klant = await debtor(sink)
    document = invoice(Line("1.00", more={"cost_centre": "77"}), Line("1.00", more={"cost_centre": "78"}))
    with pytest.raises(Refused) as caught:
        await sink.book(document, relation(), klant)
    assert caught.value.code is Code.NOT_FOUND_COST_CENTRE
    creating = world.sink(SnelStartMapping(kostenplaatsen_aanmaken=True))
    await creating.book(document, relation(), klant)
    (booked,) = (await world.books())["sales"]
    assert [line["cost_centre"] for line in booked["lines"]] == ["77", "78"]


async def test_the_identity_is_that_of_the_company(world: World, sink: SnelStartSink) -> None:
    identity = await sink.probe()
    assert identity.id == world.identity["administratieIdentifier"]
    assert identity.name == world.identity["administratieNaam"]
    assert identity.details["kvk_number"] == world.identity["kvKNummer"]


async def test_the_options_are_snelstarts_own_lists(sink: SnelStartSink) -> None:
    options = await sink.options()
    accounts = {option.code: option for option in options.ledger_accounts}
    assert accounts["8000"].details["grootboekfunctie"] == "VerkopenOmzetHoog"
    assert {"12"} <= {option.code for option in options.cost_centres}
    assert any(option.details["percentage"] == "21" for option in options.vat_codes)
    assert any(option.details["soort"] == "Verkoop" for option in options.journals)


async def test_a_pdf_is_added_and_its_limits_are_kept(world: World, sink: SnelStartSink) -> None:
    klant = await debtor(sink)
    document = invoice(Line("1.00"))
    booked = await sink.book(document, relation(), klant)
    pdf = AttachmentFile("F1.pdf", "application/pdf", b"%PDF-1.7")
    await sink.attach(booked, document, pdf)
    assert booked.id is not None
    assert len(await world.client.attachments_of("Verkoopboekingen", UUID(booked.id))) == 1
    for content, code in ((b"", Code.REQUIRED_FIELD), (bytes(10 * 1024 * 1024 + 1), Code.TOO_LONG)):
        with pytest.raises(Refused) as caught:
            await sink.attach(booked, document, AttachmentFile("F1.pdf", "application/pdf", content))
        assert (caught.value.code, caught.value.field) == (code, "$.attachment")
