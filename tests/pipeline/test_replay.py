"""Replays on the running pipeline: a mended mapping, a killed worker, a cancelled run, input read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ledger.administrations import set_mapping
from ledger.overview import PostingFilter
from ledger.replay_rows import Replay, ReplayId
from ledger.replays import replay
from ledger.resend import Refused
from ops.replay import actions
from ops.replay.topic import Handed, hand_over
from ops.replay.topic_reader import TopicReader, topic_reader
from schemas.topics import ENK_INVOICES, ENK_RELATIONS
from tests.pipeline.companies import calls
from tests.pipeline.harness import Administration, Pipeline, WorkerProcess, until
from tests.schemas import builders

NUMBERS = [f"{number:02d}" for number in range(20)]
DOCUMENTS = [f"s-{number}" for number in NUMBERS]
BOOK = "verkoopboekingen.POST"
WRONG = {"ledger_accounts": {"8000": "9999"}}
FAST = {"rate": 1000.0, "stop_after": 100}


@pytest.fixture
def wrong(pipeline: Pipeline, worker: WorkerProcess) -> Administration:
    """Twenty invoices that were rejected because of the mapping."""
    administration = pipeline.administration(mapping=WRONG)
    administration.publish(administration.relation(), *(administration.sale(number) for number in NUMBERS))
    administration.until_states(dict.fromkeys(DOCUMENTS, "rejected"))
    return administration


def start(pipeline: Pipeline, administration: Administration, rate: float, stop_after: int) -> ReplayId:
    wanted = PostingFilter(administration=administration.id, states=("rejected",))
    seen = actions.dry_run(pipeline.ledger, wanted)
    assert seen.total == len(DOCUMENTS)
    run = actions.start(pipeline.ledger, wanted, seen, "jansen", rate=rate, stop_after=stop_after)
    assert not isinstance(run, Refused)
    return run


def mend(pipeline: Pipeline, administration: Administration) -> None:
    with pipeline.ledger.transaction(), pipeline.ledger.cursor() as cursor:
        set_mapping(cursor, administration.key, {})


def now(pipeline: Pipeline, run: ReplayId) -> Replay:
    found = replay(pipeline.ledger, run)
    assert found is not None
    return found


def finished(pipeline: Pipeline, run: ReplayId) -> Replay:
    until(lambda: now(pipeline, run).finished, f"replay {run} is finished")
    return now(pipeline, run)


def test_nothing_is_sent_on_after_so_many_failures_and_all_is_booked_once_when_mended(
    pipeline: Pipeline, wrong: Administration
) -> None:
    stopped = finished(pipeline, start(pipeline, wrong, rate=1000, stop_after=3))
    assert (stopped.state, stopped.taken, stopped.outcomes) == ("stopped", 3, {"rejected": 3})
    mend(pipeline, wrong)
    assert actions.resume(pipeline.ledger, stopped.id, "jansen") is None
    ended = finished(pipeline, stopped.id)
    assert (ended.state, ended.outcomes) == ("done", {"booked": 17, "rejected": 3})
    last = PostingFilter(administration=wrong.id, states=("rejected",))
    seen = actions.dry_run(pipeline.ledger, last)
    run = actions.start(pipeline.ledger, last, seen, "jansen", **FAST)  # type: ignore[arg-type]
    assert not isinstance(run, Refused)
    assert finished(pipeline, run).outcomes == {"booked": 3}
    assert wrong.booked_numbers()["sales"] == NUMBERS
    assert wrong.books()["doubles"] == []


def test_a_killed_worker_s_replay_goes_on_in_the_next(
    pipeline: Pipeline, worker: WorkerProcess, wrong: Administration
) -> None:
    mend(pipeline, wrong)
    run = start(pipeline, wrong, rate=20, stop_after=100)
    until(lambda: now(pipeline, run).taken >= 5, "it is under way")
    worker.kill()
    assert now(pipeline, run).taken < len(DOCUMENTS)
    pipeline.worker()
    done = finished(pipeline, run)
    assert (done.state, done.taken) == ("done", len(DOCUMENTS))
    # What was being sent when the worker was killed is looked up: it may first be noted as in doubt.
    assert set(done.outcomes) <= {"booked", "adopted", "uncertain"}
    wrong.until_states(dict.fromkeys(DOCUMENTS, ("booked", "adopted")))
    assert wrong.booked_numbers()["sales"] == NUMBERS
    assert wrong.books()["doubles"] == []


def test_it_is_cancelled_from_another_connection(
    pipeline: Pipeline, worker: WorkerProcess, wrong: Administration
) -> None:
    before = calls(wrong, BOOK)
    mend(pipeline, wrong)
    run = start(pipeline, wrong, rate=0.001, stop_after=100)
    until(lambda: now(pipeline, run).outcomes == {"booked": 1}, "the first one is booked")
    with psycopg.connect(pipeline.database_url, autocommit=True) as other:
        assert actions.cancel(other, run, "pietersen") is None
    cancelled = finished(pipeline, run)
    assert (cancelled.state, cancelled.ended_by, cancelled.taken) == ("cancelled", "pietersen", 1)
    assert calls(wrong, BOOK) == before + 1
    assert wrong.booked_numbers()["sales"] == NUMBERS[:1]


def test_input_that_is_read_again_has_no_effect_where_it_is_known(
    pipeline: Pipeline, worker: WorkerProcess
) -> None:
    administration = pipeline.administration()
    began = datetime.now(UTC) - timedelta(seconds=5)
    events = [administration.relation(), *(administration.sale(number) for number in NUMBERS[:5])]
    for event in [*events, administration.sale("x") | {"totals": "none"}]:
        topic, key, headers, value = builders.record(event)
        pipeline.producer.send(topic, key=key, value=value, headers=headers)
    pipeline.producer.flush()
    with topic_reader({"bootstrap_servers": pipeline.bootstrap_servers}) as reader:
        dry = hand(pipeline, reader, began, go=False)
        assert (dry.read, dry.known, dry.new, dry.rejected) == (7, 0, 6, 1)
        assert administration.postings() == []
        first = hand(pipeline, reader, began, go=True)
        assert first.as_json() == dry.as_json()
        administration.until_states({f"s-{number}": "booked" for number in NUMBERS[:5]})
        again = hand(pipeline, reader, began, go=True)
        assert (again.read, again.known, again.new, again.rejected) == (7, 7, 0, 0)
        pipeline.ledger.execute("DELETE FROM input_record WHERE posting_id IS NOT NULL")
        by_identity = hand(pipeline, reader, began, go=True)
        assert (by_identity.read, by_identity.known, by_identity.new) == (7, 7, 0)
        later = reader.stretch(ENK_INVOICES, datetime.now(UTC) + timedelta(minutes=5), None)
        assert later.length == 0
    assert administration.booked_numbers()["sales"] == NUMBERS[:5]
    assert administration.books()["doubles"] == []


def hand(pipeline: Pipeline, reader: TopicReader, since: datetime, *, go: bool) -> Handed:
    stretches = [reader.stretch(topic, since, None) for topic in (ENK_RELATIONS, ENK_INVOICES)]
    batches = (batch for stretch in stretches for batch in reader.records(stretch))
    return hand_over(pipeline.ledger, batches, lambda: datetime.now(UTC), go=go)


@pytest.fixture
def worker(pipeline: Pipeline) -> WorkerProcess:
    """One that runs: a new one when a test has killed the last."""
    running = [one for one in pipeline.workers if not one.gone()]
    return running[0] if running else pipeline.worker()
