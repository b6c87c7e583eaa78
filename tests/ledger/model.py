"""A small reference model of the ledger: what was received, what is in the packages' books, what is in doubt.

It knows nothing of leases, states or tables: only what happened in the world (events came, calls were made,
people said something), and from that what must never be (a call for what may be booked already) and what
must be in the end (each document once).
"""

from __future__ import annotations

from dataclasses import dataclass, field

Row = tuple[str, int]
"""A document and its revision."""

GOOD = frozenset({"booked", "already_booked", "adopted", "filed"})
ENDED = frozenset({"superseded", "discarded"})


@dataclass(frozen=True)
class Document:
    """An invoice as ENK issues it; several may carry the same number, which only one may be booked under."""

    id: str
    number: str
    relation: str
    credits: str | None = None


DOCUMENTS = {
    one.id: one
    for one in (
        Document("first", "1", "rel-1"),
        Document("second", "2", "rel-2"),
        Document("twin", "1", "rel-1"),
        Document("credit", "3", "rel-1", credits="1"),
    )
}


@dataclass
class World:
    """Everything that happened.

    Attributes:
        rows: content by document and revision, of what the ledger took in.
        refused: how many records contradicted what was there.
        relations: those that ENK has sent.
        books: by number, the package and the row that are in it. One entry a number, or something is wrong.
        doubt: rows whose last call may have booked them; until looked up.
        ended: rows that ended without being booked: superseded, or discarded by a person.
    """

    rows: dict[Row, str] = field(default_factory=dict)
    refused: int = 0
    relations: set[str] = field(default_factory=set)
    books: dict[str, tuple[str, Row]] = field(default_factory=dict)
    doubt: set[Row] = field(default_factory=set)
    ended: set[Row] = field(default_factory=set)

    def receives(self, document: str, revision: int, content: str) -> str:
        """What a record must become: posting, repeated, or rejected (a revision never changes)."""
        known = self.rows.get((document, revision))
        if known is None:
            self.rows[document, revision] = content
            if any(other > revision for name, other in self.rows if name == document):
                self.ended.add((document, revision))
            return "posting"
        if known == content:
            return "repeated"
        self.refused += 1
        return "rejected"

    def calls(self, row: Row, package: str, seen: frozenset[Row], *, commits: bool) -> None:
        """A call that books goes out; raises AssertionError when it may not.

        `seen` is what was there when it was decided on: what came afterwards is later than the call.
        """
        document = DOCUMENTS[row[0]]
        number = document.number
        assert number not in self.books, f"{row} is sent to {package}, and {number} is booked: {self.books}"
        doubtful = {other for other in self.doubt if DOCUMENTS[other[0]].number == number}
        assert not doubtful, f"{row} is sent while {doubtful} may be booked"
        assert row not in self.ended, f"{row} is sent although it ended"
        assert document.relation in self.relations, f"{row} is sent before its relation came"
        if document.credits is not None:
            credited = [
                other
                for other in seen
                if DOCUMENTS[other[0]].number == document.credits and other not in self.ended
            ]
            assert not credited or document.credits in self.books, f"{row} is sent before {credited}"
        self.doubt.add(row)
        if commits:
            self.books[number] = (package, row)

    def answered(self, row: Row) -> None:
        """The package said what became of the call."""
        self.doubt.discard(row)

    def looks_up(self, row: Row, package: str) -> bool:
        """Whether the package holds the row's document; nothing is in doubt about it afterwards."""
        self.doubt.discard(row)
        found = self.books.get(DOCUMENTS[row[0]].number)
        return found is not None and found[0] == package and found[1][0] == row[0]

    def ends(self, row: Row) -> None:
        """It will never be sent; raises AssertionError when it may have been."""
        assert row not in self.doubt, f"{row} ended while it may be booked"
        assert row not in [booked for _, booked in self.books.values()], f"{row} ended and is booked"
        self.ended.add(row)
