"""What a run publishes: as many documents as asked for, each once, in order but for what is meant."""

from __future__ import annotations

import json
from collections import Counter

from ops.chaos.documents import Disorder, companies_of, documents
from schemas.event_kind import EventKind
from schemas.invoice import Invoice
from schemas.publishing import record_from_line
from schemas.reading import ReadEvent, Rejection, read_record
from schemas.topics import ENK_INVOICES

STREAM = list(documents(companies_of(6), 600, 7))


def read(event: dict[str, object]) -> ReadEvent | Rejection:
    record = record_from_line(json.dumps(event).encode(), ENK_INVOICES)
    try:
        found = read_record(record.topic, record.key, list(record.headers), record.value)
    except Rejection as rejection:
        return rejection
    assert isinstance(found, ReadEvent)
    return found


def test_the_same_arguments_give_the_same_stream() -> None:
    assert list(documents(companies_of(6), 600, 7)) == STREAM


def test_as_many_documents_as_asked_each_once() -> None:
    demanded = [issued.document for issued in STREAM if issued.document]
    assert len(demanded) >= 600
    assert len({document.place for document in demanded}) == len(demanded)


def test_every_disorder_is_there_and_only_poison_is_unreadable() -> None:
    counted = Counter(issued.disorder for issued in STREAM)
    assert set(Disorder) <= set(counted)
    for issued in STREAM:
        assert isinstance(read(issued.event), Rejection) is (issued.disorder is Disorder.POISON)


def test_a_document_is_its_latest_revision_to_the_cent() -> None:
    latest: dict[tuple[str, str], Invoice] = {}
    for issued in STREAM:
        event = read(issued.event)
        if isinstance(event, ReadEvent) and event.kind is EventKind.INVOICE:
            assert isinstance(event.data, Invoice)
            known = latest.get((event.data.administration, event.data.id))
            if known is None or known.revision < event.data.revision:
                latest[event.data.administration, event.data.id] = event.data
    demanded = {
        (i.document.place.administration, i.document.document_id): i.document for i in STREAM if i.document
    }
    assert demanded.keys() == latest.keys()
    for name, invoice in latest.items():
        assert (demanded[name].gross, demanded[name].net) == (invoice.totals.gross, invoice.totals.net)


def test_a_credit_demands_what_was_published_before_it() -> None:
    seen = set()
    credits_ = 0
    for issued in STREAM:
        if issued.document is None:
            continue
        if issued.document.credits is not None:
            credits_ += 1
            assert issued.document.credits in seen
        seen.add(issued.document.place)
    assert credits_ > 10
