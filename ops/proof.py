"""Whether the packages' books hold exactly what ENK sent: nothing double, nothing missing, every cent right.

Computed from the books of the simulators and the events as they were published; our ledger has no part in
it, but for the reason of what must not be booked.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import httpx

from schemas.event_kind import EventKind
from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Package
from schemas.publishing import record_from_line
from schemas.reading import ReadEvent, Rejection, SchemaAhead, read_record
from schemas.topics import ENK_INVOICES
from vendors.simulation.books import BookedDocument
from vendors.simulation.contract import BooksAnswer, CompanyBooks

CENT = Decimal("0.01")


class Place(NamedTuple):
    """Where a document is looked for: the number is ours on sales, the supplier's on purchases."""

    administration: str
    direction: str
    number: str


@dataclass(frozen=True)
class Sent:
    """A document as ENK last sent it."""

    place: Place
    document_id: str
    revision: int
    gross: Decimal
    net: Decimal


@dataclass(frozen=True)
class Booked:
    """A document as the books have it; `net` is the sum of its lines."""

    place: Place
    gross: Decimal
    net: Decimal


@dataclass(frozen=True)
class PackageProof:
    """The proof of one package.

    Attributes:
        sent: documents that must be in its books.
        booked: documents that are.
        double: booked more often than sent.
        missing: sent and not booked.
        cents: sum of all differences, in cents, of gross and net.
        refused: documents that must not be booked, and are not, for the reason that was expected.
        problems: what is wrong, a sentence each.
    """

    package: Package
    sent: int
    booked: int
    double: int
    missing: int
    cents: int
    refused: int
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Nothing is wrong."""
        return not self.problems


@dataclass(frozen=True)
class Proof:
    """The proof of all packages."""

    packages: tuple[PackageProof, ...]

    @property
    def holds(self) -> bool:
        """Nothing is wrong, and there was something to prove."""
        return bool(self.packages) and all(one.holds and one.sent > 0 for one in self.packages)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong."""
        empty = [f"{one.package.label}: nothing was sent" for one in self.packages if one.sent == 0]
        return (*empty, *(problem for one in self.packages for problem in one.problems))

    def __str__(self) -> str:
        """The proof line."""

        def total(name: str) -> int:
            return sum(getattr(one, name) for one in self.packages)

        return (
            f"documents sent {total('sent')}, booked {total('booked')}, double {total('double')}, "
            f"missing {total('missing')}, cents different {total('cents')}"
        )


@dataclass(frozen=True)
class Expected:
    """A document that must not be booked, and the code that says why."""

    place: Place
    code: Code


# --- from events -------------------------------------------------------------------------------------


def sent_documents(events: Iterable[Mapping[str, object]]) -> list[Sent]:
    """The latest revision of every invoice among published events (as `koppeling publish` takes them).

    What cannot be read is no document.
    """
    latest: dict[tuple[str, str, str], Sent] = {}
    for event in events:
        record = record_from_line(json.dumps(event).encode(), ENK_INVOICES)
        try:
            read = read_record(record.topic, record.key, list(record.headers), record.value)
        except (Rejection, SchemaAhead):
            continue
        if not isinstance(read, ReadEvent) or read.kind is not EventKind.INVOICE:
            continue
        assert isinstance(read.data, Invoice)
        sent = _sent(read.data)
        identity = (sent.place.administration, sent.place.direction, sent.document_id)
        if identity not in latest or latest[identity].revision < sent.revision:
            latest[identity] = sent
    return list(latest.values())


def place_of(invoice: Invoice) -> Place:
    """Where an invoice is looked for."""
    number = (
        invoice.number if invoice.direction is Direction.SALES else (invoice.supplier_invoice_number or "")
    )
    return Place(invoice.administration, str(invoice.direction), _number(number))


def _sent(invoice: Invoice) -> Sent:
    return Sent(place_of(invoice), invoice.id, invoice.revision, invoice.totals.gross, invoice.totals.net)


