"""`koppeling status`: whether the work gets on, and who is needed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import ago, print_json, print_table, quiet, say
from ops.commands.troubles import OK, SOMEBODY, TROUBLE

if TYPE_CHECKING:
    from ledger.health import Standing
    from ledger.readbacks import ReadbackFailure
    from ops.health import Finding
    from ops.lag import GroupLag
    from ops.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling status", "koppeling status --json", "koppeling status --stuck-after 600 || alert"
        )
    )(status)


def status(
    as_json: AsJson = False,
    stuck_after: Annotated[
        float, typer.Option(help="Seconds that work may wait before that counts as trouble.", min=1)
    ] = 120,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Show whether the work gets on, and what needs somebody.

    Exit code: 0 healthy, 3 somebody is needed, 1 trouble (nothing gets on, or a service does not answer).
    """
    quiet(verbose)
    from ledger.health import standing
    from ledger.readbacks import failing
    from ops.bootstrap import SERVICES, kafka_admin, ledger, settings_for
    from ops.health import Health, judge, worst

    settings = settings_for(SERVICES, data_dir)
    with ledger(settings) as connection:
        found = standing(connection)
        with connection.cursor() as cursor:
            readbacks = failing(cursor)
        offsets = {
            (topic, partition): offset
            for topic, partition, offset in connection.execute(
                "SELECT topic, partition, next_offset FROM input_offset"
            )
        }
    with kafka_admin(settings) as admin:
        lags = _lags(admin, settings, offsets)
    findings = judge(found, lags, timedelta(seconds=stuck_after), len(readbacks))
    health = worst(findings)
    if as_json:
        print_json(_as_json(found, lags, findings, readbacks))
    else:
        _print(found, lags, findings, readbacks)
    raise typer.Exit({Health.HEALTHY: OK, Health.SOMEBODY: SOMEBODY, Health.TROUBLE: TROUBLE}[health])


def _lags(admin: object, settings: Settings, offsets: dict[tuple[str, int], int]) -> list[GroupLag]:
    from kafka import KafkaAdminClient

    from ops.bootstrap import intake_group, receiver_group
    from ops.lag import consumer_groups, group_lags

    assert isinstance(admin, KafkaAdminClient)
    return group_lags(admin, consumer_groups(intake_group(settings), receiver_group(settings)), offsets)


def _as_json(
    found: Standing,
    lags: list[GroupLag],
    findings: list[Finding],
    readbacks: list[ReadbackFailure],
) -> dict[str, object]:
    from ops.health import worst

    due = found.oldest_due
    return {
        "health": worst(findings).word,
        "at": found.now,
        "findings": [
            {"health": finding.health.word, "what": finding.what, "do": finding.do} for finding in findings
        ],
        "lag": [asdict(lag) for lag in lags],
        "oldest_due": None
        if due is None
        else {**asdict(due), "seconds": round((found.now - due.due_at).total_seconds(), 1)},
        "last_booked": {item.package: item.last_booked_at for item in found.progress},
        "postings": [asdict(count) for count in found.states],
        "needs_somebody": [asdict(need) for need in found.needs],
        "outbox": asdict(found.outbox),
        "leases": [asdict(lease) for lease in found.leases],
        "held": [asdict(lane) for lane in found.held],
        "breakers": [asdict(breaker) for breaker in found.breakers],
        "files": [asdict(file) for file in found.stuck_files],
        "readbacks_failing": [
            {
                "administration": item.key.administration,
                "package": str(item.key.package),
                "code": str(item.code),
                "message": item.message_nl,
            }
            for item in readbacks
        ],
        "missing_in_package": found.missing_in_package,
        "in_recovery": found.in_recovery,
    }


def _print(
    found: Standing,
    lags: list[GroupLag],
    findings: list[Finding],
    readbacks: list[ReadbackFailure],
) -> None:
    due = found.oldest_due
    print_table(
        ("progress", "", ""),
        [
            *((f"lag of {lag.group}", lag.lag, _readers(lag)) for lag in lags),
            (
                "oldest due",
                ago(found.now - due.due_at) if due else "nothing is due",
                f"{due.administration} in {due.package}" if due else "",
            ),
            ("events to publish", found.outbox.size, ""),
            ("connections at work", sum(lease.connections for lease in found.leases), _owners(found)),
        ],
    )
    say("")
    _print_states(found)
    if found.held:
        say("")
        print_table(
            ("held", "package", "since", "tried again", "who acts", "why"),
            (
                (lane.administration, lane.package, lane.since, lane.probe_at, lane.who_acts, lane.message_nl)
                for lane in found.held
            ),
        )
    if found.needs:
        say("")
        print_table(
            ("needs somebody", "package", "who acts", "count", "oldest", "for instance"),
            (
                (need.code, need.package, need.who_acts, need.count, need.oldest, need.example)
                for need in found.needs
            ),
            right=("count",),
        )
    if readbacks:
        say("")
        print_table(
            ("readback fails", "package", "why"),
            ((item.key.administration, item.key.package, item.message_nl) for item in readbacks),
        )
    say("")
    if not findings:
        say("Healthy: everything gets on, and nobody is needed.")
        return
    print_table(
        ("verdict", "what", "do"),
        ((finding.health.word, finding.what, finding.do) for finding in findings),
    )


def _readers(lag: GroupLag) -> str:
    oldest = f", the oldest waits {ago(timedelta(seconds=lag.oldest_seconds))}" if lag.oldest_seconds else ""
    return f"{lag.members} processes read{oldest}"


def _owners(found: Standing) -> str:
    return ", ".join(f"{lease.owner} ({lease.connections})" for lease in found.leases)


def _print_states(found: Standing) -> None:
    packages = sorted({count.package or "" for count in found.states})
    states = sorted({count.state for count in found.states}, key=_place_of_state)
    numbers = {(count.package or "", count.state): count.count for count in found.states}
    last = {item.package: item.last_booked_at for item in found.progress}
    columns = ("package", *(state.replace("_", " ") for state in states), "last booked")
    print_table(
        columns,
        (
            (
                package or "unknown",
                *(numbers.get((package, state)) for state in states),
                f"{ago(found.now - last[package])} ago" if package in last else "",
            )
            for package in packages
        ),
        right=columns[1:],
        empty="No document has come in yet. Publish one with `koppeling publish FILE`.",
    )


def _place_of_state(state: str) -> int:
    from schemas.outcome import Outcome

    return list(Outcome).index(Outcome(state)) if state in set(Outcome) else len(Outcome)
