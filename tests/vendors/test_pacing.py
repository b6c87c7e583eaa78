"""A pacer lets no more calls through than the package allows, in any window."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.outcome import Code
from vendors.failure import NotSent
from vendors.pacing import Limit, Pacer


class Time:
    """A clock that its own sleep moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def pacer(time: Time, *limits: Limit, wait: float = 1e9, share: float = 0.5, concurrent: int = 50) -> Pacer:
    return Pacer(
        concurrent,
        limits,
        longest_wait=timedelta(seconds=wait),
        background_share=share,
        clock=time,
        sleep=time.sleep,
    )


async def call(pacer: Pacer, *, background: bool = False) -> None:
    async with pacer.slot(background=background):
        pass


MINUTE = timedelta(minutes=1)


async def test_calls_within_the_limit_do_not_wait() -> None:
    time = Time()
    paced = pacer(time, Limit(10, MINUTE))
    for _ in range(10):
        await call(paced)
    assert time.slept == 0


@given(
    gaps=st.lists(st.floats(0, 20), min_size=1, max_size=60),
    limit=st.integers(1, 12),
    period=st.integers(1, 90),
)
def test_no_window_of_the_period_ever_holds_more_than_the_limit(
    gaps: list[float], limit: int, period: int
) -> None:
    time = Time()
    paced = pacer(time, Limit(limit, timedelta(seconds=period)))
    made: list[float] = []

    async def run() -> None:
        for gap in gaps:
            time.now += gap
            await call(paced)
            made.append(time.now)

    asyncio.run(run())
    for index, start in enumerate(made):
        assert sum(start <= at < start + period - 1e-6 for at in made[index:]) <= limit


async def test_the_whole_limit_is_used_in_the_long_run() -> None:
    time = Time()
    paced = pacer(time, Limit(60, MINUTE))
    begin = time.now
    for _ in range(600):
        await call(paced)
    assert 600 / (time.now - begin) > 0.9


async def test_a_wait_that_is_too_long_is_not_sent_and_says_how_long() -> None:
    time = Time()
    paced = pacer(time, Limit(1, MINUTE), wait=5)
    await call(paced)
    with pytest.raises(NotSent) as caught:
        await call(paced)
    assert caught.value.code is Code.RATE_LIMITED
    assert caught.value.retry_after is not None
    assert timedelta(seconds=55) < caught.value.retry_after < timedelta(seconds=65)
    time.now += caught.value.retry_after.total_seconds()
    await call(paced)


async def test_background_calls_leave_room_for_invoices() -> None:
    time = Time()
    paced = pacer(time, Limit(10, MINUTE), wait=0, share=0.5)
    for _ in range(5):
        await call(paced, background=True)
    with pytest.raises(NotSent):
        await call(paced, background=True)
    for _ in range(5):
        await call(paced)


async def test_a_pause_holds_everything_until_it_is_over() -> None:
    time = Time()
    paced = pacer(time)
    paced.pause(timedelta(seconds=30))
    paced.pause(timedelta(seconds=10))
    await call(paced)
    assert time.slept == 30


async def test_no_more_calls_side_by_side_than_allowed() -> None:
    time = Time()
    paced = pacer(time, concurrent=2)
    running = 0
    most = 0

    async def hold() -> None:
        nonlocal running, most
        async with paced.slot():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(hold() for _ in range(6)))
    assert most == 2


@given(
    before=st.lists(st.floats(0, 10), max_size=30),
    away=st.floats(0, 90),
    gaps=st.lists(st.floats(0, 10), min_size=1, max_size=30),
    limit=st.integers(1, 12),
)
def test_a_process_that_takes_over_counts_what_the_former_one_used(
    before: list[float], away: float, gaps: list[float], limit: int
) -> None:
    async def run() -> None:
        time, calls = Time(), []

        async def work(paced: Pacer, pauses: list[float]) -> None:
            for pause in pauses:
                time.now += pause
                await call(paced)
                calls.append(time.now)

        first = pacer(time, Limit(limit, MINUTE))
        await work(first, before)
        # As the ledger hands it on: ages, and how long nobody held the connection.
        handed_on = {
            period: [(age + away, number) for age, number in slots] for period, slots in first.used().items()
        }
        time.now += away
        # Another machine has another monotonic clock.
        shift = 12_345.678
        time.now += shift
        calls[:] = [moment + shift for moment in calls]
        second = pacer(time, Limit(limit, MINUTE))
        second.resume(handed_on)
        await work(second, gaps)
        for index, moment in enumerate(calls):
            in_window = [other for other in calls[: index + 1] if other > moment - 60]
            assert len(in_window) <= limit

    asyncio.run(run())


def test_what_was_used_of_a_limit_that_is_gone_is_ignored() -> None:
    time = Time()
    paced = pacer(time, Limit(5, MINUTE))
    paced.resume({timedelta(hours=1): [(0.0, 100)]})
    assert paced.used() == {MINUTE: []}
