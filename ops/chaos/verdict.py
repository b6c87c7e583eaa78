"""Whether the packages' books hold what ENK published: the verdict of a chaos run. Pure.

Reckoned from the books of the simulators and the events as they were published; the ledger has no part in it.
It can fail in every line: a document that is not there, one that is there twice, an amount that differs, a
credit before its invoice, an invoice before its relation, two writes at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain

from ops.chaos.documents import Document, place_of
from ops.proof import CENT, Place
from schemas.codes import Package
from vendors.simulation.books import BookedDocument
from vendors.simulation.contract import CompanyBooks

MOST_NAMED = 20
"""Of each kind of finding, so many are named."""


@dataclass(frozen=True)
class Stop:
    """A worker that was stopped for longer than its lease and went on at a moment."""

    went_on: datetime


@dataclass(frozen=True)
class Double:
    """A document that is in the books more than once."""

    place: Place
    package: Package
    copies: int
    at: datetime

    def __str__(self) -> str:
        times = f"{self.copies} times, the last at {self.at:%H:%M:%S}"
        return f"{shown(self.place)} in {self.package.label}: {times}"


@dataclass(frozen=True)
class Verdict:
    """What was found; every count that is named in `problems` must be nothing.

    Attributes:
        sent: documents published.
        booked: entries in the books.
        missing: sent and not booked.
        double: booked once too often, although the package has a guard or nobody was stopped before sending.
        double_after_stop: booked once too often in a package without a guard, by a worker that was stopped
            between the check of its lease and the send; the one case that remains (decision 4).
        unnamed: of those, what reconciliation does not name.
        cents: sum of all differences of gross and net, in cents.
        unknown: entries in the books that nobody sent.
        order_breaks: credits before their invoice, and invoices before their relation.
        overlaps: writes of one administration that were under way at once.
        nobody: open rows at rest that name nobody.
        untraced: published records without a trace in the ledger.
        findings: what is wrong, by name, as far as there is room.
    """

    sent: int
    booked: int
    missing: int
    double: int
    double_after_stop: int
    unnamed: int
    cents: int
    unknown: int
    order_breaks: int
    overlaps: int
    nobody: int
    untraced: int
    findings: tuple[str, ...] = ()

    MUST_BE_NOTHING = (
        "missing",
        "double",
        "unnamed",
        "cents",
        "unknown",
        "order_breaks",
        "overlaps",
        "nobody",
        "untraced",
    )

    @property
    def problems(self) -> dict[str, int]:
        """Every count that is not nothing and must be."""
        return {name: count for name in self.MUST_BE_NOTHING if (count := getattr(self, name)) != 0}

    @property
    def holds(self) -> bool:
        """Nothing is wrong, and there was something to prove."""
        return self.sent > 0 and not self.problems


@dataclass(frozen=True)
class Facts:
    """What is known besides events and books.

    Attributes:
        guarded: package and direction of which the package refuses a number that it has.
        stops: workers that were stopped and went on.
        grace: how long after that a call may still arrive.
        named: documents that reconciliation names as double; None = it was not asked, and is not judged.
        nobody: open rows at rest that name nobody.
        untraced: records without a trace.
    """

    guarded: Collection[tuple[Package, str]] = ()
    stops: Sequence[Stop] = ()
    grace: timedelta = timedelta(seconds=10)
    named: Collection[Place] | None = None
    nobody: int = 0
    untraced: int = 0


def judge(documents: Iterable[Document], books: Iterable[CompanyBooks], facts: Facts) -> Verdict:
    """Compare the books with what was published.

    Args:
        documents: every document that must be booked, once.
        books: of all companies; the company's id is the administration's.
        facts: what else is known.
    """
    wanted: dict[str, dict[Place, Document]] = defaultdict(dict)
    for document in documents:
        wanted[document.place.administration][document.place] = document
    sums: dict[str, int] = defaultdict(int)
    cents = Decimal(0)
    findings: list[Sequence[str]] = []
    judged: set[str] = set()
    for company in books:
        judged.add(company.company)
        one = _judge_company(company, wanted[company.company], facts)
        for name, count in one.counts.items():
            sums[name] += count
        cents += one.cents
        findings.append(one.findings)
    left_out = {name: rows for name, rows in wanted.items() if name not in judged}
    sums["missing"] += sum(map(len, left_out.values()))
    findings.append(
        [f"{name} has no books: {len(rows)} documents are missing" for name, rows in left_out.items()]
    )
    return Verdict(
        sent=sum(map(len, wanted.values())),
        booked=sums["booked"],
        missing=sums["missing"],
        double=sums["double"],
        double_after_stop=sums["double_after_stop"],
        unnamed=sums["unnamed"],
        cents=int(cents / CENT),
        unknown=sums["unknown"],
        order_breaks=sums["order_breaks"],
        overlaps=sums["overlaps"],
        nobody=facts.nobody,
        untraced=facts.untraced,
        findings=tuple(chain.from_iterable(findings))[: MOST_NAMED * 5],
    )


@dataclass(frozen=True)
class _Judged:
    counts: Mapping[str, int]
    cents: Decimal
    findings: Sequence[str]


def _judge_company(company: CompanyBooks, wanted: Mapping[Place, Document], facts: Facts) -> _Judged:
    package = Package(company.package)
    found: dict[Place, list[BookedDocument]] = defaultdict(list)
    for entry in (*company.sales, *company.purchases):
        found[place_of(company.company, str(entry.direction), entry.number)].append(entry)
    missing = [place for place in wanted if place not in found]
    unknown = [place for place in found if place not in wanted]
    doubles = _doubles(package, found)
    excused = [double for double in doubles if _after_a_stop(double, facts)]
    plain = [double for double in doubles if double not in excused]
    named = facts.named
    unnamed = [] if named is None else [double for double in excused if double.place not in named]
    cents, wrong = _differences(wanted, found)
    breaks = [*_credits_too_early(wanted, found), *_relations_too_late(company)]
    overlaps = company.overlapping_writes
    findings = [
        *_named(missing, lambda place: f"missing: {shown(place)}"),
        *_named(plain, lambda double: f"double: {double}"),
        *_named(excused, lambda double: f"double after a stop between check and send: {double}"),
        *_named(unknown, lambda place: f"nobody sent {shown(place)}"),
        *_named(wrong, str),
        *_named(breaks, str),
        *_named(
            overlaps.list,
            lambda two: f"{company.company}: {two.first} and {two.second} at once, {two.at:%H:%M:%S}",
        ),
    ]
    counts = {
        "booked": sum(map(len, found.values())),
        "missing": len(missing),
        "double": sum(double.copies - 1 for double in plain),
        "double_after_stop": sum(double.copies - 1 for double in excused),
        "unnamed": len(unnamed),
        "unknown": len(unknown),
        "order_breaks": len(breaks),
        "overlaps": overlaps.count,
    }
    return _Judged(counts, cents, findings)


def _doubles(package: Package, found: Mapping[Place, Sequence[BookedDocument]]) -> list[Double]:
    return [
        Double(place, package, len(entries), max(entry.created_at for entry in entries))
        for place, entries in found.items()
        if len(entries) > 1
    ]


def _after_a_stop(double: Double, facts: Facts) -> bool:
    """Whether its last copy can be the call of a worker that was stopped between check and send."""
    if double.copies > 2 or (double.package, double.place.direction) in facts.guarded:
        return False
    return any(stop.went_on <= double.at <= stop.went_on + facts.grace for stop in facts.stops)


def _differences(
    wanted: Mapping[Place, Document], found: Mapping[Place, Sequence[BookedDocument]]
) -> tuple[Decimal, list[str]]:
    total, wrong = Decimal(0), []
    for place, document in wanted.items():
        for entry in found.get(place, ()):
            net = sum((line.net for line in entry.lines), Decimal(0))
            difference = abs(document.gross - entry.gross) + abs(document.net - net)
            total += difference
            if difference:
                wrong.append(
                    f"{shown(place)} is {document.gross:.2f} ({document.net:.2f} without VAT) and "
                    f"in the books {entry.gross:.2f} ({net:.2f})"
                )
    return total, wrong


def _credits_too_early(
    wanted: Mapping[Place, Document], found: Mapping[Place, Sequence[BookedDocument]]
) -> list[str]:
    """Credits whose first entry arrived before the first of what they credit."""
    early = []
    for place, document in wanted.items():
        if document.credits is None or place not in found or document.credits not in found:
            continue
        credit = min(entry.arrival for entry in found[place])
        if credit < min(entry.arrival for entry in found[document.credits]):
            early.append(f"credit {shown(place)} came before {document.credits.number}")
    return early


def _relations_too_late(company: CompanyBooks) -> list[str]:
    """Documents that arrived before the relation that they are for."""
    first: dict[str, int] = {}
    for arrival in company.arrivals:
        first.setdefault(arrival.id, arrival.order)
    return [
        f"{entry.direction} invoice {entry.number} of {company.company} came before relation "
        f"{entry.relation.code}"
        for entry in (*company.sales, *company.purchases)
        if entry.arrival < first.get(entry.relation.id, entry.arrival + 1)
    ]


def _named(rows: Sequence[object], text: object) -> list[str]:
    assert callable(text)
    return [str(text(row)) for row in rows[:MOST_NAMED]]


def shown(place: Place) -> str:
    """A document as people name it."""
    return f"{place.direction} invoice {place.number} of {place.administration}"
