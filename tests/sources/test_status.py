"""How far an invoice is paid, from its total and what is open."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.payment import PaymentStatus, SettledBy
from sources.status import settled_by, standing

cents = st.integers(-(10**9), 10**9).map(lambda number: Decimal(number).scaleb(-2))
OPEN, PARTLY, PAID, OVERPAID = (
    PaymentStatus.OPEN,
    PaymentStatus.PARTLY_PAID,
    PaymentStatus.PAID,
    PaymentStatus.OVERPAID,
)


@pytest.mark.parametrize(
    ("gross", "open_amount", "status", "paid"),
    [
        ("2807.50", "2807.50", OPEN, "0"),
        ("2807.50", "1000.00", PARTLY, "1807.50"),
        ("2807.50", "0.01", PARTLY, "2807.49"),
        ("2807.50", "0", PAID, "2807.50"),
        ("2807.50", "-0.01", OVERPAID, "2807.51"),
        ("2807.50", "3000.00", OPEN, "-192.50"),
        ("-1028.50", "-1028.50", OPEN, "0"),
        ("-1028.50", "-28.50", PARTLY, "-1000.00"),
        ("-1028.50", "0.00", PAID, "-1028.50"),
        ("-1028.50", "1.50", OVERPAID, "-1030.00"),
        ("-1028.50", "-1100.00", OPEN, "71.50"),
        ("0.00", "0.00", PAID, "0"),
        ("0.00", "10.00", OPEN, "-10.00"),
        ("0.00", "-10.00", OVERPAID, "10.00"),
    ],
)
def test_status_follows_from_gross_and_open(
    gross: str, open_amount: str, status: PaymentStatus, paid: str
) -> None:
    found = standing(Decimal(gross), Decimal(open_amount))
    assert (found.status, found.paid) == (status, Decimal(paid))


@given(cents, cents)
def test_gross_is_always_paid_plus_open_to_the_cent(gross: Decimal, open_amount: Decimal) -> None:
    found = standing(gross, open_amount)
    assert found.paid + found.open == found.gross == gross
    assert found.open == open_amount


@given(cents.filter(bool), cents)
def test_a_credit_is_an_invoice_with_all_signs_turned(gross: Decimal, open_amount: Decimal) -> None:
    assert standing(-gross, -open_amount).status is standing(gross, open_amount).status


@given(cents, cents)
def test_nothing_is_paid_exactly_when_nothing_is_open(gross: Decimal, open_amount: Decimal) -> None:
    assert (standing(gross, open_amount).status is PAID) == (open_amount == 0)


@given(cents.filter(lambda amount: amount > 0), cents)
def test_paying_more_never_moves_an_invoice_back(gross: Decimal, open_amount: Decimal) -> None:
    order = [OPEN, PARTLY, PAID, OVERPAID]
    less = standing(gross, open_amount).status
    more = standing(gross, open_amount - Decimal("0.01")).status
    assert order.index(more) >= order.index(less)


@given(cents.filter(bool), cents)
def test_partly_paid_lies_strictly_between(gross: Decimal, open_amount: Decimal) -> None:
    zero = Decimal(0)
    between = min(zero, gross) < open_amount < max(zero, gross)
    assert (standing(gross, open_amount).status is PARTLY) == between


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (PAID, None, SettledBy.UNKNOWN),
        (OVERPAID, None, SettledBy.UNKNOWN),
        (PAID, SettledBy.WRITE_OFF, SettledBy.WRITE_OFF),
        (PARTLY, None, None),
        (PARTLY, SettledBy.BANK, SettledBy.BANK),
        (OPEN, SettledBy.BANK, None),
        (OPEN, None, None),
    ],
)
def test_settlement_is_unknown_only_when_paid_and_untold(
    status: PaymentStatus, told: SettledBy | None, expected: SettledBy | None
) -> None:
    assert settled_by(status, told) is expected
