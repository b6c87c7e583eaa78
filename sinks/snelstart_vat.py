"""ENK's VAT kinds in SnelStart: what goes on the line, and which row goes in `btw[]`.

    kind              line btwSoort       sales row              purchase row
    hoog, laag        by rate and date    Verkopen<btwSoort>     Inkopen<btwSoort>
    nul, vrijgesteld  Geen                –                      –
    geen              Geen                –                      –
    verlegd           Geen                VerkopenVerlegd 0      InkopenVerlegd berekend | 0
    icp               Geen / by account   –  (account decides)   –  (import account books both sides)
    export            Geen                –  (account decides)
    import                                                       –  (import account books both sides)

`Verlegd` rows are not part of the invoice amount. SnelStart refuses verlegd beside any other VAT
(BOE-0062). Facts: vendor OpenAPI file and error list; the amount of a VerkopenVerlegd row from live
clients; that of InkopenVerlegd is documented nowhere, hence a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from schemas.invoice import Direction, Invoice, InvoiceLine, VatKind
from schemas.outcome import Code
from sinks.snelstart_reference import Books
from sinks.snelstart_settings import SnelStartMapping, VerlegdAmount
from vendors.failure import Refused
from vendors.snelstart.models import LedgerAccount

CENT = Decimal("0.01")
_TAXED = frozenset({VatKind.HOOG, VatKind.LAAG})
_IMPORT_FUNCTION = {VatKind.ICP: "InkopenImportBinnenEU", VatKind.IMPORT: "InkopenImportBuitenEU"}
_ICP_SALES = ("VerkopenExportBinnenEU", "DienstverleningBinnenEU")
_EXPORT_SALES = ("VerkopenExportBuitenEU",)
MUST_SAY = frozenset({"InkopenKostenAlleBtwTarieven", "InkopenVraagPosten"})
"""Functions 30 and 34: the account does not decide the line's btwSoort, so it must be sent."""


@dataclass(frozen=True)
class VatRow:
    """One row of `btw[]`."""

    soort: str
    amount: Decimal

    @property
    def in_total(self) -> bool:
        """Whether the amount is part of the invoice amount."""
        return not self.soort.endswith("Verlegd")


def check_mix(invoice: Invoice) -> None:
    """Refuse verlegd beside another VAT kind: SnelStart cannot hold both under one number.

    Raises:
        Refused: `unsupported_by_package`, field of the first line of another kind.
    """
    sent = [(index, line.vat.kind) for index, line in enumerate(invoice.lines) if line.net_amount]
    kinds = {kind for _, kind in sent}
    if VatKind.VERLEGD not in kinds or len(kinds) == 1:
        return
    index = next(index for index, kind in sent if kind is not VatKind.VERLEGD)
    raise Refused(
        Code.UNSUPPORTED_BY_PACKAGE,
        field=f"$.lines[{index}].vat.kind",
        problem_nl="SnelStart kan btw verlegd niet samen met andere btw op één factuur boeken",
        problem_en="SnelStart cannot book reverse-charge VAT together with other VAT on one invoice",
    )


def line_soort(
    invoice: Invoice,
    line: InvoiceLine,
    account: LedgerAccount,
    books: Books,
    field: str,
    *,
    cost_allowed: bool,
) -> str | None:
    """The line's `btwSoort`; None = leave it to the account.

    Args:
        invoice: for its date and direction.
        line: whose VAT it is.
        account: SnelStart's account of the line.
        books: for the rates on the invoice date.
        field: JSON path of the line, for the refusal.
        cost_allowed: whether icp and import purchases may be booked on an ordinary cost account.

    Raises:
        Refused: the rate does not exist on the invoice date, or the account does not suit the VAT kind.
    """
    kind = line.vat.kind
    if kind in _TAXED:
        return books.vat_soort(line.vat.rate, invoice.issue_date, f"{field}.vat.rate")
    if invoice.direction is Direction.SALES:
        wanted = {VatKind.ICP: _ICP_SALES, VatKind.EXPORT: _EXPORT_SALES}.get(kind)
        if wanted is not None and account.grootboekfunctie not in wanted:
            raise _unsuitable(account, kind, wanted[0], field)
        return "Geen"
    function = _IMPORT_FUNCTION.get(kind)
    if function is None:
        return "Geen"
    soort = books.vat_soort(
        line.vat.assessed_rate_or_default, invoice.issue_date, f"{field}.vat.assessed_rate"
    )
    if _has_function(account, function + soort):
        return None
    if cost_allowed and not account.grootboekfunctie.startswith(function):
        return "Geen"
    raise _unsuitable(account, kind, function + soort, field)