def _number(text: str) -> str:
    return text.strip().casefold()


# --- from books --------------------------------------------------------------------------------------


def fetch_books(control: str, http: httpx.Client) -> list[CompanyBooks]:
    """The books of every simulated company.

    Raises:
        httpx.HTTPError: the simulators do not answer.
    """
    answer = http.get(f"{control}/books")
    answer.raise_for_status()
    return BooksAnswer.model_validate_json(answer.content).companies


def booked_documents(books: CompanyBooks, administration: str) -> list[Booked]:
    """What one company has booked."""
    return [_booked(document, administration) for document in (*books.sales, *books.purchases)]


def _booked(document: BookedDocument, administration: str) -> Booked:
    net = sum((line.net for line in document.lines), Decimal(0))
    place = Place(administration, str(document.direction), _number(document.number))
    return Booked(place, document.gross, net)


# --- comparison --------------------------------------------------------------------------------------


def prove(
    package: Package,
    sent: Sequence[Sent],
    booked: Sequence[Booked],
    expected: Sequence[Expected] = (),
    refusals: Mapping[Place, Code] | None = None,
) -> PackageProof:
    """Compare one package's books with what was sent to it.

    Args:
        package: whose books they are.
        sent: the latest revision of every document.
        booked: everything in the books.
        expected: documents among those sent that must not be booked.
        refusals: why documents were refused.
    """
    problems: list[str] = []
    refusals = refusals or {}
    not_to_book = {one.place: one.code for one in expected}
    wanted: dict[Place, list[Sent]] = defaultdict(list)
    for document in sent:
        if document.place not in not_to_book:
            wanted[document.place].append(document)
    found: dict[Place, list[Booked]] = defaultdict(list)
    for entry in booked:
        found[entry.place].append(entry)
    double = missing = 0
    cents = Decimal(0)
    for place in dict.fromkeys((*wanted, *found)):
        there, should = found.get(place, []), wanted.get(place, [])
        double += max(0, len(there) - len(should))
        missing += max(0, len(should) - len(there))
        if len(there) != len(should):
            problems.append(
                f"{package.label}: {_shown(place)} was sent {len(should)} times and is in the books "
                f"{len(there)} times"
            )
        for one, other in _pairs(should, there):
            difference = abs(one.gross - other.gross) + abs(one.net - other.net)
            cents += difference
            if difference:
                problems.append(
                    f"{package.label}: {_shown(place)} is {one.gross:.2f} ({one.net:.2f} without VAT) and in "
                    f"the books {other.gross:.2f} ({other.net:.2f})"
                )
    refused = 0
    for place, code in not_to_book.items():
        if refusals.get(place) is code and place not in found:
            refused += 1
        elif place not in found:
            problems.append(
                f"{package.label}: {_shown(place)} should have been refused as {code}, and was "
                f"{refusals.get(place, 'not refused')}"
            )
    return PackageProof(
        package,
        sent=sum(map(len, wanted.values())),
        booked=len(booked),
        double=double,
        missing=missing,
        cents=int(cents / CENT),
        refused=refused,
        problems=tuple(problems),
    )


def _pairs(should: Sequence[Sent], there: Sequence[Booked]) -> list[tuple[Sent, Booked]]:
    """Which entry is which document, where several have one number: equal amounts belong together."""
    left = list(there)
    pairs: list[tuple[Sent, Booked]] = []
    unlike: list[Sent] = []
    for document in should:
        same = next((e for e in left if (e.gross, e.net) == (document.gross, document.net)), None)
        if same is None:
            unlike.append(document)
        else:
            left.remove(same)
            pairs.append((document, same))
    return [*pairs, *zip(unlike, left, strict=False)]


def _shown(place: Place) -> str:
    return f"{place.direction} invoice {place.number} of {place.administration}"


def count_relations(books: CompanyBooks) -> int:
    """How many relations a company has; one in two roles counts once for each code that it has."""
    codes = Counter(relation.id for relation in (*books.debtors, *books.creditors))
    return len(codes)
