"""Payments as people list them: what each package last showed of our sales invoices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow, namedtuple_row

from schemas.outcome import Package
from schemas.payment import PaymentStatus, SettledBy


@dataclass(frozen=True)
class PaymentFilter:
    """Which payments; None = all. `number` is ENK's invoice number."""

    administration: str | None = None
    package: Package | None = None
    status: PaymentStatus | None = None
    number: str | None = None
    only_missing: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class PaymentRow:
    """One sales invoice as its package last showed it.

    Attributes:
        invoice_id, number: ENK's.
        package_id: the package's id of the booking.
        status: None (with paid and open) when the package never showed the invoice.
        booked_gross: what we booked; differs from `gross` when somebody changed the booking.
        sequence: of the last payment event; None when none was told.
        observed_at: when the request began that showed it.
        missing_since: since when the package does not hold it any more.
    """

    administration: str
    package: Package
    invoice_id: str
    number: str
    package_id: str
    status: PaymentStatus | None
    settled_by: SettledBy | None
    gross: Decimal
    paid: Decimal | None
    open: Decimal | None
    booked_gross: Decimal
    last_payment_date: date | None
    sequence: int | None
    observed_at: datetime | None
    missing_since: datetime | None

    @property
    def gross_differs(self) -> bool:
        """Whether the package's total is not the one that we booked."""
        return self.gross != self.booked_gross


def list_payments(cursor: Cursor[TupleRow], wanted: PaymentFilter | None = None) -> list[PaymentRow]:
    """The invoices that were read back, by administration and number."""
    wanted = wanted or PaymentFilter()
    with cursor.connection.cursor(row_factory=namedtuple_row) as named:
        named.execute(
            """
            SELECT r.administration_id, r.package, r.invoice_id, r.number, r.package_id, r.status,
                   r.settled_by, r.gross, r.open, r.last_payment_date, r.ordinal, r.requested_at,
                   r.missing_since, COALESCE(
                   (SELECT p.gross FROM posting_all p
                     WHERE p.administration_id = r.administration_id AND p.kind = 'sales_invoice'
                       AND p.document_id = r.invoice_id AND p.package_id = r.package_id
                     ORDER BY p.revision DESC LIMIT 1), r.gross) AS booked_gross
              FROM receivable r
             WHERE (%(administration)s::text IS NULL OR r.administration_id = %(administration)s)
               AND (%(package)s::text IS NULL OR r.package = %(package)s)
               AND (%(status)s::text IS NULL OR r.status = %(status)s)
               AND (%(number)s::text IS NULL OR r.number = %(number)s)
               AND (NOT %(missing)s OR r.missing_since IS NOT NULL)
             ORDER BY r.administration_id, r.number, r.invoice_id LIMIT %(limit)s
            """,
            {
                "administration": wanted.administration,
                "package": str(wanted.package) if wanted.package else None,
                "status": str(wanted.status) if wanted.status else None,
                "number": wanted.number,
                "missing": wanted.only_missing,
                "limit": wanted.limit,
            },
        )
        rows: list[Any] = named.fetchall()
    return [
        PaymentRow(
            administration=row.administration_id,
            package=Package(row.package),
            invoice_id=row.invoice_id,
            number=row.number,
            package_id=row.package_id,
            status=PaymentStatus(row.status) if row.status else None,
            settled_by=SettledBy(row.settled_by) if row.settled_by else None,
            gross=row.gross,
            paid=None if row.open is None else row.gross - row.open,
            open=row.open,
            booked_gross=row.booked_gross,
            last_payment_date=row.last_payment_date,
            sequence=row.ordinal or None,
            observed_at=row.requested_at,
            missing_since=row.missing_since,
        )
        for row in rows
    ]
