"""The mapping check: everything that must be right before the first invoice, against the package's own lists.

A finding is a Dutch sentence for the bookkeeper or support: what is wrong, and what to do. Pure but for
`open`: the command reads, this decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schemas.invoice import Direction, Invoice, VatKind
from schemas.outcome import Package
from schemas.relation import Relation, Role
from sinks.contract import DirectSink, FileInvoice, FileRelation, FileSink, Identity, NumberNeed, Options
from sinks.failures import reason_of
from sinks.mapping import AdministrationMapping
from vendors.failure import Failure


class Weight(StrEnum):
    """Whether something must be done."""

    GOOD = "good"
    ADVICE = "advice"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
        subject: what: connection, go_live_date, ledger_accounts, journals, vat, cost_centres, documents …
        weight: whether something must be done.
        message: in Dutch, with what to do.
        documents: how many open documents it stops; 0 when it is about none in particular.
    """

    subject: str
    weight: Weight
    message: str
    documents: int = 0


@dataclass(frozen=True)
class OpenDocument:
    """An invoice that is not in the package yet, with its relation where that is known."""

    invoice: Invoice
    relation: Relation | None


def about_lane(
    administration: str,
    package: Package,
    mapping: AdministrationMapping,
    go_live: date | None,
    *,
    connected: bool,
    active: bool,
    held: str | None,
) -> Iterator[Finding]:
    """What the ledger knows by itself."""
    if not active:
        yield Finding(
            "administration",
            Weight.WRONG,
            "De administratie staat in ENK op inactief: er wordt niets geboekt. Zet haar in ENK weer "
            "op actief.",
        )
    if not connected:
        yield Finding(
            "connection",
            Weight.WRONG,
            f"De administratie is nog niet aangesloten op {package.label}. Sluit haar aan met "
            f"`koppeling connect {administration}`.",
        )
    if held is not None:
        yield Finding("hold", Weight.WRONG, f"De administratie staat stil: {held}")
    date_ = mapping.go_live_date or go_live
    if date_ is None:
        yield Finding(
            "go_live_date",
            Weight.WRONG,
            "De startdatum ontbreekt. Zet in de mapping `go_live_date`: facturen van vóór die dag "
            "heeft de oude "
            "koppeling geboekt en worden niet nog eens verstuurd.",
        )
    else:
        yield Finding(
            "go_live_date",
            Weight.GOOD,
            f"Facturen vanaf {date_:%d-%m-%Y} worden geboekt; oudere worden alleen opgezocht.",
        )


def about_identity(found: Identity, pinned: Mapping[str, object] | None) -> Finding:
    """Whether the credentials open the company that was connected."""
    expected = (pinned or {}).get("id")
    if expected is not None and expected != found.id:
        return Finding(
            "identity",
            Weight.WRONG,
            f"De inloggegevens openen nu {found.name} ({found.id}) in plaats van "
            f"{(pinned or {}).get('name')} "
            f"({expected}). Sluit de juiste administratie opnieuw aan.",
        )
    return Finding("identity", Weight.GOOD, f"Aangesloten op {found.name} ({found.id}).")


def about_failure(subject: str, failure: Failure) -> Finding:
    """What the package answered when it was asked something."""
    said = f" Het pakket zegt: {failure.vendor_message}" if failure.vendor_message else ""
    return Finding(subject, Weight.WRONG, f"{reason_of(failure, '').nl}{said}")


def about_options(
    mapping: AdministrationMapping, options: Options, documents: Sequence[OpenDocument]
) -> Iterator[Finding]:
    """Everything that the mapping or an open document points at, against the package's lists."""
    yield from _accounts(mapping, options, documents)
    yield from _journals(mapping, options)
    yield from _vat(options, documents)
    yield from _cost_centres(mapping, options, documents)


def _accounts(
    mapping: AdministrationMapping, options: Options, documents: Sequence[OpenDocument]
) -> Iterator[Finding]:
    known = {option.code: option for option in options.ledger_accounts}
    if not known:
        return
    used: Counter[tuple[str, str]] = Counter()
    for document in documents:
        pairs = {(mapping.ledger_account(line), line.ledger_account) for line in document.invoice.lines}
        used.update(pairs)
    wanted = {(account, source): used.get((account, source), 0) for account, source in used}
    for source, account in mapping.ledger_accounts.items():
        wanted.setdefault((account, source.partition("/")[0]), 0)
    wrong = False
    for (account, source), count in sorted(wanted.items()):
        option = known.get(account)
        if option is not None and option.usable:
            continue
        wrong = True
        mapped = "" if account == source else f" (grootboek {source} in ENK)"
        what = (
            f"Grootboekrekening {account}{mapped} bestaat niet in het pakket."
            if option is None
            else f"Grootboekrekening {account} {option.name}{mapped} is in het pakket niet actief."
        )
        yield Finding(
            "ledger_accounts",
            Weight.WRONG,
            f"{what} Voeg haar daar toe, of wijs in de mapping bij `ledger_accounts` grootboek {source} "
            "aan een "
            "andere rekening toe.",
            count,
        )
    if not wrong:
        yield Finding(
            "ledger_accounts",
            Weight.GOOD,
            f"Alle {len(wanted)} gebruikte grootboekrekeningen bestaan ({len(known)} in het pakket).",
        )


