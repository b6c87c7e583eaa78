"""What an input record becomes, decided without a database: the pure half of the inbox.

`read_command` turns a record of one of our own topics into a `Command`: where it came from on ENK's topic,
and what it says (an event, a tombstone, a rejection, or something that only a newer release understands).
`admit_invoice` and `admit_relation` compare an event with what the ledger already has of that document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from schemas.dead_letter import Place, put_back, without_marks
from schemas.event_kind import KIND_OF_TOPIC
from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Reason, WhoActs, parse_code, reason
from schemas.reading import ReadEvent, Rejection, SchemaAhead, Tombstone, read_record
from schemas.topics import (
    ERROR_CODE_HEADER,
    ERROR_EN_HEADER,
    ERROR_FIELD_HEADER,
    ERROR_NL_HEADER,
    ERROR_WHO_ACTS_HEADER,
    INTAKE_DLQ,
    ORIGIN_TOPIC_HEADER,
    OWN_PREFIX,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
    VALUE_WAS_NULL_HEADER,
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
    """One record for the ledger; `key`, `headers` and `value` are ENK's original.

    Attributes:
        origin: where it came from the first time, when it was a dead letter that somebody put back.
        dead: the intake has dead-lettered it.
    """

    source: SourceRecord
    key: bytes | None
    headers: Headers
    value: bytes | None
    content: ReadEvent | Tombstone | Refusal
    origin: Place | None = None
    dead: bool = False


def read_command(record: KafkaRecord) -> Command:
    """Read a record of a sink, holding or dead-letter topic; never raises, whatever the record.

    A dead letter keeps the reason that the intake gave; what is recognisable is read from the original.
    """
    own = {name: value for name, value in record.headers if name.startswith(OWN_PREFIX)}
    source = _source(record, own)
    headers = without_marks(record.headers)
    dead = record.topic == INTAKE_DLQ
    value = None if dead and record.value == b"" and VALUE_WAS_NULL_HEADER in own else record.value
    content = read_content(source.topic, record.key, headers, value)
    if dead and ERROR_CODE_HEADER in own:
        content = _refused_by_intake(content, own)
    return Command(source, record.key, headers, value, content, _origin(record, source), dead)


def _origin(record: KafkaRecord, source: SourceRecord) -> Place | None:
    """The first origin that a record names which was put back; None for any other."""
    if not any(name == ORIGIN_TOPIC_HEADER for name, _ in record.headers):
        return None
    before = put_back(record.headers)
    if before is None or before.origin.topic not in KIND_OF_TOPIC:
        return None
    return None if before.origin == Place(source.topic, source.partition, source.offset) else before.origin


def _source(record: KafkaRecord, own: Mapping[str, bytes]) -> SourceRecord:
    """Where the record was on ENK's topic; a record that says nothing credible is its own source."""
    try:
        return SourceRecord(
            own[SOURCE_TOPIC_HEADER].decode(),
            int(own[SOURCE_PARTITION_HEADER]),
            int(own[SOURCE_OFFSET_HEADER]),
        )
    except (KeyError, ValueError):
        return SourceRecord(record.topic, record.partition, record.offset)


def read_content(
    topic: str, key: bytes | None, headers: Headers, value: bytes | None
) -> ReadEvent | Tombstone | Refusal:
    """An event, or why it is none."""
    if topic not in KIND_OF_TOPIC:
        why = reason(Code.INVALID_EVENT, value=topic)
        return Refusal(why, False, None, "record", None, None, None, None)
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


def _refused_by_intake(content: ReadEvent | Tombstone | Refusal, own: Mapping[str, bytes]) -> Refusal:
    """The intake's reason stands, also when this release would read the record otherwise."""
    text = {name: value.decode("utf-8", "replace") for name, value in own.items()}
    code = parse_code(text[ERROR_CODE_HEADER])
    base = reason(code, field=text.get(ERROR_FIELD_HEADER) or None)
    why = Reason(
        code=code,
        field=base.field,
        nl=text.get(ERROR_NL_HEADER) or base.nl,
        en=text.get(ERROR_EN_HEADER) or base.en,
        who_acts=_who_acts(text.get(ERROR_WHO_ACTS_HEADER), base.who_acts),
    )
    if isinstance(content, Refusal):
        return replace(content, reason=why, ahead=False)
    if isinstance(content, Tombstone):
        administration = content.administration
        return Refusal(why, False, administration, "administration", administration, None, None, None)
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


def _who_acts(text: str | None, default: WhoActs) -> WhoActs:
    try:
        return WhoActs(text or "")
    except ValueError:
        return default


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
    MENDED = "mended"
    """ENK sends, readable now, the revision that a person had to mend here."""


@dataclass(frozen=True)
class Known:
    """A revision that the ledger already has.

    Attributes:
        revision: which.
        content_hash: of what ENK sent; empty when that could not be read and a person mended it.
        edited_hash: of what is (to be) booked, where a person edited it.
    """

    revision: int
    content_hash: bytes
    edited_hash: bytes | None = None

    @classmethod
    def of(cls, revision: int, content_hash: bytes, original_hash: bytes | None) -> Known:
        """From a row: `original_hash` is there when `content_hash` is that of an edit."""
        if original_hash is None:
            return cls(revision, bytes(content_hash))
        return cls(revision, bytes(original_hash), bytes(content_hash))

    def compared_with(self, content_hash: bytes) -> Admission:
        """The same revision once more."""
        if content_hash == self.content_hash:
            return Admission.REPEATED
        if self.content_hash:
            return Admission.CONTRADICTS
        return Admission.REPEATED if content_hash == self.edited_hash else Admission.MENDED


def admit_invoice(revision: int, content_hash: bytes, known: Sequence[Known]) -> Admission:
    """An invoice against the revisions of the same document."""
    for other in known:
        if other.revision == revision:
            return other.compared_with(content_hash)
    if any(other.revision > revision for other in known):
        return Admission.SUPERSEDED
    return Admission.NEW


def admit_relation(revision: int, content_hash: bytes, known: Known | None) -> Admission:
    """A relation against the newest revision we have."""
    if known is None:
        return Admission.NEW
    if known.revision > revision:
        return Admission.SUPERSEDED
    if known.revision == revision:
        same = known.compared_with(content_hash)
        return {Admission.REPEATED: Admission.UNCHANGED, Admission.MENDED: Admission.NEW}.get(same, same)
    is_booked_already = content_hash == (known.edited_hash or known.content_hash)
    return Admission.UNCHANGED if is_booked_already else Admission.NEW
