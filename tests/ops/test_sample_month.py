"""The sample month: valid events that both packages can book to the last one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from ops.sample_month import bad_extras, sample_month
from ops.sample_relations import Json
from schemas.invoice import Direction, Invoice, InvoiceKind, VatKind
from schemas.outcome import Code, Package
from schemas.publishing import record_from_line
from schemas.reading import ReadEvent, Rejection, Tombstone, read_record
from schemas.relation import Relation, Role
from sinks.contract import FileInvoice, FileRelation
from sinks.king import KingMapping, KingSink
from sinks.snelstart import SnelStartMapping, booking, check
from sinks.snelstart_reference import Books
from tests.sinks.king_reading import cut
from tests.sinks.test_king_import import company, read
from vendors.failure import Refused
from vendors.snelstart.models import CostCentre, LedgerAccount, VatRate
from vendors.snelstart.simulator import chart

MARCH = date(2026, 3, 1)
SEEDS = (1, 2, 3, 4, 5)


def events(objects: Sequence[Json]) -> list[ReadEvent]:
    return [event for each in objects if isinstance(event := read_one(each), ReadEvent)]


def read_one(event: Json) -> ReadEvent | Tombstone:
    record = record_from_line(json.dumps(event, ensure_ascii=False).encode(), "enk.invoices.v1")
    return read_record(record.topic, record.key, record.headers, record.value)


def month(package: Package = Package.SNELSTART, seed: int = 1) -> tuple[list[Relation], list[Invoice]]:
    data = [event.data for event in events(sample_month("adm-1001", package, seed, MARCH))]
    return (
        [each for each in data if isinstance(each, Relation)],
        [each for each in data if isinstance(each, Invoice)],
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("first", [MARCH, date(2024, 2, 29), date(2026, 12, 31)])
def test_every_event_is_accepted(seed: int, first: date) -> None:
    made = sample_month("adm-1001", Package.KING, seed, first)
    assert len(events(made)) == len(made) == 1 + 12 + 40


def test_the_same_arguments_give_the_same_month_and_others_another() -> None:
    assert sample_month("a", Package.KING, 1, MARCH) == sample_month("a", Package.KING, 1, MARCH)
    assert month(seed=1)[1] != month(seed=2)[1]


def test_event_ids_and_numbers_are_unique() -> None:
    made = sample_month("adm-1001", Package.KING, 1, MARCH)
    assert max(Counter(str(event["id"]) for event in made).values()) == 1
    _, invoices = month()
    numbers = Counter((each.direction, each.supplier_invoice_number or each.number) for each in invoices)
    assert max(numbers.values()) == 1


def test_it_has_everything_that_an_installation_company_has() -> None:
    relations, invoices = month()
    assert {each.kind for each in invoices if each.direction is Direction.SALES} == set(InvoiceKind)
    kinds = {(each.direction, line.vat.kind) for each in invoices for line in each.lines}
    assert {(direction, VatKind.VERLEGD) for direction in Direction} <= kinds
    assert {VatKind.HOOG, VatKind.LAAG, VatKind.ICP, VatKind.GEEN, VatKind.VRIJGESTELD} <= {
        k for _, k in kinds
    }
    assert {each.direction for each in invoices if each.g_account} == set(Direction)
    assert {each.direction for each in invoices if each.credits_invoice_number} == set(Direction)
    assert any(len(each.vat_breakdown) > 1 for each in invoices)
    assert any(line.net_amount < 0 < each.totals.gross for each in invoices for line in each.lines)
    assert sorted(len(each.roles) for each in relations)[-1] == 2
    assert any(not each.name.isascii() for each in relations)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_credit_comes_after_what_it_credits_and_undoes_it(seed: int) -> None:
    seen: dict[tuple[Direction, str], Invoice] = {}
    credits = 0
    for invoice in month(seed=seed)[1]:
        if invoice.credits_invoice_number:
            original = seen[invoice.direction, invoice.credits_invoice_number]
            assert original.relation_id == invoice.relation_id
            assert original.totals.gross == -invoice.totals.gross
            credits += 1
        seen[invoice.direction, invoice.supplier_invoice_number or invoice.number] = invoice
    assert credits == 4


@pytest.mark.parametrize("seed", SEEDS)
def test_snelstarts_default_company_can_hold_every_invoice(seed: int) -> None:
    mapping = SnelStartMapping()
    for invoice in month(seed=seed)[1]:
        check(invoice, mapping)
        assert booking(invoice, str(UUID(int=1)), snelstart_books(), mapping)["boekingsregels"]


@pytest.mark.parametrize("seed", SEEDS)
def test_king_reads_the_whole_month(seed: int, tmp_path: Path) -> None:
    sink, mapping = KingSink(), KingMapping()
    relations, invoices = month(Package.KING, seed)
    rows = [
        FileRelation(each, role, str(sink.relation_code(each, role, mapping)))
        for each in relations
        for role in each.roles
    ]
    codes = {(row.relation.id, row.role): row for row in rows}
    written = [
        FileInvoice(each, codes[each.relation_id, role].relation, codes[each.relation_id, role].code)
        for each in invoices
        for role in [Role.DEBTOR if each.direction is Direction.SALES else Role.CREDITOR]
    ]
    for row in rows:
        sink.check_relation(row, mapping)
    for document in written:
        sink.check_invoice(document, mapping)
    king = company(tmp_path)
    read(king, sink.render(cut(written, rows), mapping))
    booked = {(doc.direction.value, doc.number): doc.gross for doc in king.books.documents.values()}
    assert booked == {
        (each.direction.value, each.supplier_invoice_number or each.number): each.totals.gross
        for each in invoices
    }


def test_extras_that_end_well_by_themselves_are_in_order() -> None:
    extras = bad_extras("adm-1001", Package.SNELSTART, 1, MARCH)
    invoice, relation = events(extras["invoice_before_relation"])
    assert isinstance(invoice.data, Invoice)
    assert isinstance(relation.data, Relation)
    assert invoice.data.relation_id == relation.data.id
    assert extras["repeated_event"][0] in sample_month("adm-1001", Package.SNELSTART, 1, MARCH)


@pytest.mark.parametrize(
    ("package", "code"),
    [(Package.SNELSTART, Code.NOT_FOUND_LEDGER_ACCOUNT), (Package.KING, Code.TOO_LONG)],
)
def test_the_unknown_account_is_refused_where_it_stands(package: Package, code: Code) -> None:
    (event,) = events(bad_extras("adm-1001", package, 1, MARCH)["unknown_ledger_account"])
    assert isinstance(event.data, Invoice)
    with pytest.raises(Refused) as caught:
        refuse(package, event.data)
    assert (caught.value.code, caught.value.field) == (code, "$.lines[0].ledger_account")


def test_the_unreadable_record_is_rejected() -> None:
    (line,) = bad_extras("adm-1001", Package.KING, 1, MARCH)["unreadable_record"]
    with pytest.raises(Rejection):
        read_one(line)


def refuse(package: Package, invoice: Invoice) -> None:
    if package is Package.KING:
        KingSink().check_invoice(FileInvoice(invoice, month()[0][2], "1310003"), KingMapping())
    else:
        booking(invoice, str(UUID(int=1)), snelstart_books(), SnelStartMapping())


def snelstart_books() -> Books:
    """The lists of a new company in the stand-in for SnelStart."""
    return Books.of(
        accounts=[
            LedgerAccount(
                id=UUID(int=number),
                nummer=number,
                omschrijving=name,
                grootboekfunctie=function,
                nonactief=False,
            )
            for number, name, function in chart.DEFAULT_ACCOUNTS
        ],
        vat_rates=[
            VatRate.model_validate(
                {
                    "btwSoort": soort.value,
                    "btwPercentage": Decimal(rate),
                    "datumVanaf": first,
                    "datumTotEnMet": last,
                }
            )
            for soort, rate, first, last in chart.VAT_RATES
        ],
        cost_centres=[
            CostCentre.model_validate(
                {"id": UUID(int=number), "nummer": number, "omschrijving": name, "nonactief": False}
            )
            for number, name in chart.DEFAULT_COST_CENTRES
        ],
        countries=[],
    )
