"""Written by the sink, read by the stand-in for King: what ENK published is what the books hold.

Writer and reader were made from the same facts by different hands and share no code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.invoice import Direction, Invoice
from schemas.relation import Relation, Role
from sinks.contract import FileRelation, NumberNeed, RenderedFile
from sinks.king import KingSink
from sinks.king_settings import DEFAULT_VAT_CODES, KingMapping
from tests.schemas.builders import line
from tests.schemas.strategies import invoice_models, relation_models, unhurried
from tests.sinks.king_reading import DEFAULT, document, file_relation, invoice, relation, render
from vendors.king.company import KingCompany
from vendors.king.importing import import_file
from vendors.simulation import Stage
from vendors.simulation.books import BookedDocument
from vendors.simulation.books import Role as BookedRole
from vendors.simulation.contract import CostCentre, NewCompany

CODES: dict[int, str] = {int(code): name for name, code in DEFAULT_VAT_CODES.items() if code}


def company(folder: Path) -> KingCompany:
    """A company that has every VAT code of the default mapping."""
    wanted = NewCompany(
        package="king",
        cost_centres=[CostCentre(number=number, name=number) for number in ("100", "200")],
        settings={"vat_codes": {str(code): name for code, name in CODES.items()}},
    )
    return KingCompany(Stage(lambda: datetime(2026, 4, 1, tzinfo=UTC)), wanted, "king-1", folder)


@pytest.fixture
def king(tmp_path: Path) -> KingCompany:
    return company(tmp_path)


def read(king: KingCompany, files: tuple[RenderedFile, ...]) -> None:
    for file in files:
        report = import_file(king, file.content, file.name)
        assert not report.refused, report.text()
        assert not report.messages, report.text()


def booked(king: KingCompany, invoice: Invoice, mapping: KingMapping = DEFAULT) -> BookedDocument:
    both = [file_relation(relation()), file_relation(relation(), Role.CREDITOR)]
    read(king, render([document(invoice)], both, mapping))
    (found,) = king.books.documents.values()
    return found


@unhurried
@given(invoice_models(), st.sampled_from([DEFAULT, KingMapping(cost_separator=".")]))
def test_what_was_published_is_what_is_booked(invoice: Invoice, mapping: KingMapping) -> None:
    with TemporaryDirectory() as folder:
        found = booked(company(Path(folder)), invoice, mapping)
    sales = invoice.direction is Direction.SALES
    assert found.direction.value == invoice.direction.value
    assert found.number == (invoice.number if sales else (invoice.supplier_invoice_number or "").strip())
    assert found.gross == invoice.totals.gross
    assert sum((row.amount for row in found.vat), Decimal(0)) == invoice.totals.vat
    assert sum((row.net for row in found.lines), Decimal(0)) == invoice.totals.net
    assert found.relation.code == ("1300204" if sales else "2500204")
    assert (found.date, found.due_date) == (invoice.issue_date, invoice.due_date)
    assert found.provisional


@unhurried
@given(relation_models(), st.sampled_from([Role.DEBTOR, Role.CREDITOR]))
def test_every_relation_is_read(relation: Relation, role: Role) -> None:
    code = KingSink().relation_code(relation, role, DEFAULT)
    number = str(code.space.first) if isinstance(code, NumberNeed) else code
    with TemporaryDirectory() as folder:
        king = company(Path(folder))
        read(king, render(relations=[FileRelation(relation, role, number)]))
        assert list(king.books.relations[BookedRole(role.value)]) == [number]


def test_a_relation_in_both_roles_is_two_relations_in_king(king: KingCompany) -> None:
    both = relation(roles=["debtor", "creditor"])
    sink = KingSink()
    codes = {role: sink.relation_code(both, role, DEFAULT) for role in Role}
    read(king, render(relations=[FileRelation(both, role, str(code)) for role, code in codes.items()]))
    assert list(king.books.relations[BookedRole.DEBTOR]) == ["1300204"]
    assert list(king.books.relations[BookedRole.CREDITOR]) == ["2500204"]


def test_vat_on_its_own_line_is_vat_in_the_books(king: KingCompany) -> None:
    accounts = {"sales:hoog": "1501", "sales:laag": "1500"}
    mapping = KingMapping(vat_mode="separate_line", vat_accounts=accounts)
    found = booked(king, invoice([line("600.00"), line("600.00", "laag", "9", id="2")]), mapping)
    assert {row.kind: row.amount for row in found.vat} == {"1501": Decimal(126), "1500": Decimal(54)}


def test_two_lines_of_a_verlegd_purchase_leave_the_creditor_alone(king: KingCompany) -> None:
    mapping = KingMapping(
        verlegd_purchase="two_lines", vat_accounts={"due:verlegd": "1502", "deductible:verlegd": "1512"}
    )
    bought = invoice([line("1000.00", "verlegd", "0", ledger_account="7100")], direction="purchase")
    found = booked(king, bought, mapping)
    assert found.gross == 1000
    assert sum(row.amount for row in found.vat) == 0
    assert {abs(row.amount) for row in found.vat} == {Decimal(210)}
