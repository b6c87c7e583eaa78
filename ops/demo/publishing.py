"""Publishing the demo's events on Kafka as ENK does, and following what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import psycopg
from psycopg.rows import TupleRow

from ops.bootstrap import kafka_admin
from ops.commands.following import Place, Standing, Verdict, look
from ops.commands.sending import Line, send_all
from ops.commands.troubles import Trouble
from ops.demo.scenario import Company
from ops.kafka_clients import kafka_client_config
from ops.sample_relations import Json
from ops.settings import Settings
from schemas.outcome import Outcome
from schemas.publishing import record_from_line
from schemas.topics import ENK_INVOICES

Published = dict[Place, str]
"""The administration of each record that was published."""


def publish(settings: Settings, events: Iterable[tuple[Company, Json]]) -> Published:
    """Publish in order; where each record went."""
    owners, lines = [], []
    for number, (company, event) in enumerate(events, start=1):
        owners.append(company.administration)
        lines.append(Line(number, record_from_line(json.dumps(event).encode(), ENK_INVOICES)))
    with kafka_admin(settings) as admin:
        topics = frozenset(admin.list_topics())
    published = send_all(dict(kafka_client_config(settings)), lines, topics)
    if published.refused:
        raise Trouble("\n".join(published.refused))
    return dict(zip(published.places, owners, strict=True))


def alternating(
    companies: Sequence[Company], events: Callable[[Company], Sequence[Json]]
) -> list[tuple[Company, Json]]:
    """The companies' events among each other, each company's in its order, as ENK's outbox sends them."""
    rows = [(company, list(events(company))) for company in companies]
    longest = max((len(own) for _, own in rows), default=0)
    return [(company, own[place]) for place in range(longest) for company, own in rows if place < len(own)]


def settled(
    ledger: psycopg.Connection[TupleRow], published: Published
) -> tuple[Mapping[str, int], list[Verdict]]:
    """How many records of each administration are finished, and the verdicts on those that are not."""
    done: dict[str, int] = dict.fromkeys(published.values(), 0)
    undone: list[Verdict] = []
    for verdict in look(ledger, list(published)):
        # A hold passes when the administration is connected, or when its package answers again.
        is_refused = verdict.standing is Standing.NEEDS_SOMEBODY and verdict.outcome != Outcome.HELD
        if verdict.standing is Standing.DONE or is_refused:
            done[published[verdict.place]] += 1
        else:
            undone.append(verdict)
    return done, undone
