"""Kill or stop the worker between any two steps: nothing is missing, nothing is there twice."""

from __future__ import annotations

import signal

import pytest

from tests.pipeline.harness import Administration, Pipeline, until

SALES = ("2026001", "2026002", "2026003")
PURCHASES = ("501", "502")


@pytest.fixture
def administration(pipeline: Pipeline) -> Administration:
    """An administration whose month is already on the topic."""
    administration = pipeline.administration()
    administration.publish(
        administration.relation(),
        *(administration.sale(number) for number in SALES),
        *(administration.purchase(number) for number in PURCHASES),
    )
    return administration


def assert_booked_once(administration: Administration) -> None:
    wanted = {f"s-{number}": ("booked", "adopted") for number in SALES}
    wanted |= {f"p-{number}": ("booked", "adopted") for number in PURCHASES}
    administration.until_states({"rel-204": ("booked", "adopted"), **wanted})
    assert administration.booked_numbers() == {
        "sales": list(SALES),
        "purchases": [f"L-{number}" for number in PURCHASES],
    }
    books = administration.books()
    assert books["doubles"] == []
    assert books["overlapping_writes"]["count"] == 0
    assert (len(books["debtors"]), len(books["creditors"])) == (1, 1)
    until(lambda: not administration.pipeline.rows("SELECT 1 FROM outbox LIMIT 1"), "everything is published")
    told = {
        (event["what"]["id"], event["outcome"])
        for event in administration.pipeline.events()
        if event.get("administration") == administration.id
    }
    for document in wanted:
        assert told & {(document, "booked"), (document, "adopted")}, f"ENK was not told of {document}"


POINTS = [
    ("received", 1),
    ("ledger", 1),
    ("intent", 1),
    ("intent", 4),
    ("intent", 7),
    ("before_send", 2),
    ("before_send", 4),
    ("answered", 1),
    ("answered", 4),
    ("outcome", 2),
    ("outbox", 1),
    ("published", 1),
]


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_killed(pipeline: Pipeline, administration: Administration, point: str, nth: int) -> None:
    first = pipeline.worker(point, nth, "SIGKILL")
    until(first.gone, f"the worker is killed at {point}")
    assert first.process.returncode == -signal.SIGKILL
    second = pipeline.worker()
    assert_booked_once(administration)
    assert second.end() == 0


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_stopped_for_longer_than_a_lease(
    pipeline: Pipeline, administration: Administration, point: str, nth: int
) -> None:
    first = pipeline.worker(point, nth, "SIGSTOP")
    until(first.stopped, f"the worker is stopped at {point}")
    second = pipeline.worker()
    assert_booked_once(administration)
    first.send(signal.SIGCONT)
    assert_booked_once(administration)
    assert first.end() == 0
    assert second.end() == 0
    # Who had an answer in hand wrote after the other had begun: it is told apart. At the other threads' steps
    # the lane may be anywhere.
    if point in ("answered", "intent", "before_send"):
        assert ("write.after_fencing" in first.log.read_text()) == (point == "answered")
