"""The age of the oldest unread record, from offsets by time alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.unreceived import AGES, SHORTEST, oldest_unread

P = TypeVar("P")


class Broker:
    """Partitions with records of known ages, oldest first."""

    def __init__(self, ages: Mapping[str, list[float]]) -> None:
        self.ages = ages
        self.asked = 0

    def __call__(self, wanted: Mapping[str, float]) -> dict[str, int | None]:
        self.asked += 1
        return {
            partition: next((at for at, old in enumerate(self.ages[partition]) if old <= age), None)
            for partition, age in wanted.items()
        }


def test_nothing_to_read_asks_nothing() -> None:
    broker = Broker({})
    assert oldest_unread({}, broker) == 0.0
    assert broker.asked == 0


@pytest.mark.parametrize(
    ("age", "least"), [(299.9, 240.0), (300.5, 300.0), (360.0, 300.0), (86_400.0, 72_000.0)]
)
def test_it_is_a_lower_bound_and_exact_where_alerts_ask(age: float, least: float) -> None:
    found = oldest_unread({"a": 0}, Broker({"a": [age, 1.0]}))
    assert least <= found <= age
    assert (found >= 300) == (age >= 300)


def test_what_came_just_now_does_not_wait_and_costs_one_question() -> None:
    broker = Broker({"a": [1000.0, 2.0]})
    assert oldest_unread({"a": 1}, broker) == 0.0
    assert broker.asked == 1


def test_the_worst_partition_counts_and_read_records_do_not() -> None:
    broker = Broker({"a": [5000.0, 40.0], "b": [5000.0, 700.0], "c": [9.0]})
    assert 580 <= oldest_unread({"a": 1, "b": 1, "c": 0}, broker) <= 700


@given(st.lists(st.floats(0, AGES[-1]), min_size=1, max_size=6), st.data())
def test_it_is_at_most_a_fifth_below_the_truth(ages: list[float], data: st.DataObject) -> None:
    oldest_first = sorted(ages, reverse=True)
    position = data.draw(st.integers(0, len(ages) - 1))
    truth = oldest_first[position]
    found = oldest_unread({"a": position}, Broker({"a": oldest_first}))
    assert found <= truth
    assert found * 1.2 + SHORTEST >= truth
