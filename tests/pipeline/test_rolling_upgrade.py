"""A release that comes in while everything runs: the tables change under a worker, and work goes on."""

from __future__ import annotations

from pathlib import Path

from ledger import schema
from tests.ledger.next_release import contracts, expands
from tests.pipeline.harness import Pipeline, until


def test_old_and_new_work_side_by_side_until_a_release_contracts(pipeline: Pipeline, tmp_path: Path) -> None:
    # The test itself asks for whatever columns there are, which a prepared statement must not.
    pipeline.ledger.prepare_threshold = None
    administrations = [pipeline.administration() for _ in range(3)]
    old = pipeline.worker()
    for one in administrations:
        one.publish(one.relation(), one.sale("1"))
        one.until_states({"s-1": "booked"})
    with expands(tmp_path / "expands"):
        schema.upgrade(pipeline.database_url)
    new = pipeline.worker()
    for one in administrations:
        one.publish(*(one.sale(str(number)) for number in range(2, 6)))
    for one in administrations:
        one.until_states({f"s-{number}": "booked" for number in range(2, 6)})
    assert not old.gone()
    assert old.end() == 0
    for one in administrations:
        one.publish(one.sale("6"))
        one.until_states({"s-6": "booked"})
        assert one.booked_numbers()["sales"] == sorted(map(str, range(1, 7)))
    with expands(tmp_path / "taken_back"):
        schema.downgrade(pipeline.database_url, "-1")
    with contracts(tmp_path / "contracts"):
        schema.upgrade(pipeline.database_url)
    until(new.gone, "it ends by itself")
    assert new.process.returncode != 0
    assert "start a newer release" in new.log.read_text()
