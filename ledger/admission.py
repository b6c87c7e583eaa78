"""What an input record becomes, decided without a database: the pure half of the inbox.

`read_command` turns a record of one of our own topics into a `Command`: where it came from on ENK's topic,
and what it says (an event, a tombstone, a rejection, or something that only a newer release understands).
`admit_invoice` and `admit_relation` compare an event with what the ledger already has of that document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Reason, reason
from schemas.reading import ReadEvent, Rejection, SchemaAhead, Tombstone, read_record
from schemas.topics import (
    INTAKE_DLQ,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
)

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class SourceRecord:
    """A record's place on an input topic of ENK; it identifies the record for ever."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class KafkaRecord:
    """A record as a consumer hands it over."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers
    value: bytes | None


@dataclass(frozen=True)
class Refusal:
    """Input that cannot become a posting now, with what was recognisable of it."""

    reason: Reason
    ahead: bool
    administration: str | None
    kind: str
    document_id: str | None
    number: str | None
    revision: int | None
    event_id: str | None


@dataclass(frozen=True)
class Command:
    """One record for the ledger; `key`, `headers` and `value` are ENK's original."""

    source: SourceRecord
    key: bytes | None
    headers: Headers
    value: bytes | None
    content: ReadEvent | Tombstone | Refusal


def read_command(record: KafkaRecord) -> Command:
    """Read a record of a sink, holding or dead-letter topic; never raises for anything ENK could send."""
    own = {name: value for name, value in record.headers if name.startswith("koppeling_")}
    if SOURCE_TOPIC_HEADER in own:
        source = SourceRecord(
            own[SOURCE_TOPIC_HEADER].decode(),
            int(own[SOURCE_PARTITION_HEADER]),
            int(own[SOURCE_OFFSET_HEADER]),
        )
    else:
        source = SourceRecord(record.topic, record.partition, record.offset)
    headers = [(name, value) for name, value in record.headers if not name.startswith("koppeling_")]
    content = read_content(source.topic, record.key, headers, record.value)
    if record.topic == INTAKE_DLQ and not isinstance(content, Refusal):
        content = _refused_by_intake(content, own)
    return Command(source, record.key, headers, record.value, content)


def read_content(
    topic: str, key: bytes | None, headers: Headers, value: bytes | None
) -> ReadEvent | Tombstone | Refusal:
    """An event, or why it is none."""
    try:
        return read_record(topic, key, headers, value)
    except SchemaAhead as ahead:
        why = reason(Code.SCHEMA_AHEAD, field=ahead.field, value=ahead.field)
        kind = _kind_name(ahead.kind, topic)
        return Refusal(
            why, True, ahead.administration, kind, ahead.id, ahead.number, ahead.revision, ahead.event_id
        )
    except Rejection as rejection:
        kind = _kind_name(rejection.kind, topic)
        return Refusal(
            rejection.reason,
            False,
            rejection.administration,
            kind,
            rejection.id,
            rejection.number,
            rejection.revision,
            rejection.event_id,
        )


def _refused_by_intake(content: ReadEvent | Tombstone, own: Mapping[str, bytes]) -> Refusal:
    """The intake of another release refused what this one can read: its reason stands."""
    text = {name.removeprefix("koppeling_error_"): value.decode() for name, value in own.items()}
    why = reason(
        Code(text.get("code", Code.INTERNAL)), field=text.get("field"), vendor_message=text.get("en")
    )
    if isinstance(content, Tombstone):
        return Refusal(
            why, False, content.administration, "administration", content.administration, None, None, None
        )
    return Refusal(
        why,
        False,
        content.envelope.partition_key,
        kind_of(content),
        content.data.id,
        getattr(content.data, "number", None),
        getattr(content.data, "revision", None),
        content.envelope.id,
    )


def _kind_name(kind: object, topic: str) -> str:
    """The rejected document's kind; `record` when not even that is known."""
    return str(kind) if kind else "record"


def kind_of(event: ReadEvent) -> str:
    """`relation`, `sales_invoice`, `purchase_invoice` or `administration`."""
    if isinstance(event.data, Invoice):
        return "sales_invoice" if event.data.direction is Direction.SALES else "purchase_invoice"
    return str(event.kind)


def comparable_number(number: str) -> str:
    """Supplier numbers are compared trimmed and without case."""
    return " ".join(number.split()).casefold()


def match_key(invoice: Invoice) -> str:
    """What makes two invoices the same for a bookkeeper: the number; on purchases with the creditor."""
    if invoice.direction is Direction.SALES:
        return invoice.number.strip()
    return f"{invoice.relation_id}|{comparable_number(invoice.supplier_invoice_number or '')}"


def credits_key(invoice: Invoice) -> str | None:
    """The match key of the invoice that a credit names; None when it names none."""
    if not invoice.credits_invoice_number:
        return None
    if invoice.direction is Direction.SALES:
        return invoice.credits_invoice_number.strip()
    return f"{invoice.relation_id}|{comparable_number(invoice.credits_invoice_number)}"


class Admission(StrEnum):
    """What becomes of an event that could be read."""

    NEW = "new"
    REPEATED = "repeated"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True)
class Known:
    """A revision that the ledger already has."""

    revision: int
    content_hash: bytes


def admit_invoice(revision: int, content_hash: bytes, known: Sequence[Known]) -> Admission:
    """An invoice against the revisions of the same document."""
    for other in known:
        if other.revision == revision:
            return Admission.REPEATED if other.content_hash == content_hash else Admission.CONTRADICTS
    if any(other.revision > revision for other in known):
        return Admission.SUPERSEDED
    return Admission.NEW


def admit_relation(revision: int, content_hash: bytes, known: Known | None) -> Admission:
    """A relation against the newest revision we have."""
    if known is None:
        return Admission.NEW
    if known.revision > revision:
        return Admission.SUPERSEDED
    if known.content_hash == content_hash:
        return Admission.UNCHANGED
    if known.revision == revision:
        return Admission.CONTRADICTS
    return Admission.NEW
