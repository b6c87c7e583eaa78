"""An invoice as King's ledger sees it: one post of debit and credit lines.

Lines of one account and VAT code become one line, so that its HULPREKENING carries the invoice's own VAT of
that code to the cent. Signs become sides: amounts are never negative, a credit or a negative line stands on
the other side.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from schemas.invoice import Direction, Invoice, InvoiceLine
from schemas.outcome import Code
from sinks.contract import FileInvoice
from sinks.king_post import ZERO, HelpAccount, JournalLine, OpenItem, Post, booked, identifier, wrong
from sinks.king_rules import MOST_LINES
from sinks.king_settings import KingMapping, VatMode
from sinks.king_vat import Group, assessed_lines, tax_lines, vat_code, with_tax
from sinks.mapping import DimensionSource
from sinks.shortening import one_line, shorten

_STUKNUMMER = re.compile(r"[1-9][0-9]{0,9}")
_OWED = Decimal(-1)
"""The sign of what a debtor or creditor line says when the invoice comes to nothing."""


def post(document: FileInvoice, mapping: KingMapping) -> Post:
    """The post of one invoice.

    Raises:
        Refused: something of it cannot be written, with the field of ENK's event that is to blame.
    """
    invoice = document.invoice
    number = _invoice_number(invoice)
    journal = mapping.journal(invoice)
    if not journal:
        raise wrong(
            Code.MAPPING_MISSING, "$.direction", "het dagboek is niet ingevuld", "no journal is filled in"
        )
    lines = (_relation_line(document, mapping), *_amount_lines(invoice, mapping))
    if len(lines) > MOST_LINES:
        raise wrong(
            Code.UNSUPPORTED_BY_PACKAGE,
            "$.lines",
            f"de boeking krijgt {len(lines)} regels en King leest er hooguit {MOST_LINES}",
            f"the booking would have {len(lines)} lines and King reads no more than {MOST_LINES}",
        )
    _prove_balance(lines)
    sales = invoice.direction is Direction.SALES
    return Post(
        journal=journal,
        issue_date=invoice.issue_date,
        stuknummer=number if sales and _STUKNUMMER.fullmatch(number) else None,
        description=shorten(f"{number} {_about(invoice)}", 40),
        invoice_number=number,
        archive_id=archive_id(invoice) if mapping.archive_folder and invoice.attachment else None,
        every_line_dated=mapping.vat_mode is VatMode.SEPARATE_LINE,
        lines=lines,
    )


def archive_id(invoice: Invoice) -> str:
    """DAR_EXTERN_ID: the same for the same invoice, different for any other."""
    identity = "\n".join((invoice.administration, invoice.direction, invoice.id, str(invoice.revision)))
    return hashlib.sha256(identity.encode()).hexdigest()[:20]


def _invoice_number(invoice: Invoice) -> str:
    """JR_FACTUURNUMMER: ours on sales, the supplier's on purchases; up to 40 characters."""
    if invoice.direction is Direction.SALES:
        return identifier(invoice.number, 40, "$.number")
    return identifier((invoice.supplier_invoice_number or "").strip(), 40, "$.supplier_invoice_number")


def _relation_line(document: FileInvoice, mapping: KingMapping) -> JournalLine:
    """The debtor's or creditor's line: the gross amount and everything that makes the open item."""
    invoice = document.invoice
    reference = one_line(invoice.payment_reference or "")
    remark = ""
    if invoice.g_account is not None and mapping.g_account_text:
        amount = f"{invoice.g_account.amount:.2f}".replace(".", ",")
        remark = " " + mapping.g_account_text.replace("{amount}", amount)
    return JournalLine(
        account=document.relation_code,
        booked=booked(invoice, -invoice.totals.gross, "$.totals.gross", like=_OWED),
        description=shorten(document.relation.name, 40 - len(remark)) + remark,
        open_item=OpenItem(
            due=invoice.due_date,
            payment_reference=identifier(reference, 24, "$.payment_reference") if reference else None,
            approved=mapping.purchases_approved or invoice.direction is Direction.SALES,
        ),
    )


