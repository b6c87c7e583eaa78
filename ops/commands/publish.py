"""`koppeling publish`: events from a file, as ENK would publish them, and what becomes of each."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ops.commands.options import AsJson, DataDir, Verbose, examples
from ops.commands.terminal import note, print_json, print_table, progress, quiet, say
from ops.commands.troubles import OK, SOMEBODY, Trouble
from schemas.topics import ENK_INVOICES

if TYPE_CHECKING:
    from ops.commands.following import Verdict
    from ops.commands.sending import Published
    from ops.settings import Settings

SHOWN = 40
"""Rows of what is open or needs somebody; `postings list` shows the rest."""

NAMED = 6
"""Postings that a row names."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "koppeling publish month.jsonl --wait",
            "koppeling publish month.jsonl --wait --timeout 600 --json",
            "generate-events | koppeling publish -",
        )
    )(publish)


def publish(
    file: Annotated[str, typer.Argument(help="A JSON Lines file; - reads standard input.")],
    topic: Annotated[str, typer.Option(help="Where lines go that do not say it themselves.")] = ENK_INVOICES,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every event is booked, or somebody must act.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds that --wait lasts at most.", min=0)] = 300.0,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Publish events from a file, as ENK would.

    One event a line, in CloudEvents JSON format; each goes to the topic of its type. Any other line is
    published as the bytes that it is, and `{"raw": {"topic", "key", "headers", "value_base64"}}` as
    exactly that record, so that bad input can be tried. Empty lines are skipped.

    Exit code with --wait: 0 all is well, 3 something needs somebody or is still open, 1 trouble.
    """
    quiet(verbose)
    from ops.bootstrap import SERVICES, settings_for
    from ops.settings import Need

    settings = settings_for(SERVICES if wait else (Need.KAFKA,), data_dir)
    with _input(file) as stream:
        published = _send(settings, stream, topic)
    if wait:
        status = _follow(settings, published.places, timeout, as_json)
    else:
        _report_sent(published.places, as_json)
        status = 0
    if published.refused:
        raise Trouble("\n".join(published.refused) + f"\nThe other {len(published.places)} were published.")
    raise typer.Exit(status)


@contextmanager
def _input(file: str) -> Iterator[IO[bytes]]:
    """The input, in a form that can be read twice."""
    if file != "-":
        with Path(file).open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as copy:
        while block := sys.stdin.buffer.read(1 << 20):
            copy.write(block)
        copy.seek(0)
        yield copy


def _send(settings: Settings, stream: IO[bytes], topic: str) -> Published:
    from ops.bootstrap import kafka_admin
    from ops.commands.sending import check_lines, lines_of, send_all
    from ops.kafka_clients import kafka_client_config

    total = check_lines(stream, topic)
    if total == 0:
        raise Trouble("There is nothing to publish: the input is empty.")
    stream.seek(0)
    with kafka_admin(settings) as admin:
        topics = frozenset(admin.list_topics())
    with progress() as bar:
        task = bar.add_task("Publishing", total=total, state="")
        return send_all(
            dict(kafka_client_config(settings)),
            lines_of(stream, topic),
            topics,
            lambda count: bar.update(task, completed=count),
        )


def _report_sent(places: Sequence[tuple[str, int, int]], as_json: bool) -> None:
    if as_json:
        print_json([{"topic": topic, "partition": part, "offset": at} for topic, part, at in places])
        return
    counts = Counter(topic for topic, _, _ in places)
    print_table(("topic", "published"), sorted(counts.items()), right=("published",))
    say("Follow them with `koppeling postings list --since 5m`, or publish with --wait.")


def _follow(settings: Settings, places: Sequence[tuple[str, int, int]], timeout: float, as_json: bool) -> int:
    import psycopg

    from ops.commands.following import FOLLOWED_TOPICS, Standing, wait_for

    followed = [place for place in places if place[0] in FOLLOWED_TOPICS]
    elsewhere = Counter(topic for topic, _, _ in places if topic not in FOLLOWED_TOPICS)
    with progress() as bar:
        task = bar.add_task("Following", total=len(followed), state="")
        verdicts = wait_for(
            lambda: psycopg.connect(
                settings.database_url,
                autocommit=True,
                connect_timeout=settings.database.connect_timeout_seconds,
                application_name="koppeling-publish",
            ),
            followed,
            timeout,
            on_progress=lambda counts: bar.update(
                task,
                completed=counts.get(Standing.DONE, 0) + counts.get(Standing.NEEDS_SOMEBODY, 0),
                state=f"{counts.get(Standing.NEEDS_SOMEBODY, 0)} need somebody" if counts else "",
            ),
        )
    undone = [verdict for verdict in verdicts if verdict.standing is not Standing.DONE]
    if as_json:
        print_json(
            {
                "published": len(places),
                "not_followed": dict(elsewhere),
                "standing": {
                    str(standing): sum(verdict.standing is standing for verdict in verdicts)
                    for standing in Standing
                },
                "outcomes": dict(sorted(Counter(verdict.outcome for verdict in verdicts).items())),
                "records": [verdict.as_json() for verdict in verdicts],
            }
        )
    else:
        _print_summary(verdicts, undone, elsewhere, timeout)
    return SOMEBODY if undone else OK


def _print_summary(
    verdicts: Sequence[Verdict], undone: Sequence[Verdict], elsewhere: Counter[str], timeout: float
) -> None:
    counts = Counter((str(verdict.standing), verdict.outcome) for verdict in verdicts)
    order = {"done": 0, "needs_somebody": 1, "open": 2}
    print_table(
        ("standing", "outcome", "events"),
        (
            (standing.replace("_", " "), outcome.replace("_", " "), count)
            for (standing, outcome), count in sorted(
                counts.items(), key=lambda item: (order[item[0][0]], -item[1])
            )
        ),
        right=("events",),
        title=f"{len(verdicts)} events",
        empty="No event could be followed.",
    )
    for topic, count in sorted(elsewhere.items()):
        note(f"{count} records went to {topic}, which the intake does not read: they were not followed.")
    if not undone:
        say("All is well.")
        return
    groups = alike(undone)
    print_table(
        ("events", "administration", "outcome", "who acts", "what", "postings"),
        groups[:SHOWN],
        right=("events",),
        title="Still open, or waiting for somebody",
    )
    if len(groups) > SHOWN:
        say(f"… and {len(groups) - SHOWN} more kinds: `koppeling postings list --open`.")
    if any(verdict.standing == "open" for verdict in undone):
        say(
            f"Some were still open after {timeout:g} s: `koppeling status` shows what they wait for, "
            "`koppeling postings list --open` where they are."
        )
    else:
        say(
            "Do what the last column says, then `koppeling postings retry ID`; `koppeling postings show ID` "
            "tells all of one."
        )


def alike(verdicts: Sequence[Verdict]) -> list[tuple[object, ...]]:
    """One row for all that wait for the same thing in one administration, most first."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for verdict in verdicts:
        posting = verdict.posting
        if posting is None:
            topic, partition, offset = verdict.place
            kind: tuple[object, ...] = (None, verdict.outcome.replace("_", " "), None, f"in {topic}")
            groups.setdefault(kind, []).append(f"{partition}@{offset}")
        else:
            kind = (posting.administration, posting.state, posting.who_acts, posting.message_nl)
            groups.setdefault(kind, []).append(posting.id)
    return [
        (len(names), *kind, ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else ""))
        for kind, names in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
