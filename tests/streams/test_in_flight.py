"""Sources are acknowledged in their order, each when all that came of it and before it is confirmed."""

import asyncio
from typing import NoReturn

import pytest

from streams.in_flight import InFlight


class Record:
    def __init__(self, name: str, acknowledged: list[str]) -> None:
        self._name, self._acknowledged = name, acknowledged

    def ack(self) -> bool:
        self._acknowledged.append(self._name)
        return True


class ProcessEndedError(Exception):
    """Stands for the end of the process."""


def end(error: BaseException) -> NoReturn:
    raise ProcessEndedError from error


async def turns() -> None:
    """Let everything that can run, run."""
    for _ in range(20):
        await asyncio.sleep(0)


def future() -> "asyncio.Future[object]":
    return asyncio.get_running_loop().create_future()


async def test_nothing_is_acknowledged_before_it_is_confirmed() -> None:
    done: list[str] = []
    in_flight, sent = InFlight(10, end), future()
    in_flight.add(Record("a", done), [sent])
    await turns()
    assert done == []
    sent.set_result(None)
    await in_flight.drained()
    assert done == ["a"]
    await in_flight.close()


async def test_a_source_waits_for_everything_that_came_of_it() -> None:
    done: list[str] = []
    in_flight, first, second = InFlight(10, end), future(), future()
    in_flight.add(Record("a", done), [first, second])
    second.set_result(None)
    await turns()
    assert done == []
    first.set_result(None)
    await in_flight.drained()
    assert done == ["a"]
    await in_flight.close()


async def test_a_source_waits_for_those_before_it() -> None:
    done: list[str] = []
    in_flight, first, second = InFlight(10, end), future(), future()
    in_flight.add(Record("a", done), [first])
    in_flight.add(Record("b", done), [second])
    second.set_result(None)
    await turns()
    assert done == []
    first.set_result(None)
    await in_flight.drained()
    assert done == ["a", "b"]
    await in_flight.close()


async def test_a_failed_send_ends_the_process_and_nothing_behind_it_is_acknowledged() -> None:
    done: list[str] = []
    ended: list[BaseException] = []

    def give_up(error: BaseException) -> NoReturn:
        ended.append(error)
        raise ProcessEndedError from error

    in_flight, first, second = InFlight(10, give_up), future(), future()
    in_flight.add(Record("a", done), [first])
    in_flight.add(Record("b", done), [second])
    second.set_result(None)
    first.set_exception(ConnectionError("no broker"))
    await turns()
    assert (done, [str(error) for error in ended]) == ([], ["no broker"])
    with pytest.raises(ProcessEndedError):
        await in_flight.close()


async def test_a_full_window_makes_the_reader_wait() -> None:
    done: list[str] = []
    in_flight, sends = InFlight(2, end), [future(), future(), future()]
    for name, sent in zip("ab", sends, strict=False):
        await in_flight.room()
        in_flight.add(Record(name, done), [sent])
    waiting = asyncio.create_task(in_flight.room())
    await turns()
    assert not waiting.done()
    sends[0].set_result(None)
    await waiting
    assert done == ["a"]
    await in_flight.close()