def _amount_lines(invoice: Invoice, mapping: KingMapping) -> tuple[JournalLine, ...]:
    """Revenue or costs with their VAT, then the VAT lines that stand by themselves."""
    groups = _groups(invoice, mapping)
    if mapping.vat_mode is VatMode.HULPREKENING:
        groups = with_tax(invoice, groups, mapping)
        vat_lines = assessed_lines(invoice, mapping)
    else:
        vat_lines = (*tax_lines(invoice, mapping), *assessed_lines(invoice, mapping))
    told = [group for group in groups if group.net or group.tax] or groups[:1]
    return (*(_amount_line(invoice, group) for group in told), *vat_lines)


def _amount_line(invoice: Invoice, group: Group) -> JournalLine:
    vat = None
    if group.vat_code:
        tax = booked(invoice, group.tax, "$.vat_breakdown", like=group.net)
        vat = HelpAccount(group.vat_code, tax)
    return JournalLine(
        account=group.account,
        booked=booked(invoice, group.net, "$.lines", like=group.tax),
        description=_description(invoice, group.lines),
        vat=vat,
    )


def _groups(invoice: Invoice, mapping: KingMapping) -> list[Group]:
    """The lines by account and VAT code, in the order of their first line."""
    gathered: dict[tuple[str, str], list[InvoiceLine]] = {}
    for index, line in enumerate(invoice.lines):
        key = (_account(invoice, index, line, mapping), vat_code(invoice, index, line, mapping))
        gathered.setdefault(key, []).append(line)
    return [Group(account, code, tuple(lines)) for (account, code), lines in gathered.items()]


def _account(invoice: Invoice, index: int, line: InvoiceLine, mapping: KingMapping) -> str:
    """JR_REKENINGNUMMER: the account, with kostenplaats and kostendrager where they are switched on."""
    path = f"$.lines[{index}]"
    account = identifier(mapping.ledger_account(line), 28, f"{path}.ledger_account")
    separator = mapping.cost_separator
    if not separator:
        return account
    parts = [_part(account, 10, separator, f"{path}.ledger_account")]
    for value, source in (
        (mapping.cost_centre(invoice, line), mapping.cost_centre_from),
        (mapping.cost_unit(invoice, line), mapping.cost_unit_from),
    ):
        field = "$.werk.number" if source is DimensionSource.WERK else f"{path}.{source}"
        parts.append(_part(value, 8, separator, field) if value else "")
    return separator.join(parts).rstrip(separator)


def _part(value: str, limit: int, separator: str, path: str) -> str:
    part = identifier(value, limit, path)
    if separator in part:
        raise wrong(
            Code.BAD_FORMAT,
            path,
            f"{part} bevat {separator}, en daarmee scheidt King rekening en kostenplaats",
            f"{part} contains {separator}, which parts account and cost centre in King",
        )
    return part


def _prove_balance(lines: Sequence[JournalLine]) -> None:
    """Nothing leaves that does not balance to the cent, VAT included."""
    amounts = [line.booked.signed for line in lines]
    amounts += [line.vat.booked.signed for line in lines if line.vat is not None]
    difference = abs(sum(amounts, ZERO))
    if difference:
        raise wrong(
            Code.UNBALANCED,
            "$.totals",
            f"debet en credit verschillen {difference:.2f}",
            f"debit and credit differ by {difference:.2f}",
        )


def _about(invoice: Invoice) -> str:
    """What the invoice is about, in a few words; King has no field for what a credit credits."""
    if invoice.credits_invoice_number:
        return f"credit op {invoice.credits_invoice_number}"
    return invoice.description


def _description(invoice: Invoice, lines: Iterable[InvoiceLine]) -> str:
    """The lines' descriptions, each once, behind the number of the werk, for which King has no field."""
    texts = dict.fromkeys(text for line in lines if (text := one_line(line.description)))
    werk = f"{invoice.werk.number} " if invoice.werk else ""
    return shorten(werk + "; ".join(texts), 40)
