"""The month by VAT kind and by journal, added up document by document; what cannot be compared is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from ledger.reconciliation_rows import JournalTotal, PackageVatTotal, Said, Sum, VatTotal
from schemas.invoice import Invoice
from schemas.outcome import Package
from sinks.contract import HeldDocument, Period


@dataclass
class VatTally:
    """ENK's side, from each document's newest payload; payloads are not kept."""

    _sums: dict[tuple[str, str, Decimal], tuple[Decimal, Decimal]] = field(default_factory=dict)
    without_content: int = 0

    def add(self, invoice: Invoice | None) -> None:
        """One document; None when its content is archived, erased or could not be read."""
        if invoice is None:
            self.without_content += 1
            return
        for row in invoice.vat_breakdown:
            key = (str(invoice.direction), str(row.kind), row.rate.normalize())
            net, vat = self._sums.get(key, (Decimal(0), Decimal(0)))
            self._sums[key] = (net + row.taxable_amount, vat + row.tax_amount)

    def totals(self) -> tuple[VatTotal, ...]:
        """By direction, kind and rate."""
        return tuple(
            VatTotal(direction, kind, rate, net, vat)
            for (direction, kind, rate), (net, vat) in sorted(self._sums.items(), reverse=True)
        )


def package_vat(
    held: Iterable[HeldDocument], ours: frozenset[str], month: Period
) -> tuple[PackageVatTotal, ...]:
    """What the package lists by VAT code; `ours` are the ids of what we booked."""
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for one in held:
        mine = (one.document.id or "") in ours
        if not mine and not _in(month, one):
            continue
        for code, amount in one.vat.items():
            total = sums[str(one.direction), code]
            total[0] += amount if mine else Decimal(0)
            total[1] += amount
    return tuple(PackageVatTotal(*key, *amounts) for key, amounts in sorted(sums.items()))


def journals(held: Iterable[HeldDocument], ours: frozenset[str], month: Period) -> tuple[JournalTotal, ...]:
    """What the package lists by journal."""
    sums: dict[tuple[str, str], list[Sum]] = defaultdict(lambda: [Sum(), Sum()])
    for one in held:
        mine = (one.document.id or "") in ours
        if one.document.journal is None or not (mine or _in(month, one)):
            continue
        total = sums[str(one.direction), one.document.journal]
        total[0] = total[0].plus(one.gross) if mine else total[0]
        total[1] = total[1].plus(one.gross)
    return tuple(JournalTotal(*key, *totals) for key, totals in sorted(sums.items()))


def not_compared(package: Package, held: Iterable[HeldDocument], tally: VatTally) -> tuple[Said, ...]:
    """What the package's list does not give, so that nobody takes it for compared."""
    rows = list(held)
    name = package.label
    said = []
    if not any(row.document.journal for row in rows):
        said.append(
            Said(
                f"Dagboek: de lijst van {name} geeft het niet.",
                f"Journal: {name}'s list does not give it.",
            )
        )
    if not any(row.vat for row in rows):
        said.append(
            Said(
                f"Btw-soort: de lijst van {name} geeft haar niet.",
                f"VAT kind: {name}'s list does not give it.",
            )
        )
    if tally.without_content:
        said.append(
            Said(
                f"{tally.without_content} documenten staan niet in de btw-telling: hun inhoud is "
                "gearchiveerd, gewist of onleesbaar.",
                f"{tally.without_content} documents are not in the VAT totals: their content is archived, "
                "erased or unreadable.",
            )
        )
    return tuple(said)


def _in(month: Period, held: HeldDocument) -> bool:
    return held.issue_date is None or month.first <= held.issue_date <= month.last
