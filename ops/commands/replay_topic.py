"""`koppeling replay-topic`: reading ENK's input once more, dry by default."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.options import AsJson, DataDir, Verbose, examples, moment
from ops.commands.terminal import note, print_json, print_table, progress, quiet
from ops.commands.troubles import OK, SOMEBODY, Trouble

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ops.replay.topic import Handed
    from ops.replay.topic_reader import Stretch, TopicReader


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "replay-topic",
        epilog=examples(
            "koppeling replay-topic --since 2h",
            "koppeling replay-topic -t enk.invoices.v1 --since 2026-03-31 --until 2026-04-01T12:00 --go",
            "koppeling replay-topic --since 7d -a adm-1001 --go",
        ),
    )(replay_topic)


def replay_topic(
    since: Annotated[
        str, typer.Option(help="From this moment (Kafka's time of the record): 2026-03-31T09:00, or 2h, 7d.")
    ],
    until: Annotated[str | None, typer.Option(help="Before this moment; default: to the end.")] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", "-t", help="Of ENK's input topics; may be repeated. Default: all three."),
    ] = None,
    administration: Annotated[
        str | None, typer.Option("--administration", "-a", help="Only records of this administration.")
    ] = None,
    go: Annotated[bool, typer.Option("--go", help="Do it; without it nothing is kept.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; the audit keeps it.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Read ENK's input topics again and hand the records to the ledger.

    What the ledger has already has no effect: a record is known by its place on the topic, an event by its id
    and content, a document by its revision. Without --go only tells what would be new.
    """
    quiet(verbose)
    from ops.bootstrap import SERVICES, ledger, settings_for
    from ops.kafka_clients import kafka_client_config
    from ops.replay.topic_reader import topic_reader

    topics = _topics(topic)
    first, last = moment(since), moment(until) if until else None
    if last is not None and last <= first:
        raise typer.BadParameter("it must be later than --since.", param_hint="--until")
    settings = settings_for(SERVICES, data_dir)
    with topic_reader(kafka_client_config(settings)) as reader, ledger(settings) as connection:
        stretches = _stretches(reader, topics, first, last)
        detail: dict[str, object] = {
            "topics": list(topics),
            "since": first.isoformat(),
            "until": last.isoformat() if last else None,
            "administration": administration,
            "records": sum(stretch.length for stretch in stretches),
            "reason": reason,
        }
        if go:
            _audit(connection, "replay-topic.start", topics, detail)
        handed = _hand_over(reader, connection, stretches, administration, go)
        if go:
            _audit(connection, "replay-topic.done", topics, {**detail, **handed.as_json()})
    _report(handed, go, as_json)
    raise typer.Exit(SOMEBODY if handed.rejected else OK)


def _topics(wanted: Sequence[str] | None) -> tuple[str, ...]:
    from ops.replay.topic_reader import INPUT_TOPICS

    for one in wanted or ():
        if one not in INPUT_TOPICS:
            raise typer.BadParameter(f"{one!r} is none of: {', '.join(INPUT_TOPICS)}.", param_hint="--topic")
    return tuple(one for one in INPUT_TOPICS if not wanted or one in wanted)


def _stretches(
    reader: TopicReader, topics: Sequence[str], since: datetime, until: datetime | None
) -> list[Stretch]:
    from ops.replay.topic_reader import NoSuchTopic

    try:
        return [reader.stretch(topic, since, until) for topic in topics]
    except NoSuchTopic as missing:
        raise Trouble(
            f"Kafka has no topic {missing}; `koppeling topics apply` shows what is there."
        ) from None


def _hand_over(
    reader: TopicReader,
    connection: psycopg.Connection[TupleRow],
    stretches: Sequence[Stretch],
    administration: str | None,
    go: bool,
) -> Handed:
    from ops.replay.topic import hand_over
    from ops.replay.topic_reader import BrokerSilent

    with progress() as bar:
        task = bar.add_task("Reading", total=sum(stretch.length for stretch in stretches), state="")
        try:
            return hand_over(
                connection,
                (batch for stretch in stretches for batch in reader.records(stretch)),
                lambda: datetime.now(UTC),
                go=go,
                administration=administration,
                on_batch=lambda handed: bar.update(
                    task, completed=handed.read, state=f"{handed.new} new, {handed.rejected} rejected"
                ),
            )
        except BrokerSilent:
            raise Trouble(
                "Kafka gives nothing more, and there is more. What was read is done; start it again: on that "
                "it has no effect."
            ) from None


def _audit(
    connection: psycopg.Connection[TupleRow], action: str, topics: Sequence[str], detail: dict[str, object]
) -> None:
    from ledger.audit import record_action
    from ops.bootstrap import operator

    with connection.transaction(), connection.cursor() as cursor:
        record_action(cursor, operator(), action, " ".join(topics), detail)


def _report(handed: Handed, go: bool, as_json: bool) -> None:
    if as_json:
        print_json({**handed.as_json(), "done": go})
        return
    rows = [
        (handed.read, "read"),
        (handed.other, "of other administrations"),
        (handed.known, "already known: no effect"),
        (handed.new, "new postings"),
        (handed.administrations, "events of administrations; the newest of each counts"),
        (handed.rejected, "rejected: `koppeling postings list -s rejected`"),
    ]
    print_table(
        ("records", "are" if go else "would be"),
        [row for row in rows if row[0] or row[1] == "read"],
        right=("records",),
    )
    if not go:
        note("Nothing was kept. To do it, add --go.")
