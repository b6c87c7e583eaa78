"""What holds for King's files whatever ENK publishes."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.invoice import Direction, Invoice, Vat
from schemas.relation import Relation, Role
from sinks.contract import FileRelation, NumberNeed
from sinks.king import KingSink
from sinks.king_settings import KingMapping
from tests.schemas.strategies import invoice_models, relation_models, unhurried
from tests.sinks.king_reading import (
    DEFAULT,
    balance,
    cut,
    document,
    lines,
    render,
    signed,
    the_post,
    vat_by_code,
)

BOTH_SIDES = {
    f"{side}:{kind}": f"15{number}"
    for number, (side, kind) in enumerate(
        (side, kind) for side in ("due", "deductible") for kind in ("verlegd", "icp", "import")
    )
}
VAT_ACCOUNTS = {f"{side}:{kind}": f"14{kind}" for side in ("sales", "purchase") for kind in ("hoog", "laag")}
SEPARATE = KingMapping(vat_mode="separate_line", vat_accounts=BOTH_SIDES | VAT_ACCOUNTS)
MAPPINGS = (
    DEFAULT,
    KingMapping(
        vat_codes={"sales:hoog": "2", "sales:laag": "2", "purchase:hoog": "12", "purchase:laag": "12"}
    ),
    KingMapping(cost_separator=".", ledger_accounts={"8000": "8250", "7100": "7000"}),
    KingMapping(verlegd_purchase="two_lines", vat_accounts=BOTH_SIDES),
    SEPARATE,
)
mappings = st.sampled_from(MAPPINGS)


@unhurried
@given(invoice_models(), mappings)
def test_every_post_balances_to_the_cent(invoice: Invoice, mapping: KingMapping) -> None:
    assert balance(the_post(invoice, mapping)) == 0


@unhurried
@given(invoice_models(), mappings)
def test_the_relations_line_is_the_gross_amount(invoice: Invoice, mapping: KingMapping) -> None:
    first, *rest = lines(the_post(invoice, mapping))
    gross = invoice.totals.gross if invoice.direction is Direction.SALES else -invoice.totals.gross
    assert signed(first.side, first.amount) == gross
    assert first.vat_code is None
    assert rest


@unhurried
@given(invoice_models(), st.sampled_from(MAPPINGS[:4]))
def test_vat_per_code_is_the_invoices_own(invoice: Invoice, mapping: KingMapping) -> None:
    sign = 1 if invoice.direction is Direction.PURCHASE else -1
    expected: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in invoice.vat_breakdown:
        code = mapping.vat_code(invoice.direction, Vat(kind=row.kind, rate=row.rate))
        expected[code or ""] += sign * row.tax_amount
    written = vat_by_code(the_post(invoice, mapping))
    assert {code: tax for code, tax in written.items() if tax} == {
        code: tax for code, tax in expected.items() if tax
    }


@unhurried
@given(invoice_models())
def test_net_per_account_is_the_invoices_own(invoice: Invoice) -> None:
    sign = 1 if invoice.direction is Direction.PURCHASE else -1
    expected: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in invoice.lines:
        expected[line.ledger_account] += sign * line.net_amount
    written: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in lines(the_post(invoice))[1:]:
        written[row.account] += signed(row.side, row.amount)
    assert {account: net for account, net in written.items() if net} == {
        account: net for account, net in expected.items() if net
    }


@unhurried
@given(invoice_models(), mappings)
def test_no_amount_is_negative(invoice: Invoice, mapping: KingMapping) -> None:
    assert all(
        not amount.startswith("-")
        for row in lines(the_post(invoice, mapping))
        for amount in (row.amount, row.vat or "")
    )


@unhurried
@given(relation_models(), st.sampled_from([Role.DEBTOR, Role.CREDITOR]))
def test_every_relation_gets_a_number_and_a_valid_file(relation: Relation, role: Role) -> None:
    sink = KingSink()
    code = sink.relation_code(relation, role, DEFAULT)
    if isinstance(code, NumberNeed):
        assert code.entity == relation.id
        code = str(code.space.first)
    written = FileRelation(relation, role, code)
    sink.check_relation(written, DEFAULT)
    assert render(relations=[written])[0].content


@settings(unhurried, max_examples=30)
@given(st.lists(invoice_models(most_lines=3), max_size=3), st.lists(relation_models(), max_size=2))
def test_the_same_cut_gives_the_same_bytes(invoices: list[Invoice], relations: list[Relation]) -> None:
    made = cut(
        [document(invoice) for invoice in invoices],
        [FileRelation(relation, Role.DEBTOR, "1300001") for relation in relations],
    )
    assert KingSink().render(made, DEFAULT) == KingSink().render(made, KingMapping())