def _journals(mapping: AdministrationMapping, options: Options) -> Iterator[Finding]:
    wanted: object = getattr(mapping, "journals", None)
    if not isinstance(wanted, Mapping) or not options.journals:
        return
    usable = {option.code for option in options.journals if option.usable}
    missing = {str(name): str(journal) for name, journal in wanted.items() if str(journal) not in usable}
    for name, journal in missing.items():
        yield Finding(
            "journals",
            Weight.WRONG,
            f"Dagboek {journal} (voor {name}) bestaat niet in het pakket of is niet actief. Kies bij "
            "`journals` een "
            f"van: {', '.join(sorted(usable))}.",
        )
    if not missing:
        yield Finding("journals", Weight.GOOD, "Alle dagboeken uit de mapping bestaan.")


def _vat(options: Options, documents: Sequence[OpenDocument]) -> Iterator[Finding]:
    """Rates of hoog and laag on open documents, where the package's VAT codes say their rate."""
    if not options.vat_codes:
        yield Finding(
            "vat", Weight.ADVICE, "Het pakket laat geen btw-codes zien: vergelijk ze met de mapping."
        )
        return
    if not any("percentage" in option.details for option in options.vat_codes):
        return
    missing: Counter[str] = Counter()
    for document in documents:
        invoice = document.invoice
        missing.update(
            f"{rate.normalize():f}"
            for rate in {
                line.vat.rate for line in invoice.lines if line.vat.kind in (VatKind.HOOG, VatKind.LAAG)
            }
            if not _has_rate(options, f"{rate.normalize():f}", invoice.issue_date)
        )
    for rate, count in sorted(missing.items()):
        yield Finding(
            "vat",
            Weight.WRONG,
            f"Het pakket heeft op de factuurdatum geen btw-tarief van {rate}%. Voeg het daar toe.",
            count,
        )
    if not missing:
        yield Finding(
            "vat", Weight.GOOD, "De btw-tarieven van het pakket passen bij de openstaande facturen."
        )


def _has_rate(options: Options, rate: str, day: date) -> bool:
    for option in options.vat_codes:
        details = option.details
        if not option.usable or details.get("percentage") != rate:
            continue
        if details.get("from", "") <= day.isoformat() <= (details.get("to") or "9999"):
            return True
    return False


def _cost_centres(
    mapping: AdministrationMapping, options: Options, documents: Sequence[OpenDocument]
) -> Iterator[Finding]:
    usable = {option.code for option in options.cost_centres if option.usable}
    missing: Counter[str] = Counter()
    for document in documents:
        values = {mapping.cost_centre(document.invoice, line) for line in document.invoice.lines}
        missing.update(value for value in values if value and value.strip() not in usable)
    creates = bool(getattr(mapping, "kostenplaatsen_aanmaken", False))
    for value, count in sorted(missing.items()):
        yield Finding(
            "cost_centres",
            Weight.ADVICE if creates else Weight.WRONG,
            f"Kostenplaats {value} bestaat niet in het pakket of is niet actief. "
            + (
                "Zij wordt bij de eerste factuur aangemaakt."
                if creates
                else "Voeg haar daar toe, of zet in de mapping `cost_centre_from` op `off`."
            ),
            count,
        )


def about_direct_documents(sink: DirectSink, documents: Sequence[OpenDocument]) -> Iterator[Finding]:
    """What the package cannot hold, of the documents that wait to be booked."""

    def check(document: OpenDocument) -> None:
        assert document.relation is not None
        sink.check_invoice(document.invoice, document.relation)

    yield from _documents(documents, check)


def about_file_documents(
    sink: FileSink, mapping: AdministrationMapping, documents: Sequence[OpenDocument]
) -> Iterator[Finding]:
    """What cannot be put in a file, of the documents that wait for one."""

    def check(document: OpenDocument) -> None:
        invoice, relation = document.invoice, document.relation
        assert relation is not None
        role = Role.DEBTOR if invoice.direction is Direction.SALES else Role.CREDITOR
        code = sink.relation_code(relation, role, mapping)
        # Which number is allotted is decided at the cut; any of the range is as good for the check.
        text = str(code.space.first) if isinstance(code, NumberNeed) else code
        sink.check_relation(FileRelation(relation, role, text), mapping)
        numbers = {need.space.name: need.space.first for need in sink.number_needs(invoice, mapping)}
        sink.check_invoice(FileInvoice(invoice, relation, text, numbers), mapping)

    yield from _documents(documents, check)


def _documents(documents: Sequence[OpenDocument], check: object) -> Iterator[Finding]:
    assert callable(check)
    refused: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    without_relation = 0
    for document in documents:
        if document.relation is None:
            without_relation += 1
            continue
        try:
            check(document)
        except Failure as failure:
            name = (str(failure.code), failure.field or "")
            refused[name] += 1
            example.setdefault(
                name, f"{document.invoice.number}: {reason_of(failure, document.invoice.number).nl}"
            )
    for name, count in refused.most_common():
        more = f" (en {count - 1} andere)" if count > 1 else ""
        yield Finding("documents", Weight.WRONG, f"Factuur {example[name]}{more}", count)
    if without_relation:
        yield Finding(
            "documents",
            Weight.ADVICE,
            f"Van {without_relation} facturen is de relatie nog niet uit ENK ontvangen; zij wachten daarop.",
            without_relation,
        )
    if not refused and documents:
        yield Finding(
            "documents",
            Weight.GOOD,
            f"De velden en bedragen van wat openstaat ({len(documents)}) passen in het pakket.",
        )


def needs_somebody(findings: Iterable[Finding]) -> bool:
    """Whether something must be done before everything can be booked."""
    return any(finding.weight is Weight.WRONG for finding in findings)
