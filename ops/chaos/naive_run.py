"""The second proof: the same documents, kills and package faults against a loop without a ledger.

What it misses and books twice is printed beside ours, so that the check is seen to fail.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx

from ops.bootstrap import kafka_admin
from ops.chaos.companies import create_companies, plan_of
from ops.chaos.documents import Issued, documents, setting_up
from ops.chaos.done import Record
from ops.chaos.faults import Faults
from ops.chaos.naive_process import COMPANIES_FILE, GROUP
from ops.chaos.play import ChaosPlan
from ops.chaos.publishing import Publishing
from ops.chaos.report import ChaosReport, NaiveResult
from ops.chaos.schedule import NAIVE, PLAYING, Act, Company, Fault, Schedule, draw_schedule
from ops.chaos.terms import terms_of
from ops.chaos.timeline import Timeline
from ops.chaos.verdict import Facts, judge
from ops.chaos.worker_process import FOLDER_VARIABLE
from ops.kafka_clients import kafka_client_config
from ops.running.stack import Stack, StackPlan
from schemas.outcome import Package
from schemas.topics import ENK_INVOICES
from vendors.simulation.contract import BooksAnswer


def play_naive(plan: ChaosPlan, report: ChaosReport, say: Callable[[str], None]) -> ChaosReport:
    """The report with the naive loop's result beside ours."""
    data_dir = plan.data_dir / "naive"
    folder = data_dir / "chaos"
    folder.mkdir(parents=True, exist_ok=True)
    direct = [company for company in plan.companies if company.package is Package.SNELSTART]
    terms = terms_of(plan.minutes)
    stack = Stack(
        StackPlan(
            data_dir=data_dir,
            simulators=(str(Package.SNELSTART),),
            terms={**terms.environment, FOLDER_VARIABLE: str(folder)},
            seed=plan.seed,
            worker_module="ops.chaos.naive_process",
            intake=False,
        ),
        on_progress=say,
    )
    # The loop reads its companies when it starts: until they exist it has none, and is started again.
    (folder / COMPANIES_FILE).write_text("{}")
    with stack:
        plans = {company.administration: plan_of(company, plan.seed) for company in direct}
        credentials = create_companies(stack.control, direct, plans)
        known = {
            name: {"credentials": dict(credentials[name]), "mapping": dict(plans[name].mapping)}
            for name in credentials
        }
        (folder / COMPANIES_FILE).write_text(json.dumps(known, default=str))
        with stack.held_down("worker-1"):
            pass
        return replace(report, naive=_play(plan, stack, direct, say))


def _play(plan: ChaosPlan, stack: Stack, direct: list[Company], say: Callable[[str], None]) -> NaiveResult:
    record = Record()
    faults = Faults(stack, plan.data_dir / "naive" / "chaos", record)
    names = {company.administration for company in direct}
    schedule = concerning(
        draw_schedule(plan.seed, plan.minutes, plan.companies, terms_of(plan.minutes)), names
    )
    rate = plan.documents * 1.1 / (plan.minutes * 60 * PLAYING) * len(direct) / len(plan.companies)

    def stream() -> Iterator[Issued]:
        return (
            issued
            for issued in documents(plan.companies, plan.documents, plan.seed)
            if issued.administration in names
        )

    publishing = Publishing(dict(kafka_client_config(stack.settings)), stream(), rate)
    publishing.publish_now(setting_up(direct, plan.seed))
    timeline = Timeline(schedule, faults.strike)
    say(f"The naive loop: {len(schedule.acts)} faults")
    publishing.start()
    timeline.start()
    deadline = time.monotonic() + plan.minutes * 60 * 2 + 120
    try:
        while time.monotonic() < deadline and not (publishing.finished and timeline.finished):
            publishing.check()
            timeline.check()
            time.sleep(0.25)
        faults.end()
        # One after the other, it is slower than we are: it gets all the time that it may need.
        deadline = time.monotonic() + max(plan.settle_seconds, plan.documents)
        while not (finished := _has_read_all(stack)) and time.monotonic() < deadline:
            time.sleep(1.0)
    finally:
        timeline.stop()
        publishing.stop()
    answer = httpx.get(f"{stack.control}/books", timeout=300, trust_env=False)
    books = BooksAnswer.model_validate_json(answer.content).companies
    verdict = judge(publishing.documents, books, Facts())
    return NaiveResult(verdict, sum(record.kills.values()), finished)


def concerning(schedule: Schedule, administrations: set[str]) -> Schedule:
    """What strikes a loop without a ledger that works for these administrations."""
    acts: list[Act] = []
    for act in schedule.acts:
        if act.fault is Fault.KILL_WORKER_AT_STEP:
            act = replace(act, fault=Fault.KILL_WORKER, target="")
        if act.fault in NAIVE and (not act.target or act.target in administrations):
            acts.append(act)
    return replace(schedule, acts=tuple(acts))


def _has_read_all(stack: Stack) -> bool:
    with kafka_admin(stack.settings) as admin:
        committed = {
            (partition.topic, partition.partition): entry.offset
            for partition, entry in admin.list_group_offsets({GROUP: None})[GROUP].items()
        }
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(**kafka_client_config(stack.settings))
    try:
        numbers = consumer.partitions_for_topic(ENK_INVOICES) or set()
        ends = consumer.end_offsets([TopicPartition(ENK_INVOICES, number) for number in numbers])
    finally:
        consumer.close()
    return all(
        committed.get((partition.topic, partition.partition), 0) >= end for partition, end in ends.items()
    )