def line_account(
    invoice: Invoice, line: InvoiceLine, books: Books, mapping: SnelStartMapping, field: str
) -> LedgerAccount:
    """SnelStart's account for a line.

    For an icp or import purchase that the mapping does not send anywhere, the administration's own import
    account for that VAT, when it has exactly one: there the account is what books both sides of the VAT.

    Raises:
        Refused: the account does not exist or is not active.
    """
    function = _IMPORT_FUNCTION.get(line.vat.kind)
    if function and invoice.direction is Direction.PURCHASE and not mapping.inkopen_buitenland_op_kosten:
        own = _own_import_account(invoice, line, books, mapping, field, function)
        if own is not None:
            return own
    return books.account(mapping.ledger_account(line), f"{field}.ledger_account")


def _own_import_account(
    invoice: Invoice, line: InvoiceLine, books: Books, mapping: SnelStartMapping, field: str, function: str
) -> LedgerAccount | None:
    if f"{line.ledger_account}/{line.vat.kind}" in mapping.ledger_accounts:
        return None
    rate, where = line.vat.assessed_rate_or_default, f"{field}.vat.assessed_rate"
    wanted = function + books.vat_soort(rate, invoice.issue_date, where)
    able = [row for row in books.accounts.values() if _has_function(row, wanted) and not row.nonactief]
    return able[0] if len(able) == 1 else None


def _has_function(account: LedgerAccount, function: str) -> bool:
    return account.grootboekfunctie.casefold() == function.casefold()


def vat_rows(invoice: Invoice, books: Books, verlegd: VerlegdAmount) -> list[VatRow]:
    """The rows of `btw[]`: ENK's own VAT total per rate, never recalculated.

    Raises:
        Refused: `not_found_vat`.
    """
    prefix = "Verkopen" if invoice.direction is Direction.SALES else "Inkopen"
    present = {(line.vat.kind, line.vat.rate) for line in invoice.lines if line.net_amount}
    totals: dict[str, Decimal] = {}
    for index, row in enumerate(invoice.vat_breakdown):
        if row.kind in _TAXED and ((row.kind, row.rate) in present or row.tax_amount):
            soort = books.vat_soort(row.rate, invoice.issue_date, f"$.vat_breakdown[{index}].rate")
            totals[prefix + soort] = totals.get(prefix + soort, Decimal(0)) + row.tax_amount
    rows = [VatRow(soort, amount) for soort, amount in totals.items()]
    if any(kind is VatKind.VERLEGD for kind, _ in present):
        rows.append(VatRow(f"{prefix}Verlegd", _verlegd_amount(invoice, verlegd)))
    return rows


def _verlegd_amount(invoice: Invoice, verlegd: VerlegdAmount) -> Decimal:
    if invoice.direction is Direction.SALES or verlegd is VerlegdAmount.NUL:
        return Decimal("0.00")
    bases: dict[Decimal, Decimal] = {}
    for line in invoice.lines:
        if line.vat.kind is VatKind.VERLEGD:
            rate = line.vat.assessed_rate_or_default
            bases[rate] = bases.get(rate, Decimal(0)) + line.net_amount
    return sum((_percentage(rate, base) for rate, base in bases.items()), Decimal("0.00"))


def _percentage(rate: Decimal, base: Decimal) -> Decimal:
    return (base * rate / 100).quantize(CENT, ROUND_HALF_UP)


def is_foreign_purchase(line: InvoiceLine) -> bool:
    """Whether VAT is due that the supplier, abroad, did not charge."""
    return line.vat.kind in _IMPORT_FUNCTION


def _unsuitable(account: LedgerAccount, kind: VatKind, function: str, field: str) -> Refused:
    own = f"{account.nummer} {account.omschrijving}".strip()
    return Refused(
        Code.MAPPING_MISSING,
        field=f"{field}.ledger_account",
        ledger_account=account.nummer,
        problem_nl=f"grootboekrekening {own} is niet bedoeld voor btw-soort {kind}; "
        f"wijs een rekening toe met grootboekfunctie {function}",
        problem_en=f"account {own} is not meant for VAT kind {kind}; "
        f"map it to an account with function {function}",
    )
