"""Amounts travel as decimal strings, to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import format_decimal, format_money, parse_decimal, parse_money


@given(st.integers(-(10**12) + 1, 10**12 - 1))
def test_every_amount_survives_the_way_there_and_back(cents: int) -> None:
    amount = Decimal(cents) / 100
    assert parse_money(format_money(amount)) == amount


@pytest.mark.parametrize(
    "text", ["", "-", ".5", "5.", "1.234", "1e2", "+1", " 1", "1 ", "1\n", "0x1", "Infinity", "٣"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_money(text)


def test_twelve_digits_are_the_most() -> None:
    assert parse_money("-9999999999.99") == Decimal("-9999999999.99")
    assert parse_money("999999999999") == Decimal(999999999999)
    for text in ("10000000000.00", "1000000000000", "0000000000.000"):
        with pytest.raises(ValueError, match="not an amount"):
            parse_money(text)


def test_amounts_are_written_with_two_decimals() -> None:
    assert format_money(Decimal("-3")) == "-3.00"
    assert format_money(Decimal("-0.00")) == "0.00"
    assert not parse_money("-0.00").is_signed()


def test_a_part_of_a_cent_is_never_rounded_away() -> None:
    with pytest.raises(ValueError, match="part of a cent"):
        format_money(Decimal("0.005"))


@given(st.decimals(-10_000, 10_000, places=4))
def test_every_number_survives_the_way_there_and_back(number: Decimal) -> None:
    assert parse_decimal(format_decimal(number)) == number
    assert not format_decimal(number).endswith(".")


def test_numbers_are_written_without_idle_zeros() -> None:
    assert format_decimal(Decimal("21.0000")) == "21"
    assert format_decimal(Decimal("100")) == "100"
