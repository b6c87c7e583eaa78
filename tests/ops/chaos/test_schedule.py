"""A schedule follows from its seed, and has everything in it that can go wrong."""

from __future__ import annotations

import pytest

from ops.chaos.documents import companies_of
from ops.chaos.naive_run import concerning
from ops.chaos.schedule import PLAYING, VENDOR_FAULTS, Fault, Schedule, draw_schedule
from ops.chaos.terms import terms_of
from schemas.outcome import Package
from vendors.simulation.contract import FaultRequest, Kind

COMPANIES = companies_of(54)


def drawn(seed: int, minutes: float) -> Schedule:
    return draw_schedule(seed, minutes, COMPANIES, terms_of(minutes))


def test_the_same_seed_draws_the_same_schedule() -> None:
    assert drawn(3, 30) == drawn(3, 30)
    assert drawn(3, 30) != drawn(4, 30)


@pytest.mark.parametrize("minutes", [1, 30])
def test_every_fault_is_in_it(minutes: float) -> None:
    acts = drawn(1, minutes).acts
    always = set(Fault) - {act.fault for act in acts if act.fault.is_kill}
    assert {fault for fault in always if not fault.is_kill} <= {act.fault for act in acts}
    assert set(VENDOR_FAULTS) <= {act.name for act in acts}
    kinds = {request["kind"] for act in acts for request in act.requests}
    assert kinds == {str(kind) for kind in Kind}
    assert all(0 <= act.at <= minutes * 60 * PLAYING for act in acts)
    assert list(acts) == sorted(acts, key=lambda act: (act.at, act.fault))


def test_a_full_run_kills_more_than_a_hundred_processes_of_every_kind() -> None:
    kills = [act.fault for act in drawn(1, 30).acts if act.fault.is_kill]
    assert len(kills) >= 120
    assert set(kills) == {fault for fault in Fault if fault.is_kill}


def test_a_full_run_stalls_the_database_for_forty_seconds() -> None:
    assert {act.seconds for act in drawn(1, 30).acts if act.fault is Fault.STALL_DATABASE} == {40.0}


@pytest.mark.parametrize("minutes", [1, 30])
def test_a_stopped_worker_outlives_its_lease(minutes: float) -> None:
    terms = terms_of(minutes)
    stops = [a for a in drawn(1, minutes).acts if a.fault in (Fault.STOP_WORKER, Fault.STOP_BEFORE_SEND)]
    assert stops
    assert all(act.seconds > terms.lease + terms.call_timeout + terms.settle for act in stops)


def test_the_restore_follows_the_copy() -> None:
    moments = {act.fault: act.at for act in drawn(1, 30).acts}
    assert 120 <= moments[Fault.RESTORE_DATABASE] - moments[Fault.COPY_DATABASE] <= 300


def test_simulators_understand_every_request() -> None:
    for act in drawn(1, 30).acts:
        for request in act.requests:
            FaultRequest.model_validate(dict(request))


def test_the_naive_loop_gets_the_kills_and_the_faults_of_its_package() -> None:
    direct = {company.administration for company in COMPANIES if company.package is Package.SNELSTART}
    whole = drawn(1, 30)
    acts = concerning(whole, direct).acts
    assert {act.fault for act in acts} == {Fault.KILL_WORKER, Fault.PACKAGE}
    assert all(not act.target or act.target in direct for act in acts)
    workers = (Fault.KILL_WORKER, Fault.KILL_WORKER_AT_STEP)
    assert sum(a.fault is Fault.KILL_WORKER for a in acts) == sum(a.fault in workers for a in whole.acts)
