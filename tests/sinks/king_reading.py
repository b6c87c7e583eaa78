"""King's files read back by tests, without the code that wrote them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from lxml import etree

from schemas.invoice import Invoice
from schemas.relation import Relation, Role
from sinks.contract import Cut, FileInvoice, FileRelation, RenderedFile
from sinks.king import KingSink
from sinks.king_settings import KingMapping
from tests.schemas import builders
from tests.schemas.builders import Json

DEFAULT = KingMapping()
DEBTOR_NUMBER = "1300204"
CREDITOR_NUMBER = "2500204"
CUT_AT = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    account: str
    side: str
    amount: str
    vat_code: str | None = None
    vat_side: str | None = None
    vat: str | None = None


def relation(**changes: object) -> Relation:
    return Relation.model_validate(builders.relation(**changes))


def invoice(lines: Sequence[Json] | None = None, **changes: object) -> Invoice:
    return Invoice.model_validate(builders.invoice(lines, **changes))


def document(invoice: Invoice, relation_: Relation | None = None) -> FileInvoice:
    code = DEBTOR_NUMBER if invoice.direction == "sales" else CREDITOR_NUMBER
    return FileInvoice(invoice=invoice, relation=relation_ or relation(), relation_code=code)


def cut(
    invoices: Sequence[FileInvoice] = (), relations: Sequence[FileRelation] = (), sequence: int = 42
) -> Cut:
    return Cut("adm-1001", sequence, CUT_AT, tuple(relations), tuple(invoices))


def file_relation(relation_: Relation, role: Role = Role.DEBTOR) -> FileRelation:
    return FileRelation(relation_, role, DEBTOR_NUMBER if role is Role.DEBTOR else CREDITOR_NUMBER)


def render(
    invoices: Sequence[FileInvoice] = (),
    relations: Sequence[FileRelation] = (),
    mapping: KingMapping = DEFAULT,
) -> tuple[RenderedFile, ...]:
    return KingSink().render(cut(invoices, relations), mapping)


def the_post(
    invoice: Invoice, mapping: KingMapping = DEFAULT, relation_: Relation | None = None
) -> etree._Element:
    sink, written = KingSink(), document(invoice, relation_)
    sink.check_invoice(written, mapping)
    files = render([written], mapping=mapping)
    (post,) = etree.fromstring(files[-1].content).iter("JOURNAALPOST")
    return post


def lines(post: etree._Element) -> list[Line]:
    return [
        Line(
            line.findtext("JR_REKENINGNUMMER") or "",
            line.findtext("JR_BOEKZIJDE") or "",
            line.findtext("JR_VALUTABEDRAG") or "",
            line.findtext("HULPREKENING/HULP_BTWCODE"),
            line.findtext("HULPREKENING/HULP_BOEKZIJDE"),
            line.findtext("HULPREKENING/HULP_VALUTABEDRAG"),
        )
        for line in post.iter("JOURNAALREGEL")
    ]


def balance(post: etree._Element) -> Decimal:
    """Debit minus credit, help accounts included."""
    return sum(
        (signed(line.side, line.amount) + signed(line.vat_side, line.vat) for line in lines(post)), Decimal(0)
    )


def vat_by_code(post: etree._Element) -> dict[str, Decimal]:
    """VAT per code, debit positive."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines(post):
        if line.vat_code is not None:
            found[line.vat_code] += signed(line.vat_side, line.vat)
    return dict(found)


def signed(side: str | None, amount: str | None) -> Decimal:
    value = Decimal(amount or "0")
    return value if side == "DEB" else -value
