"""A transaction as it stands in a daybook, with what it was matched with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from vendors.simulation.books import Direction, SettledBy

ZERO = Decimal("0.00")
LineType = Literal["total", "detail", "vat"]


@dataclass
class Line:
    """A line; `value` is never negative, the side says the sign."""

    id: str
    type: LineType
    is_debit: bool
    value: Decimal
    dim1: str = ""
    dim2: str = ""
    dim3: str = ""
    description: str = ""
    vat_code: str = ""
    vat_value: Decimal | None = None
    turnover: Decimal | None = None
    baseline: int = 1
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def signed(self) -> Decimal:
        """Debit positive."""
        return self.value if self.is_debit else -self.value


@dataclass(frozen=True)
class Match:
    """A set in which a line was matched: with which other line, for how much (signed as the line is)."""

    payment: str
    code: str
    number: int
    line: str
    amount: Decimal
    date: date
    settled_by: SettledBy
    is_final: bool


@dataclass
class Booking:
    """A transaction. `arrived` is None for what the bookkeeper made (bank statements, write-offs)."""

    daybook: str
    number: int
    period: str
    day: date
    is_final: bool
    lines: list[Line]
    created: datetime
    modified: datetime
    direction: Direction | None = None
    due: date | None = None
    invoice_number: str = ""
    payment_reference: str = ""
    free_texts: Mapping[str, str] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)
    line_modified: datetime | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What names it within its office."""
        return self.daybook, self.number

    @property
    def id(self) -> str:
        """Its id in the books."""
        return f"{self.daybook}/{self.number}"

    @property
    def relation_line(self) -> Line | None:
        """The line on a control account, which can be matched."""
        wanted = "total" if self.direction is not None else "detail"
        return next((line for line in self.lines if line.type == wanted and line.dim2), None)

    @property
    def status(self) -> str:
        """`final` or `temporary`."""
        return "final" if self.is_final else "temporary"

    @property
    def open(self) -> Decimal:
        """What is open on the relation's line, signed as the line is."""
        line = self.relation_line
        if line is None:
            return ZERO
        return line.signed - sum((match.amount for match in self.matches), ZERO)

    @property
    def match_date(self) -> date | None:
        """When it was matched last."""
        return max((match.date for match in self.matches), default=None)

    @property
    def touched(self) -> datetime:
        """When its line was changed last, in UTC."""
        return self.line_modified or self.modified
