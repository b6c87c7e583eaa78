"""JSON is written and read without a float in between."""

from __future__ import annotations

import json
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.snelstart.wire import decode, encode, plain

amounts = st.decimals(min_value=-(10**10), max_value=10**10, places=2, allow_nan=False)


@given(amounts)
def test_an_amount_is_a_json_number_with_its_own_digits(amount: Decimal) -> None:
    text = encode({"bedrag": amount}).decode()
    assert text == f'{{"bedrag":{amount:f}}}'
    assert decode(text.encode()) == {"bedrag": amount}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
        ),
    )
)
def test_everything_else_is_what_pythons_own_reader_reads(value: object) -> None:
    assert json.loads(encode({"x": value})) == {"x": value}


def test_an_exponent_is_written_out() -> None:
    assert encode({"x": Decimal("1E+3")}) == b'{"x":1000}'


def test_an_id_is_its_text() -> None:
    assert encode({"id": UUID(int=1)}) == b'{"id":"00000000-0000-0000-0000-000000000001"}'


@pytest.mark.parametrize("value", [1.5, Decimal("NaN"), Decimal("Infinity"), object()])
def test_what_has_no_exact_form_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        encode({"x": value})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1,", b'{"x":NaN}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(body)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert decode(b"\xef\xbb\xbf[1]") == [1]


def test_remote_text_that_cannot_be_stored_is_made_storable() -> None:
    clean = plain("a\x00b\ud800c\td")
    assert clean == "a�b�c\td"
    clean.encode()
