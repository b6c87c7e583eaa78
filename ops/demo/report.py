"""What the demo shows at its end: ENK's table of packages with what was done in each, and who is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from ledger.file_listing import list_files
from ledger.overview import ListedPosting, PostingFilter, list_postings
from ledger.payments import PaymentFilter, list_payments
from ops.commands.terminal import print_table, say
from ops.demo.scenario import Company
from ops.proof import Proof, count_relations
from schemas.catalogue import CATALOGUE, CatalogueRow
from schemas.outcome import Package
from schemas.payment import PaymentStatus
from vendors.simulation.contract import CompanyBooks

COLUMNS = (
    "Boekhoudpakket",
    "Type koppeling",
    "Teruglezen verkoopfacturen in ENK",
    "Extra module nodig",
    "relations",
    "sales",
    "purchases",
    "files",
    "paid",
    "needs somebody",
)


@dataclass(frozen=True)
class Standing:
    """What was done for one company."""

    relations: int
    sales: int
    purchases: int
    files: int
    payments: Mapping[PaymentStatus, int]
    needs: Sequence[ListedPosting]


def standing(ledger: psycopg.Connection[TupleRow], company: Company, books: CompanyBooks) -> Standing:
    """Relations and documents from the package's books; files, payments and who is needed from our ledger."""
    name = company.administration
    with ledger.cursor() as cursor:
        payments = list_payments(cursor, PaymentFilter(administration=name))
    return Standing(
        relations=count_relations(books),
        sales=len(books.sales),
        purchases=len(books.purchases),
        files=sum(len(file.names) for file in list_files(ledger, administration=name)),
        payments=Counter(row.status for row in payments if row.status is not None),
        needs=list_postings(ledger, PostingFilter(administration=name, needs_somebody=True)),
    )


def print_report(standings: Mapping[Package, Standing], proof: Proof) -> None:
    """The table of the 13 packages, what needs somebody, and the proof line."""
    say("")
    print_table(
        COLUMNS,
        (_row(row, standings.get(row.package)) for row in CATALOGUE),
        right=("relations", "sales", "purchases", "files", "needs somebody"),
    )
    needs = [(package, posting) for package, one in standings.items() for posting in one.needs]
    say("")
    print_table(
        ("Boekhoudpakket", "number", "who acts", "code", "what"),
        (
            (
                package.label,
                posting.number or posting.kind,
                posting.who_acts,
                posting.code,
                posting.message_nl,
            )
            for package, posting in needs
        ),
        title="Needs somebody",
        empty="Nobody is needed.",
    )
    say("")
    for one in proof.packages:
        say(f"{one.package.label}: {one.booked} of {one.sent} booked, {one.refused} refused as they must be")
    say(f"Proof (the packages' books against ENK's events): {proof}")


def _row(row: CatalogueRow, found: Standing | None) -> tuple[object, ...]:
    own = (row.boekhoudpakket, row.type_koppeling, row.teruglezen, row.extra_module)
    if found is None:
        return (*own, "", "", "", "", "", "not in this demo" if row.built else "not built yet")
    return (
        *own,
        found.relations,
        found.sales,
        found.purchases,
        found.files or "",
        _paid(found.payments) if row.has_readback else row.teruglezen,
        len(found.needs),
    )


def _paid(payments: Mapping[PaymentStatus, int]) -> str:
    told = [
        f"{payments[status]} {status.value.replace('_', ' ')}"
        for status in PaymentStatus
        if payments.get(status)
    ]
    return ", ".join(told) or "0"
