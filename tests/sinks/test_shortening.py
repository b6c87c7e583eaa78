"""The one rule by which names and descriptions are shortened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.shortening import fits, length, one_line, shorten, spread
from tests.schemas.strategies import unhurried


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Jansen", 40, "Jansen"),
        ("Bouwbedrijf Groeneveld B.V.", 27, "Bouwbedrijf Groeneveld B.V."),
        ("Installatiebedrijf Van der Meulen en Zonen", 40, "Installatiebedrijf Van der Meulen en…"),
        ("Installatiebedrijf", 10, "Installat…"),
        ("A Installatiebedrijf", 12, "A Installat…"),
        ("twee\r\n\tregels", 40, "twee regels"),
        ("", 40, ""),
        ("abc", 1, "a"),
    ],
)
def test_the_head_is_kept_to_a_whole_word_where_that_costs_little(
    text: str, limit: int, expected: str
) -> None:
    assert shorten(text, limit) == expected


def test_a_character_set_without_the_mark_gets_none() -> None:
    assert shorten("Installatiebedrijf", 10, charset="latin-1") == "Installati"
    assert shorten("Installatiebedrijf", 10, charset="cp1252") == "Installat…"


def test_a_character_is_not_parted_from_its_accent_nor_cut_in_two() -> None:
    assert shorten("abcde\u0301fgh", 6) == "abcd…"
    assert shorten("abc😀def", 5) == "abc…"


def test_a_text_is_spread_between_words() -> None:
    assert spread("Van der Meulen en Zonen Installatietechniek", (15, 15)) == (
        "Van der Meulen",
        "en Zonen Insta…",
    )
    assert spread("Jansen", (40, 40)) == ("Jansen", "")


@unhurried
@given(st.text(max_size=120), st.integers(1, 60))
def test_a_shortened_text_always_fits_and_keeps_what_fits(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert length(short) <= limit
    assert shorten(short, limit) == short
    if fits(one_line(text), limit):
        assert short == one_line(text)
    else:
        assert one_line(text).startswith(short.removesuffix("…"))
